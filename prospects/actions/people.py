"""Create, change, assign and delete people."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member
from accounts.permissions import refuse_owner
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import bulk_insert
from prospects.actions import basis, fields
from prospects.actions.activities import record_activity
from prospects.actions.custom import with_values
from prospects.actions.fit import rescore
from prospects.actions.suppressions import mask
from prospects.models import Activity, ActivityKind, Company, Person
from prospects.queries.titles import how_read
from prospects.queries.visibility import hidden, owner_words
from prospects.rules import titles
from prospects.rules.names import split_name
from prospects.rules.normalise import company_domain

FACTS = (
    "first_name", "last_name", "email", "phone", "linkedin_url", "title", "seniority", "department", "company",
    "country", "region", "city", "time_zone",
)  # fmt: skip
FIELDS = (*FACTS, "owner", "source", *basis.FIELDS, "external_id", "custom")


def create_person(*, by: Actor, now: datetime, name: str = "", **values: Any) -> Person:
    """A new person; `values` are FIELDS, `name` a full name where the parts are not known apart.

    Needs a name, an e-mail address or a LinkedIn page. E-mail in lower case; seniority and department are read from the
    title where not given; without a company, the one that has the e-mail's domain. Raises Invalid (field named) and
    Conflict (`detail` has type, id and name of the person who has this address or external id already).
    """
    if name and not values.get("first_name") and not values.get("last_name"):
        values["first_name"], values["last_name"] = split_name(name)
    cleaned = fields.clean(Person, with_values("people", {}, values), FIELDS)
    if not any(cleaned.get(key) for key in ("first_name", "last_name", "email", "linkedin_url")):
        raise Invalid("Give a name, an e-mail address or a LinkedIn page.", field="first_name")
    cleaned["source"] = cleaned.get("source") or fields.default_source(by)
    basis.settle_basis(cleaned, before="", now=now)
    person = Person(**cleaned, created_at=now, updated_at=now)
    person.full_name = full_name(person)
    _read_title(person, given=cleaned)
    if person.company_id is None and person.email:
        domain = company_domain(person.email)
        person.company = Company.objects.filter(domain=domain).first() if domain else None
    _refuse_duplicates(person, ("email", "external_id"))
    _save(person)
    if person.lawful_basis:
        basis.note_basis(people=[person], by=by, now=now)
    record_activity(
        kind=ActivityKind.EDITED, at=now, now=now, by=by, person=person, summary=f"Added: {person.source}",
        detail={"created": True},
    )  # fmt: skip
    rescore(now=now, person_ids=[person.pk])
    return person


def update_person(*, by: Actor, now: datetime, person: Person, changes: Mapping[str, Any]) -> fields.Changes:
    """Change FIELDS of a person; returns {field: (old, new)} of what really changed, and writes it to the timeline.

    A new address is not verified yet. A new title re-reads seniority and department where they came from the old one.
    """
    cleaned = fields.clean(Person, with_values("people", person.custom, changes), FIELDS, had=person.owner_id)
    was_read = how_read(person)
    derived = {key: not getattr(person, key) or key in was_read for key in ("seniority", "department")}
    basis.settle_basis(cleaned, before=person.lawful_basis, now=now)
    changed = fields.apply(person, cleaned)
    if not changed:
        return {}
    if person.lawful_basis_at is not None and person.lawful_basis_at > now:
        raise Invalid("That is in the future.", field="lawful_basis_at")
    if (
        changed.keys() & {"lawful_basis_at", "lawful_basis_note"}
        and not person.lawful_basis
        and "lawful_basis" not in changed
    ):
        raise Invalid("Name the lawful basis first.", field="lawful_basis")
    if not any((person.first_name, person.last_name, person.email, person.linkedin_url)):
        raise Invalid("Give a name, an e-mail address or a LinkedIn page.", field="first_name")
    if "title" in changed:
        now_read = titles.role(person.title)
        again = {key: getattr(now_read, key) for key, free in derived.items() if free and key not in changed}
        changed |= fields.apply(person, again)
    kept: dict[str, Any] = {}
    if person.full_name != full_name(person):
        kept["full_name"] = full_name(person)
    if "email" in changed:
        kept |= {"email_status": Person.EmailStatus.UNKNOWN, "email_status_at": None, "email_status_reason": ""}
    fields.apply(person, kept)
    _refuse_duplicates(person, [key for key in ("email", "external_id") if key in changed])
    person.updated_at = now
    _save(person, update_fields=[*changed, *kept, "updated_at"])
    if changed.keys() & set(basis.FIELDS):
        basis.note_basis(people=[person], by=by, now=now)
    _tell(by=by, now=now, person=person, changed=changed)
    if changed.keys() & set(FACTS):
        rescore(now=now, person_ids=[person.pk])
    return changed


def assign_people(*, by: Actor, now: datetime, people: Sequence[Person], owner: Member | None) -> int:
    """Give people an owner (None: nobody); returns how many changed hands. One timeline row each, one audit row."""
    refuse_owner(owner)
    moving = [person for person in people if person.owner_id != (owner.pk if owner else None)]
    if not moving:
        return 0
    Person.objects.filter(pk__in=[person.pk for person in moving]).update(owner=owner, updated_at=now)
    words = f"Assigned to {owner}" if owner else "Assigned to nobody"
    bulk_insert(
        Activity,
        [
            Activity(
                at=now, recorded_at=now, kind=ActivityKind.ASSIGNED, person=person, company_id=person.company_id,
                member=by.member, summary=words,
                detail={"owner": [_key(person.owner_id), _key(owner.pk if owner else None)]},
            )
            for person in moving
        ],
    )  # fmt: skip
    write_audit(
        by=by, action="person.assigned", now=now, target=moving[0] if len(moving) == 1 else None, target_type="person",
        label="" if len(moving) == 1 else f"{len(moving)} people",
        detail={"owner": str(owner) if owner else None, "ids": [str(person.pk) for person in moving[:500]]},
    )  # fmt: skip
    return len(moving)


def delete_people(*, by: Actor, now: datetime, people: Sequence[Person]) -> int:
    """Delete people with their tasks, enrolments, consents and fit.

    Leads, deals, sent mail and the ledger stay, without the person: past numbers do not change. Suppressions stay.
    """
    if not people:
        return 0
    for person in people:
        write_audit(
            by=by, action="person.deleted", now=now, target=person,
            # The log outlives the person: a name says who it was, an address would still reach them.
            label=person.full_name or mask("email", person.email) or "unnamed person",
            detail={"external_id": person.external_id, "source": person.source},
        )  # fmt: skip
    Person.objects.filter(pk__in=[person.pk for person in people]).delete()
    return len(people)


def full_name(person: Person) -> str:
    """What lists sort and search by."""
    return f"{person.first_name} {person.last_name}".strip()[:250]


def _read_title(person: Person, given: Mapping[str, Any]) -> None:
    if not person.title:
        return
    role = titles.role(person.title)
    person.seniority = given.get("seniority") or role.seniority
    person.department = given.get("department") or role.department


def _refuse_duplicates(person: Person, names: Sequence[str]) -> None:
    for name in names:
        value = getattr(person, name)
        other = Person.objects.filter(**{name: value}).exclude(pk=person.pk).first() if value else None
        if other is not None:
            raise _conflict(other, name, value)


def _conflict(other: Person, name: str, value: str) -> Conflict:
    words = "address" if name == "email" else "external id"
    if hidden([other]):
        return Conflict(
            f"A person you may not see has the {words} {value} already; it belongs to {owner_words(other)}.", code="duplicate",
            field=name, detail={"type": "person"},
        )  # fmt: skip
    return Conflict(
        f"{other} has the {words} {value} already.", code="duplicate", field=name,
        detail={"type": "person", "id": str(other.pk), "name": str(other)},
    )  # fmt: skip


def _save(person: Person, update_fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            person.save(update_fields=update_fields)
    except IntegrityError:
        # The unique keys decide between two who write at the same time.
        _refuse_duplicates(person, ("email", "external_id"))
        raise


def _tell(*, by: Actor, now: datetime, person: Person, changed: fields.Changes) -> None:
    facts = {name: pair for name, pair in changed.items() if name != "owner"}
    if facts:
        record_activity(
            kind=ActivityKind.EDITED, at=now, now=now, by=by, person=person, summary=fields.in_words(person, facts),
            detail={"changes": fields.as_json(facts)},
        )  # fmt: skip
    if "owner" in changed:
        old, new = changed["owner"]
        record_activity(
            kind=ActivityKind.ASSIGNED, at=now, now=now, by=by, person=person,
            summary=f"Assigned to {new or 'nobody'}", detail={"owner": [_key(old and old.pk), _key(new and new.pk)]},
        )  # fmt: skip
        write_audit(
            by=by, action="person.assigned", now=now, target=person, detail={"owner": str(new) if new else None}
        )


def _key(value: Any) -> str | None:
    return str(value) if value else None
