"""`/api/v1/quality/`."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.quality import ask_report
from prospects.models import QualityReport
from prospects.queries import quality as queries
from prospects.rules import quality as rules


class QualityFigureSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    group = serializers.CharField(help_text="head, completeness, validity, freshness.")
    subject = serializers.CharField(help_text="people or companies.")
    label = serializers.CharField()  # type: ignore[assignment]  # the name of Field's own attribute
    rows = serializers.IntegerField()
    of = serializers.IntegerField(help_text="Out of how many.")
    rule = serializers.JSONField(help_text="What the rows are found by: `rule` of the list of people or companies.")
    trend = serializers.ListField(
        child=serializers.IntegerField(allow_null=True), help_text="A number a day for 30 days; null: none was kept."
    )


class QualityPairsSerializer(serializers.Serializer[Any]):
    people = serializers.IntegerField()
    companies = serializers.IntegerField()


class QualitySourceSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # the name of Field's own attribute
    people = serializers.IntegerField()
    troubled = serializers.IntegerField(help_text="Without an address, with one that does not work, or out of date.")
    by = serializers.DictField(child=serializers.IntegerField())


class QualitySerializer(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField(allow_null=True, help_text="null: nothing was counted yet.")
    live = serializers.BooleanField(help_text="false: the numbers of the last report.")
    figures = QualityFigureSerializer(many=True)
    duplicates = QualityPairsSerializer(help_text="Pairs to review.")
    sources = QualitySourceSerializer(many=True, help_text="Those with the most trouble.")


class QualityViewSet(IdempotentMixin, viewsets.GenericViewSet[QualityReport]):
    """What is missing, wrong, old or there twice, with its trend."""

    permissions = {"list": "people.view", "refresh": "people.edit"}
    model = QualityReport
    serializer_class = QualitySerializer
    pagination_class = None
    filter_backends: list[Any] = []
    queryset = QualityReport.unscoped.none()

    @extend_schema(summary="Figures of data quality", responses=QualitySerializer)
    def list(self, request: Request) -> Response:
        """Of this moment, or of the last report where counting takes too long."""
        now = clock.now()
        found = queries.figures(now)
        trends = queries.trend(now)
        counts = found.counts if found else {}
        body = {
            "as_of": found.as_of if found else None,
            "live": found.live if found else False,
            "figures": [
                {
                    "key": figure.key, "group": figure.group, "subject": figure.subject, "label": figure.label,
                    "rows": counts[figure.key][0], "of": counts[figure.key][1], "rule": figure.rule,
                    "trend": trends.get(figure.key, []),
                }
                for figure in rules.ALL if figure.key in counts
            ],
            "duplicates": {key.removeprefix("pairs_"): counts.get(key, (0, 0))[0] for key in queries.PAIRS},
            "sources": [source.as_json() for source in found.sources] if found else [],
        }  # fmt: skip
        return Response(QualitySerializer(body).data)

    @extend_schema(summary="Count anew", request=None, responses={202: None})
    @action(detail=False, methods=["post"])
    def refresh(self, request: Request) -> Response:
        """A worker counts soon; the report of the day is replaced."""
        ask_report(now=clock.now())
        return Response(status=status.HTTP_202_ACCEPTED)
