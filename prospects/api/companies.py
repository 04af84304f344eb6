"""`/api/v1/companies/`."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.companies import FIELDS, create_company, delete_companies, update_company
from prospects.actions.suppressions import read_value
from prospects.actions.tags import set_tags, tags_named
from prospects.api.duplicates import moved_answer
from prospects.api.exports import EXPORT_ANSWER, EXPORT_AS, export_answer
from prospects.api.fields import TagNamesField, TenantKeyField, body_of
from prospects.forms.companies import CompanyFilter
from prospects.models import Company
from prospects.queries import companies as queries
from prospects.queries.duplicates import COMPANIES
from prospects.queries.tags import tags_of
from prospects.rules import normalise


class CompanySerializer(serializers.ModelSerializer[Company]):
    owner = TenantKeyField(Member, required=False, allow_null=True)
    country = serializers.CharField(
        required=False, allow_blank=True, max_length=120, help_text="ISO alpha-2, or a name."
    )
    fit_grade = serializers.CharField(
        source="x_fit_grade", read_only=True, allow_null=True, help_text="Of the primary ICP."
    )
    fit_score = serializers.IntegerField(source="x_fit_score", read_only=True, allow_null=True)

    tags = TagNamesField("companies")

    class Meta:
        model = Company
        fields = ["id", *FIELDS, "tags", "industry_code", "fit_grade", "fit_score", "created_at", "updated_at"]
        read_only_fields = ["id", "industry_code", "created_at", "updated_at"]
        # The actions refuse duplicates, naming the row that is there; unique validators would read tables of no workspace.
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="List companies"),
    retrieve=extend_schema(summary="One company"),
    create=extend_schema(summary="Create a company"),
    partial_update=extend_schema(summary="Change a company"),
    destroy=extend_schema(summary="Delete a company"),
)
class CompanyViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Company]
):
    """Companies. Domains are unique in a workspace; a second one is refused with `409` and the id of the first."""

    permissions = {
        "list": "companies.view",
        "retrieve": "companies.view",
        "create": "companies.edit",
        "partial_update": "companies.edit",
        "destroy": "companies.delete",
        "by_external_id": "companies.edit",
        "export_list": "companies.export",
        "by_domain": "companies.edit",
    }
    model = Company
    serializer_class = CompanySerializer
    filterset_class = CompanyFilter
    orders = (*queries.ORDERS[:4], "updated_at")
    nullable_orders = queries.NULLABLE
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Company]:
        if getattr(self, "swagger_fake_view", False):
            return Company.unscoped.none()
        return queries.with_fit(Company.objects.all())

    @extend_schema(summary="Export companies", parameters=EXPORT_AS, responses=EXPORT_ANSWER)
    @action(detail=False, methods=["get"], url_path="export", pagination_class=None)
    def export_list(self, request: Request) -> HttpResponseBase:
        """The list under the same filters as a file that `imports` reads back without loss: CSV, streamed, or a workbook of up
        to 100,000 rows. Stands in the log, with who, how many and which filter."""
        return export_answer(request, "companies", CompanyFilter, Company.objects.all())

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Of a company that was merged away: `301` with where it is now."""
        try:
            company = self.get_object()
        except Http404:
            moved = moved_answer(COMPANIES, self.kwargs["pk"], "api_company-detail")
            if moved is None:
                raise
            return moved
        return Response(self.get_serializer(company).data)

    def create(self, request: Request) -> Response:
        """`name` is needed. Values are normalised: the answer shows what was stored."""
        data = self._read(request)
        tags = data.pop("tags", None)
        company = create_company(by=actor_of(request), now=clock.now(), **data)
        self._tag(request, company, tags)
        return self._answer(company, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays. The timeline keeps what stood there before."""
        company = self.get_object()
        data = self._read(request, partial=True)
        tags = data.pop("tags", None)
        update_company(by=actor_of(request), now=clock.now(), company=company, changes=data)
        self._tag(request, company, tags)
        return self._answer(company)

    def destroy(self, request: Request, pk: str) -> Response:
        """People, leads, deals and the timeline stay, without the company."""
        delete_companies(by=actor_of(request), now=clock.now(), companies=[self.get_object()])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Create or change a company by your own id",
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
    )
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Found by `external_id`, else by `domain` where that company has no external id yet; else created."""
        found = Company.objects.filter(external_id=external_id).first()
        if found is None and body_of(request).get("domain"):
            try:
                domain = normalise.domain(str(body_of(request)["domain"]))
            except normalise.Unusable as error:
                raise Invalid(error.message, field="domain") from error
            found = Company.objects.filter(domain=domain, external_id="").first()
        return self._upsert(request, found, {"external_id": external_id})

    @extend_schema(
        summary="Create or change a company by its domain",
        parameters=[OpenApiParameter("domain", str, OpenApiParameter.PATH)],
    )
    @action(detail=False, methods=["put"], url_path=r"by-domain/(?P<domain>[^/]+)")
    def by_domain(self, request: Request, domain: str) -> Response:
        """The registrable domain counts: `blog.lumen.example` is `lumen.example`."""
        key = normalise.registrable(read_value("domain", domain, field="domain"))
        return self._upsert(request, Company.objects.filter(domain=key).first(), {"domain": key})

    def _upsert(self, request: Request, found: Company | None, key: dict[str, str]) -> Response:
        data = self._read(request, partial=found is not None) | key
        tags = data.pop("tags", None)
        if found is None:
            company = create_company(by=actor_of(request), now=clock.now(), **data)
            self._tag(request, company, tags)
            return self._answer(company, status.HTTP_201_CREATED)
        update_company(by=actor_of(request), now=clock.now(), company=found, changes=data)
        self._tag(request, found, tags)
        return self._answer(found)

    def _tag(self, request: Request, company: Company, names: Any) -> None:
        if names is not None:
            by, now = actor_of(request), clock.now()
            set_tags(by=by, now=now, row=company, tags=tags_named(names, by=by, now=now))

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """A page's tags are read at once."""
        if kwargs.get("many") and args:
            tags = tags_of("companies", [row.pk for row in args[0]])
            kwargs["context"] = {**self.get_serializer_context(), "tags": tags}
        return super().get_serializer(*args, **kwargs)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = dict(serializer.validated_data)
        return data

    def _answer(self, company: Company, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=company.pk)).data, status=code)
