"""People a mail names instead of its writer: a successor, the right person. One click adds them; nothing happens by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.enrolments import enrol_people, plan_enrolment
from campaigns.models import Enrolment, InboundMail, Sequence
from leadgen.core.errors import Invalid, NotFound, Refused
from prospects.actions.activities import record_activity
from prospects.actions.people import create_person
from prospects.models import ActivityKind, Company, Person
from prospects.rules.normalise import company_domain


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who it is now, whether they are new here, and what came of enrolling them: `reason` says why not."""

    person: Person
    is_new: bool
    enrolment: Enrolment | None = None
    reason: str = ""


def accept_suggestion(*, mail: InboundMail, number: int, by: Actor, now: datetime) -> Accepted:
    """Take the person a mail names (`number` counts from 0) into People: at the writer's company where nobody has the
    address yet, with where the name comes from. Told twice it is one person.

    Raises NotFound for a number the mail does not have, Invalid where the name or address cannot be used.
    """
    row = InboundMail.objects.select_for_update(of=("self",)).select_related("person__company").get(pk=mail.pk)
    if not 0 <= number < len(row.suggested):
        raise NotFound("This mail names nobody under that number.")
    suggestion: dict[str, Any] = row.suggested[number]
    person, is_new = _person(row, suggestion, by, now)
    if suggestion.get("person") != str(person.pk) or not suggestion.get("accepted"):
        row.suggested[number] = suggestion | {"person": str(person.pk), "accepted": True}
        row.save(update_fields=["suggested"])
        source = row.person or row.from_name or row.from_address
        record_activity(
            kind=ActivityKind.NOTE, at=now, now=now, by=by, person=person, about=("inbound_mail", row.pk),
            summary=f"Named by {source} in a mail: “{suggestion.get('why', '')}”", key=f"named:{row.pk}:{number}",
        )  # fmt: skip
        write_audit(
            by=by, action="inbox.suggestion_accepted", now=now, target=row, target_type="inbound_mail",
            label=row.subject, detail={"person": str(person.pk), "new": is_new},
        )  # fmt: skip
    mail.suggested = row.suggested
    return Accepted(person, is_new)


def enrol_suggested(
    *, mail: InboundMail, number: int, by: Actor, now: datetime, sequence: Sequence | None = None
) -> Accepted:
    """`accept_suggestion`, and enrol them: in `sequence`, else in the one the mail's writer was in, if they are eligible.

    Who is not eligible (suppressed, no address, in another sequence) is added all the same; `reason` says why it ends there.
    """
    taken = accept_suggestion(mail=mail, number=number, by=by, now=now)
    wanted = sequence or sequence_for(mail)
    if wanted is None:
        return Accepted(taken.person, taken.is_new, reason="The mail belongs to no sequence. Choose one.")
    try:
        plan = plan_enrolment(sequence=wanted, people=[taken.person.pk])
    except Refused as error:
        return Accepted(taken.person, taken.is_new, reason=error.message)
    if taken.person.pk in plan.blocked:
        return Accepted(taken.person, taken.is_new, reason=plan.blocked[taken.person.pk][1])
    made = enrol_people(sequence=wanted, people=[taken.person.pk], by=by, now=now)
    return Accepted(taken.person, taken.is_new, made[0] if made else None, "" if made else "They are in it already.")


def sequence_for(mail: InboundMail) -> Sequence | None:
    """The sequence whoever wrote was in, while it takes people."""
    if mail.enrolment_id is None:
        return None
    found = Sequence.objects.exclude(state=Sequence.State.ARCHIVED)
    return found.filter(pk=Enrolment.objects.filter(pk=mail.enrolment_id).values("sequence_id")[:1]).first()


def _person(row: InboundMail, suggestion: dict[str, Any], by: Actor, now: datetime) -> tuple[Person, bool]:
    address, name = str(suggestion.get("address") or "").lower(), str(suggestion.get("name") or "")
    known = Person.objects.filter(email=address).first() if address else None
    if known is None and suggestion.get("person"):
        known = Person.objects.filter(pk=UUID(str(suggestion["person"]))).first()
    company = row.person.company if row.person is not None else None
    if known is None and not address and company is not None:
        known = Person.objects.filter(company=company, full_name__iexact=name).first()
    if known is not None:
        return known, False
    if not address and not name:
        raise Invalid("The mail gives neither a name nor an address.")
    values: dict[str, Any] = {"email": address} if address else {}
    if company is not None and _same_company(address, company):
        values["company"] = company
    source = f"Referral by mail of {row.person or row.from_name or row.from_address}"[:120]
    return create_person(by=by, now=now, name=name, source=source, **values), True


def _same_company(address: str, company: Company) -> bool:
    """A name alone is taken to be of the same company; an address of another company's domain is not."""
    domain = company_domain(address) if address else ""
    return not domain or not company.domain or domain == company.domain
