"""`/api/v1/tags/`: the vocabulary. Who has which stands in `tags` of people and companies."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.tags import create_tag, delete_tag, update_tag
from prospects.models import Tag


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["id", "name", "colour", "created_at"]
        read_only_fields = ["id", "created_at"]
        validators: list[Any] = []
        extra_kwargs = {"colour": {"required": False}}


@extend_schema_view(list=extend_schema(summary="List tags"), retrieve=extend_schema(summary="One tag"))
class TagViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Tag]):
    """The workspace's words for people and companies."""

    model = Tag
    permissions = {
        "list": "tags.view",
        "retrieve": "tags.view",
        "create": "tags.manage",
        "partial_update": "tags.manage",
        "destroy": "tags.manage",
    }
    serializer_class = TagSerializer
    orders = ("name", "created_at")
    default_order = "name"

    def get_queryset(self) -> QuerySet[Tag]:
        if getattr(self, "swagger_fake_view", False):
            return Tag.unscoped.none()
        return Tag.objects.all()

    @extend_schema(summary="Create a tag")
    def create(self, request: Request) -> Response:
        """Upper and lower case are one word; a second one is refused with `409`."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        tag = create_tag(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(tag).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a tag")
    def partial_update(self, request: Request, pk: str) -> Response:
        """Segments whose rule names it go on meaning it. `403` where others' records carry it, without `tags.edit`."""
        tag = self.get_object()
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        update_tag(by=actor_of(request), now=clock.now(), tag=tag, name=data.get("name"), colour=data.get("colour"))
        return Response(self.get_serializer(tag).data)

    @extend_schema(summary="Delete a tag")
    def destroy(self, request: Request, pk: str) -> Response:
        """Off everybody too. Refused with `409` while the rule of a segment names it, with `403` as changing it is."""
        delete_tag(by=actor_of(request), now=clock.now(), tag=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
