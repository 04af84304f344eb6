"""`/api/v1/phone-outcomes/`: what calls said of numbers, for diallers of others."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.phone_outcomes import record_phone_outcome
from prospects.api.fields import TenantKeyField
from prospects.models import Person, PhoneOutcome
from prospects.rules.phone_outcomes import kind_of


class PhoneOutcomeSerializer(serializers.ModelSerializer[PhoneOutcome]):
    person = TenantKeyField(Person)
    type = serializers.SerializerMethodField(help_text="mobile, fixed line...; empty where its plan does not say.")

    class Meta:
        model = PhoneOutcome
        fields = ["id", "person", "number", "type", "state", "at", "calls"]
        read_only_fields = ["id", "at", "calls"]
        validators: list[Any] = []

    def get_type(self, row: PhoneOutcome) -> str:
        return kind_of(row.number)


class PhoneOutcomeFilter(django_filters.FilterSet):
    person = django_filters.UUIDFilter(field_name="person")
    state = django_filters.ChoiceFilter(choices=PhoneOutcome.State.choices)
    number = django_filters.CharFilter()


@extend_schema_view(
    list=extend_schema(summary="List what calls said of numbers"),
    retrieve=extend_schema(summary="One number's last word"),
)
class PhoneOutcomeViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[PhoneOutcome]
):
    """The latest word on each number of a person. Calls logged in the queue write it too."""

    model = PhoneOutcome
    permissions = {"list": "people.view", "retrieve": "people.view", "create": "people.edit"}
    serializer_class = PhoneOutcomeSerializer
    filterset_class = PhoneOutcomeFilter
    orders = ("at",)
    default_order = "-at"

    def get_queryset(self) -> QuerySet[PhoneOutcome]:
        if getattr(self, "swagger_fake_view", False):
            return PhoneOutcome.unscoped.none()
        return PhoneOutcome.objects.all()

    @extend_schema(summary="Say how a number did")
    def create(self, request: Request) -> Response:
        """A wrong number is taken off the person, is not proposed to them again, and enrichment may look for another."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = record_phone_outcome(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)
