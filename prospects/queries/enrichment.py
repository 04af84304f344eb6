"""Reads of enrichment: the waterfall with its costs, a run's numbers and proposals, where values came from."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from prospects.models import (
    FINDING_KINDS,
    Company,
    EnrichmentCharge,
    EnrichmentItem,
    EnrichmentProvider,
    EnrichmentRun,
    FieldOrigin,
    Person,
)
from prospects.rules.enrichment import month_start, plain

ORDERS = ("created_at",)


@dataclass(frozen=True, slots=True)
class Step:
    """A provider in the waterfall: its place, what it fills, what this month cost and what is left of the budget."""

    provider: EnrichmentProvider
    place: int
    gives: tuple[str, ...]
    spent: Decimal
    left: Decimal | None


def costs(now: datetime) -> dict[tuple[UUID, str], Decimal]:
    """What this calendar month (UTC) has cost so far, by provider and currency; one query."""
    charges = EnrichmentCharge.objects.filter(at__gte=month_start(now)).values_list("provider", "currency")
    return {(provider, currency): total for provider, currency, total in charges.annotate(total=Sum("amount"))}


def waterfall(now: datetime) -> list[Step]:
    """All providers in order; two queries."""
    cost = costs(now)
    rows = EnrichmentProvider.objects.exclude(kind__in=FINDING_KINDS).order_by("position", "id")
    found: list[Step] = []
    for place, provider in enumerate(rows, start=1):
        used = cost.get((provider.pk, provider.currency), Decimal(0))
        left = provider.monthly_budget - used if provider.monthly_budget is not None else None
        found.append(Step(provider, place, gives(provider), used, left))
    return found


def spent(provider: EnrichmentProvider, now: datetime) -> Decimal:
    """What this calendar month (UTC) has cost so far."""
    rows = EnrichmentCharge.objects.filter(provider=provider, at__gte=month_start(now), currency=provider.currency)
    total: Decimal | None = rows.aggregate(total=Sum("amount"))["total"]
    return total or Decimal(0)


def gives(provider: EnrichmentProvider) -> tuple[str, ...]:
    """The fields a provider can fill."""
    match provider.kind:
        case EnrichmentProvider.Kind.HTTP:
            return tuple(provider.settings.get("mapping", {}))
        case EnrichmentProvider.Kind.TABLE:
            return tuple(provider.settings.get("fields", ()))
        case EnrichmentProvider.Kind.WEBSITE:
            return ("name", "description", "technologies", "linkedin_url")
    return ("technologies",)


def runs() -> QuerySet[EnrichmentRun]:
    return EnrichmentRun.objects.select_related("member")


def numbers(run: EnrichmentRun) -> dict[str, int]:
    """How many items are in each state; one query."""
    counts = dict(EnrichmentItem.objects.filter(run=run).order_by().values_list("state").annotate(n=Count("pk")))
    return {state: counts.get(state, 0) for state in EnrichmentItem.State.values}


@dataclass(frozen=True, slots=True)
class Proposed:
    """One field of a proposal as a page shows it."""

    field: str
    old: str
    new: str
    provider: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One item with its row and what is proposed."""

    item: EnrichmentItem
    row: Company | Person | None
    fields: list[Proposed]


def lines(run: EnrichmentRun, state: str, limit: int = 100) -> list[Line]:
    """Items of a state with their rows; one query."""
    items = (
        EnrichmentItem.objects.filter(run=run, state=state).select_related("company", "person").order_by("id")[:limit]
    )
    return [Line(item, item.company or item.person, proposed(item)) for item in items]


def proposed(item: EnrichmentItem) -> list[Proposed]:
    return [
        Proposed(
            name.replace("_", " "), _shown(told["old"]), _shown(told["value"]), told["name"],
            datetime.fromisoformat(told["at"]),
        )
        for name, told in item.proposal.items()
    ]  # fmt: skip


def _shown(value: Any) -> str:
    if value in (None, "", []):
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def origins_of(row: Company | Person) -> list[FieldOrigin]:
    """Where present values came from; one that somebody changed since is no longer the provider's and left out."""
    about = {"company": row} if isinstance(row, Company) else {"person": row}
    found = FieldOrigin.objects.filter(**about).order_by("field")
    return [origin for origin in found if plain(getattr(row, origin.field, None)) == origin.value]
