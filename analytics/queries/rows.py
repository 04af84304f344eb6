"""The rows behind a figure, by their ids: what a reader opens to see where a number comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.urls import reverse

from accounts.context import mounted
from leadgen.core.visibility import current_viewer, everyone
from prospects.models import Deal, Handoff, Lead, Meeting, Spend


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of a list: its name and link, and cells in the order of COLUMNS (date, datetime, Decimal or text)."""

    id: UUID
    name: str
    url: str
    cells: tuple[Any, ...]


COLUMNS: dict[str, tuple[str, ...]] = {
    "leads": ("Lead", "Company", "Channel", "Campaign", "Owner", "Stage", "Opened"),
    "deals": ("Deal", "Company", "Channel", "Owner", "Outcome", "Value", "Opened", "Closed"),
    "customers": ("Customer", "Deal", "Recurring a month", "Started", "Ended"),
    "spend": ("Spend", "Campaign", "Kind", "From", "To", "Amount"),
    "handoffs": ("Lead", "Hand-off", "Decision", "Reason", "To", "Offered", "Decided"),
    "meetings": ("Meeting", "State", "With", "Starts"),
}
"""Kind of fact -> the heads of its table; the first is the row's name."""


def seen_ids(kind: str, ids: Sequence[Any]) -> tuple[Any, ...]:
    """Those of a figure's rows that the viewer may see: the figure counts everybody's, what it opens to are theirs."""
    if current_viewer() is None or not ids:
        return tuple(ids)
    seen = set(_MODELS[kind].objects.filter(pk__any=ids).values_list("pk", flat=True))
    return tuple(key for key in ids if key in seen)


def shown_rows(kind: str, ids: Sequence[Any], slug: str) -> list[Shown]:
    """The rows with these ids, in this order; one that was deleted meanwhile is left out. Two or three queries."""
    found = {row.id: row for row in _LOADERS[kind](ids, slug)}
    return [found[key] for key in ids if key in found]


@everyone()  # numbers of the whole workspace, whoever looks
def history_begins(zone: ZoneInfo) -> date | None:
    """The first day, in `zone`, of which the workspace knows anything."""
    opened = Lead.objects.filter(opened_at__isnull=False).order_by("opened_at").values_list("opened_at", flat=True)
    deal = Deal.objects.filter(opened_at__isnull=False).order_by("opened_at").values_list("opened_at", flat=True)
    spend = Spend.objects.order_by("starts_on").values_list("starts_on", flat=True)
    days = [at.astimezone(zone).date() for rows in (opened, deal) if (at := rows.first()) is not None]
    if (first := spend.first()) is not None:
        days.append(first)
    return min(days) if days else None


def _link(name: str, slug: str, **args: Any) -> str:
    return reverse(name, kwargs={"slug": slug, **args}) if mounted(name) else ""


def _person(lead: Lead | None) -> str:
    if lead is None:
        return "No lead"
    return str(lead.person or lead.company or lead.external_id or "Nobody named")


def _leads(ids: Sequence[Any], slug: str) -> list[Shown]:
    rows: QuerySet[Any] = Lead.objects.filter(pk__in=ids).select_related("person", "company", "campaign", "owner")
    return [
        Shown(
            lead.pk,
            _person(lead),
            _link("lead_detail", slug, lead_id=lead.pk),
            (
                str(lead.company) if lead.company and lead.person else "",
                lead.get_channel_display(),
                str(lead.campaign or ""),
                str(lead.owner or ""),
                lead.get_stage_display(),
                lead.opened_at,
            ),
        )
        for lead in rows
    ]


def _deals(ids: Sequence[Any], slug: str) -> list[Shown]:
    rows: QuerySet[Any] = Deal.objects.filter(pk__in=ids).select_related("company", "owner", "lead", "lead__owner")
    found = []
    for deal in rows:
        # As the figures count it: where the deal does not say, its lead does.
        lead = deal.lead
        channel = lead if deal.channel == "unknown" and lead is not None else deal
        owner = deal.owner or (lead.owner if lead is not None else None)
        found.append(
            Shown(
                deal.pk,
                deal.name,
                _link("deal_detail", slug, deal_id=deal.pk),
                (
                    str(deal.company or ""),
                    channel.get_channel_display(),
                    str(owner or ""),
                    deal.get_outcome_display(),
                    (deal.value, deal.currency),
                    deal.opened_at,
                    deal.closed_at,
                ),
            )
        )
    return found


def _customers(ids: Sequence[Any], slug: str) -> list[Shown]:
    rows: QuerySet[Any] = Deal.objects.filter(pk__in=ids).select_related("company", "customer")
    return [
        Shown(
            deal.pk,
            str(deal.customer or deal.company or deal.name),
            _link("deal_detail", slug, deal_id=deal.pk),
            (deal.name, (deal.mrr, deal.currency), deal.closed_at, deal.ended_at),
        )
        for deal in rows
    ]


def _spend(ids: Sequence[Any], slug: str) -> list[Shown]:
    rows: QuerySet[Any] = Spend.objects.filter(pk__in=ids).select_related("campaign")
    return [
        Shown(
            line.pk,
            line.get_channel_display(),
            _link("spend_list", slug),
            (
                str(line.campaign or ""),
                line.get_kind_display(),
                line.starts_on,
                line.ends_on,
                (line.amount, line.currency),
            ),
        )
        for line in rows
    ]


def _handoffs(ids: Sequence[Any], slug: str) -> list[Shown]:
    rows: QuerySet[Any] = Handoff.objects.filter(pk__in=ids).select_related(
        "lead", "lead__person", "lead__company", "to_member", "decided_by"
    )
    return [
        Shown(
            row.pk,
            _person(row.lead),
            _link("lead_detail", slug, lead_id=row.lead_id),
            (
                row.get_kind_display(),
                row.get_state_display(),
                row.reason,
                str(row.to_member or row.decided_by or ""),
                row.created_at,
                row.decided_at,
            ),
        )
        for row in rows
    ]


def _meetings(ids: Sequence[Any], slug: str) -> list[Shown]:
    rows: QuerySet[Any] = Meeting.objects.filter(pk__in=ids).select_related("person", "lead", "lead__person")
    return [
        Shown(
            row.pk,
            row.title,
            _link("lead_detail", slug, lead_id=row.lead_id) if row.lead_id else "",
            (row.get_state_display(), str(row.person or _person(row.lead)), row.starts_at),
        )
        for row in rows
    ]


_MODELS: dict[str, Any] = {
    "leads": Lead, "deals": Deal, "customers": Deal, "spend": Spend, "handoffs": Handoff, "meetings": Meeting,
}  # fmt: skip
_LOADERS = {
    "leads": _leads,
    "deals": _deals,
    "customers": _customers,
    "spend": _spend,
    "handoffs": _handoffs,
    "meetings": _meetings,
}
