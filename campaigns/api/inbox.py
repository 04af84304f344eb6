"""`/api/v1/inbox/`: mail that came in, what it is read as, and answers to it."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.authentication import scope_allows
from accounts.models import ApiToken, Member
from accounts.permissions import member_allows
from campaigns.actions import inbox as actions
from campaigns.actions.suggestions import accept_suggestion, enrol_suggested
from campaigns.models import Enrolment, InboundMail, Mailbox, Message, Sequence
from campaigns.queries import inbox as queries
from campaigns.rules.intent import INTENTS
from leadgen.core import clock
from leadgen.core.errors import NotFound, Refused
from leadgen.core.idempotency import IdempotentMixin
from prospects.api.fields import TenantKeyField
from prospects.models import Person


class InboundMailSerializer(serializers.ModelSerializer[InboundMail]):
    mailbox = TenantKeyField(Mailbox, read_only=True)
    person = TenantKeyField(Person, read_only=True)
    message = TenantKeyField(Message, read_only=True, help_text="Ours, which it answers or returns.")
    enrolment = TenantKeyField(Enrolment, read_only=True)
    corrected_by = TenantKeyField(Member, read_only=True)
    done_by = TenantKeyField(Member, read_only=True)
    folder = serializers.SerializerMethodField(
        help_text="interested, meeting, not_now, not_interested, away, bounces or other."
    )

    class Meta:
        model = InboundMail
        fields = [
            "id", "mailbox", "from_address", "from_name", "subject", "text", "kind", "intent", "intent_by", "confidence",
            "why",
            "folder", "message", "enrolment", "person", "match_reason", "effect", "back_on", "suggested", "detail",
            "received_at", "read_at",
            "corrected_by", "corrected_at", "done_at", "done_by",
        ]  # fmt: skip
        read_only_fields = fields

    def get_folder(self, mail: InboundMail) -> str:
        return queries.folder_of(mail.kind, mail.intent)


class CorrectIntentSerializer(serializers.Serializer[Any]):
    intent = serializers.ChoiceField(choices=INTENTS)


class AcceptSuggestionSerializer(serializers.Serializer[Any]):
    enrol = serializers.BooleanField(default=False)
    sequence = TenantKeyField(Sequence, required=False, allow_null=True, default=None)


class AcceptedSuggestionSerializer(serializers.Serializer[Any]):
    person = serializers.UUIDField(source="person.pk")
    is_new = serializers.BooleanField()
    enrolment = serializers.UUIDField(source="enrolment.pk", allow_null=True, default=None)
    reason = serializers.CharField(help_text="Why they were not enrolled, in words.")


class InboxReplySerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=actions.MAX_TEXT, help_text="Plain text.")
    key = serializers.CharField(max_length=64, help_text="Yours; the same key again is the same e-mail.")


class ReplyMessageSerializer(serializers.ModelSerializer[Message]):
    class Meta:
        model = Message
        fields = [
            "id",
            "state",
            "reason",
            "hold_reason",
            "to_address",
            "subject",
            "text",
            "due_at",
            "sent_at",
            "created_at",
        ]
        read_only_fields = fields


class InboxFilter(django_filters.FilterSet):
    folder = django_filters.ChoiceFilter(choices=list(queries.LABELS.items()), method="in_folder")
    mailbox = django_filters.UUIDFilter(field_name="mailbox")
    person = django_filters.UUIDFilter(field_name="person")
    kind = django_filters.ChoiceFilter(choices=InboundMail.Kind.choices)
    since = django_filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")

    def in_folder(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(queries.in_folder(value))


@extend_schema_view(list=extend_schema(summary="List mail that came in"), retrieve=extend_schema(summary="One mail"))
class InboxViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[InboundMail]
):
    """Replies, bounces, automatic answers and the rest, each with what it changed in words."""

    model = InboundMail
    permissions = {
        "list": "inbox.view",
        "retrieve": "inbox.view",
        "correct": "inbox.edit",
        "done": "inbox.edit",
        "accept_suggestion": "people.edit",
        "reply": "messages.send",
        "undo": "messages.send",
    }
    serializer_class = InboundMailSerializer
    filterset_class = InboxFilter
    orders = ("received_at",)
    default_order = "-received_at"

    def get_queryset(self) -> QuerySet[InboundMail]:
        if getattr(self, "swagger_fake_view", False):
            return InboundMail.unscoped.none()
        rows: QuerySet[InboundMail] = InboundMail.objects.filter(queries.KNOWN)
        return rows

    @extend_schema(summary="Correct what a mail wants", request=CorrectIntentSerializer)
    @action(detail=True, methods=["post"])
    def correct(self, request: Request, pk: str) -> Response:
        """What follows from the new reading is carried out; what followed from the old one stays."""
        mail, data = self.get_object(), self._body(CorrectIntentSerializer, request)
        mail = actions.correct_intent(mail=mail, by=actor_of(request), now=clock.now(), **data)
        return Response(self.get_serializer(mail).data)

    @extend_schema(summary="Done with a mail", request=None)
    @action(detail=True, methods=["post"])
    def done(self, request: Request, pk: str) -> Response:
        """It needs no answer; its task is completed."""
        mail = actions.mark_done(mail=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(mail).data)

    @extend_schema(
        summary="Add somebody a mail names", request=AcceptSuggestionSerializer, responses=AcceptedSuggestionSerializer,
        parameters=[OpenApiParameter("number", int, OpenApiParameter.PATH, description="From 0, as in `suggested`.")],
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path=r"suggestions/(?P<number>[0-9]{1,3})/accept")
    def accept_suggestion(self, request: Request, pk: str, number: str) -> Response:
        """They become a person at the writer's company, unless somebody has the address already. `enrol` enrols them too:
        in `sequence`, else in the writer's, if they are eligible; else `reason` says why not."""
        mail, data = self.get_object(), self._body(AcceptSuggestionSerializer, request)
        by, now = actor_of(request), clock.now()
        if data["enrol"]:
            token: Any = request.auth
            scoped = not isinstance(token, ApiToken) or scope_allows(token, "enrolments.create")
            if not scoped or not member_allows(getattr(request, "member", None), "enrolments.create"):
                raise Refused("You may not enrol people (enrolments.create).")
            taken = enrol_suggested(mail=mail, number=int(number), by=by, now=now, sequence=data["sequence"])
        else:
            taken = accept_suggestion(mail=mail, number=int(number), by=by, now=now)
        return Response(AcceptedSuggestionSerializer(taken).data)

    @extend_schema(summary="Answer a mail", request=InboxReplySerializer, responses={201: ReplyMessageSerializer})
    @action(detail=True, methods=["post"])
    def reply(self, request: Request, pk: str) -> Response:
        """From the mailbox it came to, in the same thread. It leaves eight seconds later; until then `undo` takes it back."""
        mail, data = self.get_object(), self._body(InboxReplySerializer, request)
        message = actions.send_reply(mail=mail, by=actor_of(request), now=clock.now(), **data)
        return Response(ReplyMessageSerializer(message).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Take an answer back", request=None, responses=ReplyMessageSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """The latest answer to this mail, if it has not been handed over: `409` where it has."""
        mail = self.get_object()
        message = (
            Message.objects.filter(answers=mail.pk, kind=Message.Kind.REPLY).order_by("-created_at", "-id").first()
        )
        if message is None:
            raise NotFound("This mail was not answered.")
        message = actions.undo_reply(message=message, by=actor_of(request), now=clock.now())
        return Response(ReplyMessageSerializer(message).data)

    def _body(self, serializer_class: Any, request: Request) -> dict[str, Any]:
        serializer = serializer_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
