"""`/api/v1/mailboxes/<id>/folders/`: how far the answers of a mailbox were read; and reading it now."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from campaigns.actions.mailsync import ask_sync, choose_folder
from campaigns.models import MailFolder
from campaigns.queries.mailsync import folder_lines
from leadgen.core import clock
from leadgen.core.errors import NotFound


class MailFolderSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="row.pk", read_only=True)
    name = serializers.CharField(read_only=True)
    role = serializers.CharField(source="row.role", read_only=True, help_text="inbox, sent, all, junk or other.")
    is_read = serializers.BooleanField(source="row.is_read", read_only=True)
    read_at = serializers.DateTimeField(source="row.read_at", read_only=True, help_text="Complete to.")
    total = serializers.IntegerField(source="row.total", read_only=True, help_text="Message-IDs of the last 30 days.")
    stored = serializers.IntegerField(source="row.stored", read_only=True, help_text="Of these, stored here.")
    counted_at = serializers.DateTimeField(source="row.counted_at", read_only=True)
    error = serializers.CharField(source="row.error", read_only=True)


class FolderChoiceSerializer(serializers.Serializer[Any]):
    folder = serializers.UUIDField()
    is_read = serializers.BooleanField()


class SyncMixin:
    """Actions of the mailbox viewset about reading answers."""

    get_object: Any
    _body: Any

    @extend_schema(summary="Read a mailbox now", request=None, responses={202: None})
    @action(detail=True, methods=["post"])
    def sync(self, request: Request, pk: str) -> Response:
        """A worker reads it over IMAP; read the mailbox again for `synced_at` and `sync_error`."""
        mailbox = self.get_object()
        ask_sync(mailbox=mailbox, now=clock.now())
        return Response(self._body(mailbox), status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Folders of a mailbox", responses=MailFolderSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def folders(self, request: Request, pk: str) -> Response:
        """Every folder that may be read, how far it was, and how much of it is stored."""
        return Response(MailFolderSerializer(folder_lines(self.get_object()), many=True).data)

    @extend_schema(
        summary="Read a folder or leave it out", request=FolderChoiceSerializer,
        responses=MailFolderSerializer(many=True),
    )  # fmt: skip
    @folders.mapping.post
    def choose_folder(self, request: Request, pk: str) -> Response:
        """The inbox, Sent and All Mail are always read."""
        mailbox, serializer = self.get_object(), FolderChoiceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        folder = MailFolder.objects.select_related("mailbox").filter(pk=data["folder"], mailbox=mailbox).first()
        if folder is None:
            raise NotFound("This mailbox has no such folder.", field="folder")
        choose_folder(folder=folder, is_read=data["is_read"], by=actor_of(request), now=clock.now())
        return Response(MailFolderSerializer(folder_lines(mailbox), many=True).data)
