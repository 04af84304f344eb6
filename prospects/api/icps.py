"""`/api/v1/icps/`."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions import icps as actions
from prospects.api.fields import TenantKeyField, body_of
from prospects.models import Company, Icp, IcpVersion, Person
from prospects.queries.fit import FitExplanation, current_version, explain_fit
from prospects.queries.icps import Preview, preview, version_rows
from prospects.rules import icps as rules

RULE = "A rule of the rule language as JSON; {} for none."
SIGNS = {"+": "met", "-": "not_met", "?": "unknown"}


class CriterionSerializer(serializers.Serializer[dict[str, Any]]):
    key = serializers.CharField(required=False, max_length=60, help_text="Its identity over versions; made if absent.")
    label = serializers.CharField(  # type: ignore[assignment]  # the API's word; DRF has an attribute of that name
        required=False, allow_blank=True, max_length=120, help_text="The rule in words if absent."
    )
    weight = serializers.IntegerField(min_value=0, max_value=rules.MAX_WEIGHT)
    rule = serializers.JSONField(help_text=RULE)


class PersonaSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(max_length=80)
    weight = serializers.IntegerField(min_value=0, max_value=rules.MAX_WEIGHT)
    rule = serializers.JSONField(help_text="Over person.title, person.seniority, person.department, person.country ...")
    pains = serializers.ListField(child=serializers.CharField(max_length=120), required=False)


class GradesSerializer(serializers.Serializer[dict[str, Any]]):
    A = serializers.IntegerField(min_value=1, max_value=100, required=False)
    B = serializers.IntegerField(min_value=1, max_value=100, required=False)
    C = serializers.IntegerField(min_value=1, max_value=100, required=False)


class ContentSerializer(serializers.Serializer[Any]):
    """What a version says. Criteria, must and exclude ask for company facts, personas for facts of a person."""

    criteria = CriterionSerializer(many=True, required=False)
    must = serializers.JSONField(required=False, help_text=RULE)
    exclude = serializers.JSONField(required=False, help_text=RULE)
    personas = PersonaSerializer(many=True, required=False)
    grades = GradesSerializer(required=False, help_text="The scores from which grades hold; 80, 60, 40 by default.")


class VersionSerializer(serializers.Serializer[IcpVersion]):
    id = serializers.UUIDField(read_only=True)
    number = serializers.IntegerField(read_only=True)
    state = serializers.SerializerMethodField(
        help_text="draft or published; the published one of the highest number is in force."
    )
    criteria = CriterionSerializer(many=True, read_only=True)
    must = serializers.JSONField(read_only=True)
    exclude = serializers.JSONField(read_only=True)
    personas = PersonaSerializer(many=True, read_only=True)
    grades = serializers.SerializerMethodField()
    note = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    published_at = serializers.DateTimeField(read_only=True, allow_null=True)
    published_by = TenantKeyField(Member, read_only=True, allow_null=True)
    scored_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="The last full run; null: not yet."
    )
    changes = serializers.SerializerMethodField(help_text="Against the version before, in words.")

    def get_state(self, version: IcpVersion) -> str:
        return "published" if version.published_at else "draft"

    def get_grades(self, version: IcpVersion) -> dict[str, int]:
        grades: dict[str, int] = rules.content_of(version)["grades"]
        return grades

    def get_changes(self, version: IcpVersion) -> list[str]:
        found: dict[Any, list[str]] = self.context.get("changes", {})
        return found.get(version.pk, [])


class IcpSerializer(serializers.ModelSerializer[Icp]):
    version = serializers.SerializerMethodField(help_text="The version in force; null before the first publication.")
    draft = serializers.SerializerMethodField(help_text="The draft under way, if any.")

    class Meta:
        model = Icp
        fields = ["id", "name", "is_primary", "is_archived", "version", "draft", "created_at"]
        read_only_fields = ["id", "created_at"]
        validators: list[Any] = []

    @extend_schema_field(VersionSerializer(allow_null=True))
    def get_version(self, icp: Icp) -> Any:
        version = current_version(icp)
        return VersionSerializer(version).data if version is not None else None

    @extend_schema_field(VersionSerializer(allow_null=True))
    def get_draft(self, icp: Icp) -> Any:
        draft = IcpVersion.objects.filter(icp=icp, published_at__isnull=True).first()
        return VersionSerializer(draft).data if draft is not None else None


class NameSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)


class NewIcpSerializer(ContentSerializer, NameSerializer):
    """A name, and the content of version 1."""


class IcpChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120, required=False)
    is_primary = serializers.BooleanField(required=False, help_text="true makes it the primary one.")
    is_archived = serializers.BooleanField(required=False)


class NoteSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, help_text="Why it changed.")


class DraftSerializer(ContentSerializer, NoteSerializer):
    """A draft's content: what is not sent stays as in the draft, or in the version in force."""


class PublicationSerializer(serializers.Serializer[Any]):
    version = VersionSerializer()
    scored = serializers.CharField(help_text="now: everybody is scored already; background: a worker does it.")
    looked_at = serializers.IntegerField(allow_null=True, help_text="Companies and people scored now.")


class SampleSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    grade = serializers.CharField()
    score = serializers.IntegerField()
    parts = serializers.DictField(child=serializers.CharField(), help_text="Label -> met, not_met or unknown.")


class ShareSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="criterion, must, exclude or persona.")
    label = serializers.CharField()  # type: ignore[assignment]  # the API's word; DRF has an attribute of that name
    weight = serializers.IntegerField()
    met = serializers.FloatField()
    not_met = serializers.FloatField()
    unknown = serializers.FloatField()


class PreviewSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    exact = serializers.BooleanField(
        help_text="false: all but the total is estimated from an even sample of `looked_at` rows."
    )
    looked_at = serializers.IntegerField()
    matches = serializers.IntegerField(help_text="Rows in the profile: grade A or B.")
    share = serializers.FloatField(allow_null=True)
    hint = serializers.CharField(help_text="Too broad, too narrow, or neither.")
    grades = serializers.DictField(child=serializers.IntegerField())
    parts = ShareSerializer(many=True)
    samples = SampleSerializer(many=True)


class PreviewsSerializer(serializers.Serializer[Any]):
    companies = PreviewSerializer()
    people = PreviewSerializer()


class LineSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="criterion, persona, must or exclude.")
    label = serializers.CharField()  # type: ignore[assignment]  # the API's word; DRF has an attribute of that name
    state = serializers.CharField(help_text="met, not met or unknown.")
    words = serializers.CharField()
    weight = serializers.IntegerField()
    points = serializers.CharField(allow_blank=True)


class FitSerializer(serializers.Serializer[FitExplanation]):
    icp = serializers.UUIDField(source="icp.pk")
    version = serializers.IntegerField(source="version.number")
    score = serializers.IntegerField()
    grade = serializers.CharField(help_text="A to D, or X: excluded.")
    points = serializers.IntegerField()
    total = serializers.IntegerField()
    lines = LineSerializer(many=True)


@extend_schema_view(
    list=extend_schema(summary="List ICPs"),
    retrieve=extend_schema(summary="One ICP"),
)
class IcpViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Icp]):
    """Ideal customer profiles. A published version cannot be changed; a new draft replaces it once published."""

    model = Icp
    permissions = {
        "list": "icps.view",
        "retrieve": "icps.view",
        "create": "icps.edit",
        "partial_update": "icps.edit",
        "versions": "icps.view",
        "draft": "icps.edit",
        "publish": "icps.edit",
        "preview": "icps.view",
        "fit": "icps.view",
    }
    serializer_class = IcpSerializer
    filterset_fields = ["is_primary", "is_archived"]
    orders = ("name", "created_at")
    default_order = "name"

    def get_queryset(self) -> QuerySet[Icp]:
        if getattr(self, "swagger_fake_view", False):
            return Icp.unscoped.none()
        return Icp.objects.all()

    @extend_schema(summary="Create an ICP", request=NewIcpSerializer, responses={201: IcpSerializer})
    def create(self, request: Request) -> Response:
        """Version 1 is a draft with the content sent; publish it to score everybody."""
        data = _content(request, {"name"})
        name = _checked(NameSerializer, request).get("name")
        if not name:
            raise Invalid("Name the ICP.", field="name")
        version = actions.create_icp(by=actor_of(request), now=clock.now(), name=name, content=data)
        return Response(self.get_serializer(version.icp).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Rename, archive or make primary", request=IcpChangeSerializer, responses=IcpSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Making one primary ends that of the former."""
        icp, by, now = self.get_object(), actor_of(request), clock.now()
        data = _checked(IcpChangeSerializer, request)
        if "name" in data:
            actions.rename_icp(icp=icp, name=data["name"], by=by, now=now)
        if data.get("is_archived") is False:
            actions.restore_icp(icp=icp, by=by, now=now)
        if data.get("is_primary"):
            actions.set_primary_icp(icp=icp, by=by, now=now)
        elif "is_primary" in data and icp.is_primary:
            raise Conflict("Make another ICP primary: one of them always is.", code="primary", field="is_primary")
        if data.get("is_archived"):
            actions.archive_icp(icp=icp, by=by, now=now)
        return Response(self.get_serializer(icp).data)

    @extend_schema(summary="Versions of an ICP", responses=VersionSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def versions(self, request: Request, pk: str) -> Response:
        """All of them, the newest first, each with what it changed."""
        rows = version_rows(self.get_object())
        context = {"changes": {row.version.pk: row.changes for row in rows}}
        versions: Any = [row.version for row in rows]
        return Response(VersionSerializer(versions, many=True, context=context).data)

    @extend_schema(summary="Write the draft", request=DraftSerializer, responses=VersionSerializer)
    @action(detail=True, methods=["put"])
    def draft(self, request: Request, pk: str) -> Response:
        """Makes a draft of the version in force where there is none, then changes the parts sent."""
        by, now = actor_of(request), clock.now()
        content = _content(request, {"note"})
        note = _checked(NoteSerializer, request).get("note")
        draft = actions.draft_of(icp=self.get_object(), by=by, now=now)
        actions.edit_draft(version=draft, content=content, note=note, by=by, now=now)
        return Response(VersionSerializer(draft).data)

    @extend_schema(summary="Publish the draft", request=NoteSerializer, responses=PublicationSerializer)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:
        """Puts it in force and scores every company and person: at once, or in the background where they are many."""
        icp = self.get_object()
        draft = IcpVersion.objects.select_related("icp").filter(icp=icp, published_at__isnull=True).first()
        if draft is None:
            raise Conflict("There is no draft to publish.", code="not_draft")
        note = _checked(NoteSerializer, request).get("note")
        run = actions.publish_version(version=draft, by=actor_of(request), now=clock.now(), note=note)
        draft.refresh_from_db()
        return Response(
            {
                "version": VersionSerializer(draft).data,
                "scored": "background" if run is None else "now",
                "looked_at": run.looked_at if run is not None else None,
            }
        )

    @extend_schema(summary="Try content on the data there is", request=ContentSerializer, responses=PreviewsSerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """How many companies and people it would grade A or B, the best ten, what is unknown. Nothing is stored."""
        content, now = rules.check_content(_content(request)), clock.now()
        return Response(
            {
                "companies": _shown(preview(content, now=now)),
                "people": _shown(preview(content, now=now, people=True)),
            }
        )

    @extend_schema(
        summary="Explain the fit of a company or person",
        parameters=[OpenApiParameter("company", str), OpenApiParameter("person", str)],
        responses=FitSerializer,
        filters=False,
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def fit(self, request: Request, pk: str) -> Response:
        """Each criterion as met, not met or unknown, with the fact in words. Name a `company` or a `person`."""
        icp = self.get_object()
        given = {name: request.query_params[name] for name in ("company", "person") if request.query_params.get(name)}
        if len(given) != 1:
            raise Invalid("Name either a company or a person, by id.", field="company")
        name, key = next(iter(given.items()))
        model: Any = Company if name == "company" else Person
        rows = model.objects.all() if name == "company" else model.objects.select_related("company")
        try:
            row = get_object_or_404(rows, pk=UUID(key))
        except ValueError:
            raise Invalid(f"{name} must be an id.", field=name) from None
        told = explain_fit(row, icp, now=clock.now())
        if told is None:
            raise Conflict("No version of this ICP is in force.", code="not_published")
        return Response(FitSerializer(told).data)


def _checked(
    serializer: type[serializers.Serializer[Any]], request: Request, *, partial: bool = True
) -> dict[str, Any]:
    read = serializer(data=body_of(request), partial=partial)
    read.is_valid(raise_exception=True)
    data: dict[str, Any] = read.validated_data
    return data


def _content(request: Request, besides: set[str] | None = None) -> dict[str, Any]:
    """The parts of content sent, for rules.icps.check_content, which names what it refuses."""
    return {name: value for name, value in body_of(request).items() if name not in (besides or set())}


def _shown(found: Preview) -> dict[str, Any]:
    return {
        "total": found.total,
        "exact": found.matches.exact,
        "looked_at": found.looked_at,
        "matches": found.matches.value,
        "share": found.share,
        "hint": found.hint,
        "grades": {letter: count for letter, count, _ in found.grades},
        "parts": ShareSerializer(found.parts, many=True).data,
        "samples": [
            {
                "id": sample.row.pk,
                "name": str(sample.row),
                "grade": sample.grade,
                "score": sample.score,
                "parts": {label: SIGNS[sign] for label, sign in sample.signs},
            }
            for sample in found.samples
        ],
    }
