"""Facts straight from the files of `data/oracle`, as `import_leads` and `import_spend` would store them."""

import csv
import json
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics.rules.facts import Conventions, CustomerFacts, DealFacts, Facts, LeadFacts, SpendFacts

DATA = Path(os.environ.get("LEADGEN_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def data_file(name: str) -> Path:
    """A file of the shared data; the test is skipped where it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {path}: set LEADGEN_DATA to the folder with the shared data")
    return path


def at(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def money(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def facts_of(leads: list[dict[str, str]], spend: list[dict[str, str]]) -> Facts:
    """Rows with the fields of design.md section 6 as facts."""
    made: dict[str, list[Any]] = {"leads": [], "deals": [], "customers": [], "spend": []}
    for row in leads:
        won, closed = row["outcome"] == "won", at(row["closed_at"])
        where: dict[str, Any] = {name: row[name] or None for name in ("channel", "campaign", "owner")}
        outcome: Any = row["outcome"] or None
        made["leads"].append(
            LeadFacts(
                id=row["external_id"],
                opened_at=at(row["created_at"]),
                mql_at=at(row["mql_at"]),
                accepted_at=at(row["accepted_at"]),
                sql_at=at(row["sql_at"]),
                opportunity_at=at(row["opportunity_at"]),
                customer_at=closed if won else None,
                exit_at=None if won else closed,
                exit_kind=None if won else outcome,
                company_id=row["domain"],
                person_id=row["email"],
                **where,
            )
        )
        if row["opportunity_at"] or row["deal_value"] or row["outcome"] in ("won", "lost"):
            closing = outcome if outcome in ("won", "lost") else None
            made["deals"].append(
                DealFacts(
                    id=row["external_id"],
                    lead_id=row["external_id"],
                    value=money(row["deal_value"]),
                    mrr=money(row["mrr"]),
                    created_at=at(row["opportunity_at"]),
                    closed_at=closed if closing else None,
                    outcome=closing,
                )
            )
        if won:
            made["customers"].append(
                CustomerFacts(
                    id=row["external_id"],
                    lead_id=row["external_id"],
                    started_at=closed,
                    ended_at=at(row["churned_at"]),
                    mrr=money(row["mrr"]),
                )
            )
    for number, row in enumerate(spend):
        made["spend"].append(
            SpendFacts(
                id=f"S{number}",
                first=date.fromisoformat(row["from"]),
                last=date.fromisoformat(row["to"]),
                amount=Decimal(row["amount"]),
                currency=row["currency"],
                channel=row["channel"],
                campaign=row["campaign"],
            )
        )
    return Facts(**{name: tuple(rows) for name, rows in made.items()})


def oracle() -> tuple[Facts, Conventions, dict[str, Any]]:
    """The oracle's facts, its workspace's conventions, and the periods it expects."""
    expected = json.loads(data_file("oracle/expected.json").read_text())
    with data_file("oracle/leads.csv").open() as leads, data_file("oracle/spend.csv").open() as spend:
        facts = facts_of(list(csv.DictReader(leads)), list(csv.DictReader(spend)))
    conventions = Conventions(
        as_of=datetime.fromisoformat(expected["as_of"]),
        zone=ZoneInfo(expected["time_zone"]),
        currency=expected["currency"],
        gross_margin=Decimal(expected["gross_margin"]),
    )
    return facts, conventions, expected["periods"]
