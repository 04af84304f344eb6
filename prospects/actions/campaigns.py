"""Campaigns: create, change, start, pause, resume, end. What runs in them is the upper app's, which is rung by a lane."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from accounts.models import Workspace
from accounts.permissions import refuse_owner
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Campaign, Channel

FIELDS = (
    "name", "external_id", "motion", "goal", "offer", "icp", "channel", "budget", "currency", "starts_on", "ends_on", "owner",
)  # fmt: skip
# The lane the dispatcher of the upper app takes when a campaign came back to life or ended (its key is the campaign).
LANE = "campaign"


def create_campaign(*, by: Actor, now: datetime, start: bool = False, **values: Any) -> Campaign:
    """A campaign, as a draft in which nothing is sent, or running at once. Raises Invalid or Conflict, the field named."""
    campaign = Campaign(created_at=now, **_clean(values))
    campaign.currency = campaign.currency or workspace_currency()
    campaign.owner = campaign.owner or by.member
    if start:
        campaign.state = Campaign.State.ACTIVE
    _save(campaign)
    write_audit(by=by, action="campaign.created", now=now, target=campaign, detail={"state": campaign.state})
    return campaign


def update_campaign(*, campaign: Campaign, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change FIELDS; returns the names of those that differ now."""
    merged = {name: getattr(campaign, name) for name in ("starts_on", "ends_on")} | dict(changes)
    cleaned = {
        name: value for name, value in _clean(merged, partial=True, had=campaign.owner_id).items() if name in changes
    }
    before = {name: getattr(campaign, name) for name in cleaned}
    changed = [name for name, value in cleaned.items() if before[name] != value]
    for name in changed:
        setattr(campaign, name, cleaned[name])
    if changed:
        _save(campaign)
        told = {name: [_words(before[name]), _words(cleaned[name])] for name in changed}
        write_audit(by=by, action="campaign.changed", now=now, target=campaign, detail={"changes": told})
    return changed


def start_campaign(*, campaign: Campaign, by: Actor, now: datetime) -> None:
    """Let a draft run: what its sequences hold goes out. Raises Conflict from any other state."""
    _move(campaign, {Campaign.State.DRAFT}, Campaign.State.ACTIVE, "", by, now, "campaign.started")


def pause_campaign(*, campaign: Campaign, reason: str, by: Actor, now: datetime) -> None:
    """Hold everything of it; the reason stands on every row that waits. Raises Invalid without one, Conflict if not running."""
    words = reason.strip()[:200]
    if not words:
        raise Invalid("Say why it is paused; everybody who waits for it reads this.", field="reason")
    _move(campaign, {Campaign.State.ACTIVE}, Campaign.State.PAUSED, words, by, now, "campaign.paused")


def resume_campaign(*, campaign: Campaign, by: Actor, now: datetime) -> None:
    """Go on: what was held is looked at again now. Raises Conflict if it is not paused."""
    _move(campaign, {Campaign.State.PAUSED}, Campaign.State.ACTIVE, "", by, now, "campaign.resumed")


def end_campaign(*, campaign: Campaign, by: Actor, now: datetime) -> None:
    """Over for good: everybody still in its sequences is stopped. Raises Conflict if it ended before."""
    _move(
        campaign,
        {Campaign.State.DRAFT, Campaign.State.ACTIVE, Campaign.State.PAUSED},
        Campaign.State.ENDED,
        "",
        by,
        now,
        "campaign.ended",
    )


def workspace_currency() -> str:
    """The currency of the active workspace, for money that names none."""
    return str(Workspace.objects.values_list("currency", flat=True).get(pk=current_workspace_id()))


def clean_currency(value: Any, field: str = "currency") -> str:
    """Three letters, upper case; '' stays. Raises Invalid."""
    text = str(value or "").strip().upper()
    if text and not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise Invalid("Use a currency code of three letters, such as EUR.", field=field)
    return text


def clean_amount(value: Any, field: str, *, least: Decimal = Decimal(0)) -> Decimal | None:
    """Money to the cent or None. Raises Invalid below `least` or beyond 16 digits."""
    if value is None or value == "":
        return None
    amount = Decimal(value)
    if not amount.is_finite() or amount < least or amount >= Decimal(10) ** 16:
        raise Invalid("Give an amount above zero." if least else "Give an amount of zero or more.", field=field)
    return amount.quantize(Decimal("0.01"))


def _move(
    campaign: Campaign, allowed: set[str], state: str, reason: str, by: Actor, now: datetime, action: str
) -> None:
    """One step of a campaign's life, fenced by the state it may come from."""
    moved = Campaign.objects.filter(pk=campaign.pk, state__in=allowed).update(state=state, pause_reason=reason)
    campaign.refresh_from_db()
    if not moved:
        raise Conflict(f"This campaign is {campaign.get_state_display().lower()} already.", code="state")
    write_audit(by=by, action=action, now=now, target=campaign, detail={"reason": reason} if reason else {})
    lanes.mark(workspace_id=campaign.workspace_id, kind=LANE, key=str(campaign.pk), due=now)


def _clean(values: Mapping[str, Any], *, partial: bool = False, had: UUID | None = None) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Invalid(f"Unknown field: {', '.join(sorted(unknown))}.", field=min(unknown))
    cleaned = dict(values)
    if "name" in cleaned or not partial:
        cleaned["name"] = " ".join(str(cleaned.get("name", "")).split())
        if not cleaned["name"]:
            raise Invalid("Give the campaign a name.", field="name")
    for name, choices in (("motion", Campaign.Motion), ("channel", Channel)):
        if name in cleaned and cleaned[name] not in choices.values:
            raise Invalid(f"Choose one of {', '.join(choices.values)}.", field=name)
    if "budget" in cleaned:
        cleaned["budget"] = clean_amount(cleaned["budget"], "budget")
    if "currency" in cleaned:
        cleaned["currency"] = clean_currency(cleaned["currency"]) or workspace_currency()
    for name in ("goal", "external_id"):
        if name in cleaned:
            cleaned[name] = str(cleaned[name] or "").strip()
    start, end = cleaned.get("starts_on"), cleaned.get("ends_on")
    if start and end and end < start:
        raise Invalid("It ends before it starts.", field="ends_on")
    refuse_owner(cleaned.get("owner"), had=had)
    return cleaned


def _words(value: Any) -> Any:
    return None if value in (None, "") else str(value)


def _save(campaign: Campaign) -> None:
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError as error:
        if "campaign_name" in str(error):
            raise Conflict(f"There is a campaign named {campaign.name} already.", field="name") from error
        if "campaign_external" in str(error):
            raise Conflict("Another campaign has this external id.", field="external_id") from error
        raise
