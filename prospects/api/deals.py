"""`/api/v1/deals/`: create, change, move, win, lose; upsert by external id."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.deals import FIELDS, create_deal, delete_deal, edit_deal, lose_deal, move_deal, win_deal
from prospects.api.fields import TenantKeyField
from prospects.forms.deals import DealFilter
from prospects.models import Campaign, Company, Customer, Deal, Lead, Person
from prospects.queries.deals import weighted_value


class DealSerializer(serializers.ModelSerializer[Deal]):
    lead = TenantKeyField(Lead, required=False, allow_null=True)
    company = TenantKeyField(Company, required=False, allow_null=True)
    person = TenantKeyField(Person, required=False, allow_null=True)
    campaign = TenantKeyField(Campaign, required=False, allow_null=True)
    owner = TenantKeyField(Member, required=False, allow_null=True)
    customer = serializers.PrimaryKeyRelatedField[Customer](read_only=True)
    weighted_value = serializers.SerializerMethodField(help_text="Value times the probability of the stage.")

    class Meta:
        model = Deal
        fields = [
            "id", "external_id", "name", "lead", "company", "person", "campaign", "channel", "owner", "stage", "probability",
            "outcome", "value", "currency", "weighted_value", "mrr", "term_months", "expected_close", "next_step", "reason",
            "customer", "opened_at", "closed_at", "ended_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = [
            "id", "probability", "outcome", "reason", "closed_at", "ended_at", "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {
            "name": {"required": False},
            "currency": {"required": False, "help_text": "The workspace's own if absent."},
        }
        validators: list[Any] = []

    @extend_schema_field(OpenApiTypes.DECIMAL)
    def get_weighted_value(self, deal: Deal) -> str | None:
        value = weighted_value(deal)
        return None if value is None else str(value)


class CloseSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text="Now if absent.")


class LoseSerializer(CloseSerializer):
    reason = serializers.CharField(max_length=120)


class MoveSerializer(serializers.Serializer[Any]):
    stage = serializers.ChoiceField(choices=["discovery", "proposal", "negotiation"])


@extend_schema_view(
    list=extend_schema(summary="List deals"),
    retrieve=extend_schema(summary="One deal"),
    destroy=extend_schema(summary="Delete a deal"),
)
class DealViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Deal]):
    """Sales opportunities. `value` is the total contract value, `mrr` its recurring part a month."""

    model = Deal
    permissions = {
        "list": "deals.view",
        "retrieve": "deals.view",
        "create": "deals.edit",
        "partial_update": "deals.edit",
        "destroy": "deals.edit",
        "by_external_id": "deals.edit",
        "move": "deals.edit",
        "won": "deals.edit",
        "lost": "deals.edit",
    }
    serializer_class = DealSerializer
    filterset_class = DealFilter
    orders = ("created_at", "updated_at", "opened_at", "closed_at", "value")
    nullable_orders = ("opened_at", "closed_at", "value")
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Deal]:
        if getattr(self, "swagger_fake_view", False):
            return Deal.unscoped.none()
        related = ("lead", "company", "person", "campaign", "owner", "customer")
        rows: QuerySet[Deal] = Deal.objects.select_related(*related)
        return rows

    @extend_schema(summary="Open a deal")
    def create(self, request: Request) -> Response:
        """With `lead`, that lead becomes an opportunity. Without `value`, the recurring part over its term counts."""
        deal = create_deal(by=actor_of(request), now=clock.now(), **self._read(request))
        return self._answer(deal, status.HTTP_201_CREATED)

    @extend_schema(summary="Change a deal")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays. Stage and outcome change by the acts below."""
        return self._change(self.get_object(), self._read(request, partial=True), request)

    def destroy(self, request: Request, pk: str) -> Response:
        """One entered by mistake; a won deal is refused with `409`."""
        delete_deal(deal=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Open or change a deal by your own id",
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
    )
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """`201` where it is new."""
        found = self.get_queryset().filter(external_id=external_id).first()
        data = self._read(request, partial=found is not None)
        if found is not None:
            return self._change(found, data, request)
        deal = create_deal(by=actor_of(request), now=clock.now(), **(data | {"external_id": external_id}))
        return self._answer(deal, status.HTTP_201_CREATED)

    @extend_schema(summary="Move to a stage", request=MoveSerializer, responses=DealSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        """With the probability of that stage."""
        deal = move_deal(
            deal=self.get_object(), by=actor_of(request), now=clock.now(), **self._body(MoveSerializer, request)
        )
        return self._answer(deal)

    @extend_schema(summary="Win", request=CloseSerializer, responses=DealSerializer)
    @action(detail=True, methods=["post"])
    def won(self, request: Request, pk: str) -> Response:
        """Makes or extends the customer. Winning twice is once."""
        body = self._body(CloseSerializer, request)
        return self._answer(win_deal(deal=self.get_object(), by=actor_of(request), now=clock.now(), **body))

    @extend_schema(summary="Lose", request=LoseSerializer, responses=DealSerializer)
    @action(detail=True, methods=["post"])
    def lost(self, request: Request, pk: str) -> Response:
        """With the reason; the lead is lost with its last open deal."""
        body = self._body(LoseSerializer, request)
        return self._answer(lose_deal(deal=self.get_object(), by=actor_of(request), now=clock.now(), **body))

    def _change(self, deal: Deal, data: dict[str, Any], request: Request) -> Response:
        by, now = actor_of(request), clock.now()
        stage = data.get("stage")
        if stage is not None and stage != deal.stage:
            move_deal(deal=deal, stage=stage, by=by, now=now)
        changes = {name: value for name, value in data.items() if name in FIELDS}
        return self._answer(edit_deal(deal=deal, changes=changes, by=by, now=now))

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        return self._body(DealSerializer, request, partial=partial)

    def _body(self, serializer_class: Any, request: Request, **kwargs: Any) -> dict[str, Any]:
        serializer = serializer_class(data=request.data, context=self.get_serializer_context(), **kwargs)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _answer(self, deal: Deal, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=deal.pk)).data, status=code)
