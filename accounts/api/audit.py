"""`/api/v1/audit/`: the audit log, newest first."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, viewsets

from accounts.models import ApiToken, AuditEntry, Member
from accounts.rules.audit_words import describe
from leadgen.core.filters import TenantFilterSet


class AuditSerializer(serializers.ModelSerializer[AuditEntry]):
    member = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    token = serializers.PrimaryKeyRelatedField[ApiToken](read_only=True)
    words = serializers.SerializerMethodField(help_text="The entry as a sentence, to stand after who did it.")
    detail = serializers.SerializerMethodField(help_text="`changes` maps each field to [old, new].")

    class Meta:
        model = AuditEntry
        fields = [
            "id", "at", "member", "token", "source", "action", "target_type", "target_id", "target_label", "words",
            "detail", "ip",
        ]  # fmt: skip
        read_only_fields = fields

    def get_words(self, entry: AuditEntry) -> str:
        return describe(entry.action, entry.target_label)

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_detail(self, entry: AuditEntry) -> Any:
        return entry.detail


class AuditFilter(TenantFilterSet):
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEntry
        fields = ["member", "action", "source", "target_type", "target_id"]


@extend_schema_view(list=extend_schema(summary="List audit entries"), retrieve=extend_schema(summary="One audit entry"))
class AuditViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[AuditEntry]):
    """Who changed what. Append-only."""

    permissions = {"list": "audit.view", "retrieve": "audit.view"}
    model = AuditEntry
    serializer_class = AuditSerializer
    filterset_class = AuditFilter
    orders = ("at",)
    default_order = "-at"

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.all()
