"""`/api/v1/segments/`."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
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
from leadgen.core.rulelang import parse
from prospects.actions import segments as actions
from prospects.actions.segments_lists import add_lines
from prospects.api.fields import TenantKeyField
from prospects.models import Company, Segment, SegmentChange, SegmentSnapshot
from prospects.queries import segments as queries
from prospects.queries.segments_coverage import cover, coverage, personas_of_primary
from prospects.queries.segments_history import moves
from prospects.rules.segments import CATALOGUES, Measure

EXACT = OpenApiParameter("exact", bool, description="true: the exact number, up to half a minute.")
CURSOR = OpenApiParameter("cursor", str, description="Cursor of a page.")
SUBJECT = OpenApiParameter("subject", str, enum=Segment.Subject.values, description="people or companies.")


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    owner = TenantKeyField(Member, read_only=True, allow_null=True)
    words = serializers.SerializerMethodField(help_text="The rule in English; empty for a list.")
    count = serializers.SerializerMethodField(help_text="Of those this token may see; null: not counted yet.")

    class Meta:
        model = Segment
        fields = [
            "id", "name", "description", "kind", "subject", "rule", "words", "is_archived", "count", "counted_at", "owner",
            "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "counted_at", "created_at", "updated_at"]
        # The action refuses a second segment of a name; a unique validator would read a table of no workspace.
        validators: list[Any] = []
        extra_kwargs = {
            "name": {"validators": []},
            "rule": {"required": False, "help_text": "A rule over people or companies; of a dynamic segment."},
            "is_archived": {"required": False},
        }

    def get_words(self, segment: Segment) -> str:
        return actions.words_of(segment)

    def get_count(self, segment: Segment) -> int | None:
        return queries.count_of(segment)


class RuleSerializer(serializers.Serializer[Any]):
    subject = serializers.ChoiceField(choices=Segment.Subject.choices)
    rule = serializers.JSONField(help_text="A rule of the rule language.")


class CountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Exact up to 10,000, above that an estimate.")
    exact = serializers.BooleanField()
    low = serializers.IntegerField(
        allow_null=True, help_text="The true number lies between low and high 19 times of 20."
    )
    high = serializers.IntegerField(allow_null=True)


class RowSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="pk")
    name = serializers.CharField(source="x_name")
    email = serializers.CharField(required=False, help_text="Of a person.")
    title = serializers.CharField(required=False, help_text="Of a person.")
    domain = serializers.CharField(required=False, help_text="Of a company.")
    company = serializers.UUIDField(source="company_id", required=False, allow_null=True, help_text="Of a person.")
    created_at = serializers.DateTimeField()


class MembersSerializer(serializers.Serializer[Any]):
    results = RowSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(
        allow_null=True,
        help_text="null: they are in it now. Else the rule takes longer than a page may, and they were then.",
    )


class SegmentPreviewSerializer(CountSerializer):
    words = serializers.CharField()
    samples = RowSerializer(many=True)


class IdsSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=actions.MAX_AT_ONCE)
    lines = serializers.ListField(
        child=serializers.CharField(max_length=500), required=False, max_length=actions.MAX_AT_ONCE,
        help_text="In place of ids, to add: e-mail addresses or domains, LinkedIn pages, external ids, exact names.",
    )  # fmt: skip


class SegmentMovedSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField()
    same = serializers.IntegerField()
    missing = serializers.ListField(child=serializers.CharField(), help_text="Lines that named nobody.")
    unclear = serializers.ListField(child=serializers.CharField(), help_text="Names that two share.")


class ChangeSerializer(serializers.ModelSerializer[SegmentChange]):
    person = serializers.UUIDField(source="person_id", allow_null=True)
    company = serializers.UUIDField(source="company_id", allow_null=True)

    class Meta:
        model = SegmentChange
        fields = ["id", "at", "entered", "person", "company"]


class SnapshotSerializer(serializers.ModelSerializer[SegmentSnapshot]):
    class Meta:
        model = SegmentSnapshot
        fields = ["on", "count", "entered", "left", "rule_changed"]


class CoverSerializer(serializers.Serializer[Any]):
    company = serializers.UUIDField(source="company.pk")
    people = serializers.IntegerField()
    personas = serializers.DictField(child=serializers.IntegerField(), help_text="Persona -> contacts.")
    engaged = serializers.IntegerField()
    in_sequence = serializers.IntegerField()
    open_deals = serializers.IntegerField()


class CoverageSerializer(serializers.Serializer[Any]):
    companies = serializers.IntegerField()
    with_people = serializers.IntegerField()
    personas = serializers.DictField(child=serializers.IntegerField(), help_text="Persona -> companies with a contact.")
    engaged = serializers.IntegerField()
    in_sequence = serializers.IntegerField()
    open_deals = serializers.IntegerField()
    results = CoverSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


@extend_schema_view(
    list=extend_schema(
        summary="List segments",
        parameters=[
            SUBJECT,
            OpenApiParameter("kind", str),
            OpenApiParameter("q", str),
            OpenApiParameter("archived", bool),
        ],
    ),
    retrieve=extend_schema(summary="One segment"),
)
class SegmentViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Segment]
):
    """People or companies by a saved rule (`dynamic`) or on a list (`static`); a target-account list is one of companies."""

    model = Segment
    serializer_class = SegmentSerializer
    permissions = {
        "list": "segments.view", "retrieve": "segments.view", "create": "segments.edit", "partial_update": "segments.edit",
        "destroy": "segments.delete", "members": "segments.view", "add": "segments.edit", "remove": "segments.edit",
        "count": "segments.view", "preview": "segments.view", "fields_of": "segments.view", "changes": "segments.view",
        "snapshots": "segments.view", "coverage": "segments.view",
    }  # fmt: skip
    orders = ("name", "created_at")
    default_order = "name"

    def get_queryset(self) -> QuerySet[Segment]:
        if getattr(self, "swagger_fake_view", False):
            return Segment.unscoped.none()
        if self.action != "list":
            return queries.with_seen(Segment.objects.all())
        given = self.request.query_params
        return queries.listed(
            subject=given.get("subject", ""), kind=given.get("kind", ""), text=given.get("q", ""),
            archived=given.get("archived") == "true",
        )  # fmt: skip

    @extend_schema(summary="Create a segment")
    def create(self, request: Request) -> Response:
        """`kind` dynamic with a `rule`, or static without; a rule that is wrong is refused, `field` naming the place."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        data.pop("is_archived", None)
        segment = actions.create_segment(by=actor_of(request), now=clock.now(), **data)
        return Response(self.get_serializer(segment).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a segment")
    def partial_update(self, request: Request, pk: str) -> Response:
        """Name, description, rule, `is_archived`; what is not sent stays. `kind` and `subject` never change."""
        segment = self.get_object()
        serializer = self.get_serializer(segment, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        for name in ("kind", "subject"):
            if data.pop(name, getattr(segment, name)) != getattr(segment, name):
                raise Invalid(f"The {name} of a segment cannot be changed. Make another one.", field=name)
        actions.update_segment(segment=segment, by=actor_of(request), now=clock.now(), changes=data)
        return Response(self.get_serializer(segment).data)

    @extend_schema(summary="Delete a segment")
    def destroy(self, request: Request, pk: str) -> Response:
        """With its history and, for a list, who is on it. People and companies stay."""
        actions.delete_segment(segment=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Who is in a segment", parameters=[CURSOR, OpenApiParameter("limit", int)], responses=MembersSerializer,
        filters=False,
    )  # fmt: skip
    @action(detail=True, methods=["get"])
    def members(self, request: Request, pk: str) -> Response:
        """The newest first. Also `/people/?segment=<id>` with all filters of people."""
        segment = self.get_object()
        found = queries.member_page(
            segment, now=clock.now(), size=_limit(request), cursor=request.query_params.get("cursor", ""),
        )  # fmt: skip
        return Response(
            {
                "results": _rows(found.page.rows), "next": found.page.next or None,
                "previous": found.page.previous or None, "as_of": found.as_of,
            }
        )  # fmt: skip

    @extend_schema(summary="Put on a list", request=IdsSerializer, responses=SegmentMovedSerializer)
    @members.mapping.post
    def add(self, request: Request, pk: str) -> Response:
        """By `ids`, or by `lines` that name who is in the workspace already; nobody is created."""
        segment, data = self.get_object(), _ids(request)
        by, now = actor_of(request), clock.now()
        if data.get("lines"):
            rows = [(number, [line]) for number, line in enumerate(data["lines"], 1)]
            done = add_lines(segment=segment, rows=rows, by=by, now=now)
            return Response(
                {
                    "changed": done.moved.changed, "same": done.moved.same,
                    "missing": [text for _, text in done.not_found], "unclear": [text for _, text in done.unclear],
                }
            )  # fmt: skip
        known = set(queries.rows_of(segment.subject).filter(pk__in=data["ids"]).values_list("pk", flat=True))
        moved = actions.add_members(segment=segment, ids=data["ids"], by=by, now=now)
        missing = [str(key) for key in data["ids"] if key not in known]
        return Response({"changed": moved.changed, "same": moved.same, "missing": missing, "unclear": []})

    @extend_schema(summary="Take off a list", request=IdsSerializer, responses=SegmentMovedSerializer)
    @action(detail=True, methods=["post"], url_path="members/remove")
    def remove(self, request: Request, pk: str) -> Response:
        """By `ids`."""
        segment, data = self.get_object(), _ids(request)
        moved = actions.remove_members(
            segment=segment, ids=data.get("ids", []), by=actor_of(request), now=clock.now()
        )  # fmt: skip
        return Response({"changed": moved.changed, "same": moved.same, "missing": [], "unclear": []})

    @extend_schema(
        summary="How many are in a segment now", parameters=[EXACT], responses=CountSerializer, filters=False
    )
    @action(detail=True, methods=["get"])
    def count(self, request: Request, pk: str) -> Response:
        """Within a third of a second; `exact=true` takes what it takes."""
        segment = self.get_object()
        rows = queries.members_of(segment, now=clock.now())
        return Response(_count(_measure(request, rows)))

    @extend_schema(
        summary="Try a rule",
        parameters=[EXACT],
        request=RuleSerializer,
        responses=SegmentPreviewSerializer,
        filters=False,
    )
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """How many it matches and a few of them. Nothing is saved."""
        serializer = RuleSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        subject, rule = serializer.validated_data["subject"], serializer.validated_data["rule"]
        node = parse(rule, CATALOGUES[subject])
        rows = queries.matching(subject, node, now=clock.now())
        found = _count(_measure(request, rows))
        words = actions.words_of(Segment(kind="dynamic", subject=subject, rule=rule))
        return Response(found | {"words": words, "samples": _rows(queries.sample_rows(subject, rows))})

    @extend_schema(summary="What rules may ask", parameters=[SUBJECT], responses={200: dict}, filters=False)
    @action(detail=False, methods=["get"], url_path="fields")
    def fields_of(self, request: Request) -> Response:
        """Every field with its kind, choices and operators."""
        subject = request.query_params.get("subject", "people")
        if subject not in CATALOGUES:
            raise Invalid("subject is people or companies.", field="subject")
        return Response({"subject": subject, "fields": CATALOGUES[subject].as_json()})

    @extend_schema(
        summary="Who entered and left", parameters=[CURSOR, OpenApiParameter("only", str, enum=["entered", "left"])],
        responses=ChangeSerializer(many=True), filters=False,
    )  # fmt: skip
    @action(detail=True, methods=["get"])
    def changes(self, request: Request, pk: str) -> Response:
        """Of the last 90 days, the latest first."""
        given = request.query_params
        page = moves(
            self.get_object(), only=given.get("only", ""), cursor=given.get("cursor", ""), size=_limit(request)
        )
        rows = ChangeSerializer(page.rows, many=True).data
        return Response({"results": rows, "next": page.next or None, "previous": page.previous or None})

    @extend_schema(summary="A segment day by day", responses=SnapshotSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"])
    def snapshots(self, request: Request, pk: str) -> Response:
        """The last 400 days, the latest first."""
        rows = SegmentSnapshot.objects.filter(segment=self.get_object()).order_by("-on")[:400]
        return Response({"results": SnapshotSerializer(rows, many=True).data})

    @extend_schema(
        summary="Coverage of target accounts", parameters=[CURSOR], responses=CoverageSerializer, filters=False
    )
    @action(detail=True, methods=["get"])
    def coverage(self, request: Request, pk: str) -> Response:
        """Contacts per persona of the primary ICP, engaged people, people in sequence and open deals, by company."""
        segment, now = self.get_object(), clock.now()
        if segment.of_people:
            raise Invalid("Coverage is told of segments of companies.", field="subject")
        found = queries.member_page(
            segment, now=now, size=_limit(request), cursor=request.query_params.get("cursor", ""),
        )  # fmt: skip
        labels = [part.label for part in personas_of_primary()]
        everybody: QuerySet[Company] = queries.stored(segment)
        sums = coverage(everybody, now=now)
        rows = [
            {
                "company": item.company, "people": item.people, "engaged": item.engaged, "in_sequence": item.in_sequence,
                "open_deals": item.open_deals, "personas": dict(zip(labels, item.personas, strict=True)),
            }
            for item in cover(found.page.rows, now=now)
        ]  # fmt: skip
        answer = {
            "companies": sums.companies, "with_people": sums.with_people, "personas": dict(sums.personas),
            "engaged": sums.engaged, "in_sequence": sums.in_sequence, "open_deals": sums.open_deals, "results": rows,
            "next": found.page.next or None, "previous": found.page.previous or None,
        }  # fmt: skip
        return Response(CoverageSerializer(answer).data)


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "50")
    if not (text.isdigit() and 1 <= int(text) <= 200):
        raise Invalid("limit must be a whole number from 1 to 200.", field="limit")
    return int(text)


def _ids(request: Request) -> dict[str, Any]:
    serializer = IdsSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    if not data.get("ids") and not data.get("lines"):
        raise Invalid("Send ids or lines.", field="ids")
    ids: list[UUID] = list(dict.fromkeys(data.get("ids", [])))
    return data | {"ids": ids}


def _measure(request: Request, rows: Any) -> Measure:
    if request.query_params.get("exact") != "true":
        return queries.measure(rows)
    found = queries.exactly(rows)
    if found is None:
        raise Invalid("Counting exactly takes more than half a minute. Save it: a worker counts it.", field="exact")
    return found


def _count(found: Measure) -> dict[str, Any]:
    return {"count": found.value, "exact": found.exact, "low": found.low, "high": found.high}


def _rows(rows: list[Any]) -> Any:
    for row in rows:
        row.x_name = str(row)
    return RowSerializer(rows, many=True).data
