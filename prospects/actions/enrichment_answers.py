"""One provider's answer about one record: from the cache, or asked for, with its price written before the question."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from leadgen.core.dns import DnsLookup
from leadgen.core.tenancy import workspace_scope
from leadgen.core.web import WebError
from prospects.actions.enrichment_asking import ask_provider
from prospects.models import EnrichmentAnswer, EnrichmentCharge, EnrichmentProvider
from prospects.queries.enrichment import spent
from prospects.rules import enrichment as rules

OPEN_TO_ALL = (EnrichmentProvider.Kind.WEBSITE, EnrichmentProvider.Kind.DNS)  # each company answers for itself


def answer_of(
    workspace_id: UUID, provider: EnrichmentProvider, ask: rules.Ask, lookup: DnsLookup, *, now: datetime
) -> tuple[dict[str, Any], datetime] | str:
    """(values, when they were told), from the cache where it is fresh; or why there is none, in words."""
    with workspace_scope(workspace_id):
        known = EnrichmentAnswer.objects.filter(provider=provider, key=ask.key).first()
        if known is not None and known.asked_at > now - timedelta(days=provider.cache_days):
            return known.values, known.asked_at
        refused = _reserve(provider, ask.key, now)
    if refused:
        return refused
    try:
        values = ask_provider(workspace_id, provider, ask, lookup)
    except WebError as error:
        with workspace_scope(workspace_id):
            if provider.price and provider.per == EnrichmentProvider.Per.MATCH:
                _charge(provider, ask.key, -provider.price, now)
            if provider.kind not in OPEN_TO_ALL:
                EnrichmentProvider.objects.filter(pk=provider.pk).update(error=error.message[:300], failed_at=now)
        return f"{provider.name}: {error.message}"
    with workspace_scope(workspace_id):
        if not values and provider.price and provider.per == EnrichmentProvider.Per.MATCH:
            _charge(provider, ask.key, -provider.price, now)
        EnrichmentAnswer.objects.update_or_create(
            provider=provider, key=ask.key, defaults={"values": values, "asked_at": now}
        )
        if provider.error:
            EnrichmentProvider.objects.filter(pk=provider.pk).update(error="", failed_at=None)
            provider.error = ""
    return values, now


def _reserve(provider: EnrichmentProvider, key: str, now: datetime) -> str:
    """Write the price of one question before it is asked; why not, where the month's budget does not hold it."""
    if not provider.price:
        return ""
    # One at a time: two workers must not both find the last cent.
    locked = EnrichmentProvider.objects.select_for_update().get(pk=provider.pk)
    budget = locked.monthly_budget
    if budget is not None and (used := spent(locked, now)) + provider.price > budget:
        return (
            f"{locked.name}: the budget of {now:%B} is used up ({used:.2f} of {budget:.2f} {locked.currency}). "
            "Raise it, or resume next month."
        )
    _charge(locked, key, provider.price, now)  # of a finder, that of what it is asked for
    return ""


def _charge(provider: EnrichmentProvider, key: str, amount: Decimal, now: datetime) -> None:
    EnrichmentCharge.objects.create(provider=provider, at=now, amount=amount, currency=provider.currency, key=key)
