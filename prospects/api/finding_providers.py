"""`/api/v1/finding-providers/`: who can be searched, and the files of directories."""

import base64
import binascii
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import SimpleLazyObject
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.enrichment_providers import create_provider, delete_provider, update_provider
from prospects.actions.finding_directory import read_upload, upload
from prospects.models import FINDING_KINDS, DirectoryUpload, EnrichmentProvider
from prospects.queries import finding as queries
from prospects.queries.enrichment import costs

PROVIDER_FIELDS = ("name", "is_active", "position", "currency", "monthly_budget")


class FindingProviderSerializer(serializers.ModelSerializer[EnrichmentProvider]):
    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in FINDING_KINDS])
    operations = serializers.DictField(
        required=False, write_only=True,
        help_text="companies, people, email, phone: each an object with url, mapping, results, price… Of a directory: prices.",
    )  # fmt: skip
    headers = serializers.DictField(
        child=serializers.CharField(), required=False, write_only=True, help_text="Kept encrypted, never shown."
    )
    settings = serializers.JSONField(read_only=True)
    offers = serializers.SerializerMethodField(help_text="What it can be asked.")
    spent_this_month = serializers.SerializerMethodField()

    class Meta:
        model = EnrichmentProvider
        fields = [
            "id", "kind", *PROVIDER_FIELDS, "operations", "headers", "settings", "offers", "spent_this_month", "error", "failed_at",
            "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "error", "failed_at", "created_at"]
        validators: list[Any] = []
        extra_kwargs = {name: {"required": False} for name in PROVIDER_FIELDS if name != "name"}

    def get_offers(self, provider: EnrichmentProvider) -> list[str]:
        return list(queries.operations_of(provider))

    def get_spent_this_month(self, provider: EnrichmentProvider) -> str:
        return str(self.context["costs"].get((provider.pk, provider.currency), 0))


class DirectoryUploadSerializer(serializers.ModelSerializer[DirectoryUpload]):
    class Meta:
        model = DirectoryUpload
        fields = [
            "id", "subject", "state", "file_name", "header", "columns", "rows", "left_out", "error", "created_at", "finished_at",
        ]  # fmt: skip


class DirectoryFileSerializer(serializers.Serializer[Any]):
    subject = serializers.ChoiceField(choices=DirectoryUpload.Subject.choices)
    name = serializers.CharField(max_length=200, default="directory.csv")
    text = serializers.CharField(required=False, max_length=50_000_000, trim_whitespace=False, help_text="A CSV file.")
    base64 = serializers.CharField(required=False, max_length=70_000_000, help_text="Any file: CSV, workbook, Parquet.")
    columns = serializers.DictField(
        child=serializers.CharField(allow_blank=True), required=False,
        help_text="Our field -> column. Left out: as guessed, or as it was mapped before.",
    )  # fmt: skip


class _Context:
    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = super().get_serializer_context()  # type: ignore[misc]  # a mixin of viewsets
        return {**context, "costs": SimpleLazyObject(lambda: costs(clock.now()))}


@extend_schema_view(
    list=extend_schema(summary="List who can be searched"), retrieve=extend_schema(summary="One who can be searched")
)
class FindingProviderViewSet(
    _Context, IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[EnrichmentProvider],
):  # fmt: skip
    """Search services, directories and the address pattern. Finders are asked in the order of `position`."""

    model = EnrichmentProvider
    permissions = {
        "list": "finding.view", "retrieve": "finding.view", "create": "finding.manage", "partial_update": "finding.manage",
        "destroy": "finding.manage", "upload": "finding.manage", "uploads": "finding.view",
    }  # fmt: skip
    serializer_class = FindingProviderSerializer
    orders = ("position", "created_at")
    default_order = "position"

    def get_queryset(self) -> QuerySet[EnrichmentProvider]:
        if getattr(self, "swagger_fake_view", False):
            return EnrichmentProvider.unscoped.none()
        return EnrichmentProvider.objects.filter(kind__in=FINDING_KINDS)

    @extend_schema(summary="Add one who can be searched")
    def create(self, request: Request) -> Response:
        """A `search` needs `operations`; a `directory` takes its file afterwards; a `pattern` needs nothing."""
        provider = create_provider(by=actor_of(request), now=clock.now(), **self._read(request))
        return Response(self.get_serializer(provider).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change one who can be searched")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays, the headers too; another host needs them again."""
        provider, data = self.get_object(), self._read(request, partial=True)
        data.pop("kind", None)
        update_provider(provider=provider, changes=data, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(provider).data)

    @extend_schema(summary="Delete one who can be searched")
    def destroy(self, request: Request, pk: str) -> Response:
        """Its searches, files and costs go too; what was added from it stays."""
        delete_provider(provider=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Upload a directory's file", request=DirectoryFileSerializer, responses={201: DirectoryUploadSerializer}
    )
    @action(detail=True, methods=["post"])
    def upload(self, request: Request, pk: str) -> Response:
        """Read in the background; it takes the place of the file before once it is whole."""
        body = DirectoryFileSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data, by, now = body.validated_data, actor_of(request), clock.now()
        try:
            content = (
                base64.b64decode(data["base64"], validate=True) if data.get("base64") else data.get("text", "").encode()
            )
        except (binascii.Error, ValueError) as error:
            raise Invalid("This is not base64.", field="base64") from error
        row = upload(
            provider=self.get_object(), subject=data["subject"], name=data["name"], content=content, by=by, now=now
        )
        row = read_upload(row=row, columns=data.get("columns") or row.columns, by=by, now=now)
        return Response(DirectoryUploadSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="A directory's files", responses=DirectoryUploadSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def uploads(self, request: Request, pk: str) -> Response:
        """The ten newest."""
        return Response(DirectoryUploadSerializer(queries.uploads(self.get_object()), many=True).data)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
