"""`/api/v1/activities/`: the ledger, to read and to add to."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.notes import TELLABLE, log_activity
from prospects.api.fields import TenantKeyField
from prospects.models import Activity, ActivityKind, Campaign, Channel, Company, Deal, Lead, Person


class ActivitySerializer(serializers.ModelSerializer[Activity]):
    person = TenantKeyField(Person, required=False, allow_null=True)
    company = TenantKeyField(Company, required=False, allow_null=True)
    lead = TenantKeyField(Lead, required=False, allow_null=True)
    deal = TenantKeyField(Deal, required=False, allow_null=True)
    campaign = TenantKeyField(Campaign, required=False, allow_null=True)
    member = TenantKeyField(Member, read_only=True)
    kind = serializers.ChoiceField(
        choices=ActivityKind.choices,
        help_text=f"To create: {', '.join(TELLABLE)}. The others are written by their own event.",
    )
    at = serializers.DateTimeField(required=False, help_text="When it happened; now, if absent.")
    channel = serializers.ChoiceField(choices=Channel.choices, required=False, allow_blank=True)
    hit_class = serializers.ChoiceField(choices=Activity.HitClass.choices, required=False)
    summary = serializers.CharField(required=False, max_length=300)
    detail = serializers.JSONField(required=False)
    external_key = serializers.CharField(
        required=False, write_only=True, max_length=190, help_text="Your key of the fact: told twice, it is one row."
    )

    class Meta:
        model = Activity
        fields = [
            "id", "kind", "at", "recorded_at", "person", "company", "lead", "deal", "campaign", "member", "channel",
            "hit_class", "summary", "detail", "external_key",
        ]  # fmt: skip
        read_only_fields = ["id", "recorded_at"]
        validators: list[Any] = []

    def validate_detail(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise serializers.ValidationError("Send an object.")
        if len(str(value)) > 10_000:
            raise serializers.ValidationError("At most 10,000 characters.")
        return value


class ActivityFilter(django_filters.FilterSet):
    """By subject, kind and time. Name a person, company, lead or kind: those are indexed."""

    person = django_filters.UUIDFilter(field_name="person")
    company = django_filters.UUIDFilter(field_name="company")
    lead = django_filters.UUIDFilter(field_name="lead")
    deal = django_filters.UUIDFilter(field_name="deal")
    campaign = django_filters.UUIDFilter(field_name="campaign")
    kind = django_filters.MultipleChoiceFilter(choices=ActivityKind.choices)
    hit_class = django_filters.ChoiceFilter(choices=Activity.HitClass.choices)
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")


@extend_schema_view(list=extend_schema(summary="List activities"), retrieve=extend_schema(summary="One activity"))
class ActivityViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Activity]
):
    """The append-only ledger: one fact a row. A wrong fact is corrected by a new one."""

    permissions = {"list": "activities.view", "retrieve": "activities.view", "create": "activities.create"}
    model = Activity
    serializer_class = ActivitySerializer
    filterset_class = ActivityFilter
    orders = ("at",)
    default_order = "-at"

    def get_queryset(self) -> QuerySet[Activity]:
        if getattr(self, "swagger_fake_view", False):
            return Activity.unscoped.none()
        return Activity.objects.all()

    @extend_schema(summary="Tell a fact")
    def create(self, request: Request) -> Response:
        """`201` for a new fact, `200` with the stored one where `external_key` was told before."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row, new = log_activity(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
        return Response(self.get_serializer(row).data, status=code)
