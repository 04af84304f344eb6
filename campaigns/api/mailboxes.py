"""`/api/v1/mailboxes/`: sending identities."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from campaigns.actions import health
from campaigns.actions import mailboxes as actions
from campaigns.actions.mailbox_checks import ask_check
from campaigns.api import mailbox_pace
from campaigns.api.mailbox_pace import PaceMixin
from campaigns.api.mailbox_sync import SyncMixin
from campaigns.models import Mailbox
from campaigns.queries.mailboxes import check_of, usage_of
from campaigns.transports.services import REGIONS
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.api.fields import TenantKeyField


class MailboxSerializer(serializers.ModelSerializer[Mailbox]):
    member = TenantKeyField(Member, required=False, allow_null=True)
    password = serializers.CharField(
        write_only=True, required=False, allow_blank=True, trim_whitespace=False, max_length=500,
        help_text="Stored encrypted; no call returns it.",
    )  # fmt: skip
    imap_password = serializers.CharField(
        write_only=True, required=False, allow_blank=True, trim_whitespace=False, max_length=500,
        help_text="Empty: IMAP is read with the password of SMTP. No call returns it.",
    )  # fmt: skip
    esp_key = serializers.CharField(
        write_only=True, required=False, max_length=500, help_text="Key of the sending service. No call returns it."
    )
    esp_secret = serializers.CharField(
        write_only=True, required=False, allow_blank=True, max_length=500, help_text="Its second key (Mailjet)."
    )
    warmed_up = serializers.CharField(
        write_only=True, required=False, allow_blank=True, max_length=250,
        help_text="When adding: how you know that it needs no ramp. Without it a mailbox starts with 5 a day.",
    )  # fmt: skip
    esp_domain = serializers.CharField(write_only=True, required=False, allow_blank=True, max_length=253)
    esp_region = serializers.ChoiceField(write_only=True, required=False, allow_blank=True, choices=REGIONS)
    webhook_key = serializers.CharField(
        write_only=True, required=False, allow_blank=True, max_length=500,
        help_text="What the sending service signs its webhooks with. No call returns it.",
    )  # fmt: skip
    connected = serializers.SerializerMethodField(help_text="Whether somebody consented at Google or Microsoft.")
    used = serializers.SerializerMethodField(help_text="E-mails handed over in the last 24 hours.")
    waiting = serializers.SerializerMethodField(help_text="E-mails planned.")
    check_state = serializers.SerializerMethodField(
        help_text="none, running, silent (no worker answered), works or fails."
    )
    inbound_url = serializers.SerializerMethodField(
        help_text="Where mail that came to this mailbox is posted as raw MIME, with X-Leadgen-Signature."
    )

    class Meta:
        model = Mailbox
        fields = [
            "id", *actions.FIELDS, *actions.SECRETS, *actions.ESP_SETTINGS, "connected", "warmed_up",
            "state", "state_code", "state_reason", "state_at", "ramp_cap", "ramped_at", "ramp_reason", "free_at", "used",
            "waiting", "last_submitted_at",
            "last_inbound_at", "last_error", "check_state", "check_words", "check_steps", "checked_at",
            "synced_at", "sync_error", "inbound_url", "created_at",
        ]  # fmt: skip
        read_only_fields = [
            "id", "synced_at", "sync_error", "state", "state_code", "state_reason", "state_at", "ramp_cap",
            "ramped_at", "ramp_reason", "free_at", "last_submitted_at", "last_inbound_at", "last_error", "check_words",
            "check_steps", "checked_at", "created_at",
        ]  # fmt: skip
        # The action refuses a second mailbox of an address; a unique validator would read a table of no workspace.
        validators: list[Any] = []

    def get_connected(self, mailbox: Mailbox) -> bool:
        return bool(mailbox.oauth_sealed)

    def get_used(self, mailbox: Mailbox) -> int:
        return int(self.context["usage"][mailbox.pk].used)

    def get_waiting(self, mailbox: Mailbox) -> int:
        return int(self.context["usage"][mailbox.pk].waiting)

    def get_check_state(self, mailbox: Mailbox) -> str:
        return check_of(mailbox, clock.now()).state

    def get_inbound_url(self, mailbox: Mailbox) -> str:
        return actions.inbound_address(mailbox)


class MailboxHoldSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


@extend_schema_view(retrieve=extend_schema(summary="One mailbox"))
class MailboxViewSet(SyncMixin, IdempotentMixin, PaceMixin, viewsets.GenericViewSet[Mailbox]):
    """Sending identities with their caps and health. Passwords go in and never come out."""

    model = Mailbox
    permissions = {
        "list": "mailboxes.view",
        "retrieve": "mailboxes.view",
        "create": "mailboxes.edit",
        "partial_update": "mailboxes.edit",
        "check": "mailboxes.edit",
        "hold": "mailboxes.edit",
        "release": "mailboxes.edit",
        **mailbox_pace.PERMISSIONS,
        "sync": "mailboxes.edit",
        "folders": "mailboxes.view",
        "choose_folder": "mailboxes.edit",
    }
    serializer_class = MailboxSerializer
    orders = ("address", "created_at")
    default_order = "address"

    def get_queryset(self) -> QuerySet[Mailbox]:
        if getattr(self, "swagger_fake_view", False):
            return Mailbox.unscoped.none()
        rows: QuerySet[Mailbox] = Mailbox.objects.select_related("member")
        return rows

    @extend_schema(summary="List mailboxes", responses=MailboxSerializer(many=True))
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(
            [self._body(row, usage) for usage in [usage_of(rows, clock.now())] for row in rows]
        )

    def retrieve(self, request: Request, pk: str) -> Response:
        """With today's use and the last connection test."""
        return Response(self._body(self.get_object()))

    @extend_schema(summary="Add a mailbox")
    def create(self, request: Request) -> Response:
        """Its connection is tested by a worker; `check_state` tells what it found."""
        data, now, by = self._read(request), clock.now(), actor_of(request)
        mailbox = actions.create_mailbox(by=by, now=now, **data)
        ask_check(mailbox=mailbox, by=by, now=now)
        return Response(self._body(mailbox), status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a mailbox")
    def partial_update(self, request: Request, pk: str) -> Response:
        """Another server or user name needs the password again."""
        mailbox = self.get_object()
        data, now, by = self._read(request, partial=True), clock.now(), actor_of(request)
        data.pop("warmed_up", None)
        changed = actions.update_mailbox(mailbox=mailbox, changes=data, by=by, now=now)
        if actions.CONNECTION & set(changed):
            ask_check(mailbox=mailbox, by=by, now=now)
        return Response(self._body(mailbox))

    @extend_schema(summary="Test the connection", request=None, responses={202: MailboxSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """A worker connects and logs in; read the mailbox again for the result."""
        mailbox = self.get_object()
        ask_check(mailbox=mailbox, by=actor_of(request), now=clock.now())
        return Response(self._body(mailbox), status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Hold a mailbox", request=MailboxHoldSerializer)
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, pk: str) -> Response:
        """Nothing is sent from it until it is released; everybody who waits reads the reason."""
        mailbox, serializer = self.get_object(), MailboxHoldSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        health.hold_mailbox(mailbox=mailbox, by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self._body(mailbox))

    @extend_schema(summary="Release a mailbox", request=None)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str) -> Response:
        """It sends again; what waited goes as caps and windows allow."""
        mailbox = self.get_object()
        health.release_mailbox(mailbox=mailbox, by=actor_of(request), now=clock.now())
        return Response(self._body(mailbox))

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = MailboxSerializer(data=request.data, partial=partial, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _body(self, mailbox: Mailbox, usage: Any = None) -> dict[str, Any]:
        found = usage or usage_of([mailbox], clock.now())
        return dict(MailboxSerializer(mailbox, context={**self.get_serializer_context(), "usage": found}).data)
