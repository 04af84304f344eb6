"""The facts every number is made of, as plain values: no model, no database, no clock.

A query loads them (`analytics/queries`), a test reads them from a file; `funnel` and `rows_behind` count them. All moments
are aware datetimes; a bare date is midnight in the workspace's zone. Money is Decimal in the workspace's currency unless
the fact names another (such amounts are never added up, see `selection`). None always means "not known" or "not yet".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

type Id = UUID | str
type ExitKind = Literal["disqualified", "recycled", "lost"]
type DealOutcome = Literal["won", "lost"]
type Unit = Literal["lead", "person", "company"]
type Basis = Literal["period", "cohort"]

UNKNOWN: Final = "unknown"
"""The visible row of a breakdown for facts that do not say."""

STAGE_DATES: Final[dict[str, str]] = {
    "lead": "opened_at",
    "mql": "mql_at",
    "accepted": "accepted_at",
    "sql": "sql_at",
    "opportunity": "opportunity_at",
    "customer": "customer_at",
}
"""Stage -> the attribute of LeadFacts that holds its first entry, in the order of the funnel."""

DIMENSIONS: Final = (
    "channel",
    "campaign",
    "source",
    "motion",
    "temperature",
    "owner",
    "team",
    "grade",
    "persona",
    "industry",
    "segment",
    "agreement_version",
    "month",
)
"""What a breakdown can be made by. `month` is that of the event (period) or of the opening (cohort)."""

SPEND_DIMENSIONS: Final = frozenset({"channel", "campaign", "motion", "month"})
"""Dimensions that spend itself carries; by any other the spend stands whole in the row `unknown`."""


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """One buying cycle. Each stage date is the *first* entry into that stage; none is inferred for a skipped one.

    `exit_kind`/`exit_at`: how and when it left without being won (its last exit). `grade` is the fit grade A to D.
    The clock of an inbound lead: captured, deduped, scored, routed, seen, touched (first human touch), `sla_due_at`.
    """

    id: Id
    opened_at: datetime | None = None
    mql_at: datetime | None = None
    accepted_at: datetime | None = None
    sql_at: datetime | None = None
    opportunity_at: datetime | None = None
    customer_at: datetime | None = None
    exit_at: datetime | None = None
    exit_kind: ExitKind | None = None
    channel: str | None = None
    campaign: str | None = None
    source: str | None = None
    motion: str | None = None
    temperature: str | None = None
    owner: str | None = None
    team: str | None = None
    grade: str | None = None
    persona: str | None = None
    industry: str | None = None
    segment: str | None = None
    agreement_version: str | None = None
    person_id: Id | None = None
    company_id: Id | None = None
    captured_at: datetime | None = None
    deduped_at: datetime | None = None
    scored_at: datetime | None = None
    routed_at: datetime | None = None
    seen_at: datetime | None = None
    touched_at: datetime | None = None
    sla_due_at: datetime | None = None

    @property
    def left_at(self) -> datetime | None:
        """When it stopped waiting: its exit, or the win."""
        return self.exit_at if self.exit_at is not None else self.customer_at


@dataclass(frozen=True, slots=True)
class DealFacts:
    """A sales opportunity. `value` is total contract value, `mrr` the recurring part a month, `probability` 0..1 of its
    stage. Channel, campaign, owner and team may be None: then those of the lead count."""

    id: Id
    value: Decimal | None = None
    mrr: Decimal | None = None
    currency: str | None = None
    created_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: DealOutcome | None = None
    probability: Decimal | None = None
    lead_id: Id | None = None
    channel: str | None = None
    campaign: str | None = None
    owner: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """One won deal's time as a customer, [started_at, ended_at). `mrr` None: recurring revenue not known (0: one-off)."""

    id: Id
    started_at: datetime | None
    ended_at: datetime | None = None
    mrr: Decimal | None = None
    currency: str | None = None
    deal_id: Id | None = None
    lead_id: Id | None = None
    company_id: Id | None = None
    channel: str | None = None
    campaign: str | None = None
    owner: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class SpendFacts:
    """Money spent from `first` to `last`, calendar dates of the workspace, both counted, the same every day."""

    id: Id
    first: date
    last: date
    amount: Decimal
    currency: str | None = None
    channel: str | None = None
    campaign: str | None = None
    motion: str | None = None
    kind: str = "media"
    purpose: str = "leads"

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"spend {self.id} ends on {self.last}, before its start {self.first}")


@dataclass(frozen=True, slots=True)
class HandoffFacts:
    """A lead passed on. `kind` names the hand-off (for example marketing to SDR, SDR to AE); `outcome` None: pending."""

    id: Id
    kind: str
    lead_id: Id | None = None
    offered_at: datetime | None = None
    due_at: datetime | None = None
    decided_at: datetime | None = None
    outcome: Literal["accepted", "rejected"] | None = None
    reason: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class MeetingFacts:
    """A meeting at `starts_at`; only held and no_show have an outcome that counts."""

    id: Id
    starts_at: datetime | None = None
    outcome: Literal["booked", "held", "no_show", "cancelled"] = "booked"
    lead_id: Id | None = None
    channel: str | None = None
    campaign: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a workspace knows that the funnel counts. Any part may be empty."""

    leads: tuple[LeadFacts, ...] = ()
    deals: tuple[DealFacts, ...] = ()
    customers: tuple[CustomerFacts, ...] = ()
    spend: tuple[SpendFacts, ...] = ()
    handoffs: tuple[HandoffFacts, ...] = ()
    meetings: tuple[MeetingFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When the clock of speed to lead runs: weekdays (Monday is 0), from `opens` to `closes`, not on `holidays`."""

    opens: time = time(9)
    closes: time = time(17)
    weekdays: frozenset[int] = frozenset(range(5))
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class AgreementChange:
    """From `at` on, agreement `version` decided what an MQL and an SQL is."""

    at: datetime
    version: str


@dataclass(frozen=True, slots=True)
class Conventions:
    """How one workspace counts: zone and currency, the assumptions it states, and the moment of looking.

    `assumed_churn` is a month's share, used (and labelled so) while fewer than 12 customers ended. `known` names, by
    dimension, rows that must be shown even without a fact, such as the workspace's channels.
    """

    as_of: datetime
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    currency: str = "EUR"
    gross_margin: Decimal | None = None
    assumed_churn: Decimal | None = None
    agreements: tuple[AgreementChange, ...] = ()
    business_hours: BusinessHours | None = None
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise ValueError("as_of needs a time zone")

    @property
    def as_of_text(self) -> str:
        """`as_of` as an ISO moment in UTC, as every figure carries it."""
        return self.as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
