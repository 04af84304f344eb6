"""Whose records are by territory: what becomes of each, and giving it, with the reason in its timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.models import Member
from accounts.permissions import owners as may_own_rows
from leadgen.core.tenancy import bulk_insert
from prospects.models import OPEN_STAGES, Activity, ActivityKind, Company, Deal, Lead, Person, Territory
from prospects.models.locks import lock
from prospects.queries.away import away_now
from prospects.queries.territories import COMPANIES, MODELS, PEOPLE, Place, places, plan_of, set_by_hand, setup_in_force
from prospects.rules.territories import GAIN, MOVES, SAME, Target, outcome

Row = tuple[UUID, UUID | None, UUID | None]  # key, owner, company (of a person)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a record. `company`: a person's; `follows`: whether they go by its owner."""

    key: UUID
    owner: UUID | None
    outcome: str
    target: Target | None
    company: UUID | None
    follows: bool


def decide(kind: str, rows: Sequence[Row], plan: Sequence[Place], *, now: datetime, change: bool) -> list[Decision]:
    """What becomes of each: a company goes by its territory, a person with their company, else by their own."""
    ids = [key for key, _, _ in rows]
    hand = set_by_hand(kind, ids)
    follows = _followed(rows, plan, now, change) if kind == PEOPLE else {}
    alone = [key for key, _, company in rows if company not in follows]
    found = places(plan, kind, alone, now)
    decisions = []
    for key, owner, company in rows:
        place = found.get(key)
        own = Target(place.members, place.key, place.name) if place else None
        target = follows.get(company, own)
        what = outcome(owner=owner, target=target, by_hand=key in hand, change=change)
        decisions.append(Decision(key, owner, what, target, company, company in follows))
    return decisions


def _followed(rows: Sequence[Row], plan: Sequence[Place], now: datetime, change: bool) -> dict[UUID | None, Target]:
    """Company -> whose its people should be, for companies that have an owner or will have one.

    Where a territory has several members any of theirs is right: who has a person there keeps them.
    """
    keys = {company for _, _, company in rows if company is not None}
    if not keys:
        return {}
    owners = Company.objects.filter(pk__any=list(keys)).order_by("pk").values_list("pk", "owner_id")
    firms: list[Row] = [(key, owner, None) for key, owner in owners]
    active = set(may_own_rows().filter(pk__in={owner for _, owner, _ in firms if owner}).values_list("pk", flat=True))
    targets: dict[UUID | None, Target] = {}
    for item in decide(COMPANIES, firms, plan, now=now, change=change):
        if item.outcome in (*MOVES, SAME) and item.target:
            targets[item.key] = item.target
        elif item.owner is not None:
            targets[item.key] = Target({item.owner} & active)
    return targets


def open_work(kind: str, moving: Sequence[Decision]) -> dict[UUID, tuple[list[UUID], list[UUID]]]:
    """Record -> its open leads and deals that are of the one who had it. Those with a person go with the person."""
    had = {item.key: item.owner for item in moving}
    work: dict[UUID, tuple[list[UUID], list[UUID]]] = {}
    column = "company" if kind == COMPANIES else "person"
    alone = {"person__isnull": True} if kind == COMPANIES else {}
    models: tuple[tuple[Any, dict[str, Any]], ...] = (
        (Lead, {"stage__in": OPEN_STAGES}), (Deal, {"outcome": Deal.Outcome.OPEN}),
    )  # fmt: skip
    for number, (model, still) in enumerate(models):
        rows = model.objects.filter(**{f"{column}__any": list(had)}, **alone, **still)
        for key, record, owner in rows.order_by("pk").values_list("pk", f"{column}_id", "owner_id"):
            if owner == had[record]:
                work.setdefault(record, ([], []))[number].append(key)
    return work


def give(
    kind: str, moving: Sequence[Decision], work: dict[UUID, tuple[list[UUID], list[UUID]]], by: Actor, now: datetime
) -> set[UUID]:
    """Write the new owners; who got one meanwhile stays. Returns the records that were given."""
    if not moving:
        return set()
    model = MODELS[kind]
    lead_ids, deal_ids = ([key for pair in work.values() for key in pair[number]] for number in (0, 1))
    # Locks in the order of models.locks: leads and deals before companies.
    locked: dict[Any, dict[UUID, Any]] = {
        some: {row.pk: row for row in lock(some.objects.filter(pk__any=keys))}
        for some, keys in ((Lead, lead_ids), (Deal, deal_ids))
    }
    standing = dict(
        lock(model.objects.filter(pk__any=[item.key for item in moving])).values_list("pk", "owner_id")
    )  # fmt: skip
    moving = [item for item in moving if item.key in standing and standing[item.key] == item.owner]
    chosen = _chosen(moving)
    names = {row.pk: str(row) for row in Member.objects.filter(pk__in=set(chosen.values()))}
    told: list[Activity] = []
    for member in names:
        mine = [item for item in moving if chosen[item.key] == member]
        model.objects.filter(pk__any=[item.key for item in mine]).update(owner=member, updated_at=now)
        for number, some in enumerate((Lead, Deal)):
            keys = [key for item in mine for key in work.get(item.key, ([], []))[number]]
            some.objects.filter(pk__any=keys).update(owner=member)
            word = "lead" if some is Lead else "deal"
            told += [
                Activity(
                    at=now, recorded_at=now, kind=ActivityKind.ASSIGNED, member=by.member, person_id=row.person_id,
                    company_id=row.company_id, summary=f"{word.capitalize()} given to {names[member]}",
                    detail={"owner": [str(row.owner_id) if row.owner_id else None, str(member)]}, **{f"{word}_id": row.pk},
                )
                for row in (locked[some][key] for key in keys if key in locked[some])
            ]  # fmt: skip
        told += [_line(kind, item, member, names[member], by, now) for item in mine]
    bulk_insert(Activity, told)
    return {item.key for item in moving}


def _line(kind: str, item: Decision, member: UUID, name: str, by: Actor, now: datetime) -> Activity:
    owner = [str(item.owner) if item.owner else None, str(member)]
    detail: dict[str, Any] = {"owner": owner}
    words = []
    if item.target is not None and item.target.key:
        words.append(f"territory {item.target.name}")
        detail |= {"territory": item.target.key, "name": item.target.name}
    if item.follows:
        words.append("with their company")
        detail["follows"] = str(item.company)
    return Activity(
        at=now, recorded_at=now, kind=ActivityKind.ASSIGNED, member=by.member, detail=detail,
        summary=f"Owner {name}: {', '.join(words)}"[:300], person_id=item.key if kind == PEOPLE else None,
        company_id=item.key if kind == COMPANIES else item.company,
    )  # fmt: skip


def _chosen(moving: Sequence[Decision]) -> dict[UUID, UUID]:
    """Record -> its new owner: of a company its people follow the company's, of several members the one whose turn it is."""
    chosen: dict[UUID, UUID] = {}
    firms = {item.company for item in moving if item.follows}
    owners = dict(Company.objects.filter(pk__any=list(firms)).values_list("pk", "owner_id")) if firms else {}
    away = away_now()
    turns: dict[str, list[Decision]] = {}
    for item in moving:
        assert item.target is not None
        if item.follows and owners.get(item.company) in item.target.members:
            chosen[item.key] = owners[item.company]
        else:
            turns.setdefault(item.target.key, []).append(item)
    for key, items in turns.items():
        target = items[0].target
        assert target is not None
        members = tuple(target.members)
        # Who is away is passed by where others are there.
        here = [member for member in members if member not in away] or members
        first = _turn(key, len(items)) if len(here) > 1 else 0
        for number, item in enumerate(items):
            chosen[item.key] = here[(first + number) % len(here)]
    return chosen


def take_owner(*, company: Company | None, person: Person | None, now: datetime) -> tuple[UUID | None, str]:
    """Whose a company and its person are by territory, with the words for a receipt; what has no owner gets it now, not
    with the next look, so that the lead that asks and its records end with the same one of several members."""
    plan = plan_of(setup_in_force())
    if not plan:
        return None, ""
    owner: UUID | None = None
    words = ""
    # The company first: its people go with it, and by their own facts where it is in no territory.
    for kind, record in ((COMPANIES, company), (PEOPLE, person)):
        if record is None:
            continue
        row = (record.pk, record.owner_id, record.company_id if isinstance(record, Person) else None)
        (item,) = decide(kind, [row], plan, now=now, change=False)
        if item.outcome == GAIN and item.key in give(kind, [item], {}, SYSTEM, now):
            record.owner_id = MODELS[kind].objects.values_list("owner_id", flat=True).get(pk=item.key)
            write_audit(
                by=SYSTEM, action="territory.assigned", now=now, target_type="territory", label=str(record),
                detail={kind: 1, "record": str(record.pk), "territory": item.target.key if item.target else ""},
            )  # fmt: skip
        if item.outcome in (GAIN, SAME) and item.target is not None and item.target.key:
            owner, words = record.owner_id, f"{company or person} by territory {item.target.name}"
    return owner, words


def _turn(key: str, count: int) -> int:
    """Whose turn it is; the next time it is somebody else's."""
    row = lock(Territory.objects.filter(pk=key)).first() if key else None
    if row is None:
        return 0
    Territory.objects.filter(pk=key).update(turn=F("turn") + count)
    return row.turn
