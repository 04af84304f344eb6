"""`/api/v1/messages/`."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from campaigns.actions.outcomes import settle_unknown
from campaigns.actions.settlement import send_again
from campaigns.forms.messages import MessageFilter
from campaigns.models import Enrolment, Mailbox, Message
from campaigns.queries import messages as queries
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from prospects.api.fields import TenantKeyField, body_of
from prospects.models import Campaign, Person


class MessageSerializer(serializers.ModelSerializer[Message]):
    person = TenantKeyField(Person, read_only=True)
    enrolment = TenantKeyField(Enrolment, read_only=True)
    campaign = TenantKeyField(Campaign, read_only=True)
    mailbox = TenantKeyField(Mailbox, read_only=True)
    member = TenantKeyField(Member, read_only=True)
    copies = serializers.SerializerMethodField(
        help_text="What is known of both copies of a mail that a person sent again; empty where `reason` says it."
    )
    step = serializers.SerializerMethodField(help_text="Its number in the sequence; null for replies and manual mails.")

    class Meta:
        model = Message
        fields = [
            "id", "kind", "state", "reason", "reason_code", "hold_reason", "person", "to_address", "enrolment", "step",
            "campaign", "mailbox", "member", "subject", "text", "message_id", "due_at", "submitted_at", "sent_at",
            "first_submitted_at", "copies", "settled_at", "settled_by", "response", "bounced_at", "bounce_type", "replied_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_copies(self, message: Message) -> str:
        return queries.copies_in_words(message)

    def get_step(self, message: Message) -> int | None:
        return message.step.position if message.step else None


@extend_schema_view(list=extend_schema(summary="List messages"), retrieve=extend_schema(summary="One message"))
class MessageViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Message]
):
    """Outbound e-mail, one row a mail, attempted at most once, in one of five states at any moment."""

    model = Message
    permissions = {
        "list": "messages.view",
        "retrieve": "messages.view",
        "balance": "messages.view",
        "settle": "messages.settle",
    }
    serializer_class = MessageSerializer
    filterset_class = MessageFilter
    orders = queries.ORDERS
    nullable_orders = queries.NULLABLE
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Message]:
        if getattr(self, "swagger_fake_view", False):
            return Message.unscoped.none()
        return queries.with_related(Message.objects.all())

    @extend_schema(
        summary="Messages by state",
        responses=inline_serializer(
            "Balance", {name: serializers.IntegerField() for name in (*Message.State.values, "all")}
        ),
    )
    @action(detail=False, methods=["get"])
    def balance(self, request: Request) -> Response:
        """Takes the filters of the list. `all` is the sum of the five."""
        rows = self.filter_queryset(self.get_queryset()).values("pk")
        return Response(queries.balance(pk__in=rows))

    @extend_schema(
        summary="Settle an unknown message",
        request=inline_serializer(
            "MessageSettle", {"outcome": serializers.ChoiceField(choices=["sent", "skip", "again"])}
        ),
    )
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: str) -> Response:
        """A person's word: it was `sent`, or `skip` it (nothing is sent and the sequence goes on); or plan it `again`, with the
        same Message-ID, at the risk that it arrives twice. Proof that the first copy arrived stops the second while it waits (`reason_code`
        `second_stopped`); `first_submitted_at` and `copies` say what is known of both."""
        outcome = body_of(request).get("outcome")
        if outcome not in ("sent", "skip", "again"):
            raise Invalid("`outcome` is sent, skip or again.", field="outcome")
        message, by, now = self.get_object(), actor_of(request), clock.now()
        if outcome == "again":
            send_again(message=message, by=by, now=now)
        else:
            settle_unknown(message=message, sent=outcome == "sent", by=by, now=now)
        return Response(self.get_serializer(self.get_object()).data)
