"""`/api/v1/enrichment-providers/`, `/api/v1/enrichment-runs/`."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.functional import SimpleLazyObject
from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.enrichment import cancel_run, refuse_items, resume_run, start_run, write_items
from prospects.actions.enrichment_providers import (
    FIELDS,
    create_provider,
    delete_provider,
    update_provider,
    upload_table,
)
from prospects.api.fields import TenantKeyField
from prospects.models import FINDING_KINDS, Company, EnrichmentItem, EnrichmentProvider, EnrichmentRun, Person
from prospects.queries import enrichment as queries

MAX_IDS = 10_000


class EnrichmentProviderSerializer(serializers.ModelSerializer[EnrichmentProvider]):
    kind = serializers.ChoiceField(
        choices=[(kind.value, kind.label) for kind in EnrichmentProvider.Kind if kind not in FINDING_KINDS]
    )
    url = serializers.CharField(max_length=1000, required=False, write_only=True, help_text="With {domain}, {email}...")
    method = serializers.ChoiceField(choices=["GET", "POST"], required=False, write_only=True)
    body = serializers.DictField(required=False, write_only=True)
    mapping = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        write_only=True,
        help_text="Our field -> JMESPath into the answer.",
    )
    headers = serializers.DictField(
        child=serializers.CharField(), required=False, write_only=True, help_text="Kept encrypted, never shown."
    )
    settings = serializers.JSONField(read_only=True)
    gives = serializers.SerializerMethodField(help_text="The fields it can fill.")
    spent_this_month = serializers.SerializerMethodField()

    class Meta:
        model = EnrichmentProvider
        fields = [
            "id", "kind", *FIELDS, "settings", "gives", "spent_this_month", "error", "failed_at", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "error", "failed_at", "created_at"]
        validators: list[Any] = []
        extra_kwargs = {name: {"required": False} for name in FIELDS if name != "name"}

    def get_gives(self, provider: EnrichmentProvider) -> list[str]:
        return list(queries.gives(provider))

    def get_spent_this_month(self, provider: EnrichmentProvider) -> str:
        return str(self.context["costs"].get((provider.pk, provider.currency), 0))


class EnrichmentTableSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, default="table.csv")
    text = serializers.CharField(max_length=50_000_000, trim_whitespace=False, help_text="The CSV file.")


class EnrichmentProviderFilter(django_filters.FilterSet):
    subject = django_filters.ChoiceFilter(choices=EnrichmentProvider.Subject.choices)
    kind = django_filters.ChoiceFilter(choices=EnrichmentProvider.Kind.choices)


@extend_schema_view(
    list=extend_schema(summary="List enrichment providers"), retrieve=extend_schema(summary="One enrichment provider")
)
class EnrichmentProviderViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[EnrichmentProvider]
):
    """Who is asked, in the order of `position`: the next one only for what is still missing."""

    model = EnrichmentProvider
    permissions = {
        "list": "enrichment.view",
        "retrieve": "enrichment.view",
        "create": "enrichment.manage",
        "partial_update": "enrichment.manage",
        "destroy": "enrichment.manage",
        "table": "enrichment.manage",
    }
    serializer_class = EnrichmentProviderSerializer
    filterset_class = EnrichmentProviderFilter
    orders = ("position", "created_at")
    default_order = "position"

    def get_queryset(self) -> QuerySet[EnrichmentProvider]:
        if getattr(self, "swagger_fake_view", False):
            return EnrichmentProvider.unscoped.none()
        return EnrichmentProvider.objects.exclude(kind__in=FINDING_KINDS)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "costs": SimpleLazyObject(lambda: queries.costs(clock.now()))}

    @extend_schema(summary="Add an enrichment provider")
    def create(self, request: Request) -> Response:
        """`http` needs `url` and `mapping`; `website` and `dns` need nothing; a `table` takes its file afterwards."""
        provider = create_provider(by=actor_of(request), now=clock.now(), **self._read(request))
        return Response(self.get_serializer(provider).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change an enrichment provider")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays, the headers too; another host needs them again."""
        provider, data = self.get_object(), self._read(request, partial=True)
        data.pop("kind", None)
        update_provider(provider=provider, changes=data, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(provider).data)

    @extend_schema(summary="Delete an enrichment provider")
    def destroy(self, request: Request, pk: str) -> Response:
        """Its answers and costs go too; values it filled stay."""
        delete_provider(provider=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Upload a table", request=EnrichmentTableSerializer,
        responses=inline_serializer("EnrichmentTableResult", {
            "rows": serializers.IntegerField(), "left_out": serializers.IntegerField(), "fields": serializers.ListField(),
        }),
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def table(self, request: Request, pk: str) -> Response:
        """Replaces the rows before."""
        body = EnrichmentTableSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        done = upload_table(
            provider=self.get_object(),
            name=data["name"],
            content=data["text"].encode(),
            by=actor_of(request),
            now=clock.now(),
        )
        return Response(done)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class EnrichmentRunSerializer(serializers.ModelSerializer[EnrichmentRun]):
    ids = serializers.ListField(child=serializers.UUIDField(), write_only=True, min_length=1, max_length=MAX_IDS)
    fields_wanted = serializers.ListField(
        source="fields",
        child=serializers.CharField(max_length=40),
        required=False,
        help_text="Left out: all that can be filled.",
    )
    member = TenantKeyField(Member, read_only=True)
    counts = serializers.SerializerMethodField(help_text="Rows by state.")

    class Meta:
        model = EnrichmentRun
        fields = [
            "id", "subject", "ids", "fields_wanted", "label", "write_at_once", "state", "total", "counts", "member",
            "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = ["id", "state", "total", "created_at", "finished_at"]
        extra_kwargs = {"label": {"required": False}, "write_at_once": {"required": False}}

    def get_counts(self, run: EnrichmentRun) -> dict[str, int]:
        return queries.numbers(run) if self.context["view"].action != "list" else {}


class EnrichmentItemSerializer(serializers.ModelSerializer[EnrichmentItem]):
    company = TenantKeyField(Company, read_only=True)
    person = TenantKeyField(Person, read_only=True)

    class Meta:
        model = EnrichmentItem
        fields = ["id", "company", "person", "state", "proposal", "notes", "done_at"]


class EnrichmentItemsSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=MAX_IDS,
        help_text="Of items; left out: all that were found.",
    )


@extend_schema_view(
    list=extend_schema(summary="List enrichment runs"), retrieve=extend_schema(summary="One enrichment run")
)
class EnrichmentRunViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[EnrichmentRun]
):
    """Companies or people asked about in the background; what was found is proposed before it is written."""

    model = EnrichmentRun
    permissions = {
        "list": "enrichment.view",
        "retrieve": "enrichment.view",
        "items": "enrichment.view",
        "create": "enrichment.run",
        "write": "enrichment.run",
        "refuse": "enrichment.run",
        "cancel": "enrichment.run",
        "resume": "enrichment.run",
    }
    serializer_class = EnrichmentRunSerializer
    orders = queries.ORDERS
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[EnrichmentRun]:
        if getattr(self, "swagger_fake_view", False):
            return EnrichmentRun.unscoped.none()
        return EnrichmentRun.objects.all()

    @extend_schema(summary="Ask about companies or people")
    def create(self, request: Request) -> Response:
        """Answered at once; a worker asks. With `write_at_once` what fills empty fields is written without a look."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        run = start_run(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="What a run found", responses=EnrichmentItemSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def items(self, request: Request, pk: str) -> Response:
        """The first 1,000 rows of a state: `?state=found` (the default), written, nothing, stopped, refused, waiting."""
        state = request.query_params.get("state", "found")
        rows = EnrichmentItem.objects.filter(run=self.get_object(), state=state).order_by("id")[:1000]
        return Response(EnrichmentItemSerializer(rows, many=True).data)

    @extend_schema(
        summary="Write what was found", request=EnrichmentItemsSerializer,
        responses=inline_serializer("EnrichmentWritten", {"written": serializers.IntegerField()}),
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def write(self, request: Request, pk: str) -> Response:
        """What somebody typed since it was proposed stays; the item's notes say so."""
        count = write_items(run=self.get_object(), ids=self._ids(request), by=actor_of(request), now=clock.now())
        return Response({"written": count})

    @extend_schema(
        summary="Leave rows as they are", request=EnrichmentItemsSerializer,
        responses=inline_serializer("EnrichmentRefused", {"refused": serializers.IntegerField()}),
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, pk: str) -> Response:
        """`ids` of items."""
        ids = self._ids(request) or []
        return Response(
            {"refused": refuse_items(run=self.get_object(), ids=ids, by=actor_of(request), now=clock.now())}
        )

    @extend_schema(summary="Cancel a run", request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """What was written stays."""
        return Response(
            self.get_serializer(cancel_run(run=self.get_object(), by=actor_of(request), now=clock.now())).data
        )

    @extend_schema(summary="Resume what was stopped", request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """After a budget was raised or a provider works again; 409 where nothing was stopped."""
        run = self.get_object()
        resume_run(run=run, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(run).data)

    def _ids(self, request: Request) -> list[Any] | None:
        body = EnrichmentItemsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        ids: list[Any] | None = body.validated_data.get("ids")
        return ids
