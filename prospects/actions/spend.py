"""Spend: money on a channel or campaign over days. Each line is written by hand, by the API or by an import."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.campaigns import clean_amount, clean_currency, workspace_currency
from prospects.models import Campaign, Channel, Spend

FIELDS = (
    "channel", "subchannel", "campaign", "kind", "purpose", "starts_on", "ends_on", "amount", "currency", "note", "external_id",
)  # fmt: skip
LONGEST_DAYS = 3660


def create_spend(*, by: Actor, now: datetime, **values: Any) -> Spend:
    """One line. `ends_on` defaults to `starts_on`, `channel` to the campaign's, `currency` to the workspace's.

    Raises Invalid or Conflict, the field named.
    """
    spend = Spend(created_at=now, **_clean(values))
    _save(spend)
    write_audit(by=by, action="spend.created", now=now, target=spend, label=label_of(spend), detail=_facts(spend))
    return spend


def update_spend(*, spend: Spend, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change FIELDS; returns the names of those that differ now. The audit row keeps what stood there before."""
    before = {name: getattr(spend, name) for name in FIELDS}
    cleaned = _clean(before | dict(changes))
    changed = [name for name in cleaned if before[name] != cleaned[name]]
    for name in changed:
        setattr(spend, name, cleaned[name])
    if changed:
        _save(spend)
        told = {name: [_words(before[name]), _words(cleaned[name])] for name in changed}
        write_audit(
            by=by, action="spend.changed", now=now, target=spend, label=label_of(spend), detail={"changes": told}
        )
    return changed


def delete_spend(*, spend: Spend, by: Actor, now: datetime) -> None:
    """Remove a line that was entered by mistake; the audit row keeps it."""
    write_audit(by=by, action="spend.deleted", now=now, target=spend, label=label_of(spend), detail=_facts(spend))
    spend.delete()


def label_of(spend: Spend) -> str:
    """How a line is named: "1,200.00 EUR, Paid, 2026-03-01"."""
    return f"{spend.amount:,} {spend.currency}, {spend.get_channel_display()}, {spend.starts_on}"


def _facts(spend: Spend) -> dict[str, Any]:
    names = ("channel", "kind", "purpose", "starts_on", "ends_on", "amount", "currency")
    return {name: str(getattr(spend, name)) for name in names}


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Invalid(f"Unknown field: {', '.join(sorted(unknown))}.", field=min(unknown))
    cleaned = dict(values)
    campaign: Campaign | None = cleaned.get("campaign")
    if not cleaned.get("channel"):
        if campaign is None:
            raise Invalid("Say which channel or campaign the money went to.", field="channel")
        cleaned["channel"] = campaign.channel
    for name, choices in (("channel", Channel), ("kind", Spend.Kind), ("purpose", Spend.Purpose)):
        if name in cleaned and cleaned[name] not in choices.values:
            raise Invalid(f"Choose one of {', '.join(choices.values)}.", field=name)
    start: date | None = cleaned.get("starts_on")
    if start is None:
        raise Invalid("Give the first day it was spent for.", field="starts_on")
    end: date = cleaned.get("ends_on") or start
    if end < start:
        raise Invalid("The last day is before the first.", field="ends_on")
    if (end - start).days > LONGEST_DAYS:
        raise Invalid("Split it: one line covers ten years at most.", field="ends_on")
    cleaned["ends_on"] = end
    cleaned["amount"] = clean_amount(cleaned.get("amount"), "amount", least=Decimal("0.01"))
    if cleaned["amount"] is None:
        raise Invalid("Give the amount.", field="amount")
    cleaned["currency"] = clean_currency(cleaned.get("currency")) or workspace_currency()
    for name in ("subchannel", "note", "external_id"):
        if name in cleaned:
            cleaned[name] = str(cleaned[name] or "").strip()
    return cleaned


def _words(value: Any) -> Any:
    return None if value in (None, "") else str(value)


def _save(spend: Spend) -> None:
    try:
        with transaction.atomic():
            spend.save()
    except IntegrityError as error:
        if "spend_external" not in str(error):
            raise
        raise Conflict("Another line has this external id.", field="external_id") from error
