"""Reads of merges: two rows side by side, where a gone id went, who may merge what."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Member
from accounts.permissions import allows
from leadgen.core.errors import Refused
from leadgen.core.visibility import as_asked, asker
from prospects.models import Activity, ActivityKind, Company, Merge, Person
from prospects.queries.duplicates import PEOPLE, Subject
from prospects.queries.visibility import hidden, owner_words
from prospects.rules.merges import Choice, Side, groups, preselect

# Columns nobody chooses: keys, what follows from others, what is taken from whichever row has more.
_OWN = {"id", "workspace", "full_name", "created_at", "updated_at", "last_touch_at", "last_reply_at", "fields_at"}
_WITH_MAIL = {"email_status", "email_status_at", "email_status_reason"}
_WITH_BASIS = {"lawful_basis_at", "lawful_basis_note"}


def choice_fields(subject: Subject) -> list[str]:
    """Every column a merge asks about, also one that was added later, in the model's order."""
    return [f.name for f in subject.model._meta.concrete_fields if f.name not in _OWN | _WITH_MAIL | _WITH_BASIS]


def edits_by_hand(subject: Subject, keys: list[UUID]) -> dict[UUID, dict[str, datetime]]:
    """When a member last set which field of these rows, by the timeline."""
    column = subject.column
    found: dict[UUID, dict[str, datetime]] = {key: {} for key in keys}
    rows = (
        Activity.objects.filter(**{f"{column}__in": keys}, kind=ActivityKind.EDITED, member__isnull=False)
        .order_by("at")
        .values_list(column, "at", "detail")[:2000]
    )
    for key, at, detail in rows:
        for name in detail.get("changes") or {}:
            found[key][name] = at
    return found


def side_of(subject: Subject, row: Any, edited: dict[str, datetime]) -> Side:
    """A row as the choice of values sees it."""
    values = {name: getattr(row, name) for name in choice_fields(subject)}
    return Side(values, row.updated_at, edited, getattr(row, "email_status", "") if getattr(row, "email", "") else "")


def choices(subject: Subject, kept: Any, gone: Any) -> list[Choice]:
    """Every field side by side with the value to keep by default."""
    edited = edits_by_hand(subject, [kept.pk, gone.pk])
    sides = [side_of(subject, row, edited[row.pk]) for row in (kept, gone)]
    return preselect(choice_fields(subject), *sides)


def load_row(subject: Subject, key: UUID | str) -> Any | None:
    """A person or company with what its page names."""
    related = ["owner", "company"] if subject is PEOPLE else ["owner"]
    return subject.model.objects.select_related(*related).filter(pk=key).first()


def keep_first(subject: Subject, one: Any, other: Any) -> tuple[Any, Any]:
    """(kept, gone) by default: the row with more on its timeline stays, else the older one."""
    known = {
        row.pk: Activity.objects.filter(**{subject.column: row.pk}).order_by()[:500].count() for row in (one, other)
    }
    ranked = sorted((one, other), key=lambda row: (-known[row.pk], row.created_at, row.pk))
    return ranked[0], ranked[1]


def former(subject: Subject, name: str, values: Iterable[str]) -> dict[str, tuple[UUID, datetime]]:
    """Of these addresses (`name`: email), domains, external ids or LinkedIn pages, those that a record was known by before it became part of
    another: value -> (the record that stayed, when). Whose it is today comes first: ask only for what nobody has."""
    asked = {f"{name}:{value}": value for value in values}
    if not asked or not (rows := Merge.objects.filter(kind=subject.kind, undone_at=None).exclude(keys=[])).exists():
        return {}
    found: dict[str, tuple[UUID, datetime]] = {}
    told = rows.filter(keys__overlap=list(asked)).order_by("at", "pk").values_list("keys", subject.column, "at")
    for keys, record, at in told:
        found |= {asked[key]: (record, at) for key in keys if key in asked and record is not None}
    return found


def record_by(subject: Subject, name: str, value: str, *related: str) -> Any | None:
    """Whose this address, domain or external id is; of nobody today, whoever it led to by a merge."""
    if not value:
        return None
    rows = subject.model.objects.select_related(*related) if related else subject.model.objects.all()
    found = rows.filter(**{name: value}).first()
    if found is None and (before := former(subject, name, [value]).get(value)):
        found = rows.filter(pk=before[0]).first()
    return found


def merged_into(subject: Subject, key: UUID | str) -> Any | None:
    """The row that a gone id is part of now, or None."""
    merge = Merge.objects.filter(gone_id=key, kind=subject.kind, undone_at__isnull=True).first()
    if merge is None:
        return None
    return load_row(subject, merge.person_id if subject is PEOPLE else merge.company_id)


def merges() -> QuerySet[Merge]:
    """All merges with who did and undid them."""
    return Merge.objects.select_related("member", "undone_by", "person", "company")


def merges_of(row: Person | Company) -> QuerySet[Merge]:
    """What became part of this row, latest first."""
    column = "person" if isinstance(row, Person) else "company"
    return merges().filter(**{column: row.pk}).order_by("-at", "-id")


def refuse_unseen(rows: list[Any]) -> None:
    """Nobody judges a row they may not see."""
    unseen = hidden(rows)
    for row in rows:
        if row.pk in unseen:
            noun = "people" if isinstance(row, Person) else "companies"
            raise Refused(
                f"One of the two {noun} belongs to {owner_words(row)}, and you may not see it. Ask them, or somebody who sees"
                " all records.", code="not_yours",
            )  # fmt: skip


def refuse_foreign(member: Member | None, rows: list[Any]) -> None:
    """Merging takes a row away, so it needs the right to delete, or that every row is one's own or nobody's."""
    refuse_unseen(rows)
    if member is None or allows(member.role, "people.delete"):
        return
    for row in rows:
        if row.owner_id is not None and row.owner_id != member.pk:
            raise Refused(
                f"{row} belongs to {row.owner}. Ask them, or somebody who may delete, to merge.", code="not_yours",
                detail={"id": str(row.pk)},
            )  # fmt: skip


def is_mine(member: Member, row: Any) -> bool:
    """Whether this member may merge this row."""
    return allows(member.role, "people.delete") or row.owner_id in (None, member.pk)


@dataclass(slots=True)
class BulkPlan:
    """What a bulk merge would do: `groups` of rows that become one, and pairs left out, by reason in words."""

    pairs: int = 0
    merges: int = 0
    groups: list[list[UUID]] = field(default_factory=list)
    blocked: dict[str, int] = field(default_factory=dict)


def bulk_plan(subject: Subject, least: int, member: Member | None) -> BulkPlan:
    """Exact: open pairs of at least this score that the member may merge, joined into groups. Two queries."""
    plan = BulkPlan()
    rows = subject.pair.objects.filter(state="open", score__gte=least).order_by("-score", "pk")
    hides = asker() is not None
    if hides:  # both sides are needed to judge: a pair with one that is not seen is left out
        seen = as_asked(subject.model.objects.all()).order_by().values("pk")
        unseen = as_asked(rows).exclude(first__in=seen, second__in=seen).count()
        rows = rows.filter(first__in=seen, second__in=seen)
    wanted: list[tuple[UUID, UUID]] = []
    for first, second, *owners in rows.values_list("first_id", "second_id", "first__owner_id", "second__owner_id"):
        plan.pairs += 1
        if member is None or allows(member.role, "people.delete") or set(owners) <= {None, member.pk}:
            wanted.append((first, second))
        else:
            plan.blocked["belong to somebody else"] = plan.blocked.get("belong to somebody else", 0) + 1
    if hides and unseen:
        plan.pairs += unseen
        plan.blocked["belong to somebody else"] = plan.blocked.get("belong to somebody else", 0) + unseen
    plan.groups = groups(wanted)
    plan.merges = sum(len(group) - 1 for group in plan.groups)
    return plan
