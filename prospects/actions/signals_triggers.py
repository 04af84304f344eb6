"""What signals set off: a to-do in an SDR's queue, with the reason, or people in a sequence; and the triggers that say so.

At most one open to-do a company: twenty job adverts in a week are one reason to call, not twenty. Where a trigger enrolled
somebody, or put them in its line for the days to come, there is no to-do beside it; where nobody could be enrolled there is
one, so that the news is not lost.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.models import Member
from accounts.permissions import may_own, refuse_owner
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.signals_enrolling import MAX_PER_DAY, PER_DAY, enroller
from prospects.actions.tasks import create_task
from prospects.models import Company, CompanyFit, Person, Segment, Signal, SignalTrigger, Task
from prospects.queries.companies import primary_icp
from prospects.queries.segments import members_of
from prospects.rules import signals as rules

ABOUT = "signal"
FIELDS = ("name", "kinds", "segment", "grades", "owner", "is_active")
ENROLS = ("sequence", "per_day")  # whom the news is about goes into this sequence
GRADES = ("A", "B", "C", "D")


def create_trigger(*, by: Actor, now: datetime, **values: Any) -> SignalTrigger:
    """A new trigger; FIELDS and ENROLS, `name` and `kinds` are required. Raises Invalid or Conflict, the field named."""
    enrols = {name: values.pop(name) for name in ENROLS if name in values}
    trigger = SignalTrigger(created_at=now, **_clean(values, new=True))
    with transaction.atomic():
        _save(trigger)
        told = _choose(trigger, enrols)
    write_audit(by=by, action="signal_trigger.created", now=now, target=trigger, detail={"kinds": trigger.kinds} | told)
    return trigger


def update_trigger(*, trigger: SignalTrigger, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change FIELDS and ENROLS; returns what changed."""
    enrols = {name: changes[name] for name in ENROLS if name in changes}
    changes = {name: value for name, value in changes.items() if name not in ENROLS}
    cleaned = _clean(changes, new=False, had=trigger.owner_id)
    changed = [name for name, value in cleaned.items() if getattr(trigger, name) != value]
    for name in changed:
        setattr(trigger, name, cleaned[name])
    with transaction.atomic():
        enroller().hold()  # a worker that enrols by it takes the same rows, and in this order
        if changed:
            _save(trigger)
        told = _choose(trigger, enrols)
        changed += list(told)
        if changed:
            enroller().changed(trigger=trigger, now=now)
    if changed:
        write_audit(by=by, action="signal_trigger.changed", now=now, target=trigger, detail={"fields": changed} | told)
    return changed


def delete_trigger(*, trigger: SignalTrigger, by: Actor, now: datetime) -> None:
    """Its to-dos stay, and who is in a sequence stays there; who waits in its line is not enrolled."""
    waited = enroller().enrolling().get(trigger.pk)
    write_audit(
        by=by, action="signal_trigger.deleted", now=now, target=trigger,
        detail={"waiting": waited.waiting} if waited and waited.waiting else {},
    )  # fmt: skip
    with transaction.atomic():
        enroller().hold()
        trigger.delete()


def fire(signals: Sequence[Signal], *, now: datetime) -> int:
    """What triggers ask for on matched signals: enrolments, else to-dos; how many to-dos. Stale news sets nothing off."""
    fresh = [row for row in signals if rules.freshness(row.kind, row.at, now) >= rules.STALE]
    if not fresh:
        return 0
    kinds = {row.kind for row in fresh}
    active = SignalTrigger.objects.filter(is_active=True).select_related("segment", "owner").order_by("name")
    triggers = [trigger for trigger in active if kinds & set(trigger.kinds)]
    if not triggers:
        return 0
    enrolling = enroller().enrolling()
    if any(trigger.pk in enrolling for trigger in triggers):
        enroller().hold()
    made = 0
    grades = _grades([row.company_id for row in fresh]) if any(trigger.grades for trigger in triggers) else {}
    meant = {trigger.pk: _meant(trigger, fresh, grades, now) for trigger in triggers}
    busy = set(
        Task.objects.filter(
            about_type=ABOUT, state=Task.State.OPEN, company__in={row.company_id for row in fresh if row.company_id}
        ).values_list("company_id", flat=True)
    )
    for row in sorted(fresh, key=lambda row: -rules.worth(row.kind, row.at, now)):
        asking = [trigger for trigger in triggers if row.pk in meant[trigger.pk]]
        enrolled = [_enrol(trigger, row, now) for trigger in asking if trigger.pk in enrolling]
        if not asking or any(enrolled) or (row.company_id and row.company_id in busy):
            continue
        _suggest(asking[0], row, now)
        busy.add(row.company_id)
        made += 1
    return made


def _meant(trigger: SignalTrigger, rows: Sequence[Signal], grades: Mapping[Any, str], now: datetime) -> set[Any]:
    """Ids of the signals it is about: one query for all of them."""
    asked = [
        row
        for row in rows
        if row.kind in trigger.kinds and (not trigger.grades or grades.get(row.company_id) in trigger.grades)
    ]
    if trigger.segment is None or not asked:
        return {row.pk for row in asked}
    companies = {row.company_id for row in asked if row.company_id}
    try:
        members = members_of(trigger.segment, now=now).order_by()
    except Invalid:
        return set()  # a rule that cannot be read any more names nobody; its page says so
    if not trigger.segment.of_people:
        found = set(members.filter(pk__in=companies).values_list("pk", flat=True))
        return {row.pk for row in asked if row.company_id in found}
    # News of a person is about that person; other news about everybody at the company. No id is both a person's and a company's.
    there = members.filter(company__in=companies).values_list("company_id", flat=True)
    people = {row.person_id for row in asked if row.person_id}
    found = set(members.filter(pk__in=people).values_list("pk", flat=True).union(there) if people else there.distinct())
    return {row.pk for row in asked if (row.person_id or row.company_id) in found}


def still_meant(trigger: SignalTrigger, rows: Sequence[Signal], now: datetime) -> set[Any]:
    """Ids of those it is about as it is now: its kinds, grades and segment may have changed since they came."""
    return _meant(trigger, rows, _grades([row.company_id for row in rows]) if trigger.grades else {}, now)


def cause_of(trigger: SignalTrigger, row: Signal) -> str:
    """Which news and which trigger, in words."""
    return f"{row.get_kind_display()} of {row.at:%d %b %Y}: {row.title[:160]} (trigger “{trigger.name[:60]}”)"


def suggest(trigger: SignalTrigger, row: Signal, now: datetime) -> None:
    """A to-do of one signal, unless its company has one of news already."""
    open_ = Task.objects.filter(about_type=ABOUT, state=Task.State.OPEN, company=row.company_id)
    if row.company_id is None or not open_.exists():
        _suggest(trigger, row, now)


def _enrol(trigger: SignalTrigger, row: Signal, now: datetime) -> int:
    """Those of its segment the news is about: how many are in the sequence now, or in the trigger's line."""
    assert trigger.segment is not None, "a trigger that enrols has a segment of people (_choose)"
    members = members_of(trigger.segment, now=now)
    people = members.filter(pk=row.person_id) if row.person_id else members.filter(company=row.company_id)
    made = enroller().enrol(trigger=trigger, signal=row, people=people, cause=cause_of(trigger, row), now=now)
    if made:
        SignalTrigger.objects.filter(pk=trigger.pk).update(fired_at=now)
    return made


def _choose(trigger: SignalTrigger, enrols: Mapping[str, Any]) -> dict[str, Any]:
    """Which sequence it enrols into, if any; what of that is new. Raises Invalid, the field named."""
    before = enroller().enrolling().get(trigger.pk)
    sequence = enrols.get("sequence", before.sequence if before is not None else None)
    if sequence and (trigger.segment is None or not trigger.segment.of_people):
        raise Invalid(
            "To enrol, choose a segment of people: it says who at the company is written to.", field="segment"
        )
    per_day = enrols.get("per_day") or (before.per_day if before is not None else PER_DAY)
    if not 1 <= per_day <= MAX_PER_DAY:
        raise Invalid(f"Enrol between 1 and {MAX_PER_DAY} people a day.", field="per_day")
    old = (before.sequence, before.per_day) if before is not None else (None, per_day)
    if (sequence or None, per_day) == old:
        return {}
    enroller().choose(trigger=trigger, sequence=sequence or None, per_day=per_day)
    return {"sequence": str(sequence or ""), "per_day": per_day}


def _suggest(trigger: SignalTrigger, row: Signal, now: datetime) -> None:
    person = Person.objects.select_related("owner", "company").get(pk=row.person_id) if row.person_id else None
    company = Company.objects.select_related("owner").get(pk=row.company_id) if row.company_id else None
    owners = [person and person.owner, company and company.owner, trigger.owner]
    owner = next((found for found in owners if isinstance(found, Member) and may_own(found)), None)
    who = str(person or company)
    create_task(
        by=SYSTEM, now=now, kind=Task.Kind.TODO, title=f"Write or call now: {who}", due_at=now, person=person,
        company=company, owner=owner, about=(ABOUT, row.pk), body="\n".join(filter(None, [row.text, row.url])),
        reason=f"{row.get_kind_display()} {rules.ago(row.at, now)}: {row.title[:180]} (trigger “{trigger.name[:60]}”)",
    )  # fmt: skip
    SignalTrigger.objects.filter(pk=trigger.pk).update(made=F("made") + 1, fired_at=now)


def _grades(company_ids: Sequence[Any]) -> dict[Any, str]:
    icp = primary_icp()
    if icp is None:
        return {}
    found = CompanyFit.objects.filter(icp=icp, company__in={key for key in company_ids if key})
    return dict(found.values_list("company_id", "grade"))


def _clean(values: Mapping[str, Any], *, new: bool, had: UUID | None = None) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Invalid(f"A trigger has no field “{min(unknown)}”.", field=min(unknown))
    cleaned = dict(values)
    if "name" in cleaned or new:
        cleaned["name"] = " ".join(str(cleaned.get("name") or "").split())[:120]
        if not cleaned["name"]:
            raise Invalid("Give the trigger a name.", field="name")
    if "kinds" in cleaned or new:
        cleaned["kinds"] = [kind for kind in Signal.Kind.values if kind in (cleaned.get("kinds") or ())]
        if not cleaned["kinds"]:
            raise Invalid("Choose at least one kind of signal.", field="kinds")
    if "grades" in cleaned:
        cleaned["grades"] = [grade for grade in GRADES if grade in (cleaned["grades"] or ())]
    segment: Segment | None = cleaned.get("segment")
    if segment is not None and segment.is_archived:
        raise Invalid("This segment is archived. Choose another.", field="segment")
    refuse_owner(cleaned.get("owner"), had=had)
    return cleaned


def _save(trigger: SignalTrigger) -> None:
    try:
        with transaction.atomic():
            trigger.save()
    except IntegrityError as error:
        raise Conflict(f"There is a trigger “{trigger.name}” already.", code="duplicate", field="name") from error
