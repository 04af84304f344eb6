"""Rows of the domain for tests. Every factory writes into the active workspace: call them inside `workspace_scope`.

They write rows, not events: no Activity and no audit row. What an action should have done is made by that action.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from prospects.models import (
    Activity,
    Campaign,
    Company,
    CompanyFit,
    Deal,
    Icp,
    IcpVersion,
    Lead,
    Offer,
    Person,
    PersonFit,
    Stage,
    Task,
)

MADE_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # two days before tests.conftest.NOW
_numbers = count(1)


def make_company(name: str = "", **fields: Any) -> Company:
    """A company; its domain follows its number unless given (`domain=""` for none)."""
    number = next(_numbers)
    values = {"domain": f"company{number}.example", "created_at": MADE_AT, "updated_at": MADE_AT} | fields
    return Company.objects.create(name=name or f"Company {number}", **values)


def make_person(name: str = "", company: Company | None = None, **fields: Any) -> Person:
    """A person; `name` is "First Last". The e-mail follows their number unless given (`email=""` for none)."""
    number = next(_numbers)
    first, _, last = (name or f"Person {number}").partition(" ")
    values = {
        "first_name": first, "last_name": last, "full_name": f"{first} {last}".strip(),
        "email": f"person{number}@people.example", "created_at": MADE_AT, "updated_at": MADE_AT,
    } | fields  # fmt: skip
    return Person.objects.create(company=company, **values)


def make_offer(name: str = "", **fields: Any) -> Offer:
    """An offer."""
    return Offer.objects.create(name=name or f"Offer {next(_numbers)}", **({"created_at": MADE_AT} | fields))


def make_campaign(name: str = "", **fields: Any) -> Campaign:
    """An active outbound campaign on the e-mail channel."""
    values = {"created_at": MADE_AT, "state": Campaign.State.ACTIVE, "channel": "email"} | fields
    return Campaign.objects.create(name=name or f"Campaign {next(_numbers)}", **values)


def make_lead(person: Person | None = None, **fields: Any) -> Lead:
    """An open lead of `person` (and their company)."""
    company = person.company if person is not None and person.company_id else None
    values = {
        "origin": "inbound", "channel": "content", "stage": Stage.LEAD, "company": company,
        "opened_at": MADE_AT, "stage_at": MADE_AT, "created_at": MADE_AT,
    } | fields  # fmt: skip
    return Lead.objects.create(person=person, **values)


def make_deal(name: str = "", **fields: Any) -> Deal:
    """An open deal in EUR."""
    values = {"currency": "EUR", "opened_at": MADE_AT, "created_at": MADE_AT, "updated_at": MADE_AT} | fields
    return Deal.objects.create(name=name or f"Deal {next(_numbers)}", **values)


def make_task(title: str = "", **fields: Any) -> Task:
    """An open to-do, due an hour after tests.conftest.NOW."""
    values = {"kind": Task.Kind.TODO, "due_at": MADE_AT + timedelta(days=2, hours=2), "created_at": MADE_AT} | fields
    return Task.objects.create(title=title or f"Task {next(_numbers)}", **values)


def make_activity(person: Person | None = None, **fields: Any) -> Activity:
    """One fact of the ledger, by default a note at MADE_AT."""
    company = person.company if person is not None and person.company_id else None
    values = {
        "at": MADE_AT, "recorded_at": MADE_AT, "kind": "note", "summary": "A note", "company": company,
    } | fields  # fmt: skip
    return Activity.objects.create(person=person, **values)


def make_icp(name: str = "", *, primary: bool = False, **version: Any) -> IcpVersion:
    """An ICP with one published version, which is returned (its profile is `.icp`)."""
    icp = Icp.objects.create(name=name or f"ICP {next(_numbers)}", is_primary=primary, created_at=MADE_AT)
    values = {"number": 1, "created_at": MADE_AT, "published_at": MADE_AT, "grades": {"A": 80, "B": 60, "C": 40}}
    return IcpVersion.objects.create(icp=icp, **(values | version))


def make_fit(version: IcpVersion, subject: Company | Person, score: int, grade: str, marks: str = "") -> Any:
    """The computed fit of a company or person under a version."""
    values = {"icp": version.icp, "version": version, "score": score, "grade": grade, "marks": marks}
    if isinstance(subject, Company):
        return CompanyFit.objects.create(company=subject, **values)
    return PersonFit.objects.create(person=subject, **values)
