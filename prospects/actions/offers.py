"""Offers: what is sold to whom, and which channels suit it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.campaigns import clean_amount, clean_currency, workspace_currency
from prospects.models import Campaign, Channel, Offer

FIELDS = ("name", "description", "audience", "deal_min", "deal_max", "currency", "cycle_days", "channels")


def create_offer(*, by: Actor, now: datetime, **values: Any) -> Offer:
    """A new offer. Raises Invalid or Conflict, the field named."""
    offer = Offer(created_at=now, **_clean(values))
    offer.currency = offer.currency or workspace_currency()
    _save(offer)
    write_audit(by=by, action="offer.created", now=now, target=offer)
    return offer


def update_offer(*, offer: Offer, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change FIELDS; returns the names of those that differ now."""
    merged = {name: getattr(offer, name) for name in ("deal_min", "deal_max")} | dict(changes)
    cleaned = {name: value for name, value in _clean(merged, partial=True).items() if name in changes}
    changed = [name for name, value in cleaned.items() if getattr(offer, name) != value]
    for name in changed:
        setattr(offer, name, cleaned[name])
    if changed:
        _save(offer)
        write_audit(by=by, action="offer.changed", now=now, target=offer, detail={"fields": changed})
    return changed


def delete_offer(*, offer: Offer, by: Actor, now: datetime) -> int:
    """Remove an offer; its campaigns stay without one. Returns how many those are."""
    named = Campaign.objects.filter(offer=offer).count()
    write_audit(by=by, action="offer.deleted", now=now, target=offer, detail={"campaigns": named})
    offer.delete()
    return named


def _clean(values: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Invalid(f"Unknown field: {', '.join(sorted(unknown))}.", field=min(unknown))
    cleaned = dict(values)
    if "name" in cleaned or not partial:
        cleaned["name"] = " ".join(str(cleaned.get("name", "")).split())
        if not cleaned["name"]:
            raise Invalid("Give the offer a name.", field="name")
    for name in ("deal_min", "deal_max"):
        if name in cleaned:
            cleaned[name] = clean_amount(cleaned[name], name)
    low, high = cleaned.get("deal_min"), cleaned.get("deal_max")
    if low is not None and high is not None and high < low:
        raise Invalid("The largest deal is smaller than the smallest.", field="deal_max")
    if "currency" in cleaned:
        cleaned["currency"] = clean_currency(cleaned["currency"]) or workspace_currency()
    if "channels" in cleaned:
        chosen = set(cleaned["channels"] or ())
        if not chosen <= set(Channel.values):
            raise Invalid(f"Choose from {', '.join(Channel.values)}.", field="channels")
        cleaned["channels"] = [channel for channel in Channel.values if channel in chosen]
    return cleaned


def _save(offer: Offer) -> None:
    try:
        with transaction.atomic():
            offer.save()
    except IntegrityError as error:
        if "offer_name" not in str(error):
            raise
        raise Conflict(f"There is an offer named {offer.name} already.", field="name") from error
