"""Somebody is away: their people, companies, open leads, open deals and open tasks go to a colleague in one act, and come back.

A cover gives back by itself on the day of return, a hand-over for good only when it is undone. What somebody gave to a
third person meanwhile stays with them.
"""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import batched
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.models import Member, Workspace
from accounts.permissions import OWNERS, may_own, refuse_owner
from leadgen.core import lanes
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from prospects.actions.companies import assign_companies
from prospects.actions.people import assign_people
from prospects.models import (
    OPEN_STAGES,
    Absence,
    AbsenceMove,
    Activity,
    ActivityKind,
    Company,
    Deal,
    Lead,
    Person,
    Task,
)
from prospects.models.locks import lock, lock_row
from prospects.queries.away import away_now

LANE = "away"
PART = 1_000
# In the order in which rows are locked (models.locks): leads, deals, then companies; people and tasks after them.
KINDS = ("leads", "deals", "companies", "people", "tasks")


def rows_of(kind: str, owner: Any) -> Any:
    """What a member (or whoever a query refers to) holds of a kind; of leads, deals and tasks the open ones: what is over stays theirs."""
    match kind:
        case "leads":
            return Lead.objects.filter(owner=owner, stage__in=OPEN_STAGES)
        case "deals":
            return Deal.objects.filter(owner=owner, outcome=Deal.Outcome.OPEN)
        case "companies":
            return Company.objects.filter(owner=owner)
        case "people":
            return Person.objects.filter(owner=owner)
    return Task.objects.filter(owner=owner, state=Task.State.OPEN)


def holders_without_right() -> list[Member]:
    """Active members who may own nothing any more and still hold something: a viewer who was a seller."""
    holds: Any = Q()
    for kind in KINDS:
        holds |= Exists(rows_of(kind, OuterRef("pk")))
    return list(Member.objects.filter(holds, is_active=True).exclude(role__in=OWNERS).order_by("name", "email"))


def holdings(member: Member) -> dict[str, int]:
    """How many rows of each kind would move."""
    return {kind: rows_of(kind, member).order_by().count() for kind in KINDS}


def start_absence(
    *, by: Actor, now: datetime, member: Member, cover: Member, mode: str, returns_on: date | None = None,
    kinds: Sequence[str] = KINDS,
) -> Absence:  # fmt: skip
    """Hand over everything a member holds of `kinds`, in one transaction. Raises Invalid, the field named, or Conflict."""
    returns_on = _checked(member, cover, mode, returns_on, kinds, now)
    absence = Absence(member=member, cover=cover, mode=mode, returns_on=returns_on, by=by.member, created_at=now)
    absence.save()
    for kind in KINDS:
        if kind in kinds:
            ids = list(lock(rows_of(kind, member)).values_list("pk", flat=True))
            bulk_insert(
                AbsenceMove,
                [
                    AbsenceMove(absence=absence, kind=kind, number=number, ids=list(part))
                    for number, part in enumerate(batched(ids, PART), 1)
                ],
            )
            absence.moved[kind] = _give(kind, ids, member, cover, by, now)
    absence.save(update_fields=["moved"])
    write_audit(
        by=by, action="absence.started", now=now, target=absence,
        detail={"cover": str(cover), "mode": mode, "returns_on": str(returns_on or ""), "moved": absence.moved},
    )  # fmt: skip
    if returns_on is not None:
        zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
        lanes.mark(
            workspace_id=current_workspace_id(), kind=LANE, due=start_of_day(returns_on, zone), key=str(absence.pk)
        )
    return absence


def end_absence(*, by: Actor, now: datetime, absence: Absence) -> Absence:
    """They are back (or it is undone): what was handed over and is still with the cover goes back. Raises Conflict if over."""
    lock_row(absence)
    if absence.state != Absence.State.ACTIVE:
        raise Conflict("It is over already.")
    if not absence.member.is_active:
        raise Conflict(f"{absence.member} is not active here any more. What they had stays with {absence.cover}.")
    if not may_own(absence.member):
        raise Conflict(f"{absence.member} is a viewer now, who owns nothing. What they had stays with {absence.cover}.")
    for kind in KINDS:
        ids = [
            key
            for move in AbsenceMove.objects.filter(absence=absence, kind=kind).order_by("number")
            for key in move.ids
        ]
        if ids:
            still = list(lock(rows_of(kind, absence.cover).filter(pk__any=ids)).values_list("pk", flat=True))
            absence.returned[kind] = _give(kind, still, absence.cover, absence.member, by, now)
    absence.state = Absence.State.ENDED if absence.mode == Absence.Mode.COVER else Absence.State.UNDONE
    absence.ended_at = now
    absence.save(update_fields=["state", "ended_at", "returned"])
    write_audit(by=by, action="absence.ended", now=now, target=absence, detail={"returned": absence.returned})
    return absence


def end_due(*, key: str, now: datetime) -> None:
    """The day of return has come: the worker gives back what is still with the cover."""
    absence = Absence.objects.filter(pk=key, state=Absence.State.ACTIVE).first()
    if absence is not None and may_own(absence.member):
        end_absence(by=SYSTEM, now=now, absence=absence)


def _checked(
    member: Member, cover: Member, mode: str, returns_on: date | None, kinds: Sequence[str], now: datetime
) -> date | None:
    if mode not in Absence.Mode.values:
        raise Invalid(f"Choose one of: {', '.join(Absence.Mode.values)}.", field="mode")
    if member.pk == cover.pk:
        raise Invalid("Choose somebody else to take over.", field="cover")
    refuse_owner(cover, field="cover")
    if mode == Absence.Mode.COVER and not may_own(member):
        raise Invalid(
            f"{member} may own nothing, so nothing could come back to them. Hand it over for good.", field="mode"
        )
    if cover.pk in away_now():
        raise Invalid(f"{cover} is away too. Choose somebody else.", field="cover")
    unknown = set(kinds) - set(KINDS)
    if unknown or not kinds:
        raise Invalid(f"Choose what moves, of: {', '.join(KINDS)}.", field="kinds")
    if mode == Absence.Mode.REASSIGN:
        return None
    if member.pk in away_now():
        raise Conflict(f"{member} is away already. End that first.", code="duplicate", field="member")
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    if returns_on is None or returns_on <= local_date(now, zone):
        raise Invalid("Say on which day they are back; it is after today.", field="returns_on")
    return returns_on


def _give(kind: str, ids: list[UUID], old: Member, new: Member, by: Actor, now: datetime) -> int:
    """Give rows to `new`; each says so on its timeline. How many changed hands."""
    if kind == "people":
        given = [
            assign_people(by=by, now=now, people=list(Person.objects.filter(pk__any=part)), owner=new)
            for part in _parts(ids)
        ]
        return sum(given)
    if kind == "companies":
        return sum(
            assign_companies(by=by, now=now, companies=list(Company.objects.filter(pk__any=part)), owner=new)
            for part in _parts(ids)
        )
    model: Any = {"leads": Lead, "deals": Deal, "tasks": Task}[kind]
    for part in _parts(ids):
        rows = list(model.objects.filter(pk__any=part))
        model.objects.filter(pk__any=part).update(owner=new)
        if kind != "tasks":
            word = "lead" if kind == "leads" else "deal"
            bulk_insert(
                Activity,
                [
                    Activity(
                        at=now, recorded_at=now, kind=ActivityKind.ASSIGNED, person_id=row.person_id, member=by.member,
                        company_id=row.company_id, summary=f"{word.capitalize()} given to {new}",
                        detail={"owner": [str(old.pk), str(new.pk)]}, **{f"{word}_id": row.pk},
                    )
                    for row in rows
                ],
            )  # fmt: skip
    return len(ids)


def _parts(ids: list[UUID]) -> list[list[UUID]]:
    return [list(part) for part in batched(ids, PART)]
