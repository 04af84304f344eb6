"""`/api/v1/spend/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.spend import FIELDS, create_spend, delete_spend, update_spend
from prospects.api.fields import TenantKeyField
from prospects.forms.spend import SpendFilter
from prospects.models import Campaign, Spend
from prospects.queries.spend import ORDERS


class SpendSerializer(serializers.ModelSerializer[Spend]):
    campaign = TenantKeyField(Campaign, required=False, allow_null=True)

    class Meta:
        model = Spend
        fields = ["id", *FIELDS, "created_at"]
        read_only_fields = ["id", "created_at"]
        # The action refuses a second line of an external id; a unique validator would read a table of no workspace.
        validators: list[Any] = []
        extra_kwargs = {
            "channel": {"required": False, "help_text": "Defaults to the campaign's."},
            "ends_on": {"required": False, "help_text": "Defaults to `starts_on`; both ends count."},
            "currency": {"required": False, "help_text": "Defaults to the workspace's."},
            "external_id": {"required": False, "validators": []},
        }


@extend_schema_view(list=extend_schema(summary="List spend"), retrieve=extend_schema(summary="One line of spend"))
class SpendViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Spend]):
    """Money spent on a channel or campaign over days. It is spread evenly over its days in every figure."""

    model = Spend
    permissions = {
        "list": "spend.view",
        "retrieve": "spend.view",
        "create": "spend.edit",
        "partial_update": "spend.edit",
        "destroy": "spend.edit",
        "by_external_id": "spend.edit",
    }
    serializer_class = SpendSerializer
    filterset_class = SpendFilter
    orders = ORDERS
    default_order = "-starts_on"

    def get_queryset(self) -> QuerySet[Spend]:
        if getattr(self, "swagger_fake_view", False):
            return Spend.unscoped.none()
        return Spend.objects.all()

    @extend_schema(summary="Record spend")
    def create(self, request: Request) -> Response:
        """One line. Send an `external_id`, or use the PUT by external id, so that a repeat is no second line."""
        spend = create_spend(by=actor_of(request), now=clock.now(), **self._read(request))
        return Response(self.get_serializer(spend).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a line of spend")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays."""
        spend = self.get_object()
        update_spend(spend=spend, changes=self._read(request, partial=True), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(spend).data)

    @extend_schema(summary="Delete a line of spend")
    def destroy(self, request: Request, pk: str) -> Response:
        """The audit log keeps it."""
        delete_spend(spend=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Create or change a line of spend by your own id",
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
    )
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Repeatable: the same id is the same line."""
        found = Spend.objects.filter(external_id=external_id).first()
        data = self._read(request, partial=found is not None) | {"external_id": external_id}
        if found is None:
            spend = create_spend(by=actor_of(request), now=clock.now(), **data)
            return Response(self.get_serializer(spend).data, status=status.HTTP_201_CREATED)
        update_spend(spend=found, changes=data, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(found).data)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
