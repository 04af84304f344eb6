"""`/api/v1/import-templates/`: remembered mappings."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.imports_templates import (
    change_template,
    columns_of,
    delete_template,
    remember_template,
)
from prospects.api.fields import TenantKeyField
from prospects.models import Import, ImportTemplate


class ImportTemplateSerializer(serializers.ModelSerializer[ImportTemplate]):
    """`columns`: field -> column. `settings`: fixed values, words, dates, match rule and policies, as they were kept."""

    columns = serializers.SerializerMethodField()
    member = TenantKeyField(Member, read_only=True)

    class Meta:
        model = ImportTemplate
        fields = [
            "id", "name", "kind", "header", "columns", "settings", "used_count", "used_at", "member", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_columns(self, template: ImportTemplate) -> dict[str, str]:
        return columns_of(template)


class RememberSerializer(serializers.Serializer[Any]):
    """How an import reads its file, under a name; one of that name is replaced."""

    import_run = TenantKeyField(Import, help_text="The import it is taken from.")
    name = serializers.CharField(max_length=80)


class TemplateChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    columns = serializers.DictField(
        child=serializers.CharField(allow_blank=True), required=False, help_text="All of them: field -> column."
    )


class ImportTemplateFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=ImportTemplate._meta.get_field("kind").choices)


@extend_schema_view(
    list=extend_schema(summary="List import templates"), retrieve=extend_schema(summary="One import template")
)
class ImportTemplateViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ImportTemplate]
):
    """How files with certain columns are read. `GET /imports/<id>/templates/` says which fit a file, and why."""

    permissions = {
        "list": "imports.view", "retrieve": "imports.view", "create": "imports.run", "partial_update": "imports.run",
        "destroy": "imports.run",
    }  # fmt: skip
    model = ImportTemplate
    serializer_class = ImportTemplateSerializer
    filterset_class = ImportTemplateFilter
    orders = ("created_at",)
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[ImportTemplate]:
        if getattr(self, "swagger_fake_view", False):
            return ImportTemplate.unscoped.none()
        return ImportTemplate.objects.all()

    @extend_schema(
        summary="Remember how an import reads its file",
        request=RememberSerializer,
        responses={201: ImportTemplateSerializer},
    )
    def create(self, request: Request) -> Response:
        body = RememberSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = remember_template(
            by=actor_of(request),
            now=clock.now(),
            run=body.validated_data["import_run"],
            name=body.validated_data["name"],
        )
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change an import template", request=TemplateChangeSerializer, responses=ImportTemplateSerializer
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Its name, its columns; what is not sent stays."""
        body = TemplateChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        changed = change_template(
            by=actor_of(request), now=clock.now(), template=self.get_object(), **body.validated_data
        )
        return Response(self.get_serializer(changed).data)

    @extend_schema(summary="Forget an import template")
    def destroy(self, request: Request, pk: str) -> Response:
        """Imports that used it stay as they are."""
        delete_template(by=actor_of(request), now=clock.now(), template=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
