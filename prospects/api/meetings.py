"""`/api/v1/meetings/`: book, look, settle."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.meetings import book_meeting, settle_meeting
from prospects.api.fields import TenantKeyField
from prospects.forms.meetings import MeetingFilter
from prospects.models import Deal, Lead, Meeting, Person


class MeetingSerializer(serializers.ModelSerializer[Meeting]):
    lead = TenantKeyField(Lead, required=False, allow_null=True)
    deal = TenantKeyField(Deal, required=False, allow_null=True)
    person = TenantKeyField(Person, required=False, allow_null=True)
    member = TenantKeyField(Member, required=False, allow_null=True)

    class Meta:
        model = Meeting
        fields = [
            "id", "lead", "deal", "person", "member", "state", "title", "starts_at", "duration_minutes", "notes", "booked_at",
            "settled_at",
        ]  # fmt: skip
        read_only_fields = ["id", "state", "booked_at", "settled_at"]
        extra_kwargs = {"title": {"required": False}}
        validators: list[Any] = []


class SettleSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["held", "no_show", "cancelled"])
    notes = serializers.CharField(required=False, allow_blank=True, default="")


@extend_schema_view(list=extend_schema(summary="List meetings"), retrieve=extend_schema(summary="One meeting"))
class MeetingViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Meeting]
):
    """Meetings: booked, held, no-show, cancelled."""

    model = Meeting
    permissions = {
        "list": "meetings.view",
        "retrieve": "meetings.view",
        "create": "meetings.edit",
        "settle": "meetings.edit",
    }
    serializer_class = MeetingSerializer
    filterset_class = MeetingFilter
    orders = ("starts_at",)
    default_order = "-starts_at"

    def get_queryset(self) -> QuerySet[Meeting]:
        if getattr(self, "swagger_fake_view", False):
            return Meeting.unscoped.none()
        rows: QuerySet[Meeting] = Meeting.objects.select_related("lead", "deal", "person", "member")
        return rows

    @extend_schema(summary="Book a meeting")
    def create(self, request: Request) -> Response:
        """A booking is a first signal: it may open a lead and make an MQL."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        meeting = book_meeting(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(meeting).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Say how it went", request=SettleSerializer, responses=MeetingSerializer)
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: str) -> Response:
        """Held (counts as the conversation), no-show or cancelled. Saying it twice is once."""
        body = SettleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        meeting = settle_meeting(
            meeting=self.get_object(), by=actor_of(request), now=clock.now(), **body.validated_data
        )
        return Response(self.get_serializer(meeting).data)
