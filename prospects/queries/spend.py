"""Spend by month and channel, as the funnel counts it: each line spread evenly over its days, both ends counted."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncMonth

from accounts.models import Workspace
from leadgen.core.clock import start_of_day
from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import everyone
from prospects.models import Campaign, Channel, Lead, Spend

ORDERS = ("starts_on", "ends_on", "amount", "created_at")
DEFAULT_MONTHS = 6


@dataclass(frozen=True, slots=True)
class ChannelMonths:
    """A channel's row: an amount for each month (None: nothing recorded), leads of each month, and both totals."""

    channel: str
    label: str
    amounts: list[Decimal | None]
    leads: list[int]
    total: Decimal = Decimal(0)

    @property
    def cells(self) -> list[tuple[Decimal | None, int]]:
        return list(zip(self.amounts, self.leads, strict=True))

    @property
    def lead_total(self) -> int:
        return sum(self.leads)


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """`months` are first days, oldest first. `awareness` is part of no cost figure; `foreign` is in no sum at all."""

    months: list[date]
    rows: list[ChannelMonths]
    totals: list[Decimal]
    total: Decimal
    awareness: list[Decimal]
    currency: str
    foreign: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> list[ChannelMonths]:
        """Channels that brought leads in these months and have no spend in any of them."""
        return [row for row in self.rows if row.lead_total and row.total == 0]

    @property
    def missing_words(self) -> str:
        """ "Webinar (12 leads), Referral (3 leads)"."""
        named = sorted(self.missing, key=lambda row: -row.lead_total)
        return ", ".join(
            f"{row.label} ({row.lead_total} {'lead' if row.lead_total == 1 else 'leads'})" for row in named
        )


def month_totals(*, today: date, months: int = DEFAULT_MONTHS) -> MonthTotals:
    """The last `months` months up to that of `today` (a date in the workspace's zone). Four queries."""
    workspace = Workspace.objects.only("currency", "time_zone").get(pk=current_workspace_id())
    firsts = _firsts(today, months)
    end = _following(firsts[-1])
    amounts: dict[tuple[str, str, date], Decimal] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.purpose, s.channel, m.first::date,
                   sum(s.amount * (least(s.ends_on, (m.first + interval '1 month')::date - 1)
                                   - greatest(s.starts_on, m.first::date) + 1) / (s.ends_on - s.starts_on + 1))
            FROM generate_series(%s::timestamp, %s::timestamp, interval '1 month') AS m(first)
            JOIN prospects_spend s ON s.starts_on < (m.first + interval '1 month')::date AND s.ends_on >= m.first::date
            WHERE s.workspace_id = %s AND s.currency = %s
            GROUP BY 1, 2, 3
            """,
            [firsts[0], firsts[-1], workspace.pk, workspace.currency],
        )
        for purpose, channel, first, total in cursor.fetchall():
            amounts[purpose, channel, first] = total
    leads = _leads(firsts[0], end, workspace.time_zone)
    paid = Spend.Purpose.LEADS
    known = {channel for purpose, channel, _ in amounts if purpose == paid} | {channel for channel, _ in leads}
    rows = [
        ChannelMonths(
            channel=channel,
            label=str(Channel(channel).label),
            amounts=[amounts.get((paid, channel, first)) for first in firsts],
            leads=[leads.get((channel, first), 0) for first in firsts],
            total=sum((amounts.get((paid, channel, first), Decimal(0)) for first in firsts), Decimal(0)),
        )
        for channel in Channel.values
        if channel in known
    ]
    totals = [sum((row.amounts[n] or Decimal(0) for row in rows), Decimal(0)) for n in range(len(firsts))]
    aware = [
        sum((v for (purpose, _, month), v in amounts.items() if purpose != paid and month == first), Decimal(0))
        for first in firsts
    ]
    foreign = Spend.objects.exclude(currency=workspace.currency).filter(starts_on__lt=end, ends_on__gte=firsts[0])
    return MonthTotals(
        months=firsts,
        rows=rows,
        totals=totals,
        total=sum(totals, Decimal(0)),
        awareness=aware,
        currency=workspace.currency,
        foreign=dict(foreign.values_list("currency").annotate(n=Count("id")).order_by("currency")),
    )


def channels_without_spend(*, today: date, months: int = DEFAULT_MONTHS) -> list[ChannelMonths]:
    """Channels with leads and no spend of these months: their cost per lead would read as 0."""
    return month_totals(today=today, months=months).missing


def spend_of(campaign: Campaign, limit: int = 20) -> list[Any]:
    """The newest lines of a campaign."""
    return list(Spend.objects.filter(campaign=campaign).order_by("-starts_on", "-id")[:limit])


@everyone()  # numbers of the whole workspace, whoever looks
def _leads(start: date, end: date, zone: str) -> dict[tuple[str, date], int]:
    """Leads opened, by channel and month of the workspace's zone."""
    rows = (
        Lead.objects.filter(opened_at__gte=start_of_day(start, zone), opened_at__lt=start_of_day(end, zone))
        .annotate(x_month=TruncMonth("opened_at", tzinfo=ZoneInfo(zone)))
        .values_list("channel", "x_month")
        .annotate(n=Count("id"))
        .order_by()
    )
    return {(channel, month.date()): n for channel, month, n in rows}


def _firsts(today: date, months: int) -> list[date]:
    first = today.replace(day=1)
    found = [first]
    for _ in range(months - 1):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return found[::-1]


def _following(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
