"""Reads of territories: the plan in force, which territory a record is in, and why somebody has the owner they have."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Member
from accounts.permissions import may_own, owners
from leadgen.core.errors import Invalid
from leadgen.core.rulelang import parse, to_json
from leadgen.core.visibility import everyone
from prospects.models import Activity, ActivityKind, Company, Person, Territory
from prospects.queries import segments
from prospects.rules.fields import PERSON_FIELDS
from prospects.rules.territories import of_companies

COMPANIES, PEOPLE = "companies", "people"
MODELS: dict[str, Any] = {COMPANIES: Company, PEOPLE: Person}


@dataclass(frozen=True, slots=True)
class Place:
    """A territory of a plan. `members`: those of its owners who are active."""

    key: str
    name: str
    rule: Mapping[str, Any]
    members: tuple[UUID, ...]


def setup_in_force() -> list[dict[str, Any]]:
    """The active territories in order, as a run keeps them."""
    rows = Territory.objects.filter(is_active=True).order_by("position", "pk")
    return [
        {"id": str(row.pk), "name": row.name, "rule": row.rule, "members": [str(key) for key in row.members]}
        for row in rows
    ]


def plan_of(setup: Sequence[Mapping[str, Any]]) -> list[Place]:
    """A setup with who may own of its members now."""
    named = {UUID(key) for part in setup for key in part["members"]}
    active = set(owners().filter(pk__in=named).values_list("pk", flat=True))
    return [
        Place(
            part["id"], part["name"], part["rule"],
            tuple(key for key in map(UUID, part["members"]) if key in active),
        )
        for part in setup
    ]  # fmt: skip


def rows_in(rule: Mapping[str, Any], kind: str, now: datetime) -> Any:
    """Companies, or people, for which a territory's rule holds. Raises Invalid for a rule that cannot be read any more."""
    known = to_json(parse(rule, PERSON_FIELDS))
    wanted = known if kind == PEOPLE else of_companies(known)
    if wanted is None:
        return MODELS[kind].objects.none()
    return segments.matching(kind, wanted, now=now)


def places(plan: Sequence[Place], kind: str, ids: Collection[UUID], now: datetime) -> dict[UUID, Place]:
    """Which of these records is in which territory: the first that matches."""
    left, found = set(ids), dict[UUID, Place]()
    for place in plan:
        if not left:
            break
        try:
            hits = rows_in(place.rule, kind, now).filter(pk__any=list(left)).order_by().values_list("pk", flat=True)
            matched = set(hits)
        except Invalid:  # a field is gone from the language: nobody is in it, and its page says so
            continue
        found |= dict.fromkeys(matched, place)
        left -= matched
    return found


def set_by_hand(kind: str, ids: Iterable[UUID]) -> set[UUID]:
    """Those whose owner (or that they have none) somebody chose: the last word about it on their timeline is no territory's."""
    column = "company_id" if kind == COMPANIES else "person_id"
    rows = Activity.objects.filter(
        **{f"{column.removesuffix('_id')}__any": list(ids)}, kind=ActivityKind.ASSIGNED, lead__isnull=True,
        deal__isnull=True, person__isnull=kind == COMPANIES,
    )  # fmt: skip
    last = rows.order_by(column, "-at", "-id").distinct(column).values_list(column, "detail")
    return {key for key, detail in last if not _ruled(detail)}


def why_owner(record: Company | Person) -> str:
    """ "by territory DACH", "with their company"; empty where somebody chose the owner, or they came with the record."""
    if record.owner_id is None:
        return ""
    whose = {"person": record} if isinstance(record, Person) else {"company": record, "person__isnull": True}
    rows = Activity.objects.filter(**whose, kind=ActivityKind.ASSIGNED, lead__isnull=True, deal__isnull=True)
    detail = rows.order_by("-at", "-id").values_list("detail", flat=True).first()
    if not detail or not _ruled(detail) or detail["owner"][1] != str(record.owner_id):
        return ""
    words = [f"by territory {detail['name']}"] if detail.get("territory") else []
    return ", ".join([*words, *(["with their company"] if "follows" in detail else [])])


def _ruled(detail: Any) -> bool:
    return isinstance(detail, dict) and ("territory" in detail or "follows" in detail)


def listed() -> list[Any]:
    """Every territory in order, with `x_members` (Member rows, of those who are active first) and `x_active` of them."""
    rows: list[Any] = list(Territory.objects.order_by("position", "pk"))
    known = Member.objects.in_bulk([key for row in rows for key in row.members])
    for row in rows:
        row.x_members = [known[key] for key in row.members if key in known]
        row.x_active = [member for member in row.x_members if may_own(member)]
    return rows


@everyone()
def measured(territory: Territory, kind: str, now: datetime) -> Any:
    """How many its rule matches, whoever else would have them: a number of the workspace."""
    return segments.measure(rows_in(territory.rule, kind, now))


__all__ = [
    "COMPANIES", "PEOPLE", "Place", "listed", "measured", "places", "plan_of", "rows_in", "set_by_hand", "setup_in_force",
    "why_owner",
]  # fmt: skip
