"""Erasures: `POST /api/v1/people/{id}/erase/`, `GET /api/v1/people/{id}/erasure/` (what it would do), `/api/v1/erasures/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from prospects.actions.erasure import plan_erasure, start_erasure
from prospects.models import Erasure, Person


class EraseSerializer(serializers.Serializer[Any]):
    reference = serializers.CharField(
        required=False, allow_blank=True, max_length=120, help_text="Of the request: no name, no address."
    )
    suppress = serializers.BooleanField(
        required=False, default=True, help_text="Keep a keyed hash, so that nothing is ever sent to them again."
    )


class KeptSerializer(serializers.Serializer[Any]):
    what = serializers.CharField()
    why = serializers.CharField()


class ErasurePlanSerializer(serializers.Serializer[Any]):
    removed = serializers.DictField(child=serializers.IntegerField(), help_text="Rows that go, by what they are.")
    emptied = serializers.DictField(child=serializers.IntegerField(), help_text="Rows that stay as facts about nobody.")
    kept = KeptSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    removed = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    emptied = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    mentions = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = Erasure
        fields = [
            "id", "cause", "state", "people", "reference", "member", "asked_at", "erased_at", "done_at", "removed", "emptied",
            "mentions", "suppressed",
        ]  # fmt: skip
        read_only_fields = fields


class ErasureMixin(viewsets.GenericViewSet[Person]):
    """Actions of the viewset of people."""

    @extend_schema(summary="What erasing a person would do", responses=ErasurePlanSerializer)
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def erasure(self, request: Request, pk: str) -> Response:
        """Counted now; nothing is changed."""
        plan = plan_erasure([self.get_object()])
        return Response(
            {
                "removed": plan.removed, "emptied": plan.emptied, "warnings": plan.warnings,
                "kept": [{"what": what, "why": why} for what, why in plan.kept],
            }
        )  # fmt: skip

    @extend_schema(summary="Erase a person", request=EraseSerializer, responses={202: ErasureSerializer})
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, pk: str) -> Response:
        """At once, but for a mail that is on its way (`waiting`) and other rows that name them (`sweeping`): ask the
        certificate under `/erasures/{id}/`. There is no way back."""
        body = EraseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        erasure = start_erasure(
            people=[self.get_object()], by=actor_of(request), now=clock.now(), **body.validated_data
        )
        return Response(ErasureSerializer(erasure).data, status=status.HTTP_202_ACCEPTED)


@extend_schema_view(
    list=extend_schema(summary="List erasures"), retrieve=extend_schema(summary="A certificate of erasure")
)
class ErasureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Erasure]):
    """Certificates: when, who asked and how much was removed; nothing of whom."""

    model = Erasure
    permissions = {"list": "privacy.view", "retrieve": "privacy.view"}
    serializer_class = ErasureSerializer
    orders = ("asked_at",)
    default_order = "-asked_at"

    def get_queryset(self) -> QuerySet[Erasure]:
        if getattr(self, "swagger_fake_view", False):
            return Erasure.unscoped.none()
        return Erasure.objects.all()
