"""`/api/v1/signal-triggers/<id>/line/` and `.../out-of-line/`: who waits because a cap was reached, and what became of others."""

from types import SimpleNamespace
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from leadgen.core import clock
from leadgen.core.pagination import KeysetPagination
from prospects.actions.signals_enrolling import enroller

ORDER = SimpleNamespace(
    orders=("signal_at",), default_order="signal_at"
)  # of the line, whatever its triggers are sorted by
LAST = 200


class PlaceInLineSerializer(serializers.Serializer[Any]):
    place = serializers.IntegerField(help_text="1: next.")
    person = serializers.UUIDField(source="person.pk")
    person_name = serializers.CharField(source="person.full_name")
    signal = serializers.UUIDField(source="signal.pk")
    signal_title = serializers.CharField(source="signal.title")
    joined_at = serializers.DateTimeField()
    reason = serializers.CharField(help_text="Why they wait, in words.")
    expected = serializers.DateField(
        allow_null=True, help_text="The day of their turn as things are; null: the line stands still."
    )


class TriggerLineSerializer(serializers.Serializer[Any]):
    results = PlaceInLineSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class OutOfLineSerializer(serializers.Serializer[Any]):
    person = serializers.UUIDField(source="person.pk")
    person_name = serializers.CharField(source="person.full_name")
    signal = serializers.UUIDField(source="signal.pk")
    signal_title = serializers.CharField(source="signal.title")
    at = serializers.DateTimeField()
    enrolled = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why they were not enrolled; empty: they were.")


class TriggerLine:
    """The line of a trigger that reached its cap of the day."""

    @extend_schema(
        summary="Who waits in a trigger's line", filters=False, responses=TriggerLineSerializer,
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("limit", int)],
    )  # fmt: skip
    @action(detail=True, methods=["get"], pagination_class=None)
    def line(self: Any, request: Request, pk: str) -> Response:
        """In the order of their turn: the oldest signal first."""
        trigger, paginator = self.get_object(), KeysetPagination()
        rows = paginator.paginate_queryset(enroller().line(trigger), request, ORDER)
        told = enroller().told(trigger, rows, clock.now())
        return paginator.get_paginated_response(PlaceInLineSerializer(told, many=True).data)

    @extend_schema(summary="Who came out of a trigger's line", filters=False, responses=OutOfLineSerializer(many=True))
    @action(detail=True, methods=["get"], url_path="out-of-line", pagination_class=None)
    def out_of_line(self: Any, request: Request, pk: str) -> Response:
        """The last 200, the newest first: enrolled, or why not."""
        found = enroller().out_of_line(self.get_object(), LAST)
        return Response(OutOfLineSerializer(found, many=True).data)
