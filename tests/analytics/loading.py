"""Histories written as rows: a second way beside the import commands, so that a fault of theirs cannot hide ours."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import Member, Role
from leadgen.core.tenancy import bulk_insert
from prospects.models import Campaign, Channel, Company, Customer, Deal, Lead, Person, Spend, StageTransition
from prospects.models.choices import EXITS

RECORDED = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = ("mql", "accepted", "sql", "opportunity")
EMPTY: Mapping[str, str] = {}


def moment(text: str) -> datetime | None:
    """ISO text with a zone, or none; a bare date is midnight UTC."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def amount(text: str) -> Decimal | None:
    return Decimal(text) if text else None


class _Made:
    """Rows by key, made on first use and written together."""

    def __init__(self, model: Any) -> None:
        self.model, self.rows = model, {}

    def get(self, key: str, **values: Any) -> Any:
        if not key:
            return None
        if key not in self.rows:
            self.rows[key] = self.model(id=uuid.uuid4(), **values)
        return self.rows[key]

    def write(self) -> None:
        bulk_insert(self.model, list(self.rows.values()))


def load_history(rows: Iterable[Mapping[str, str]], spend: Iterable[Mapping[str, str]] = ()) -> dict[str, Lead]:
    """Leads with transitions, deals and customers from rows in design.md's fields; returns the leads by external id.

    Call it in the workspace's scope.
    """
    owners, campaigns, companies, people = _Made(Member), _Made(Campaign), _Made(Company), _Made(Person)
    leads: dict[str, Lead] = {}
    moves: list[StageTransition] = []
    deals: list[Deal] = []
    customers: list[Customer] = []
    for place, row in enumerate(rows):
        get = dict(row).get
        owner = owners.get(
            get("owner") or "",
            email=get("owner") if "@" in (get("owner") or "") else "",
            name=(get("owner") or "").partition("@")[0],
            role=Role.SDR,
            is_active=False,
            team=get("team") or "",
        )
        campaign = campaigns.get(
            get("campaign") or "", name=get("campaign"), channel=get("channel") or "unknown", created_at=RECORDED
        )
        company = companies.get(
            get("domain") or get("company") or "",
            name=get("company") or get("domain") or "",
            domain=get("domain") or "",
            created_at=RECORDED,
            updated_at=RECORDED,
        )
        person = people.get(
            get("email") or "",
            email=get("email"),
            first_name=get("first_name") or "",
            last_name=get("last_name") or "",
            full_name=f"{get('first_name') or ''} {get('last_name') or ''}".strip(),
            company=company,
            created_at=RECORDED,
            updated_at=RECORDED,
        )
        outcome, closed = get("outcome") or "", moment(get("closed_at") or "")
        dates = {"lead": moment(get("created_at") or get("opened_at") or "")}
        dates |= {stage: moment(get(f"{stage}_at") or "") for stage in STAGES}
        path = [(stage, at) for stage, at in dates.items() if at is not None or stage == "lead"]
        if outcome == "won":
            path.append(("customer", closed))
        elif outcome in EXITS:
            path.append((outcome, closed))
        lead = Lead(
            id=uuid.uuid4(),
            external_id=get("external_id") or f"row-{place}",
            person=person,
            company=company,
            origin=get("origin") or Lead.Origin.IMPORT,
            channel=get("channel") or Channel.UNKNOWN,
            campaign=campaign,
            owner=owner,
            fit_grade=get("grade") or "",
            stage=path[-1][0],
            stage_at=path[-1][1],
            opened_at=dates["lead"],
            closed_at=closed if outcome else None,
            created_at=RECORDED,
        )
        leads[lead.external_id] = lead
        before = ""
        for position, (stage, at) in enumerate(path, start=1):
            moves.append(
                StageTransition(
                    lead=lead,
                    from_stage=before,
                    to_stage=stage,
                    at=at,
                    recorded_at=RECORDED,
                    source="import",
                    position=position,
                )
            )
            before = stage
        if get("opportunity_at") or get("deal_value") or outcome in ("won", "lost"):
            won = outcome == "won"
            customer = None
            if won:
                customer = Customer(
                    id=uuid.uuid4(),
                    company=company,
                    name=str(company or "somebody"),
                    started_at=closed,
                    created_at=RECORDED,
                )
                customers.append(customer)
            deals.append(
                Deal(
                    name=f"Deal {lead.external_id}",
                    lead=lead,
                    company=company,
                    customer=customer,
                    value=amount(get("deal_value") or ""),
                    mrr=amount(get("mrr") or ""),
                    currency=get("currency") or "EUR",
                    outcome=outcome if outcome in ("won", "lost") else "open",
                    stage="closed" if outcome in ("won", "lost") else "discovery",
                    probability=Decimal(1) if won else Decimal(0) if outcome else Decimal("0.2"),
                    opened_at=dates["opportunity"],
                    closed_at=closed if outcome in ("won", "lost") else None,
                    ended_at=moment(get("churned_at") or ""),
                    created_at=RECORDED,
                    updated_at=RECORDED,
                )
            )
    lines = []
    for row in spend:
        campaign = campaigns.get(
            row.get("campaign") or "", name=row.get("campaign"), channel=row["channel"], created_at=RECORDED
        )
        lines.append(
            Spend(
                channel=row["channel"],
                campaign=campaign,
                starts_on=date.fromisoformat(row["from"]),
                ends_on=date.fromisoformat(row["to"]),
                amount=Decimal(row["amount"]),
                currency=row["currency"],
                created_at=RECORDED,
            )
        )
    for made in (owners, campaigns, companies, people):
        made.write()
    bulk_insert(Lead, list(leads.values()))
    bulk_insert(StageTransition, moves)
    bulk_insert(Customer, customers)
    bulk_insert(Deal, deals)
    bulk_insert(Spend, lines)
    return leads
