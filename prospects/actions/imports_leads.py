"""Importing leads: a history from elsewhere, with its stages, deals and customers. Every row is a lead; none is dropped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prospects.actions.imports_context import (
    Campaigns,
    Companies,
    Context,
    Ordinals,
    Owners,
    at_of,
    domain_of,
    money,
    warn,
)
from prospects.actions.imports_history import CLOSED, Customers, Deals, Transitions, entries_of
from prospects.actions.imports_people import Persons
from prospects.actions.imports_store import Row, Rows, Unit
from prospects.models import Lead
from prospects.models.choices import EXITS, OPEN_STAGES
from prospects.rules.imports import ConvertedRow

_NEVER = datetime.min.replace(tzinfo=UTC)


class LeadsImport:
    """One row of the file is one lead, known by its external id, else by what it says of person or company and opening."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.unit, self.context = unit, context
        self.owners = Owners(unit, context)
        self.campaigns = Campaigns(unit, context)
        self.companies = Companies(unit, context)
        self.people = Persons(unit, context)
        self.leads = Rows(Lead, unit, ("external_id",))
        self.transitions = Transitions(unit, context)
        self.deals = Deals(unit, context)
        self.customers = Customers(unit, context, self.deals)
        self._ordinals = Ordinals("row:")
        self._wants: dict[UUID, UUID] = {}  # lead -> the person its row names
        self._rows: dict[UUID, ConvertedRow] = {}
        self._won: dict[UUID, Row] = {}
        self._open: dict[UUID, list[Row]] = {}

    def name_rows(self, rows: Sequence[ConvertedRow]) -> list[str]:
        return [self._name(row.values) for row in rows]

    def _name(self, values: dict[str, Any]) -> str:
        if "external_id" in values:
            return str(values["external_id"])
        who = values.get("email") or values.get("domain") or values.get("company")
        names = (values.get("first_name"), values.get("last_name")) if not values.get("email") else ()
        return self._ordinals.key(who, *names, at_of(values, "opened_at"))

    def prepare(self, rows: Sequence[ConvertedRow], keys: Sequence[str]) -> None:
        if not self.unit.keep:
            self._open = {}
        self._wants, self._rows, self._won = {}, {}, {}
        if any("owner" in row.values for row in rows):
            self.owners.prepare()
        self.campaigns.prepare([row.values.get("campaign") for row in rows])
        self.people.prepare(rows, external_ids=False)
        self.leads.fetch("external_id", keys)
        known = [row for key in keys if (row := self.leads.by("external_id", key)) is not None]
        domains = [domain_of(row.values) for row in rows]
        names = [row.values.get("company") for row, domain in zip(rows, domains, strict=True) if not domain]
        self.companies.prepare(domains=domains, names=names)
        self.companies.rows.load(
            self.companies.rows.model.objects.filter(pk__in={row["company_id"] for row in known if row["company_id"]})
        )
        ids = [row["id"] for row in known]
        self.transitions.prepare(ids)
        self.deals.prepare(ids)
        people = {row["id"] for row in self.people.rows.known()}
        people |= {row["person_id"] for row in known if row["person_id"]}
        self.people.rows.load(self.people.rows.model.objects.filter(pk__in=people))
        fresh = people - self._open.keys()
        for lead in self.leads.load(Lead.objects.filter(person__in=fresh, stage__in=OPEN_STAGES)) if fresh else ():
            self._open.setdefault(lead["person_id"], []).append(lead)

    def apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        values: dict[str, Any] = dict(row.values)
        values |= {
            name: money(values[name]) for name in ("value", "mrr") if name in values
        }  # refuses before any change
        entries = entries_of(values)
        found = self.leads.by("external_id", key)
        company = self.companies.of(domain=domain_of(values), name=str(values.get("company", "")), by_name=True)
        person = self._person(values, found, company)
        channel = str(values.get("channel", ""))
        wanted: dict[str, Any] = {name: values[name] for name in ("subchannel", "source") if name in values}
        if channel and (channel != "unknown" or found is None):
            wanted["channel"] = channel
        if "campaign" in values:
            wanted["campaign_id"] = self.campaigns.of(values["campaign"], channel)
        if "owner" in values:
            wanted["owner_id"] = self.owners.of(values["owner"])
        if company is not None or (person is not None and person["company_id"]):
            wanted["company_id"] = company["id"] if company is not None else person["company_id"]  # type: ignore[index]  # one of the two is there
        if (opened := at_of(values, "opened_at")) is not None:
            wanted["opened_at"] = opened
        reason = str(values.get("reason", ""))[:120]
        stage, stage_at = entries[-1]
        closing = stage in CLOSED
        if found is None:
            lead = self.leads.add(
                **{"channel": "unknown", **wanted}, external_id=key, origin=Lead.Origin.IMPORT, stage=stage, stage_at=stage_at,
                closed_at=stage_at if closing else None, reason=reason if stage in EXITS else "",
                created_at=self.context.now, import_id=self.context.import_id,
            )  # fmt: skip
            self.transitions.begin(lead, entries, reason)
        else:
            lead = found
            reached = self.transitions.extend(lead, entries, reason)
            if reached:
                wanted |= {"stage": stage, "stage_at": stage_at, "closed_at": stage_at if closing else None}
            elif lead["stage"] == stage and stage_at is not None:
                wanted |= {"stage_at": stage_at, "closed_at": stage_at if closing else None}
            if reason and (wanted.get("stage") or lead["stage"]) in EXITS:
                wanted["reason"] = reason
            self.leads.put(lead, wanted)
        if person is not None:
            self._wants[lead["id"]] = person["id"]
            if lead["stage"] not in OPEN_STAGES:
                self.leads.put(lead, {"person_id": person["id"]})
            elif not any(other is lead for other in self._open.setdefault(person["id"], [])):
                self._open[person["id"]].append(lead)
        self._rows[lead["id"]] = row
        self._deal(row, values, entries, lead, company, person)
        return found is None, lead

    def _person(self, values: dict[str, Any], lead: Row | None, company: Row | None) -> Row | None:
        names = ("email", "first_name", "last_name", "title", "phone", "country")
        wanted = {name: values[name] for name in names if name in values}
        if not wanted.keys() & {"email", "first_name", "last_name"}:
            return None
        found = self.people.rows.by("email", values.get("email"))
        if found is None and lead is not None and "email" not in values:
            found = self.people.rows.get(lead["person_id"])
        if company is not None and (found is None or found["company_id"] is None or "domain" in values):
            wanted["company_id"] = company["id"]
        if found is None:
            return self.people.add(wanted)
        self.people.change(found, wanted)
        return found

    def _deal(
        self,
        row: ConvertedRow,
        values: dict[str, Any],
        entries: Any,
        lead: Row,
        company: Row | None,
        person: Row | None,
    ) -> None:
        name = company["name"] if company else (person["full_name"] or person["email"] if person else "")
        deal = self.deals.record(lead, values, entries, name or str(values.get("external_id", "")))
        if deal is None:
            if "value" in values or "mrr" in values:
                warn(
                    row,
                    "the value was not kept: the row names no opportunity",
                    "Give the date of the opportunity or the outcome.",
                )
            return
        if person is not None and deal["import_id"] is not None:
            self.deals.rows.put(deal, {"person_id": person["id"]})
        if deal["outcome"] == "won":
            self._won[deal["id"]] = deal
        elif "churned_at" in values:
            warn(row, "the end was not kept: only a won deal has a customer that can leave", "Check the outcome.")

    def complete(self) -> None:
        """At most one open lead of a person may carry the person: the newest; the others are kept without."""
        for person, leads in self._open.items():
            if not any(lead["id"] in self._wants for lead in leads):
                continue
            still = [lead for lead in leads if lead["stage"] in OPEN_STAGES]
            winner = max(still, key=_rank, default=None)
            for lead in leads:
                if lead["stage"] not in OPEN_STAGES:
                    continue
                if lead is winner:
                    self.leads.put(lead, {"person_id": person})
                    continue
                self.leads.put(lead, {"person_id": None})
                if (row := self._rows.get(lead["id"])) is not None:
                    other = self._rows.get(winner["id"]) if winner else None
                    where = f"row {other.line}" if other else "a newer one"
                    warn(
                        row, f"the person has another open lead ({where}); this one is kept without the person",
                        "Close the older lead, or give its outcome, and import again.",
                    )  # fmt: skip
                    self.context.tally["{n} open leads were kept without their person, who has a newer open lead"] += 1
        if not self.unit.keep:
            names = {}
            for deal in self._won.values():
                company = self.companies.rows.get(deal["company_id"])
                names[deal["id"]] = company["name"] if company else deal["name"]
            self.customers.settle(self._won.values(), names)


def _rank(lead: Row) -> tuple[bool, datetime, UUID]:
    """A lead that people here work on stays with its person; else the one opened last (an undated one is oldest)."""
    return lead["origin"] != Lead.Origin.IMPORT, lead["opened_at"] or _NEVER, lead["id"]
