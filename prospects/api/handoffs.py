"""`/api/v1/handoffs/`: look, accept, reject, give on."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.handoffs import accept_handoff, reassign_handoff, reject_handoff
from prospects.api.fields import TenantKeyField
from prospects.forms.handoffs import OUTCOMES, HandoffFilter
from prospects.models import Handoff, Lead


class HandoffSerializer(serializers.ModelSerializer[Handoff]):
    lead = serializers.PrimaryKeyRelatedField[Lead](read_only=True)
    from_member = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    to_member = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    decided_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    agreement_version = serializers.IntegerField(source="version.number", read_only=True, default=None)

    class Meta:
        model = Handoff
        fields = [
            "id", "lead", "kind", "state", "agreement_version", "from_member", "to_member", "note", "brief", "created_at",
            "due_at", "decided_at", "decided_by", "reason", "decision_note",
        ]  # fmt: skip
        read_only_fields = fields


class AcceptSerializer(serializers.Serializer[Any]):
    """The deal of an SDR -> AE hand-off; ignored for the other kind."""

    name = serializers.CharField(required=False, max_length=200)
    value = serializers.DecimalField(required=False, allow_null=True, max_digits=18, decimal_places=2, min_value=0)
    currency = serializers.CharField(required=False, min_length=3, max_length=3)
    mrr = serializers.DecimalField(required=False, allow_null=True, max_digits=18, decimal_places=2, min_value=0)
    term_months = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=600)
    expected_close = serializers.DateField(required=False, allow_null=True)


class RejectSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(help_text="One of the agreement's `reject_reasons`.")
    outcome = serializers.ChoiceField(choices=OUTCOMES, default="back")
    until = serializers.DateField(required=False, allow_null=True, default=None, help_text="Where it is recycled.")
    note = serializers.CharField(required=False, allow_blank=True, default="")


class GiveSerializer(serializers.Serializer[Any]):
    to = TenantKeyField(Member)


@extend_schema_view(list=extend_schema(summary="List hand-offs"), retrieve=extend_schema(summary="One hand-off"))
class HandoffViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Handoff]
):
    """Leads passed to the next team, each with the brief as it was at that moment."""

    model = Handoff
    permissions = {
        "list": "handoffs.view",
        "retrieve": "handoffs.view",
        "accept": "handoffs.decide",
        "reject": "handoffs.decide",
        "give": "handoffs.decide",
    }
    serializer_class = HandoffSerializer
    filterset_class = HandoffFilter
    orders = ("created_at", "due_at")
    nullable_orders = ("due_at",)
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Handoff]:
        if getattr(self, "swagger_fake_view", False):
            return Handoff.unscoped.none()
        related = ("lead__person", "lead__company", "from_member", "to_member", "decided_by", "version")
        rows: QuerySet[Handoff] = Handoff.objects.select_related(*related)
        return rows

    @extend_schema(summary="Accept", request=AcceptSerializer, responses=HandoffSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """An MQL becomes accepted; an SQL an opportunity with its deal. Accepting twice is once."""
        handoff, _ = accept_handoff(
            handoff=self.get_object(), by=actor_of(request), now=clock.now(), deal=self._body(AcceptSerializer, request)
        )
        return Response(self.get_serializer(handoff).data)

    @extend_schema(summary="Reject", request=RejectSerializer, responses=HandoffSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """With one of the agreement's reasons: back to the team before, recycled, or disqualified."""
        data = self._body(RejectSerializer, request)
        handoff = reject_handoff(handoff=self.get_object(), by=actor_of(request), now=clock.now(), **data)
        return Response(self.get_serializer(handoff).data)

    @extend_schema(summary="Give to a colleague", request=GiveSerializer, responses=HandoffSerializer)
    @action(detail=True, methods=["post"])
    def give(self, request: Request, pk: str) -> Response:
        """The clock runs on."""
        data = self._body(GiveSerializer, request)
        handoff = reassign_handoff(handoff=self.get_object(), by=actor_of(request), now=clock.now(), **data)
        return Response(self.get_serializer(handoff).data)

    def _body(self, serializer_class: Any, request: Request) -> dict[str, Any]:
        serializer = serializer_class(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
