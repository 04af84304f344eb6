"""`/api/v1/custom-fields/`."""

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
from prospects.actions.custom import create_custom_field, delete_custom_field, update_custom_field
from prospects.models import CustomField


class CustomFieldSerializer(serializers.ModelSerializer[CustomField]):
    """`key` is the name of the value in `custom` of people and companies."""

    class Meta:
        model = CustomField
        fields = ["id", "subject", "key", "label", "kind", "choices", "created_at"]
        read_only_fields = ["id", "key", "created_at"]
        validators: list[Any] = []
        extra_kwargs = {"choices": {"required": False}}


class CustomFieldFilter(django_filters.FilterSet):
    subject = django_filters.ChoiceFilter(choices=CustomField.Subject.choices)
    key = django_filters.CharFilter()


@extend_schema_view(
    list=extend_schema(summary="List custom fields"), retrieve=extend_schema(summary="One custom field")
)
class CustomFieldViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[CustomField]
):
    """Fields this workspace adds to people and companies: text, number, date, choice, money."""

    model = CustomField
    permissions = {
        "list": "fields.view",
        "retrieve": "fields.view",
        "create": "fields.edit",
        "partial_update": "fields.edit",
        "destroy": "fields.edit",
    }
    serializer_class = CustomFieldSerializer
    filterset_class = CustomFieldFilter
    orders = ("created_at",)
    default_order = "created_at"

    def get_queryset(self) -> QuerySet[CustomField]:
        if getattr(self, "swagger_fake_view", False):
            return CustomField.unscoped.none()
        return CustomField.objects.all()

    @extend_schema(summary="Create a custom field")
    def create(self, request: Request) -> Response:
        """Its `key` follows from the label and stays."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        field = create_custom_field(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(field).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a custom field")
    def partial_update(self, request: Request, pk: str) -> Response:
        """Label and choices; a choice that is in use cannot go (409)."""
        field = self.get_object()
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        field = update_custom_field(
            by=actor_of(request), now=clock.now(), field=field, label=data.get("label"), choices=data.get("choices")
        )
        return Response(self.get_serializer(field).data)

    @extend_schema(summary="Delete a custom field")
    def destroy(self, request: Request, pk: str) -> Response:
        """Every value of it goes too."""
        delete_custom_field(by=actor_of(request), now=clock.now(), field=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
