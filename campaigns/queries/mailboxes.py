"""What a mailbox did today, what waits for it, and the words of its state."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from accounts.models import Workspace
from accounts.queries.health import HealthState
from campaigns.models import Mailbox, Message
from campaigns.queries.freshness import clock_words
from campaigns.queries.mailsync import is_fresh, unread_words, worst_reading
from leadgen.core import clock
from leadgen.core.visibility import everyone

DAY = timedelta(hours=24)
# A test that nobody answered for this long was asked of a worker that is not there.
CHECK_PATIENCE = timedelta(seconds=90)
TONES: dict[str, str] = {
    Mailbox.State.WARMING: "info",
    Mailbox.State.ACTIVE: "success",
    Mailbox.State.RESTING: "neutral",
    Mailbox.State.HELD: "danger",
}


def state_words(mailbox: Mailbox, until: str = "") -> str:
    """What stands beside the mail that waits for a mailbox which does not send."""
    why = f": {mailbox.state_reason}" if mailbox.state_reason else ""
    return f"Held: mailbox {mailbox.address} is {mailbox.get_state_display().lower()}{why}"[:270] + until


@dataclass(frozen=True, slots=True)
class Usage:
    """`used`: mails past the point of no return in the last 24 h, of `cap`; `waiting`: planned mails."""

    used: int
    cap: int
    waiting: int = 0

    def __str__(self) -> str:
        return f"{self.used:,} of {self.cap:,} in 24 h"


@everyone()  # a mailbox's limit counts everybody's mail
def usage_of(mailboxes: Iterable[Mailbox], now: datetime) -> dict[Any, Usage]:
    """{mailbox id: Usage}, in one query."""
    listed = list(mailboxes)
    rows = (
        Message.objects.filter(mailbox__in=[mailbox.pk for mailbox in listed])
        .filter(Q(submitted_at__gt=now - DAY) | Q(state=Message.State.PLANNED))
        .order_by()
        .values("mailbox")
        .annotate(
            used=Count("pk", filter=Q(submitted_at__gt=now - DAY)),
            waiting=Count("pk", filter=Q(state=Message.State.PLANNED)),
        )
    )
    found = {row["mailbox"]: row for row in rows}
    none = {"used": 0, "waiting": 0}
    return {
        mailbox.pk: Usage(
            used=found.get(mailbox.pk, none)["used"],
            cap=mailbox.cap,
            waiting=found.get(mailbox.pk, none)["waiting"],
        )
        for mailbox in listed
    }


@dataclass(frozen=True, slots=True)
class Check:
    """The last connection test: `state` is running, silent (no worker answered), works, fails or none."""

    state: str
    words: str
    at: datetime | None = None

    @property
    def tone(self) -> str:
        return {"works": "success", "fails": "danger", "silent": "danger"}.get(self.state, "neutral")


def check_of(mailbox: Mailbox, now: datetime) -> Check:
    """What is known about the connection."""
    asked, checked = mailbox.check_asked_at, mailbox.checked_at
    if asked is not None and (checked is None or checked < asked):
        if now - asked > CHECK_PATIENCE:
            return Check("silent", "No worker answered the request to test it. Nothing is sent either.", asked)
        where = f"{mailbox.host}:{mailbox.port}" if mailbox.route == Mailbox.Route.SMTP else "the sending service"
        return Check("running", f"Connecting to {where}…", asked)
    if checked is None:
        return Check("none", "Not tested yet with these settings.")
    return Check("works" if mailbox.check_ok else "fails", mailbox.check_words, checked)


def mailbox_health(workspace: Workspace) -> HealthState | None:
    """For the dot in the top bar: how many mailboxes, and up to when the worst of them was read. None without a mailbox."""
    rows = list(Mailbox.objects.values("address", "state", "sync", "synced_at")[:1000])
    if not rows:
        return None
    now, url = clock.now(), reverse("mailbox_list", args=[workspace.slug])
    held = sum(row["state"] == Mailbox.State.HELD for row in rows)
    if held:
        return {"tone": "danger", "label": f"{held} of {_boxes(len(rows))} held", "url": url}
    worst = worst_reading(rows)
    if is_fresh(worst, now):
        return {
            "tone": "success",
            "label": f"{_boxes(len(rows))}, complete to {clock_words(worst['synced_at'], now)}",
            "url": url,
        }
    return {"tone": "warning", "label": unread_words(worst, now), "url": url}


def _boxes(count: int) -> str:
    return f"{count} mailbox{'es' if count != 1 else ''}"
