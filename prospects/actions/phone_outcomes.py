"""What a call, or a dialler of somebody else's, says of a phone number: kept, shown, and told to enrichment."""

from datetime import datetime
from uuid import UUID

from django.db.models import F

from accounts.actions.audit import Actor
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import bulk_insert
from prospects.actions import fields
from prospects.actions.people import update_person
from prospects.models import Person, PhoneOutcome


def record_phone_outcome(*, person: Person, number: str, state: str, by: Actor, now: datetime) -> PhoneOutcome:
    """The latest word on a number. A wrong one is taken off the person, and enrichment may look for another: that the field
    is empty is then no decision of anybody's. Raises Invalid, the field named."""
    if state not in PhoneOutcome.State.values:
        raise Invalid(f"Choose one of: {', '.join(PhoneOutcome.State.values)}.", field="state")
    key = fields.phone(number, person.country)[:40]
    if not key:
        raise Invalid("Give the number that was called.", field="number")
    bulk_insert(
        PhoneOutcome,
        [PhoneOutcome(person=person, number=key, state=state, at=now, calls=0, member=by.member)],
        ignore_conflicts=True,
    )
    PhoneOutcome.objects.filter(person=person, number=key).update(
        state=state, at=now, member=by.member, calls=F("calls") + 1
    )
    if state == PhoneOutcome.State.WRONG and person.phone == key:
        update_person(by=by, now=now, person=person, changes={"phone": ""})
    return PhoneOutcome.objects.get(person=person, number=key)


def wrong_numbers(person_id: UUID) -> dict[str, datetime]:
    """Numbers that were wrong for somebody, and when that was said."""
    rows = PhoneOutcome.objects.filter(person=person_id, state=PhoneOutcome.State.WRONG)
    return dict(rows.values_list("number", "at"))
