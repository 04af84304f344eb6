"""`/api/v1/views/`: saved views of the people and companies lists."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.permissions import member_allows
from leadgen.core import clock
from leadgen.core.errors import Refused
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.saved_views import create_view, delete_view, update_view
from prospects.models import SavedView
from prospects.queries.saved_views import views_of


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    query = serializers.CharField(
        required=False, allow_blank=True, max_length=20_000,
        help_text="The filter, as the query string of `GET /people/` or `/companies/` takes it.",
    )  # fmt: skip
    columns = serializers.ListField(child=serializers.CharField(max_length=80), required=False, max_length=16)

    class Meta:
        model = SavedView
        fields = ["id", "subject", "name", "query", "sort", "columns", "is_shared", "owner", "created_at", "updated_at"]
        read_only_fields = ["id", "owner", "created_at", "updated_at"]
        validators: list[Any] = []
        extra_kwargs = {"sort": {"required": False}, "is_shared": {"required": False}}


class SavedViewFilter(django_filters.FilterSet):
    subject = django_filters.ChoiceFilter(choices=SavedView.Subject.choices)


@extend_schema_view(list=extend_schema(summary="List saved views"), retrieve=extend_schema(summary="One saved view"))
class SavedViewViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[SavedView]
):
    """Your own views and those shared with you; only your own can be changed."""

    model = SavedView
    permissions = {
        "list": "views.view",
        "retrieve": "views.view",
        "create": "views.edit",
        "partial_update": "views.edit",
        "destroy": "views.edit",
    }
    serializer_class = SavedViewSerializer
    filterset_class = SavedViewFilter
    orders = ("name", "created_at")
    default_order = "name"

    def get_queryset(self) -> QuerySet[SavedView]:
        if getattr(self, "swagger_fake_view", False):
            return SavedView.unscoped.none()
        return views_of(self.request.member).order_by()  # type: ignore[attr-defined]  # set by the authentication

    @extend_schema(summary="Save a view")
    def create(self, request: Request) -> Response:
        """Private unless `is_shared`."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self._may_share(request, serializer.validated_data)
        view = create_view(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(view).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a view")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays; `subject` is chosen once."""
        view = self.get_object()
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        data.pop("subject", None)
        self._may_share(request, data)
        update_view(by=actor_of(request), now=clock.now(), view=view, **data)
        return Response(self.get_serializer(view).data)

    @extend_schema(summary="Delete a view")
    def destroy(self, request: Request, pk: str) -> Response:
        """The rows it showed stay."""
        delete_view(by=actor_of(request), now=clock.now(), view=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _may_share(self, request: Request, data: dict[str, Any]) -> None:
        if data.get("is_shared") and not member_allows(request.member, "views.share"):  # type: ignore[attr-defined]  # as above
            raise Refused("Your role may not share views. Leave is_shared out.", field="is_shared")
