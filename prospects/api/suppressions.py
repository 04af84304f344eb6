"""`/api/v1/suppressions/`: who is never written to or called."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.downloads import csv_download
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.suppressions import lift, read_value, suppress, suppress_list
from prospects.actions.suppressions_export import export_text
from prospects.api.fields import TenantKeyField, body_of
from prospects.models import Suppression
from prospects.queries import suppressions as queries

MAX_CHECK = 1000


class SuppressionSerializer(serializers.ModelSerializer[Suppression]):
    value = serializers.CharField(
        write_only=True, max_length=254, help_text="Kept as a keyed hash; `hint` is what is left."
    )
    kind = serializers.ChoiceField(choices=Suppression.Kind.choices, default=Suppression.Kind.EMAIL)
    reason = serializers.ChoiceField(choices=Suppression.Reason.choices, default=Suppression.Reason.MANUAL)
    member = TenantKeyField(Member, read_only=True)

    class Meta:
        model = Suppression
        fields = ["id", "kind", "value", "hint", "reason", "note", "at", "member"]
        read_only_fields = ["id", "hint", "at", "member"]


class CheckSerializer(serializers.Serializer[Any]):
    emails = serializers.ListField(child=serializers.CharField(max_length=254), min_length=1, max_length=MAX_CHECK)


class SuppressionListSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=10_000_000,
        trim_whitespace=False,
        help_text="Addresses and domains, one a line, or our own export (CSV).",
    )
    reason = serializers.ChoiceField(choices=Suppression.Reason.choices, default=Suppression.Reason.IMPORTED)
    note = serializers.CharField(max_length=300, default="", allow_blank=True)


class SuppressionFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=Suppression.Kind.choices)
    reason = django_filters.ChoiceFilter(choices=Suppression.Reason.choices)
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")


@extend_schema_view(
    list=extend_schema(summary="List what is suppressed"), retrieve=extend_schema(summary="One suppression")
)
class SuppressionViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Suppression]
):
    """Addresses, domains and numbers nothing is sent to. Only what holds now is listed; lifting appends a row."""

    permissions = {
        "list": "suppressions.view",
        "retrieve": "suppressions.view",
        "create": "suppressions.edit",
        "lift": "suppressions.edit",
        "check": "suppressions.view",
        "import_list": "suppressions.edit",
        "export": "people.export",
    }
    model = Suppression
    serializer_class = SuppressionSerializer
    filterset_class = SuppressionFilter
    orders = ("at",)
    default_order = "-at"

    def get_queryset(self) -> QuerySet[Suppression]:
        if getattr(self, "swagger_fake_view", False):
            return Suppression.unscoped.none()
        return queries.in_force()

    @extend_schema(summary="Suppress an address, domain or number")
    def create(self, request: Request) -> Response:
        """Told twice with the same reason it is one row."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = suppress(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Lift a suppression", request=inline_serializer("Lift", {"note": serializers.CharField(max_length=300)})
    )
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: str) -> Response:
        """`note` says why it may be contacted again."""
        row = lift(
            by=actor_of(request),
            now=clock.now(),
            suppression=self.get_object(),
            note=str(body_of(request).get("note", "")),
        )
        return Response(self.get_serializer(row).data)

    @extend_schema(
        summary="Check e-mail addresses", request=CheckSerializer,
        responses=inline_serializer("Checked", {"suppressed": serializers.DictField(), "invalid": serializers.ListField()}),
    )  # fmt: skip
    @action(detail=False, methods=["post"], filterset_class=None)
    def check(self, request: Request) -> Response:
        """`suppressed` maps each suppressed address, as sent, to the reason; `invalid` lists what is no address."""
        serializer = CheckSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        clean: dict[str, str] = {}
        invalid: list[str] = []
        for text in serializer.validated_data["emails"]:
            try:
                clean[text] = read_value("email", text)
            except Invalid:
                invalid.append(text)
        found = queries.suppressions_of(clean.values())
        return Response(
            {
                "suppressed": {text: found[mail].reason for text, mail in clean.items() if mail in found},
                "invalid": invalid,
            }
        )

    @extend_schema(
        summary="Suppress a list", request=SuppressionListSerializer,
        responses=inline_serializer("SuppressionListResult", {
            "added": serializers.IntegerField(), "already": serializers.IntegerField(),
            "refused": serializers.ListField(child=serializers.DictField(), help_text="line, text, why"),
        }),
    )  # fmt: skip
    @action(detail=False, methods=["post"], url_path="import", filterset_class=None)
    def import_list(self, request: Request) -> Response:
        """What cannot be read comes back with its line and reason. Reasons of an export are kept."""
        body = SuppressionListSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        lines = data.pop("text").splitlines()
        done = suppress_list(by=actor_of(request), now=clock.now(), lines=lines, **data)
        refused = [{"line": number, "text": text, "why": why} for number, text, why in done.refused]
        return Response({"added": done.added, "already": done.already, "refused": refused})

    @extend_schema(summary="Export what is suppressed", responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=False, methods=["get"], filterset_class=None, pagination_class=None)
    def export(self, request: Request) -> HttpResponse:
        """CSV with keyed hashes; `import` reads it back in the same workspace, also where the address is known no more."""
        return csv_download(export_text(by=actor_of(request), now=clock.now()), name="suppressions")
