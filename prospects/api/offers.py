"""`/api/v1/offers/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.offers import FIELDS, create_offer, delete_offer, update_offer
from prospects.models import Offer


class OfferSerializer(serializers.ModelSerializer[Offer]):
    class Meta:
        model = Offer
        fields = ["id", *FIELDS, "created_at"]
        read_only_fields = ["id", "created_at"]
        # The action refuses a second offer of a name; a unique validator would read a table of no workspace.
        validators: list[Any] = []
        extra_kwargs = {"name": {"validators": []}, "currency": {"required": False}}


@extend_schema_view(list=extend_schema(summary="List offers"), retrieve=extend_schema(summary="One offer"))
class OfferViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Offer]):
    """What is sold to whom, and which channels suit it."""

    model = Offer
    permissions = {
        "list": "offers.view",
        "retrieve": "offers.view",
        "create": "offers.edit",
        "partial_update": "offers.edit",
        "destroy": "offers.edit",
    }
    serializer_class = OfferSerializer
    orders = ("name", "created_at")
    default_order = "name"

    def get_queryset(self) -> QuerySet[Offer]:
        if getattr(self, "swagger_fake_view", False):
            return Offer.unscoped.none()
        return Offer.objects.all()

    @extend_schema(summary="Create an offer")
    def create(self, request: Request) -> Response:
        """`channels` names those that suit it."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        offer = create_offer(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(offer).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change an offer")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays."""
        offer = self.get_object()
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        update_offer(offer=offer, changes=serializer.validated_data, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(offer).data)

    @extend_schema(summary="Delete an offer")
    def destroy(self, request: Request, pk: str) -> Response:
        """Its campaigns stay, without an offer."""
        delete_offer(offer=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
