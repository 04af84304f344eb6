"""`/api/v1/bulk-acts/`: one act on many people or companies."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions import bulk as actions
from prospects.actions.tags import tags_named
from prospects.forms.companies import CompanyFilter
from prospects.forms.people import PersonFilter
from prospects.models import BulkAct
from prospects.queries.segments import rows_of


class BulkAskSerializer(serializers.Serializer[Any]):
    """Which rows, by `ids` or by `filter`, and what is done to them."""

    subject = serializers.ChoiceField(choices=BulkAct.Subject.choices)
    kind = serializers.ChoiceField(choices=BulkAct.Kind.choices)
    ids = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=10_000)
    filter = serializers.DictField(
        child=serializers.CharField(max_length=20_000, allow_blank=True), required=False,
        help_text="As the query of `GET /people/` or `/companies/`; `{}` is everybody.",
    )  # fmt: skip
    owner = serializers.UUIDField(required=False, allow_null=True, help_text="Of assign; null is nobody.")
    tags = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, help_text="Names, of tag and untag."
    )
    segment = serializers.UUIDField(required=False, help_text="The list, of list.")
    field = serializers.CharField(required=False, max_length=80, help_text="Of field: a column, or `custom:<key>`.")
    value = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=500)
    overwrite = serializers.BooleanField(
        required=False, default=False, help_text="Of field: also where another value stands."
    )
    expected = serializers.IntegerField(
        required=False, min_value=0, help_text="Refused with `409` where another number matches."
    )


class BulkPlanSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    eligible = serializers.IntegerField()
    same = serializers.IntegerField(help_text="Have it already.")
    blocked = serializers.DictField(child=serializers.IntegerField(), help_text="Reason to how many.")


class BulkActSerializer(serializers.ModelSerializer[BulkAct]):
    class Meta:
        model = BulkAct
        fields = [
            "id", "subject", "kind", "words", "query", "state", "total", "changed", "same", "blocked", "member", "created_at",
            "started_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = fields


class BulkActFilter(django_filters.FilterSet):
    subject = django_filters.ChoiceFilter(choices=BulkAct.Subject.choices)
    state = django_filters.ChoiceFilter(choices=BulkAct.State.choices)


@extend_schema_view(list=extend_schema(summary="List bulk acts"), retrieve=extend_schema(summary="One bulk act"))
class BulkActViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[BulkAct]
):
    """Assign, tag, set a field of or put on a list many rows at once; up to 200 while you wait, more in the background."""

    model = BulkAct
    permissions = {
        "list": "bulk.view",
        "retrieve": "bulk.view",
        "create": "bulk.run",
        "preview": "bulk.run",
        "cancel": "bulk.run",
    }
    serializer_class = BulkActSerializer
    filterset_class = BulkActFilter
    orders = ("created_at",)
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[BulkAct]:
        if getattr(self, "swagger_fake_view", False):
            return BulkAct.unscoped.none()
        return BulkAct.objects.all()

    @extend_schema(summary="Act on many", request=BulkAskSerializer, responses={201: BulkActSerializer})
    def create(self, request: Request) -> Response:
        """The rows are those that match now. Each is done once, also when a worker is killed in between."""
        data, rows, params = self._read(request)
        act = actions.start_bulk(
            by=actor_of(request), now=clock.now(), subject=data["subject"], kind=data["kind"], params=params, rows=rows,
            query=data["query"], expected=data.get("expected"),
        )  # fmt: skip
        return Response(self.get_serializer(act).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Count before acting", request=BulkAskSerializer, responses=BulkPlanSerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """How many would be changed, have it already, or are left out by reason. Writes nothing."""
        data, rows, params = self._read(request)
        plan = actions.plan_bulk(subject=data["subject"], kind=data["kind"], params=params, rows=rows)
        return Response({"total": plan.total, "eligible": plan.eligible, "same": plan.same, "blocked": plan.blocked})

    @extend_schema(summary="Stop a bulk act", request=None, responses=BulkActSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Before the next thousand; what was done stays."""
        act = actions.cancel_bulk(by=actor_of(request), now=clock.now(), act=self.get_object())
        return Response(self.get_serializer(act).data)

    def _read(self, request: Request) -> tuple[dict[str, Any], Any, dict[str, Any]]:
        serializer = BulkAskSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = dict(serializer.validated_data)
        params: dict[str, Any] = {
            name: _plain(data[name]) for name in ("owner", "segment", "field", "value", "overwrite") if name in data
        }
        if data["kind"] in (BulkAct.Kind.TAG, BulkAct.Kind.UNTAG):
            tags = tags_named(data.get("tags", ()), by=actor_of(request), now=clock.now())
            params["tags"] = [str(tag.pk) for tag in tags]
        if ("ids" in data) == ("filter" in data):
            raise Invalid("Send ids or a filter, one of them.", field="ids")
        data["query"] = ""
        if "ids" in data:
            return data, actions.rows_asked(data["subject"], data["ids"]), params
        query = QueryDict(mutable=True)
        query.update(data["filter"])
        data["query"] = query.urlencode()
        filter_class: Any = PersonFilter if data["subject"] == "people" else CompanyFilter
        unknown = set(data["filter"]) - set(filter_class.base_filters)
        if unknown:
            raise Invalid(f"“{min(unknown)}” is no filter of {data['subject']}.", field="filter")
        filters = filter_class(query, queryset=rows_of(data["subject"]), request=request)
        if filters.form.errors:
            name, messages = next(iter(filters.form.errors.items()))
            raise Invalid(f"{name}: {messages[0]}", field="filter")
        return data, filters.qs, params


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
