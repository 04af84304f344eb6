"""`/api/v1/territories/`, `/api/v1/territory-runs/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions import territories as actions
from prospects.actions.territories_run import apply_run, cancel_run, start_run
from prospects.models import Territory, TerritoryRun


class TerritorySerializer(serializers.ModelSerializer[Territory]):
    rule = serializers.JSONField(help_text="As in segments of people; `company.*` is asked of companies too.")
    members = serializers.ListField(child=serializers.UUIDField(), help_text="Owners; several get what comes in turn.")

    class Meta:
        model = Territory
        fields = ["id", "name", "rule", "members", "position", "is_active", "created_at", "updated_at"]
        read_only_fields = ["id", "position", "created_at", "updated_at"]
        validators: list[Any] = []
        extra_kwargs: dict[str, Any] = {"name": {"validators": []}}


class TerritoryOrderSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(child=serializers.UUIDField(), max_length=actions.MOST, help_text="All, in order.")


class TerritoryRunSerializer(serializers.ModelSerializer[TerritoryRun]):
    class Meta:
        model = TerritoryRun
        fields = [
            "id", "state", "policy", "moves_open", "counts", "done", "seen", "total", "created_at", "started_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = [
            "id", "state", "counts", "done", "seen", "total", "created_at", "started_at", "ended_at",
        ]  # fmt: skip
        extra_kwargs = {
            "counts": {"help_text": "What would change: by kind and outcome; `territories`: id -> companies, people."},
            "done": {"help_text": "What did."},
        }


@extend_schema_view(list=extend_schema(summary="List territories"), retrieve=extend_schema(summary="One territory"))
class TerritoryViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Territory]
):
    """Whose new companies and people are, by rule: the first in order of `position` that matches decides."""

    model = Territory
    serializer_class = TerritorySerializer
    permissions = {
        "list": "territories.view", "retrieve": "territories.view", "create": "territories.manage",
        "partial_update": "territories.manage", "destroy": "territories.manage", "order": "territories.manage",
    }  # fmt: skip
    orders = ("position", "created_at")
    default_order = "position"

    def get_queryset(self) -> QuerySet[Territory]:
        if getattr(self, "swagger_fake_view", False):
            return Territory.unscoped.none()
        return Territory.objects.all()

    @extend_schema(summary="Create a territory")
    def create(self, request: Request) -> Response:
        """Last in order. New records get their owner by it; what is there waits for a run."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        territory = actions.create_territory(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(territory).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a territory")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays."""
        territory = self.get_object()
        serializer = self.get_serializer(territory, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes = serializer.validated_data
        actions.update_territory(territory=territory, by=actor_of(request), now=clock.now(), changes=changes)
        return Response(self.get_serializer(territory).data)

    @extend_schema(summary="Delete a territory")
    def destroy(self, request: Request, pk: str) -> Response:
        """Owners it gave stay."""
        actions.delete_territory(territory=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Put territories in order", request=TerritoryOrderSerializer, responses=TerritorySerializer(many=True),
        filters=False,
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def order(self, request: Request) -> Response:
        """Every one once; the first match wins."""
        serializer = TerritoryOrderSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        rows = actions.order_territories(
            ids=serializer.validated_data["ids"], by=actor_of(request), now=clock.now()
        )  # fmt: skip
        return Response(self.get_serializer(rows, many=True).data)


@extend_schema_view(
    list=extend_schema(summary="List territory runs"), retrieve=extend_schema(summary="One territory run")
)
class TerritoryRunViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[TerritoryRun]
):
    """Owners by territory over everything that is there: counted first, changed on `apply`."""

    model = TerritoryRun
    serializer_class = TerritoryRunSerializer
    permissions = {
        "list": "territories.view", "retrieve": "territories.view", "create": "territories.manage",
        "apply": "territories.manage", "cancel": "territories.manage",
    }  # fmt: skip
    orders = ("created_at",)
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[TerritoryRun]:
        if getattr(self, "swagger_fake_view", False):
            return TerritoryRun.unscoped.none()
        return TerritoryRun.objects.all()

    @extend_schema(summary="Count what territories would change")
    def create(self, request: Request) -> Response:
        """At once up to 3,000 records, else by a worker: ask until `state` is `counted`. Nothing changes."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        run = start_run(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Apply a counted run", request=None, responses=TerritoryRunSerializer)
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: str) -> Response:
        """In the background; 409 where territories were changed since it was counted."""
        run = apply_run(run=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(run).data)

    @extend_schema(summary="Stop a run", request=None, responses=TerritoryRunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """What was changed stays."""
        run = cancel_run(run=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(run).data)
