"""`/api/v1/people/`."""

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
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.companies import find_or_create_company
from prospects.actions.people import FIELDS, create_person, delete_people, update_person
from prospects.actions.suppressions import read_value
from prospects.actions.tags import set_tags, tags_named
from prospects.api.duplicates import moved_answer
from prospects.api.erasure import ErasureMixin
from prospects.api.exports import EXPORT_ANSWER, EXPORT_AS, export_answer
from prospects.api.fields import TagNamesField, TenantKeyField, body_of
from prospects.api.privacy import PrivacyMixin
from prospects.api.verification import VerificationMixin
from prospects.forms.people import PersonFilter
from prospects.models import Company, Person
from prospects.queries import people as queries
from prospects.queries.duplicates import PEOPLE
from prospects.queries.suppressions import is_suppressed
from prospects.queries.tags import tags_of
from prospects.queries.titles import how_read


class PersonSerializer(serializers.ModelSerializer[Person]):
    owner = TenantKeyField(Member, required=False, allow_null=True)
    company = TenantKeyField(Company, required=False, allow_null=True)
    company_domain = serializers.CharField(
        required=False, write_only=True, max_length=253, help_text="In place of `company`: found by domain, or created."
    )
    company_name = serializers.CharField(
        required=False, write_only=True, max_length=200, help_text="Name of a company created by `company_domain`."
    )
    email = serializers.CharField(required=False, allow_blank=True, max_length=254)
    country = serializers.CharField(
        required=False, allow_blank=True, max_length=120, help_text="ISO alpha-2, or a name."
    )
    suppressed = serializers.SerializerMethodField(help_text="True: nothing is sent to this address.")
    lead_stage = serializers.CharField(
        source="x_lead_stage", read_only=True, allow_null=True, help_text="Of the latest lead."
    )
    fit_grade = serializers.CharField(
        source="x_fit_grade", read_only=True, allow_null=True, help_text="Of the primary ICP."
    )
    fit_score = serializers.IntegerField(source="x_fit_score", read_only=True, allow_null=True)

    tags = TagNamesField("people")

    class Meta:
        model = Person
        fields = [
            "id", "full_name", *FIELDS, "tags", "company_domain", "company_name", "email_status", "email_status_at",
            "email_status_reason", "email_checks", "stale_signal", "stale_at", "suppressed",
            "linkedin_status", "lead_stage", "fit_grade", "fit_score", "last_touch_at", "last_reply_at", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = [
            "id", "full_name", "email_status", "email_status_at", "email_status_reason", "email_checks", "stale_signal",
            "stale_at", "linkedin_status", "last_touch_at", "last_reply_at",
            "created_at", "updated_at",
        ]  # fmt: skip
        # The actions refuse duplicates, naming the row that is there; unique validators would read tables of no workspace.
        validators: list[Any] = []

    def get_suppressed(self, person: Person) -> bool:
        return person.email in self.context.get("suppressed", ())


class TitleReadSerializer(serializers.Serializer[Any]):
    by = serializers.ChoiceField(["rules", "model"])
    sure = serializers.FloatField(help_text="0 to 1.")
    words = serializers.CharField()


class TitleReadingSerializer(serializers.Serializer[Any]):
    seniority = TitleReadSerializer(required=False)
    department = TitleReadSerializer(required=False)


class PersonDetailSerializer(PersonSerializer):
    title_reading = TitleReadingSerializer(
        read_only=True, help_text="How seniority and department were read from the title, where they were."
    )

    class Meta(PersonSerializer.Meta):
        fields = [*PersonSerializer.Meta.fields, "title_reading"]


@extend_schema_view(
    retrieve=extend_schema(summary="One person", responses=PersonDetailSerializer),
    create=extend_schema(summary="Create a person"),
    partial_update=extend_schema(summary="Change a person"),
    destroy=extend_schema(summary="Delete a person"),
)
class PersonViewSet(
    PrivacyMixin,
    ErasureMixin,
    VerificationMixin,
    IdempotentMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Person],
):
    """People. E-mail addresses are unique in a workspace; a second one is refused with `409` and the id of the first."""

    permissions = {
        "list": "people.view",
        "retrieve": "people.view",
        "create": "people.edit",
        "partial_update": "people.edit",
        "destroy": "people.delete",
        "by_external_id": "people.edit",
        "export_list": "people.export",
        "by_email": "people.edit",
        "verify": "people.edit",
        "confirm": "people.edit",
        "copy": "people.export",
        "consents": "people.view",
        "write_consent": "people.edit",
        "lawful_bases": "people.view",
        "erasure": "people.erase",
        "erase": "people.erase",
    }
    model = Person
    serializer_class = PersonSerializer
    filterset_class = PersonFilter
    orders = (*queries.ORDERS[:4], "updated_at")
    nullable_orders = queries.NULLABLE
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Person]:
        if getattr(self, "swagger_fake_view", False):
            return Person.unscoped.none()
        return queries.with_fields(Person.objects.all())

    @extend_schema(summary="List people")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Filtered as in the app; `rule` takes the whole rule language."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(self._serialize(rows))

    @extend_schema(summary="Export people", parameters=EXPORT_AS, responses=EXPORT_ANSWER)
    @action(detail=False, methods=["get"], url_path="export", pagination_class=None)
    def export_list(self, request: Request) -> HttpResponseBase:
        """The list under the same filters as a file that `imports` reads back without loss: CSV, streamed, or a workbook of up
        to 100,000 rows. Stands in the log, with who, how many and which filter."""
        return export_answer(request, "people", PersonFilter, Person.objects.all())

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """With suppression, lead stage and fit. Of a person who was merged away: `301` with where they are now."""
        try:
            person = self.get_object()
        except Http404:
            moved = moved_answer(PEOPLE, self.kwargs["pk"], "api_person-detail")
            if moved is None:
                raise
            return moved
        return Response({**self._serialize([person])[0], "title_reading": how_read(person)})

    def create(self, request: Request) -> Response:
        """A name, an e-mail address or a LinkedIn page is needed. Seniority and department are read from the title."""
        data = self._read(request)
        tags = data.pop("tags", None)
        person = create_person(by=actor_of(request), now=clock.now(), **data)
        self._tag(request, person, tags)
        return self._answer(person, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays. The timeline keeps what stood there before."""
        person = self.get_object()
        data = self._read(request, partial=True)
        tags = data.pop("tags", None)
        update_person(by=actor_of(request), now=clock.now(), person=person, changes=data)
        self._tag(request, person, tags)
        return self._answer(person)

    def destroy(self, request: Request, pk: str) -> Response:
        """Tasks, enrolments and consents go; leads, deals and the timeline stay, without the person."""
        delete_people(by=actor_of(request), now=clock.now(), people=[self.get_object()])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Create or change a person by your own id",
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
    )
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Found by `external_id`, else by `email` where that person has no external id yet; else created."""
        found = Person.objects.filter(external_id=external_id).first()
        if found is None and body_of(request).get("email"):
            address = read_value("email", str(body_of(request)["email"]), field="email")
            found = Person.objects.filter(email=address, external_id="").first()
        return self._upsert(request, found, {"external_id": external_id})

    @extend_schema(
        summary="Create or change a person by e-mail address",
        parameters=[OpenApiParameter("email", str, OpenApiParameter.PATH)],
    )
    @action(detail=False, methods=["put"], url_path=r"by-email/(?P<email>[^/]+)")
    def by_email(self, request: Request, email: str) -> Response:
        """Upper and lower case are the same address."""
        address = read_value("email", email, field="email")
        return self._upsert(request, Person.objects.filter(email=address).first(), {"email": address})

    def _upsert(self, request: Request, found: Person | None, key: dict[str, str]) -> Response:
        data = self._read(request, partial=found is not None) | key
        tags = data.pop("tags", None)
        if found is None:
            person = create_person(by=actor_of(request), now=clock.now(), **data)
            self._tag(request, person, tags)
            return self._answer(person, status.HTTP_201_CREATED)
        update_person(by=actor_of(request), now=clock.now(), person=found, changes=data)
        self._tag(request, found, tags)
        return self._answer(found)

    def _tag(self, request: Request, person: Person, names: Any) -> None:
        if names is not None:
            by, now = actor_of(request), clock.now()
            set_tags(by=by, now=now, row=person, tags=tags_named(names, by=by, now=now))

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = dict(serializer.validated_data)
        domain, name = data.pop("company_domain", ""), data.pop("company_name", "")
        if domain and not data.get("company"):
            key = read_value("domain", domain, field="company_domain")
            data["company"] = find_or_create_company(by=actor_of(request), now=clock.now(), domain=key, name=name)
        return data

    def _serialize(self, rows: Any) -> Any:
        context: dict[str, Any] = {**self.get_serializer_context()} | {
            "suppressed": is_suppressed(row.email for row in rows),
            "tags": tags_of("people", [row.pk for row in rows]),
        }
        return PersonSerializer(rows, many=True, context=context).data

    def _answer(self, person: Person, code: int = status.HTTP_200_OK) -> Response:
        return Response(self._serialize([self.get_queryset().get(pk=person.pk)])[0], status=code)
