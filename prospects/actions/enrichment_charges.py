"""Money for what providers are asked: written before it is spent, given back where there was no answer."""

from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from prospects.models import EnrichmentCharge, EnrichmentProvider
from prospects.queries.enrichment import spent


def reserve(provider: EnrichmentProvider, key: str, amount: Decimal, now: datetime, *, remedy: str) -> str:
    """Write a price before it is spent, under `key`; why not, where the month's budget does not hold it ('' where it does).
    `remedy`: what to do then, besides raising it."""
    if not amount:
        return ""
    # One at a time: two workers must not both find the last cent.
    locked = EnrichmentProvider.objects.select_for_update().get(pk=provider.pk)
    provider.currency = locked.currency  # what is given back is given back in the currency it was taken in
    budget = locked.monthly_budget
    if budget is not None and (used := spent(locked, now)) + amount > budget:
        return (
            f"{locked.name}: the budget of {now:%B} is used up ({used:.2f} of {budget:.2f} {locked.currency}). "
            f"Raise it, or {remedy}."
        )
    _write(locked, key, amount, now)
    return ""


def give_back(provider: EnrichmentProvider, key: str, amount: Decimal, now: datetime) -> None:
    """A question that got no answer costs nothing."""
    if amount:
        _write(provider, key, -amount, now)


def paid(provider: EnrichmentProvider, key: str, since: datetime) -> Decimal:
    """What stands in the ledger for this question: reserved and not given back."""
    rows = EnrichmentCharge.objects.filter(provider=provider, at__gte=since, key=key)
    return rows.aggregate(total=Sum("amount"))["total"] or Decimal()


def _write(provider: EnrichmentProvider, key: str, amount: Decimal, now: datetime) -> None:
    EnrichmentCharge.objects.create(provider=provider, at=now, amount=amount, currency=provider.currency, key=key[:254])
