"""`/api/v1/absences/`."""

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
from prospects.actions.away import KINDS, end_absence, start_absence
from prospects.api.fields import TenantKeyField
from prospects.models import Absence


class AbsenceSerializer(serializers.ModelSerializer[Absence]):
    member = TenantKeyField(Member)
    cover = TenantKeyField(Member)
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=KINDS),
        required=False,
        write_only=True,
        help_text="What moves; all if left out.",
    )

    class Meta:
        model = Absence
        fields = [
            "id", "member", "cover", "mode", "returns_on", "kinds", "state", "moved", "returned", "created_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = ["id", "state", "moved", "returned", "created_at", "ended_at"]
        validators: list[Any] = []


@extend_schema_view(list=extend_schema(summary="List absences"), retrieve=extend_schema(summary="One absence"))
class AbsenceViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Absence]
):
    """Somebody is away: a colleague has their rows until they are back (`cover`), or for good (`reassign`)."""

    model = Absence
    permissions = {
        "list": "absences.view",
        "retrieve": "absences.view",
        "create": "absences.edit",
        "end": "absences.edit",
    }
    serializer_class = AbsenceSerializer
    orders = ("created_at",)
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Absence]:
        if getattr(self, "swagger_fake_view", False):
            return Absence.unscoped.none()
        return Absence.objects.select_related("member", "cover")

    @extend_schema(summary="Hand over")
    def create(self, request: Request) -> Response:
        """In one transaction: people, companies, open leads, open deals and open tasks."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        absence = start_absence(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(absence).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="End an absence, or undo a hand-over", request=None, responses=AbsenceSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """What was handed over and is still with the cover goes back."""
        absence = end_absence(by=actor_of(request), now=clock.now(), absence=self.get_object())
        return Response(self.get_serializer(absence).data)
