"""Importing signals: one row is one piece of news, matched by address and domain, never by a name; told again it is the same.

An import is history: it sets off no to-dos.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from prospects.actions.imports_context import Context, at_of, domain_of
from prospects.actions.imports_store import Row, RowRefused, Rows, Unit
from prospects.models import Company, Person, Signal
from prospects.rules import signals as rules
from prospects.rules.imports import ConvertedRow


class SignalsImport:
    """A signal is known by its own id, else by what it says about whom on which day."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.unit, self.context = unit, context
        self.people = Rows(Person, unit, ("email",))
        self.companies = Rows(Company, unit, ("domain",))
        self.signals = Rows(Signal, unit, ("key",))

    def name_rows(self, rows: Sequence[ConvertedRow]) -> list[str]:
        return [self._name(row.values) for row in rows]

    def _name(self, values: dict[str, Any]) -> str:
        if "external_id" in values:
            return f"id::{values['external_id']}"
        about = values.get("domain") or values.get("company_name")
        said = (values.get("kind"), about, values.get("email"), values.get("title"), values.get("at"))
        return f"told:{rules.digest(*said)}"

    def prepare(self, rows: Sequence[ConvertedRow], keys: Sequence[str]) -> None:
        emails = [row.values.get("email") for row in rows]
        self.people.fetch("email", emails)
        self.companies.fetch("domain", [domain for row in rows if (domain := domain_of(row.values))])
        self.signals.fetch("key", keys)

    def apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        values: dict[str, Any] = dict(row.values)
        kind = rules.kind_of(str(values.get("kind", "")))
        if not kind:
            raise RowRefused(
                "the kind of signal is not known", f"Write one of: {', '.join(Signal.Kind.values)}.", column="kind",
                value=str(values.get("kind", "")),
            )  # fmt: skip
        at = at_of(values, "at") or self.context.now
        if at > self.context.now + timedelta(days=rules.MAX_AHEAD_DAYS):
            raise RowRefused("the signal lies in the future", "Check the date.", column="at", value=str(at.date()))
        found = self.signals.by("key", key)
        if found is not None:
            return False, found
        person = self.people.by("email", values.get("email")) if "email" in values else None
        domain = domain_of(values)
        company = self.companies.by("domain", domain) if domain else None
        company_id = company["id"] if company else person["company_id"] if person else None
        made = self.signals.add(
            kind=kind, title=str(values["title"])[:300], text=str(values.get("text", ""))[:2000],
            url=str(values.get("url", ""))[:500], at=at, received_at=self.context.now, company_id=company_id,
            person_id=person["id"] if person else None,
            state=Signal.State.MATCHED if company_id or person else Signal.State.UNMATCHED,
            match="e-mail address" if person else "domain" if company else "",
            about_company=str(values.get("company_name", ""))[:200], about_domain=str(values.get("domain", "")),
            about_email=str(values.get("email", "")), about_person="", origin=self.context.source[:160], source_id=None,
            decided_by_id=None, decided_at=None, key=key,
        )  # fmt: skip
        return True, made

    def complete(self) -> None:
        pass
