"""Create, change, assign and delete companies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member
from accounts.permissions import refuse_owner
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import bulk_insert
from prospects.actions import fields
from prospects.actions.activities import record_activity
from prospects.actions.custom import with_values
from prospects.actions.fit import rescore
from prospects.models import Activity, ActivityKind, Company, Person
from prospects.queries.duplicates import COMPANIES
from prospects.queries.merges import record_by
from prospects.queries.visibility import hidden, owner_words
from prospects.rules import normalise
from prospects.rules.naics import industry_code

# What a caller may set, in the order forms show it.
FACTS = (
    "name", "domain", "website", "industry", "sub_industry", "naics", "employees", "revenue", "revenue_currency", "founded",
    "country", "region", "city", "time_zone", "phone", "linkedin_url", "description", "technologies", "keywords",
    "pains", "goals", "funding_stage", "funding_total", "funding_currency", "funded_on",
)  # fmt: skip
FIELDS = (*FACTS, "owner", "source", "external_id", "custom")


def create_company(*, by: Actor, now: datetime, **values: Any) -> Company:
    """A new company; `values` are FIELDS, `name` is required. Cleaned: domain and country normalised, lists split.

    Without a domain, the website's is taken. Raises Invalid (field named) and Conflict (`detail` has type, id and name of
    the company that has this domain or external id already).
    """
    cleaned = _clean(values)
    if not cleaned.get("name"):
        raise Invalid("Give the company a name.", field="name")
    cleaned.setdefault("source", "")
    cleaned["source"] = cleaned["source"] or fields.default_source(by)
    company = Company(**cleaned, created_at=now, updated_at=now)
    company.industry_code = industry_code_of(company)
    _refuse_duplicates(company, ("domain", "external_id"))
    _save(company)
    record_activity(
        kind=ActivityKind.EDITED, at=now, now=now, by=by, company=company, summary=f"Added: {company.source}",
        detail={"created": True},
    )  # fmt: skip
    rescore(now=now, company_ids=[company.pk])
    return company


def update_company(*, by: Actor, now: datetime, company: Company, changes: Mapping[str, Any]) -> fields.Changes:
    """Change FIELDS of a company; returns {field: (old, new)} of what really changed, and writes it to the timeline."""
    cleaned = _clean(changes, known=company)
    if "name" in cleaned and not cleaned["name"]:
        raise Invalid("Give the company a name.", field="name")
    changed = fields.apply(company, cleaned)
    if not changed:
        return {}
    _refuse_duplicates(company, [name for name in ("domain", "external_id") if name in changed])
    company.updated_at, company.industry_code = now, industry_code_of(company)
    _save(company, update_fields=[*changed, "industry_code", "updated_at"])
    _tell(by=by, now=now, company=company, changed=changed)
    if changed.keys() & set(FACTS):
        rescore(now=now, company_ids=[company.pk])
    return changed


def assign_companies(*, by: Actor, now: datetime, companies: Sequence[Company], owner: Member | None) -> int:
    """Give companies an owner (None: nobody); returns how many changed hands. One timeline row each, one audit row."""
    refuse_owner(owner)
    moving = [company for company in companies if company.owner_id != (owner.pk if owner else None)]
    if not moving:
        return 0
    Company.objects.filter(pk__in=[company.pk for company in moving]).update(owner=owner, updated_at=now)
    words = f"Assigned to {owner}" if owner else "Assigned to nobody"
    bulk_insert(
        Activity,
        [
            Activity(
                at=now, recorded_at=now, kind=ActivityKind.ASSIGNED, company=company, member=by.member, summary=words,
                detail={"owner": [_key(company.owner_id), _key(owner.pk if owner else None)]},
            )
            for company in moving
        ],
    )  # fmt: skip
    write_audit(
        by=by, action="company.assigned", now=now, target=moving[0] if len(moving) == 1 else None,
        target_type="company", label="" if len(moving) == 1 else f"{len(moving)} companies",
        detail={"owner": str(owner) if owner else None, "ids": [str(company.pk) for company in moving[:500]]},
    )  # fmt: skip
    return len(moving)


def delete_companies(*, by: Actor, now: datetime, companies: Sequence[Company]) -> int:
    """Delete companies with their fit; people, leads, deals, customers and the ledger stay, without the company."""
    if not companies:
        return 0
    for company in companies:
        write_audit(
            by=by, action="company.deleted", now=now, target=company,
            detail={"domain": company.domain, "external_id": company.external_id, "source": company.source},
        )  # fmt: skip
    people = list(Person.objects.filter(company__in=[company.pk for company in companies]).values_list("pk", flat=True))
    # PostgreSQL carries out the SET NULLs and cascades, also on the append-only ledger.
    Company.objects.filter(pk__in=[company.pk for company in companies]).delete()
    rescore(now=now, person_ids=people)
    return len(companies)


def find_or_create_company(*, by: Actor, now: datetime, domain: str = "", name: str = "", source: str = "") -> Company:
    """The company of this domain (also one that it led to by a merge), or a new one. Never matched by name alone: two firms
    may share a name."""
    key = normalise.domain(domain) if domain else ""
    found: Company | None = record_by(COMPANIES, "domain", key)
    if found is not None:
        return found
    try:
        return create_company(by=by, now=now, name=name or key, domain=key, source=source)
    except Conflict:
        # Somebody made it between the look and the write.
        return Company.objects.get(domain=key)


def _clean(values: Mapping[str, Any], known: Company | None = None) -> dict[str, Any]:
    cleaned = fields.clean(
        Company,
        with_values("companies", known.custom if known else {}, values),
        FIELDS,
        had=known.owner_id if known else None,
    )
    domain = cleaned.get("domain", known.domain if known else "")
    if cleaned.get("website") and not domain and "domain" not in values:
        cleaned["domain"] = normalise.domain(cleaned["website"])
    return cleaned


def industry_code_of(company: Company) -> int | None:
    """LinkedIn's code of what the company's facts say of its industry."""
    return industry_code(company.sub_industry, company.industry, company.naics)


def _refuse_duplicates(company: Company, names: Sequence[str]) -> None:
    for name in names:
        value = getattr(company, name)
        other = Company.objects.filter(**{name: value}).exclude(pk=company.pk).first() if value else None
        if other is not None:
            raise _conflict(other, name, value)


def _conflict(other: Company, name: str, value: str) -> Conflict:
    words = "domain" if name == "domain" else "external id"
    if hidden([other]):
        return Conflict(
            f"A company you may not see has the {words} {value} already; it belongs to {owner_words(other)}.", code="duplicate",
            field=name, detail={"type": "company"},
        )  # fmt: skip
    return Conflict(
        f"{other.name} has the {words} {value} already.", code="duplicate", field=name,
        detail={"type": "company", "id": str(other.pk), "name": other.name},
    )  # fmt: skip


def _save(company: Company, update_fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            company.save(update_fields=update_fields)
    except IntegrityError:
        # The unique keys decide between two who write at the same time.
        _refuse_duplicates(company, ("domain", "external_id"))
        raise


def _tell(*, by: Actor, now: datetime, company: Company, changed: fields.Changes) -> None:
    facts = {name: pair for name, pair in changed.items() if name != "owner"}
    if facts:
        record_activity(
            kind=ActivityKind.EDITED, at=now, now=now, by=by, company=company,
            summary=fields.in_words(company, facts), detail={"changes": fields.as_json(facts)},
        )  # fmt: skip
    if "owner" in changed:
        old, new = changed["owner"]
        record_activity(
            kind=ActivityKind.ASSIGNED, at=now, now=now, by=by, company=company,
            summary=f"Assigned to {new or 'nobody'}", detail={"owner": [_key(old and old.pk), _key(new and new.pk)]},
        )  # fmt: skip
        write_audit(
            by=by, action="company.assigned", now=now, target=company,
            detail={"owner": str(new) if new else None},
        )  # fmt: skip


def _key(value: Any) -> str | None:
    return str(value) if value else None
