"""`/api/v1/person-duplicates/`, `/api/v1/company-duplicates/`, `/api/v1/merges/`: pairs, merging, undo."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.api import error_body
from leadgen.core.errors import Invalid, NotFound
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.duplicates import dismiss, reconsider
from prospects.actions.merges import merge_all, merge_rows
from prospects.actions.merges_undo import undo_merge, why_not
from prospects.api.fields import body_of
from prospects.forms.duplicates import draft_of
from prospects.models import Company, CompanyPair, Merge, Person, PersonPair
from prospects.queries.duplicates import COMPANIES, PEOPLE, Subject, look_alikes, open_pairs, subject_of
from prospects.queries.merges import bulk_plan, keep_first, load_row, merged_into, merges
from prospects.queries.visibility import owner_words
from prospects.rules import duplicates as rules


class PairFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=PersonPair.State.choices)
    min_score = django_filters.NumberFilter(field_name="score", lookup_expr="gte")


class _Words(serializers.ModelSerializer[Any]):
    confidence = serializers.SerializerMethodField(help_text="high (85+), medium (60+), low.")
    reasons = serializers.SerializerMethodField(help_text="In words, strongest first.")

    def get_confidence(self, pair: Any) -> str:
        return rules.band(pair.score)

    def get_reasons(self, pair: Any) -> list[str]:
        return rules.in_words(pair.reasons)


PAIR_FIELDS = [
    "id", "first", "second", "score", "confidence", "reasons", "state", "found_at", "decided_at", "decided_by",
]  # fmt: skip


class PersonPairSerializer(_Words):
    first = serializers.PrimaryKeyRelatedField[Person](read_only=True)
    second = serializers.PrimaryKeyRelatedField[Person](read_only=True)
    decided_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)

    class Meta:
        model = PersonPair
        fields = PAIR_FIELDS
        read_only_fields = fields


class CompanyPairSerializer(_Words):
    first = serializers.PrimaryKeyRelatedField[Company](read_only=True)
    second = serializers.PrimaryKeyRelatedField[Company](read_only=True)
    decided_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)

    class Meta:
        model = CompanyPair
        fields = PAIR_FIELDS
        read_only_fields = fields


class MergeSerializer(serializers.ModelSerializer[Merge]):
    kept_id = serializers.UUIDField(read_only=True)
    gone_id = serializers.UUIDField(read_only=True)
    into = serializers.SerializerMethodField(help_text="Where the gone row is now; also after further merges.")
    moved = serializers.JSONField(source="counts", read_only=True, help_text="How many of what went over.")
    can_undo = serializers.SerializerMethodField()
    not_restored = serializers.JSONField(source="left", read_only=True, help_text="Of an undo: what stayed, and why.")
    known_by = serializers.SerializerMethodField(
        help_text="E-mail, domain, external id and linkedin_url the row that stayed has no more: imports and forms that bring them mean it."
    )
    member = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    undone_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)

    class Meta:
        model = Merge
        fields = [
            "id", "kind", "kept_id", "gone_id", "into", "kept_label", "gone_label", "at", "member", "score", "taken", "moved",
            "effects", "known_by", "can_undo", "undo_until", "undone_at", "undone_by", "not_restored",
        ]  # fmt: skip
        read_only_fields = fields

    def get_into(self, merge: Merge) -> UUID | None:
        return merge.person_id if merge.kind == Merge.Kind.PEOPLE else merge.company_id

    def get_known_by(self, merge: Merge) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in merge.known_by:
            found.setdefault(name, []).append(value)
        return found

    def get_can_undo(self, merge: Merge) -> bool:
        return why_not(merge, clock.now()) == ""


class MergeBody(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Merge.Kind.choices)
    kept = serializers.UUIDField(help_text="The row that stays.")
    gone = serializers.UUIDField(help_text="The row that becomes part of it; its id answers with 301 from then on.")
    choices = serializers.DictField(
        child=serializers.ChoiceField(choices=["kept", "gone", "both"]), required=False,
        help_text="By field; `both` for lists. What is not named goes by the default.",
    )  # fmt: skip


class PairMergeBody(serializers.Serializer[Any]):
    kept = serializers.UUIDField(required=False, help_text="Which of the two stays; default: whom more is known of.")
    choices = serializers.DictField(child=serializers.ChoiceField(choices=["kept", "gone", "both"]), required=False)


class BulkBody(serializers.Serializer[Any]):
    min_score = serializers.IntegerField(min_value=rules.MEDIUM, max_value=99)
    dry_run = serializers.BooleanField(default=True, help_text="Count only. Send false to merge, at most 100 a call.")


BULK_ANSWER = inline_serializer(
    "BulkMergeResult",
    {
        "pairs": serializers.IntegerField(), "merges": serializers.IntegerField(), "blocked": serializers.DictField(),
        "merged": serializers.IntegerField(), "refused": serializers.IntegerField(), "left": serializers.IntegerField(),
    },
)  # fmt: skip
CHECK_ANSWER = inline_serializer(
    "LookAlikes",
    {
        "found": serializers.ListField(
            child=serializers.DictField(),
            help_text="id, name, owner, score, confidence, reasons; of one you may not see: no id and no name",
        )
    },
)


class PairViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """Shared by both kinds."""

    subject: Subject
    filterset_class = PairFilter
    orders = ("score", "found_at")
    default_order = "-score"
    permissions = {
        "list": "duplicates.view",
        "retrieve": "duplicates.view",
        "dismiss": "duplicates.edit",
        "reopen": "duplicates.edit",
        "merge": "duplicates.merge",
        "merge_all": "duplicates.bulk",
        "check": "duplicates.view",
    }

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            found: QuerySet[Any] = self.subject.pair.unscoped.none()
            return found
        return open_pairs(self.subject)

    @extend_schema(summary="Not a duplicate", request=None)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        """Remembered: the two are not proposed again."""
        pair = self.get_object()
        dismiss(pair=pair, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(pair).data)

    @extend_schema(summary="Review again", request=None)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Takes "not a duplicate" back."""
        pair = self.get_object()
        reconsider(pair=pair, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(pair).data)

    @extend_schema(summary="Merge a pair", request=PairMergeBody, responses={201: MergeSerializer})
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """In one transaction, undone for 30 days by `merges/{id}/undo/`."""
        pair = self.get_object()
        body = PairMergeBody(data=request.data)
        body.is_valid(raise_exception=True)
        kept, gone = keep_first(self.subject, pair.first, pair.second)
        wanted = body.validated_data.get("kept")
        if wanted is not None and wanted not in (kept.pk, gone.pk):
            raise Invalid("That is none of the two.", field="kept")
        if wanted == gone.pk:
            kept, gone = gone, kept
        merge = merge_rows(
            subject=self.subject, kept=kept, gone=gone, by=actor_of(request), now=clock.now(),
            chosen=body.validated_data.get("choices"),
        )  # fmt: skip
        return Response(MergeSerializer(merge).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Merge all above a score", request=BulkBody, responses=BULK_ANSWER)
    @action(detail=False, methods=["post"], url_path="merge-all", filterset_class=None, pagination_class=None)
    def merge_all(self, request: Request) -> Response:
        """Without `dry_run: false` it only counts, exactly."""
        body = BulkBody(data=request.data)
        body.is_valid(raise_exception=True)
        by, least = actor_of(request), body.validated_data["min_score"]
        plan = bulk_plan(self.subject, least, by.member)
        answer = {"pairs": plan.pairs, "merges": plan.merges, "blocked": plan.blocked, "merged": 0, "refused": 0}
        if body.validated_data["dry_run"]:
            return Response(answer | {"left": plan.merges})
        done = merge_all(subject=self.subject, least=least, by=by, now=clock.now())
        return Response(answer | {"merged": done.merged, "refused": done.refused, "left": done.left})

    @extend_schema(summary="Does this look like one that is here?", request=dict, responses=CHECK_ANSWER)
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def check(self, request: Request) -> Response:
        """Send the facts of a draft (names as in the resource; a person's `company` as a domain); nothing is stored."""
        facts, but = draft_of(self.subject, body_of(request))
        found = [
            {
                "id": None if like.hidden else str(like.row.pk),
                "name": f"A {self.subject.noun} you may not see" if like.hidden else str(like.row),
                "owner": owner_words(like.row) if like.hidden else str(like.row.owner or ""),
                "score": like.points,
                "confidence": like.band,
                "reasons": like.reasons,
            }
            for like in look_alikes(self.subject, facts, but=but)
        ]
        return Response({"found": found})


@extend_schema_view(list=extend_schema(summary="Pairs of people"), retrieve=extend_schema(summary="One pair of people"))
class PersonPairViewSet(PairViewSet):
    """People that may be one and the same. Found in the background, within minutes of a change."""

    model = PersonPair
    subject = PEOPLE
    serializer_class = PersonPairSerializer


@extend_schema_view(
    list=extend_schema(summary="Pairs of companies"), retrieve=extend_schema(summary="One pair of companies")
)
class CompanyPairViewSet(PairViewSet):
    """Companies that may be one and the same; a name alone is never enough."""

    model = CompanyPair
    subject = COMPANIES
    serializer_class = CompanyPairSerializer


class MergeFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=Merge.Kind.choices)
    gone = django_filters.UUIDFilter(field_name="gone_id")


@extend_schema_view(list=extend_schema(summary="List merges"), retrieve=extend_schema(summary="One merge"))
class MergeViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Merge]):
    """What became part of what, and its undo."""

    model = Merge
    permissions = {
        "list": "duplicates.view",
        "retrieve": "duplicates.view",
        "create": "duplicates.merge",
        "undo": "duplicates.merge",
    }
    serializer_class = MergeSerializer
    filterset_class = MergeFilter
    orders = ("at",)
    default_order = "-at"

    def get_queryset(self) -> QuerySet[Merge]:
        if getattr(self, "swagger_fake_view", False):
            return Merge.unscoped.none()
        return merges()

    @extend_schema(summary="Merge two", request=MergeBody, responses={201: MergeSerializer})
    def create(self, request: Request) -> Response:
        """Any two people or companies, also where nothing proposed them."""
        body = MergeBody(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        subject = subject_of(data["kind"])
        rows = [load_row(subject, data[name]) for name in ("kept", "gone")]
        for name, row in zip(("kept", "gone"), rows, strict=True):
            if row is None:
                raise NotFound(f"There is no {subject.noun} {data[name]} here.", field=name)
        merge = merge_rows(
            subject=subject,
            kept=rows[0],
            gone=rows[1],
            by=actor_of(request),
            now=clock.now(),
            chosen=data.get("choices"),
        )
        return Response(self.get_serializer(merge).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Undo a merge", request=None)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """`not_restored` says what stayed as it is now, and why."""
        merge = self.get_object()
        undo_merge(merge=merge, by=actor_of(request), now=clock.now())
        merge.refresh_from_db()
        return Response(self.get_serializer(merge).data)


def moved_answer(subject: Subject, key: str, route: str) -> Response | None:
    """301 with where a gone row is now, or None. The address in `Location`, the id in the body."""
    try:
        row = merged_into(subject, UUID(key))
    except ValueError:
        return None
    if row is None:
        return None
    words = f"This {subject.noun} became part of {row}."
    return Response(
        error_body("merged", words, detail={"id": str(row.pk), "type": subject.noun}), status=status.HTTP_301_MOVED_PERMANENTLY,
        headers={"Location": reverse(route, args=[row.pk]), "Cache-Control": "no-store"},
    )  # fmt: skip
