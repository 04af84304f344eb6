"""What signals set off: a to-do in an SDR's queue, with the reason; and the triggers that say so.

At most one open to-do a company: twenty job adverts in a week are one reason to call, not twenty.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.models import Member
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.tasks import create_task
from prospects.models import Company, CompanyFit, Person, Segment, Signal, SignalTrigger, Task
from prospects.queries.companies import primary_icp
from prospects.queries.segments import members_of
from prospects.rules import signals as rules

ABOUT = "signal"
FIELDS = ("name", "kinds", "segment", "grades", "owner", "is_active")
GRADES = ("A", "B", "C", "D")


def create_trigger(*, by: Actor, now: datetime, **values: Any) -> SignalTrigger:
    """A new trigger; FIELDS, `name` and `kinds` are required. Raises Invalid or Conflict, the field named."""
    trigger = SignalTrigger(created_at=now, **_clean(values, new=True))
    _save(trigger)
    write_audit(by=by, action="signal_trigger.created", now=now, target=trigger, detail={"kinds": trigger.kinds})
    return trigger


def update_trigger(*, trigger: SignalTrigger, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change FIELDS; returns what changed."""
    cleaned = _clean(changes, new=False)
    changed = [name for name, value in cleaned.items() if getattr(trigger, name) != value]
    for name in changed:
        setattr(trigger, name, cleaned[name])
    if changed:
        _save(trigger)
        write_audit(by=by, action="signal_trigger.changed", now=now, target=trigger, detail={"fields": changed})
    return changed


def delete_trigger(*, trigger: SignalTrigger, by: Actor, now: datetime) -> None:
    """Its to-dos stay."""
    write_audit(by=by, action="signal_trigger.deleted", now=now, target=trigger)
    trigger.delete()


def fire(signals: Sequence[Signal], *, now: datetime) -> int:
    """To-dos for matched signals that a trigger asks for; how many were made. Stale news sets nothing off."""
    fresh = [row for row in signals if rules.freshness(row.kind, row.at, now) >= rules.STALE]
    if not fresh:
        return 0
    triggers = list(SignalTrigger.objects.filter(is_active=True).select_related("segment", "owner").order_by("name"))
    if not triggers:
        return 0
    made = 0
    grades = _grades([row.company_id for row in fresh]) if any(trigger.grades for trigger in triggers) else {}
    busy = set(
        Task.objects.filter(
            about_type=ABOUT, state=Task.State.OPEN, company__in={row.company_id for row in fresh if row.company_id}
        ).values_list("company_id", flat=True)
    )
    for row in sorted(fresh, key=lambda row: -rules.worth(row.kind, row.at, now)):
        if row.company_id and row.company_id in busy:
            continue
        for trigger in triggers:
            if row.kind in trigger.kinds and _meant(trigger, row, grades, now):
                _suggest(trigger, row, now)
                busy.add(row.company_id)
                made += 1
                break
    return made


def _meant(trigger: SignalTrigger, row: Signal, grades: Mapping[Any, str], now: datetime) -> bool:
    if trigger.grades and grades.get(row.company_id) not in trigger.grades:
        return False
    if trigger.segment is None:
        return True
    try:
        members = members_of(trigger.segment, now=now)
        if not trigger.segment.of_people:
            return bool(row.company_id and members.filter(pk=row.company_id).exists())
        if row.person_id:
            return bool(members.filter(pk=row.person_id).exists())
        return bool(row.company_id and members.filter(company=row.company_id).exists())
    except Invalid:
        return False  # a rule that cannot be read any more names nobody; its page says so


def _suggest(trigger: SignalTrigger, row: Signal, now: datetime) -> None:
    person = Person.objects.select_related("owner", "company").get(pk=row.person_id) if row.person_id else None
    company = Company.objects.select_related("owner").get(pk=row.company_id) if row.company_id else None
    owners = [person and person.owner, company and company.owner, trigger.owner]
    owner = next((found for found in owners if isinstance(found, Member) and found.is_active), None)
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


def _clean(values: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
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
    owner: Member | None = cleaned.get("owner")
    if owner is not None and not owner.is_active:
        raise Invalid(f"{owner} is not active in this workspace. Choose somebody else.", field="owner")
    return cleaned


def _save(trigger: SignalTrigger) -> None:
    try:
        with transaction.atomic():
            trigger.save()
    except IntegrityError as error:
        raise Conflict(f"There is a trigger “{trigger.name}” already.", code="duplicate", field="name") from error
