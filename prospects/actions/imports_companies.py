"""Importing companies: matched by external id, then domain; by name only where a row gives nothing else."""

from collections.abc import Sequence
from typing import Any

from prospects.actions.imports_context import Companies, Context, Owners, money, warn
from prospects.actions.imports_store import Row, RowRefused, Unit
from prospects.rules.imports import ConvertedRow

_PLAIN = (
    "name", "domain", "external_id", "industry", "sub_industry", "naics", "employees", "country", "region", "city", "founded",
    "technologies", "keywords", "funding_stage", "funded_on", "linkedin_url", "phone", "description", "source",
)  # fmt: skip


class CompaniesImport:
    """One row of the file is one company."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.unit, self.context = unit, context
        self.owners = Owners(unit, context)
        self.companies = Companies(unit, context, whole=True)

    def name_rows(self, rows: Sequence[ConvertedRow]) -> list[str]:
        return [""] * len(rows)

    def prepare(self, rows: Sequence[ConvertedRow], keys: Sequence[str]) -> None:
        if any("owner" in row.values for row in rows):
            self.owners.prepare()
        only_named = [r.values["name"] for r in rows if not r.values.get("domain") and not r.values.get("external_id")]
        self.companies.prepare(
            domains=[row.values.get("domain") for row in rows],
            external_ids=[row.values.get("external_id") for row in rows],
            names=only_named,
        )

    def apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        values: dict[str, Any] = dict(row.values)
        wanted = {column: values[column] for column in _PLAIN if column in values}
        currency = str(values.get("revenue_currency") or self.context.currency)
        if "revenue" in values:
            wanted |= {"revenue": money(values["revenue"]), "revenue_currency": currency}
        if "funding_total" in values:
            wanted |= {"funding_total": money(values["funding_total"]), "funding_currency": currency}
        found = self._find(values)
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
            return True, self.companies.add(**wanted)
        if values.get("external_id") and found["external_id"] not in ("", values["external_id"]):
            warn(row, f"the domain had the external id {found['external_id']}; it has the new one now")
        self.companies.rows.put(found, wanted)
        return False, found

    def complete(self) -> None:
        pass

    def _find(self, values: dict[str, Any]) -> Row | None:
        by_id = self.companies.rows.by("external_id", values.get("external_id"))
        by_domain = self.companies.rows.by("domain", values.get("domain"))
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
        return self.companies.by_name(str(values["name"]))
