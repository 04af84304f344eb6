"""`/api/v1/customers/`: look, and record the end."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.customers import end_customer
from prospects.forms.deals import CustomerFilter
from prospects.models import Company, Customer, Person
from prospects.queries.deals import with_worth


class CustomerSerializer(serializers.ModelSerializer[Customer]):
    company = serializers.PrimaryKeyRelatedField[Company](read_only=True)
    person = serializers.PrimaryKeyRelatedField[Person](read_only=True)
    won_deals = serializers.IntegerField(source="x_deals", read_only=True)
    won_value = serializers.DecimalField(
        source="x_value", max_digits=18, decimal_places=2, read_only=True, allow_null=True
    )
    mrr = serializers.DecimalField(
        source="x_mrr", max_digits=18, decimal_places=2, read_only=True, allow_null=True,
        help_text="Of won deals whose recurring part has not ended, in `currency`.",
    )  # fmt: skip
    currency = serializers.CharField(source="x_currency", read_only=True, allow_null=True)

    class Meta:
        model = Customer
        fields = [
            "id", "name", "company", "person", "started_at", "ended_at", "end_reason", "won_deals", "won_value", "mrr",
            "currency", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class EndSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=120)


@extend_schema_view(list=extend_schema(summary="List customers"), retrieve=extend_schema(summary="One customer"))
class CustomerViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Customer]
):
    """Made by won deals; a customer that ended and comes back is a new one."""

    model = Customer
    permissions = {"list": "customers.view", "retrieve": "customers.view", "end": "customers.edit"}
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilter
    orders = ("name", "started_at", "ended_at")
    nullable_orders = ("started_at", "ended_at")
    default_order = "-started_at"

    def get_queryset(self) -> QuerySet[Customer]:
        if getattr(self, "swagger_fake_view", False):
            return Customer.unscoped.none()
        return with_worth(Customer.objects.all())

    @extend_schema(summary="Record the end", request=EndSerializer, responses=CustomerSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """The recurring part of its deals ends with it. Ending twice on the same date is once."""
        body = EndSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        customer = end_customer(customer=self.get_object(), by=actor_of(request), now=clock.now(), **data)
        return Response(self.get_serializer(self.get_queryset().get(pk=customer.pk)).data)
