"""`/api/v1/hits/`: raw hits on tracked links with their class, and classing history again."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from campaigns.forms.hits import HitFilter
from campaigns.models import LinkHit
from campaigns.queries.hits import newest_verdicts
from leadgen.core.idempotency import IdempotentMixin
from leadgen.core.tasks import enqueue


class HitSerializer(serializers.ModelSerializer[LinkHit]):
    message = serializers.UUIDField(source="message_id", read_only=True)
    url = serializers.SerializerMethodField(help_text="Empty: the link that no person can see.")
    hit_class = serializers.SerializerMethodField(help_text="human, automated or unsure; empty until it was classed.")
    reason = serializers.SerializerMethodField()
    features = serializers.SerializerMethodField(help_text="What the classifier saw; empty until it was classed.")
    classifier = serializers.SerializerMethodField(help_text="Version of the classifier, or null.")

    class Meta:
        model = LinkHit
        fields = [
            "id", "message", "url", "at", "method", "ip", "user_agent", "headers", "seconds_after", "hit_class", "reason",
            "features", "classifier",
        ]  # fmt: skip
        read_only_fields = fields

    def get_url(self, hit: LinkHit) -> str:
        return hit.link.url if hit.link else ""

    def _verdict(self, hit: LinkHit) -> Any:
        return self.context["verdicts"].get(hit.pk)

    def get_hit_class(self, hit: LinkHit) -> str:
        return getattr(self._verdict(hit), "hit_class", "")

    def get_reason(self, hit: LinkHit) -> str:
        return getattr(self._verdict(hit), "reason", "")

    def get_features(self, hit: LinkHit) -> dict[str, Any]:
        found: dict[str, Any] = getattr(self._verdict(hit), "features", {})
        return found

    def get_classifier(self, hit: LinkHit) -> int | None:
        return getattr(self._verdict(hit), "version", None)


class HitViewSet(IdempotentMixin, viewsets.GenericViewSet[LinkHit]):
    """Every request for a tracked link, raw, with the newest verdict on it."""

    model = LinkHit
    permissions = {"list": "tracking.view", "reclassify": "tracking.edit"}
    serializer_class = HitSerializer
    filterset_class = HitFilter
    orders = ("at",)
    default_order = "-at"

    def get_queryset(self) -> QuerySet[LinkHit]:
        if getattr(self, "swagger_fake_view", False):
            return LinkHit.unscoped.none()
        rows: QuerySet[LinkHit] = LinkHit.objects.select_related("link")
        return rows

    @extend_schema(summary="List hits", responses=HitSerializer(many=True))
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        context = dict(self.get_serializer_context()) | {"verdicts": newest_verdicts(row.pk for row in rows)}
        return self.get_paginated_response(HitSerializer(rows, many=True, context=context).data)

    @extend_schema(summary="Class all hits again", request=None, responses={202: None})
    @action(detail=False, methods=["post"])
    def reclassify(self, request: Request) -> Response:
        """A worker classes every hit by the current classifier; facts and scores follow by new rows."""
        member = actor_of(request).member
        enqueue("campaigns.reclassify_hits", member.pk if member else "")
        return Response(status=status.HTTP_202_ACCEPTED)
