"""One provider's answer about one record: from the cache, or asked for, with its price written before the question.

At most once: with the price stands that the question is on its way, and both it and the answer are written in one transaction.
A worker that dies in between leaves a question whose answer nobody knows: it is told, and asked (and paid) again only if a
person says so.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from leadgen.core.dns import DnsLookup
from leadgen.core.tenancy import workspace_scope
from leadgen.core.web import WebError
from prospects.actions.enrichment_asking import ask_provider
from prospects.actions.enrichment_charges import give_back, reserve
from prospects.models import EnrichmentAnswer, EnrichmentItem, EnrichmentProvider
from prospects.rules import enrichment as rules

OPEN_TO_ALL = (EnrichmentProvider.Kind.WEBSITE, EnrichmentProvider.Kind.DNS)  # each company answers for itself


def answer_of(
    workspace_id: UUID,
    provider: EnrichmentProvider,
    ask: rules.Ask,
    lookup: DnsLookup,
    *,
    item: EnrichmentItem,
    now: datetime,
) -> tuple[dict[str, Any], datetime] | str:
    """(values, when they were told), from the cache where it is fresh; or why there is none, in words."""
    with workspace_scope(workspace_id):
        known = EnrichmentAnswer.objects.filter(provider=provider, key=ask.key).first()
        if known is not None and known.asked_at > now - timedelta(days=provider.cache_days):
            return known.values, known.asked_at
        # Of a finder, the price of what it is asked for.
        refused = reserve(provider, ask.key, provider.price, now, remedy="resume next month")
        if provider.price and not refused:
            EnrichmentItem.objects.filter(pk=item.pk).update(asking=provider.pk, asked_at=now)
    if refused:
        return refused
    try:
        values = ask_provider(workspace_id, provider, ask, lookup)
    except WebError as error:
        with workspace_scope(workspace_id):
            _answered(item)
            if provider.per == EnrichmentProvider.Per.MATCH:
                give_back(provider, ask.key, provider.price, now)
            if provider.kind not in OPEN_TO_ALL:
                EnrichmentProvider.objects.filter(pk=provider.pk).update(error=error.message[:300], failed_at=now)
        return f"{provider.name}: {error.message}"
    with workspace_scope(workspace_id):
        _answered(item)
        if not values and provider.per == EnrichmentProvider.Per.MATCH:
            give_back(provider, ask.key, provider.price, now)
        EnrichmentAnswer.objects.update_or_create(
            provider=provider, key=ask.key, defaults={"values": values, "asked_at": now}
        )
        if provider.error:
            EnrichmentProvider.objects.filter(pk=provider.pk).update(error="", failed_at=None)
            provider.error = ""
    return values, now


def lost_question(item: EnrichmentItem, provider: EnrichmentProvider) -> str:
    """Why this provider is not asked: it was, at a price, and the worker died before its answer was kept. Else ''."""
    if item.asking != provider.pk or item.asked_at is None:
        return ""
    return (
        f"{provider.name} was asked on {item.asked_at:%d %b %Y %H:%M} UTC, and the worker stopped before the answer was kept. "
        "“Resume” asks, and pays, again."
    )


def _answered(item: EnrichmentItem) -> None:
    EnrichmentItem.objects.filter(pk=item.pk, asking__isnull=False).update(asking=None, asked_at=None)
