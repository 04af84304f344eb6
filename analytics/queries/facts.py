"""The facts of a workspace for `analytics.rules`, in a constant number of queries whatever its size.

The whole history is loaded, not only the period asked for: cohorts are followed, customers stay, churn looks back a year.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Min, Q

from accounts.models import Member, Workspace
from analytics.rules.facts import (
    DIMENSIONS,
    UNKNOWN,
    AgreementChange,
    BusinessHours,
    Conventions,
    CustomerFacts,
    DealFacts,
    Facts,
    HandoffFacts,
    LeadFacts,
    MeetingFacts,
    SpendFacts,
)
from prospects.models import EXITS, AgreementVersion, Campaign, Deal, Handoff, Lead, Meeting, Spend, StageTransition

CHUNK: Final = 10_000
RECORDED: Final = tuple(name for name in DIMENSIONS if name not in ("persona", "segment"))
"""Dimensions that the rows know; personas and segments are rules, which no lead keeps the answer of yet."""
WARM_CHANNELS: Final = frozenset({"referral", "partner"})
_ENTRIES = ("mql", "accepted", "sql", "opportunity", "customer")
_MOTIONS = frozenset({"inbound", "outbound"})


@dataclass(frozen=True, slots=True)
class _Names:
    """What ids of small tables are called in a report."""

    campaigns: dict[UUID, str]
    motions: dict[UUID, str]
    owners: dict[UUID, str]
    teams: dict[UUID, str | None]
    versions: dict[UUID, str]


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Hundreds of thousands of new values, none of them garbage: walking them again and again took a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_no_collecting()
def load_facts(workspace: Workspace, as_of: datetime) -> tuple[Facts, Conventions]:
    """Everything the funnel counts, and how this workspace counts it, as known at `as_of`.

    Needs the workspace's scope. Eleven queries, twelve where imports corrected dates; about a second for 30,000 leads. Moments are aware (UTC), money is Decimal.
    An owner's key is their e-mail (else their name), a campaign's its name.
    """
    changes, versions = _agreements()
    owners, teams = _members()
    campaigns, motions = {}, {}
    for key, name, motion in Campaign.objects.values_list("pk", "name", "motion").iterator(CHUNK):
        campaigns[key], motions[key] = name, motion
    names = _Names(campaigns, motions, owners, teams, versions)
    deals = list(_deals())
    facts = Facts(
        leads=tuple(_leads(names, as_of)),
        deals=tuple(_deal_facts(deals, names)),
        customers=tuple(_customers(deals, names)),
        spend=tuple(_spend(names)),
        handoffs=tuple(_handoffs(names)),
        meetings=tuple(_meetings(names)),
    )
    return facts, conventions_of(workspace, as_of, facts=facts, agreements=changes, campaigns=tuple(campaigns.values()))


def conventions_of(
    workspace: Workspace,
    as_of: datetime,
    *,
    facts: Facts,
    agreements: tuple[AgreementChange, ...] = (),
    campaigns: tuple[str, ...] = (),
) -> Conventions:
    """Zone, currency, margin, assumption and business hours of a workspace; its channels and campaigns are known rows."""
    channels = {fact.channel for part in (facts.leads, facts.deals, facts.spend) for fact in part}
    return Conventions(
        as_of=as_of,
        zone=ZoneInfo(workspace.time_zone),
        currency=workspace.currency,
        gross_margin=workspace.gross_margin,
        assumed_churn=workspace.assumed_churn,
        agreements=agreements,
        business_hours=BusinessHours(opens=_hour(workspace.work_start), closes=_hour(workspace.work_end)),
        known={
            "channel": tuple(sorted(channel for channel in channels if channel)),
            "campaign": tuple(sorted(campaigns)),
        },
    )


def _hour(value: time | str) -> time:
    """A workspace that was just made still holds its defaults as text."""
    return time.fromisoformat(value) if isinstance(value, str) else value


def owner_names() -> dict[str, str]:
    """Owner key of a report -> the name people know; one query."""
    rows = list(Member.objects.values_list("pk", "name", "email").order_by("created_at", "pk"))
    keys = _owner_keys(rows)
    return {keys[key]: name or email for key, name, email in rows}


def _owner_keys(rows: list[tuple[UUID, str, str]]) -> dict[UUID, str]:
    """E-mail, else name; two people of one name and no address stay two rows."""
    keys: dict[UUID, str] = {}
    taken: set[str] = set()
    for key, name, email in rows:
        plain = label = email or name or "unnamed"
        number = 1
        while label in taken:
            number += 1
            label = f"{plain} ({number})"
        taken.add(label)
        keys[key] = label
    return keys


def _members() -> tuple[dict[UUID, str], dict[UUID, str | None]]:
    rows = list(Member.objects.values_list("pk", "name", "email", "team").order_by("created_at", "pk"))
    return _owner_keys([row[:3] for row in rows]), {key: team or None for key, *_, team in rows}


def _agreements() -> tuple[tuple[AgreementChange, ...], dict[UUID, str]]:
    rows = list(AgreementVersion.objects.order_by("number").values_list("pk", "number", "effective_at"))
    changes = tuple(AgreementChange(at=at, version=f"v{number}") for _, number, at in rows if at is not None)
    return changes, {key: f"v{number}" for key, number, _ in rows}


def _corrections() -> dict[UUID, dict[int, tuple[int, datetime | None]]]:
    """Lead -> position of a move that corrects -> (position of the move it stands for in the end, the right date).

    The ledger is append-only: an imported date that was wrong is put right by a further row (`facts["corrects"]`).
    """
    found: dict[UUID, dict[int, tuple[int, datetime | None]]] = {}
    rows = StageTransition.objects.filter(facts__has_key="corrects").order_by("lead_id", "position")
    for lead_id, position, facts, at in rows.values_list("lead_id", "position", "facts", "at").iterator(CHUNK):
        moves = found.setdefault(lead_id, {})
        corrected = int(facts["corrects"])
        moves[position] = (moves[corrected][0] if corrected in moves else corrected, at)
    return found


def _stood(lead_id: UUID, position: int, at: datetime | None, corrections: Any) -> tuple[bool, datetime | None]:
    """Whether a move is one of its own (not a correction), and its date as it was last put right."""
    moves = corrections.get(lead_id)
    if not moves:
        return True, at
    if position in moves:
        return False, at
    return True, next((right for root, right in reversed(moves.values()) if root == position), at)


def _first_entries(corrections: Any) -> dict[UUID, list[datetime | None]]:
    """Lead -> its first dated entry into each stage of _ENTRIES. An entry without a date is none the funnel can place."""
    firsts = {f"{stage}_first": Min("at", filter=Q(to_stage=stage)) for stage in _ENTRIES}
    moves = StageTransition.objects.filter(to_stage__in=_ENTRIES).order_by()
    rows = moves.values("lead_id").annotate(**firsts).values_list("lead_id", *firsts)
    found = {lead_id: dates for lead_id, *dates in rows.iterator(CHUNK)}
    if not corrections:
        return found
    corrected = StageTransition.objects.filter(facts__has_key="corrects").order_by().values("lead_id")
    found |= {lead_id: [None] * len(_ENTRIES) for lead_id in corrections}
    for lead_id, stage, position, at in (
        moves.filter(lead_id__in=corrected).values_list("lead_id", "to_stage", "position", "at").iterator(CHUNK)
    ):
        own, right = _stood(lead_id, position, at, corrections)
        place = _ENTRIES.index(stage)
        first = found[lead_id][place]
        if own and right is not None and (first is None or right < first):
            found[lead_id][place] = right
    return found


def _exits(as_of: datetime, corrections: Any) -> dict[UUID, tuple[str, datetime | None]]:
    """Lead -> (kind, when) of the exit it stood in at `as_of`; a lead that was reopened by then is absent."""
    moves = StageTransition.objects.filter(Q(to_stage__in=EXITS) | Q(from_stage__in=EXITS))
    found: dict[UUID, tuple[str, datetime | None]] = {}
    rows = moves.order_by("lead_id", "position").values_list("lead_id", "to_stage", "position", "at")
    for lead_id, stage, position, recorded in rows.iterator(CHUNK):
        own, at = _stood(lead_id, position, recorded, corrections)
        if not own or (at is not None and at > as_of):
            continue
        if stage in EXITS:
            found[lead_id] = (stage, at)
        else:
            found.pop(lead_id, None)
    return found


def _leads(names: _Names, as_of: datetime) -> Iterator[LeadFacts]:
    corrections = _corrections()
    entries, exits = _first_entries(corrections), _exits(as_of, corrections)
    nothing: list[datetime | None] = [None] * len(_ENTRIES)
    rows = Lead.objects.order_by("opened_at", "pk").values_list(
        "pk", "opened_at", "origin", "channel", "campaign_id", "source", "owner_id", "fit_grade", "version_id",
        "person_id", "company_id", "company__industry", "routed_at", "seen_at", "first_touch_at", "touch_due_at",
    )  # fmt: skip
    for (
        key, opened_at, origin, channel, campaign, source, owner, grade, version,
        person, company, industry, routed_at, seen_at, touched_at, due_at,
    ) in rows.iterator(CHUNK):  # fmt: skip
        mql_at, accepted_at, sql_at, opportunity_at, customer_at = entries.get(key, nothing)
        exit_kind, exit_at = exits.get(key, (None, None))
        motion = names.motions.get(campaign) or (origin if origin in _MOTIONS else None)
        inbound = origin == "inbound"
        yield LeadFacts(
            id=key,
            opened_at=opened_at,
            mql_at=mql_at,
            accepted_at=accepted_at,
            sql_at=sql_at,
            opportunity_at=opportunity_at,
            customer_at=customer_at,
            exit_at=exit_at,
            exit_kind=exit_kind,  # type: ignore[arg-type]  # EXITS are its words
            channel=_own(channel),
            campaign=names.campaigns.get(campaign),
            source=source or None,
            motion=motion,
            temperature=_temperature(motion, channel),
            owner=names.owners.get(owner),
            team=names.teams.get(owner),
            grade=grade or None,
            industry=industry or None,
            agreement_version=names.versions.get(version),
            person_id=person,
            company_id=company,
            # The clock of speed to lead runs for those who came by themselves.
            captured_at=opened_at if inbound else None,
            routed_at=routed_at if inbound else None,
            seen_at=seen_at if inbound else None,
            touched_at=touched_at if inbound else None,
            sla_due_at=due_at if inbound else None,
        )


def _own(channel: str) -> str | None:
    return None if channel == UNKNOWN else channel


def _temperature(motion: str | None, channel: str) -> str | None:
    """Warm: they came, or somebody they trust sent them. Cold: we went to them."""
    if motion == "inbound" or channel in WARM_CHANNELS:
        return "warm"
    return "cold" if motion == "outbound" else None


def _deals() -> Iterator[Any]:
    yield from Deal.objects.order_by("opened_at", "pk").values_list(
        "pk", "value", "mrr", "currency", "opened_at", "closed_at", "outcome", "probability", "lead_id", "channel",
        "campaign_id", "owner_id", "ended_at", "company_id", named=True,
    ).iterator(CHUNK)  # fmt: skip


def _deal_facts(deals: list[Any], names: _Names) -> Iterator[DealFacts]:
    for deal in deals:
        yield DealFacts(
            id=deal.pk,
            value=deal.value,
            mrr=deal.mrr,
            currency=deal.currency or None,
            created_at=deal.opened_at,
            closed_at=deal.closed_at,
            outcome=deal.outcome if deal.outcome in ("won", "lost") else None,
            probability=deal.probability,
            lead_id=deal.lead_id,
            channel=_own(deal.channel),
            campaign=names.campaigns.get(deal.campaign_id),
            owner=names.owners.get(deal.owner_id),
            team=names.teams.get(deal.owner_id),
        )


def _customers(deals: list[Any], names: _Names) -> Iterator[CustomerFacts]:
    """One per won deal: two deals of a company are two recurring amounts, which may end at different times."""
    for deal in deals:
        if deal.outcome != "won":
            continue
        yield CustomerFacts(
            id=deal.pk,
            started_at=deal.closed_at,
            ended_at=deal.ended_at,
            mrr=deal.mrr,
            currency=deal.currency or None,
            deal_id=deal.pk,
            lead_id=deal.lead_id,
            company_id=deal.company_id,
            channel=_own(deal.channel),
            campaign=names.campaigns.get(deal.campaign_id),
            owner=names.owners.get(deal.owner_id),
            team=names.teams.get(deal.owner_id),
        )


def _spend(names: _Names) -> Iterator[SpendFacts]:
    rows = Spend.objects.order_by("starts_on", "pk").values_list(
        "pk", "starts_on", "ends_on", "amount", "currency", "channel", "campaign_id", "kind", "purpose"
    )
    for key, first, last, amount, currency, channel, campaign, kind, purpose in rows.iterator(CHUNK):
        yield SpendFacts(
            id=key,
            first=first,
            last=last,
            amount=amount,
            currency=currency or None,
            channel=_own(channel),
            campaign=names.campaigns.get(campaign),
            motion=names.motions.get(campaign),
            kind=kind,
            purpose=purpose,
        )


def _handoffs(names: _Names) -> Iterator[HandoffFacts]:
    rows = Handoff.objects.order_by("created_at", "pk").values_list(
        "pk",
        "kind",
        "lead_id",
        "created_at",
        "due_at",
        "decided_at",
        "state",
        "reason",
        "to_member_id",
        "decided_by_id",
    )
    for key, kind, lead, created_at, due_at, decided_at, state, reason, to_member, decided_by in rows.iterator(CHUNK):
        yield HandoffFacts(
            id=key,
            kind=kind,
            lead_id=lead,
            offered_at=created_at,
            due_at=due_at,
            decided_at=decided_at,
            outcome=state if state in ("accepted", "rejected") else None,
            reason=reason or None,
            # Of the one who decided: the lead's owner changes with the acceptance and would split one desk in two.
            owner=names.owners.get(to_member or decided_by),
        )


def _meetings(names: _Names) -> Iterator[MeetingFacts]:
    rows = Meeting.objects.order_by("starts_at", "pk").values_list(
        "pk", "starts_at", "state", "lead_id", "deal__lead_id", "member_id"
    )
    for key, starts_at, state, lead, deal_lead, member in rows.iterator(CHUNK):
        yield MeetingFacts(
            id=key,
            starts_at=starts_at,
            outcome=state,
            lead_id=lead or deal_lead,
            owner=names.owners.get(member),
        )
