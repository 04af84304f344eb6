"""Importing companies: matched by external id, then domain; by name only where a row gives nothing else. Or by chosen keys."""

from collections.abc import Sequence
from typing import Any

from prospects.actions.imports_context import Companies, Context, Owners, money, tell_former, warn
from prospects.actions.imports_match import CompanyMatcher, load_own, named, own_row
from prospects.actions.imports_policy import Merger
from prospects.actions.imports_store import Row, RowRefused, Unit
from prospects.actions.imports_tags import Tags
from prospects.rules.imports import ConvertedRow
from prospects.rules.imports_fields import OWN_ID

_PLAIN = (
    "name", "domain", "external_id", "industry", "sub_industry", "naics", "employees", "country", "region", "city", "founded",
    "technologies", "keywords", "pains", "goals", "funding_stage", "funded_on", "linkedin_url", "phone", "description",
    "time_zone", "source",
)  # fmt: skip


class CompaniesImport:
    """One row of the file is one company."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.unit, self.context = unit, context
        self.owners = Owners(unit, context)
        dated = ("created_at", "updated_at", "fields_at") if Merger.needed(context) else ()
        more = {"website" if name == "full_website" else name for name in context.mapped}
        self.companies = Companies(unit, context, whole=True, read={*dated, *more})
        self.records = self.companies.rows
        self.tags = Tags(unit, context, "company_id") if "tags" in context.mapped else None
        self.matched = "."
        match = context.handling.match
        self.matcher = CompanyMatcher(self.companies.rows, match) if match else None
        self.merger = Merger(context, self.companies.rows) if dated else None

    def name_rows(self, rows: Sequence[ConvertedRow]) -> list[str]:
        return self.matcher.names(rows) if self.matcher else [""] * len(rows)

    def prepare(self, rows: Sequence[ConvertedRow], keys: Sequence[str]) -> None:
        if any("owner" in row.values for row in rows):
            self.owners.prepare()
        only_named = [r.values["name"] for r in rows if not r.values.get("domain") and not r.values.get("external_id")]
        self.companies.prepare(
            domains=[row.values.get("domain") for row in rows],
            external_ids=[row.values.get("external_id") for row in rows],
            names=only_named,
        )
        if OWN_ID in self.context.mapped:
            load_own(self.companies.rows, rows)
        if self.matcher:
            self.matcher.prepare(rows, keep=self.unit.keep)
        if self.merger:
            self.merger.prepare(keep=self.unit.keep)
        if self.tags:
            self.tags.prepare(row["id"] for row in self.companies.rows.known())

    def apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        created, company = self._apply(row, key)
        if self.tags and "tags" in row.values:
            self.tags.give(row, company, row.values["tags"])
        return created, company

    def _apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        values: dict[str, Any] = dict(row.values)
        wanted = {column: values[column] for column in _PLAIN if column in values}
        own = OWN_ID in values
        if "full_website" in values:
            wanted["website"] = values["full_website"]
        default = "" if own else self.context.currency
        currency = str(values.get("revenue_currency") or default)
        if "revenue" in values or own:
            wanted |= _amount("revenue", values, currency)
        if "funding_total" in values or own:
            own_currency = str(values.get("funding_currency") or ("" if own else currency))
            wanted |= _amount("funding_total", values, own_currency)
        found = self._find(values, key)
        if "owner" in values:
            wanted["owner_id"] = self.owners.of(values["owner"])
        if values.keys() & {"industry", "sub_industry", "naics"}:
            wanted["industry_code"] = values.get("industry_code")
        if "custom" in values:
            wanted["custom"] = {**(found["custom"] if found else {}), **values["custom"]}
        if found is None:
            if not values.get("domain") and not values.get("external_id"):
                self.context.tally[
                    "{n} companies have neither domain nor external id: rows of exactly that name belong to them"
                ] += 1
            made = self.companies.add(**wanted)
            if self.merger:
                self.merger.made(made, values)
            if self.matcher:
                self.matcher.learn(made)
            return True, made
        tell_former(row, self.companies.rows, found, values, ("domain", "external_id"))
        wanted = self.companies.rows.without_former(found, wanted)
        if self.merger:
            wanted = self.merger.settle(found, wanted, row)
        if wanted.get("external_id") and found["external_id"] not in ("", wanted["external_id"]):
            warn(row, f"the domain had the external id {found['external_id']}; it has the new one now")
        self.companies.rows.put(found, wanted)
        if self.matcher:
            self.matcher.learn(found)
        return False, found

    def complete(self) -> None:
        pass

    def _find(self, values: dict[str, Any], key: str) -> Row | None:
        if self.matcher is None:
            return self._standard(values)
        found = self.matcher.find(values, key)
        self.matched = self.matcher.letter
        if found is None and not self.matcher.has_key(values):
            found = self._bare(values)
        return found

    def _standard(self, values: dict[str, Any]) -> Row | None:
        by_id = self.companies.rows.by("external_id", values.get("external_id"))
        by_domain = self.companies.rows.by("domain", values.get("domain"))
        self.matched = "x" if by_id is not None else "h" if by_domain is not None else "."
        if OWN_ID in values and (own := own_row(self.companies.rows, values)) is not None:
            for other, words in ((by_id, "external id"), (by_domain, "domain")):
                if other is not None and other is not own:
                    raise RowRefused(
                        f"the Leadgen id belongs to {named(own)}, the {words} to {named(other)}",
                        "They may be one company: bring the two records together, then import again.", conflict=True,
                    )  # fmt: skip
            self.matched = "k"
            return own
        if by_id is not None and by_domain is not None and by_id is not by_domain:
            raise RowRefused(
                f"the external id belongs to {by_id['name']}, the domain to {by_domain['name']}",
                "They may be one company: bring the two records together, then import again.",
                column="domain", value=str(values["domain"]), conflict=True,
            )  # fmt: skip
        if by_id is not None or by_domain is not None:
            return by_id or by_domain
        if values.get("domain") or values.get("external_id"):
            return None
        return self._bare(values)

    def _bare(self, values: dict[str, Any]) -> Row | None:
        found = self.companies.by_name(str(values["name"]))
        self.matched = "n" if found is not None else "."
        return found


def _amount(name: str, values: dict[str, Any], currency: str) -> dict[str, Any]:
    """An amount with its currency; of an export of our own, whichever of the two is there."""
    slot = "funding_currency" if name == "funding_total" else "revenue_currency"
    if name not in values:
        return {slot: currency} if currency else {}
    return {name: money(values[name]), slot: currency}
