"""`/api/v1/finding-searches/`, `/api/v1/finders/`."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.finding import cancel_run, create_search, delete_search, start_run, update_search
from prospects.actions.finding_finders import quote, start_finder
from prospects.actions.finding_orders import choose, order_results
from prospects.api.enrichment import EnrichmentRunSerializer
from prospects.api.fields import TenantKeyField
from prospects.models import (
    Company,
    EnrichmentProvider,
    EnrichmentRun,
    FindingOrder,
    FindingResult,
    FindingRun,
    FindingSearch,
    Icp,
    Import,
    Person,
)
from prospects.queries import finding as queries

MAX_ROWS = 1000


class FindingRunSerializer(serializers.ModelSerializer[FindingRun]):
    class Meta:
        model = FindingRun
        fields = [
            "id", "number", "state", "pages", "seen", "fresh", "total", "amount", "currency", "error", "due_at", "created_at",
            "finished_at",
        ]  # fmt: skip


class FindingPaidSerializer(serializers.Serializer[Any]):
    amount = serializers.DecimalField(max_digits=16, decimal_places=4)
    currency = serializers.CharField(allow_blank=True)


class FindingSearchSerializer(serializers.ModelSerializer[FindingSearch]):
    provider = TenantKeyField(EnrichmentProvider)
    icp = TenantKeyField(Icp, required=False, allow_null=True, help_text="Left out: the primary profile.")
    costs = serializers.SerializerMethodField(help_text="Of its runs and orders, each currency it was charged in.")
    added = serializers.SerializerMethodField(help_text="Rows of its orders.")

    class Meta:
        model = FindingSearch
        fields = [
            "id",
            "name",
            "subject",
            "provider",
            "criteria",
            "icp",
            "wanted",
            "is_saved",
            "costs",
            "added",
            "created_at",
        ]
        read_only_fields = ["id", "created_at"]
        extra_kwargs = {"name": {"required": False}, "wanted": {"required": False}, "is_saved": {"required": False}}

    @extend_schema_field(FindingPaidSerializer(many=True))
    def get_costs(self, search: FindingSearch) -> Any:
        return FindingPaidSerializer(self._entry(search).costs, many=True).data

    def get_added(self, search: FindingSearch) -> int:
        return self._entry(search).added

    def _entry(self, search: FindingSearch) -> queries.Entry:
        """Of the whole page at once."""
        context: Any = self.context
        known: dict[UUID, queries.Entry] = context.setdefault("entries", {})
        if search.pk not in known:
            page = self.parent.instance if self.parent is not None else None
            asked = list(page) if isinstance(page, list | tuple) else [search]
            known.update({entry.search.pk: entry for entry in queries.history(asked)})
        return known[search.pk]


class FindingQuoteSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Requests of a run at most; rows of an order; people of a finder.")
    amount = serializers.DecimalField(max_digits=16, decimal_places=4)
    currency = serializers.CharField(allow_blank=True)
    left = serializers.DecimalField(
        max_digits=16, decimal_places=4, allow_null=True, help_text="Of the month's budget."
    )


class FindingConfirmSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=40, help_text="The same one again is the same run or order.")
    amount = serializers.DecimalField(
        max_digits=16, decimal_places=4, help_text="As `quote` said; 409 where it is another by now."
    )


class FindingChoiceSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=2000)
    best = serializers.IntegerField(required=False, min_value=1, help_text="Instead of ids: the best so many.")
    under = serializers.DecimalField(
        max_digits=12, decimal_places=2, required=False, help_text="With `best`: for no more than this."
    )


class FindingChosenSerializer(FindingQuoteSerializer):
    ids = serializers.ListField(child=serializers.UUIDField(), help_text="Those that can be added.")


class FindingOrderingSerializer(FindingConfirmSerializer):
    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=2000)
    count = serializers.IntegerField(min_value=1)


class FindingOrderSerializer(serializers.ModelSerializer[FindingOrder]):
    import_run = TenantKeyField(Import, read_only=True)

    class Meta:
        model = FindingOrder
        fields = ["id", "state", "rows", "amount", "currency", "import_run", "created_at", "finished_at"]


class FindingResultSerializer(serializers.ModelSerializer[FindingResult]):
    company = TenantKeyField(Company, read_only=True, help_text="What it became.")
    person = TenantKeyField(Person, read_only=True)
    standing = serializers.SerializerMethodField(help_text="Empty: it can be added; else why not.")
    ours = serializers.SerializerMethodField(help_text="The id of the record that is yours already.")

    class Meta:
        model = FindingResult
        fields = ["id", "key", "values", "notes", "score", "grade", "standing", "ours", "company", "person", "found_at"]

    def get_standing(self, row: FindingResult) -> str:
        found: str = self.context["standings"][row.pk].words
        return found

    def get_ours(self, row: FindingResult) -> UUID | None:
        record = self.context["standings"][row.pk].row
        return record.pk if record is not None else None


class FindingSearchFilter(django_filters.FilterSet):
    subject = django_filters.ChoiceFilter(choices=FindingSearch.Subject.choices)
    is_saved = django_filters.BooleanFilter()


@extend_schema_view(list=extend_schema(summary="List searches"), retrieve=extend_schema(summary="One search"))
class FindingSearchViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[FindingSearch]
):
    """What is looked for, at whom. `quote`, then `run`; `results`; `choose`, then `order`."""

    model = FindingSearch
    permissions = {
        "list": "finding.view", "retrieve": "finding.view", "create": "finding.run", "partial_update": "finding.run",
        "destroy": "finding.run", "quote": "finding.view", "run": "finding.run", "runs": "finding.view", "cancel": "finding.run",
        "results": "finding.view", "choose": "finding.view", "order": "finding.run", "ordered": "finding.view",
    }  # fmt: skip
    serializer_class = FindingSearchSerializer
    filterset_class = FindingSearchFilter
    orders = queries.ORDERS
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[FindingSearch]:
        if getattr(self, "swagger_fake_view", False):
            return FindingSearch.unscoped.none()
        return FindingSearch.objects.select_related("provider", "icp")

    @extend_schema(summary="Make a search")
    def create(self, request: Request) -> Response:
        """It is not run yet. `criteria` are those of `docs/api.md`."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        search = create_search(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(search).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Rename or keep a search")
    def partial_update(self, request: Request, pk: str) -> Response:
        """`name` and `is_saved`; another question is another search."""
        if other := sorted(set(request.data) - {"name", "is_saved"}):
            raise Invalid("Only name and is_saved can be changed: another question is another search.", field=other[0])
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        data = {name: serializer.validated_data.get(name) for name in ("name", "is_saved")}
        search = update_search(search=self.get_object(), by=actor_of(request), now=clock.now(), **data)
        return Response(self.get_serializer(search).data)

    @extend_schema(summary="Delete a search")
    def destroy(self, request: Request, pk: str) -> Response:
        """Its results go too; what was added from it stays."""
        delete_search(search=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="What a run costs at most", responses=FindingQuoteSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def quote(self, request: Request, pk: str) -> Response:
        """Requests, at their price."""
        search = self.get_object()
        found = queries.quote_search(search.provider, search.subject, search.wanted, clock.now())
        return Response(FindingQuoteSerializer(found).data)

    @extend_schema(summary="Run a search", request=FindingConfirmSerializer, responses={201: FindingRunSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """In the background; another run shows only what is new since."""
        body = FindingConfirmSerializer(data=request.data)
        search = self.get_object()
        body.is_valid(raise_exception=True)
        data = body.validated_data
        run = start_run(
            search=search, by=actor_of(request), now=clock.now(), token=data["token"], confirmed=data["amount"]
        )
        return Response(FindingRunSerializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Runs of a search", responses=FindingRunSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def runs(self, request: Request, pk: str) -> Response:
        """The newest first, with what each cost."""
        rows = FindingRun.objects.filter(search=self.get_object()).order_by("-number")[:100]
        return Response(FindingRunSerializer(rows, many=True).data)

    @extend_schema(summary="Stop a run", request=None, responses=FindingRunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """The one under way; what was found stays."""
        run = queries.latest_run(self.get_object())
        if run is None:
            raise Invalid("It was never run.")
        return Response(FindingRunSerializer(cancel_run(run=run, by=actor_of(request), now=clock.now())).data)

    @extend_schema(summary="What was found", responses=FindingResultSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def results(self, request: Request, pk: str) -> Response:
        """The best 1,000; `?new=1`: what the last run found first."""
        search = self.get_object()
        run = queries.latest_run(search) if request.query_params.get("new") == "1" else None
        rows = list(queries.results(search, run)[:MAX_ROWS])
        context = {"standings": queries.standings(search.subject, rows)}
        return Response(FindingResultSerializer(rows, many=True, context=context).data)

    @extend_schema(
        summary="Count and price of rows", request=FindingChoiceSerializer, responses=FindingChosenSerializer
    )
    @action(detail=True, methods=["post"])
    def choose(self, request: Request, pk: str) -> Response:
        """Of these rows, or of the best under a price, those that can be added. Changes nothing."""
        search = self.get_object()
        body = FindingChoiceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rows = choose(search, **body.validated_data)
        found = queries.quote_rows(search, len(rows), clock.now())
        told = {
            "ids": [row.pk for row in rows],
            "count": found.count,
            "amount": found.amount,
            "currency": found.currency,
        }
        return Response(FindingChosenSerializer(told | {"left": found.left}).data)

    @extend_schema(summary="Add rows", request=FindingOrderingSerializer, responses={201: FindingOrderSerializer})
    @action(detail=True, methods=["post"])
    def order(self, request: Request, pk: str) -> Response:
        """Exactly `count` at exactly `amount`, by an import that can be undone; 409 where either is another by now."""
        search = self.get_object()
        body = FindingOrderingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        order = order_results(
            search=search, by=actor_of(request), now=clock.now(), ids=data["ids"], token=data["token"],
            count=data["count"], confirmed=data["amount"],
        )  # fmt: skip
        return Response(FindingOrderSerializer(order).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Orders of a search", responses=FindingOrderSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def ordered(self, request: Request, pk: str) -> Response:
        """The newest first."""
        rows = FindingOrder.objects.filter(search=self.get_object()).order_by("-created_at")[:100]
        return Response(FindingOrderSerializer(rows, many=True).data)


class FinderAskSerializer(serializers.Serializer[Any]):
    want = serializers.ChoiceField(choices=["email", "phone"])
    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=10_000, help_text="Of people.")


class FinderStartSerializer(FinderAskSerializer):
    count = serializers.IntegerField(min_value=1)
    amount = serializers.DecimalField(max_digits=16, decimal_places=4)
    token = serializers.CharField(max_length=40)
    write_at_once = serializers.BooleanField(default=False)


class FinderQuoteSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="People who can be asked about.")
    skipped = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=16, decimal_places=4, help_text="At most.")
    currency = serializers.CharField(allow_blank=True)
    people = serializers.ListField(child=serializers.UUIDField())


class FinderViewSet(IdempotentMixin, viewsets.GenericViewSet[EnrichmentRun]):
    """E-mail finder and direct dials: `quote`, then start a run of enrichment that asks the finders one after the other."""

    model = EnrichmentRun
    permissions = {"create": "finding.run", "quote": "finding.view"}
    serializer_class = EnrichmentRunSerializer
    pagination_class = None
    filter_backends: list[Any] = []
    queryset = EnrichmentRun.unscoped.none()

    @extend_schema(
        summary="What finding addresses or numbers costs", request=FinderAskSerializer, responses=FinderQuoteSerializer
    )
    @action(detail=False, methods=["post"])
    def quote(self, request: Request) -> Response:
        """Count and price at most. Changes nothing."""
        body = FinderAskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(FinderQuoteSerializer(quote(**body.validated_data)).data)

    @extend_schema(
        summary="Find addresses or numbers", request=FinderStartSerializer, responses={201: EnrichmentRunSerializer}
    )
    def create(self, request: Request) -> Response:
        """What is found stands under the run's `items`, to be written; 409 where count or amount is another by now."""
        body = FinderStartSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        confirmed: Decimal = data.pop("amount")
        run = start_finder(by=actor_of(request), now=clock.now(), confirmed=confirmed, **data)
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)
