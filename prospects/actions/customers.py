"""Customers: made or extended by a won deal, and the day on which one ends."""

from datetime import datetime

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.activities import record_activity
from prospects.models import ActivityKind, Company, Customer, Deal, Person
from prospects.models.locks import lock, lock_row


def make_or_extend_customer(*, deal: Deal, at: datetime, by: Actor, now: datetime) -> Customer:
    """The customer a won deal belongs to: the running one of its company (or person), else a new one.

    A customer that ended and comes back is a new row: churn counts both. The company's row is locked, so that two deals
    won at once make one customer.
    """
    running = Customer.objects.filter(ended_at__isnull=True)
    if deal.company_id:
        lock(Company.objects.filter(pk=deal.company_id)).get()
        found = lock(running.filter(company=deal.company_id)).first()
    elif deal.person_id:
        lock(Person.objects.filter(pk=deal.person_id)).get()
        found = lock(running.filter(person=deal.person_id, company__isnull=True)).first()
    else:
        found = None
    if found is not None:
        if found.started_at is None or at < found.started_at:
            found.started_at = at
            found.save(update_fields=["started_at"])
        return found
    customer = Customer(
        company=deal.company, person=deal.person, name=str(deal.company or deal.person or deal.name)[:200], started_at=at,
        created_at=now,
    )  # fmt: skip
    customer.save()
    record_activity(
        kind=ActivityKind.DEAL, at=at, now=now, by=by, person=deal.person, company=deal.company, deal=deal,
        summary=f"{customer.name} became a customer", detail={"customer": str(customer.pk)},
    )  # fmt: skip
    write_audit(by=by, action="customer.created", now=now, target=customer, detail={"deal": str(deal.pk)})
    return customer


def end_customer(*, customer: Customer, at: datetime, reason: str, by: Actor, now: datetime) -> Customer:
    """A customer leaves on `at`: recorded with the reason, and the recurring part of its deals ends with it.

    Ending twice is once. Raises Invalid for a date before it started or in the future, Conflict for another end date.
    """
    customer = lock_row(customer, "company", "person")
    reason = " ".join(reason.split())[:120]
    if customer.ended_at is not None:
        if customer.ended_at == at:
            return customer
        raise Conflict(f"{customer.name} ended on {customer.ended_at:%d %b %Y} already.", code="ended")
    if not reason:
        raise Invalid("Say why they left.", field="reason")
    if at > now:
        raise Invalid("The end cannot lie in the future. Record it when it has come.", field="at")
    if customer.started_at and at < customer.started_at:
        raise Invalid(f"They became a customer on {customer.started_at:%d %b %Y}: the end must be later.", field="at")
    customer.ended_at, customer.end_reason = at, reason
    customer.save(update_fields=["ended_at", "end_reason"])
    Deal.objects.filter(customer=customer, outcome=Deal.Outcome.WON, ended_at__isnull=True).update(
        ended_at=at, updated_at=now
    )
    record_activity(
        kind=ActivityKind.DEAL, at=at, now=now, by=by, person=customer.person, company=customer.company,
        summary=f"{customer.name} is no longer a customer: {reason}",
        detail={"customer": str(customer.pk), "reason": reason},
    )  # fmt: skip
    write_audit(
        by=by, action="customer.ended", now=now, target=customer, detail={"at": at.isoformat(), "reason": reason}
    )
    return customer
