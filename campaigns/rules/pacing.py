"""The pace of a mailbox: ramp by evidence, gaps with jitter, its own window, and when bounces are too many. Pure functions.

Practice these figures come from (as of 2026-11): 30 cold mails a day and mailbox, begun with 5, two more each good day, at
least a minute between two; a hard-bounce rate of 3 % is where providers begin to doubt a sender.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from campaigns.rules import schedule

DAY = timedelta(hours=24)
RAMP_START = 5
RAMP_STEP = 2
RATE_WINDOW = 200  # sends
RATE_LIMIT = 3  # per cent
RATE_LEAST = 3  # bounces: fewer say nothing about a list


@dataclass(frozen=True, slots=True)
class Evidence:
    """What happened since the ramp was last weighed; `sent` counts the 24 hours before the weighing."""

    sent: int
    hard: int = 0
    policy: int = 0
    complaints: int = 0


@dataclass(frozen=True, slots=True)
class RampStep:
    """Tomorrow's cap, whether the ramp has reached its end, and why, in words."""

    cap: int
    is_done: bool
    words: str


def ramp(*, cap: int, target: int, evidence: Evidence) -> RampStep:
    """Weigh a day of a warming mailbox that might send `cap` and shall send `target` a day in the end.

    - a block by policy (5.7.x) or a complaint: half the cap, at least RAMP_START;
    - two or more hard bounces: RAMP_STEP back; one: the same again;
    - fewer sends than half the cap: the same again, nothing was learnt;
    - else RAMP_STEP more.
    """
    floor = min(RAMP_START, target)
    if evidence.policy or evidence.complaints:
        what = _some(evidence.policy, "block by policy", "blocks by policy"), _some(evidence.complaints, "complaint")
        new, words = max(floor, cap // 2), f"half of {cap} after {' and '.join(part for part in what if part)}"
    elif evidence.hard > 1:
        new, words = max(floor, cap - RAMP_STEP), f"{RAMP_STEP} fewer after {evidence.hard} hard bounces"
    elif evidence.hard:
        new, words = cap, f"stays at {cap} after 1 hard bounce"
    elif evidence.sent * 2 < cap:
        new, words = cap, f"stays at {cap}: only {evidence.sent} sent in the last 24 hours, too few to learn from"
    else:
        new = cap + RAMP_STEP
        words = f"{RAMP_STEP} more after {_some(evidence.sent, 'e-mail')} without a bounce or complaint"
    new = min(new, target)
    is_good = not (evidence.policy or evidence.complaints or evidence.hard)
    return RampStep(new, new >= target and is_good, words)


def _some(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}" if count else ""


def days_left(*, cap: int, target: int) -> int:
    """Good days until the ramp is at its end."""
    return max(0, -(-(target - cap) // RAMP_STEP))


def gap(*, least: int, jitter: int, seed: str) -> timedelta:
    """`least` seconds and up to `jitter` more: always the same for one seed, evenly spread over many, in milliseconds."""
    if not jitter:
        return timedelta(seconds=least)
    drawn = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()) % (jitter * 1000 + 1)
    return timedelta(seconds=least, milliseconds=drawn)


def own_window(start: time | None, end: time | None, weekdays: list[int]) -> schedule.Window | None:
    """A mailbox's working window; None where it has none and may send at any time."""
    if start is None or end is None:
        return None
    return schedule.Window(start, end, frozenset(weekdays))


def opens_at(now: datetime, *, window: schedule.Window | None, zone: str) -> datetime | None:
    """When a closed window opens next; None: it is open, or there is none."""
    if window is None:
        return None
    at = schedule.next_slot(now, zone=zone, window=window).at
    return at if at > now else None


@dataclass(frozen=True, slots=True)
class BounceRate:
    """`hard` bounces among the last `of` sends, at most RATE_WINDOW."""

    hard: int
    of: int

    @property
    def percent(self) -> float:
        return 100 * self.hard / self.of if self.of else 0.0

    @property
    def is_too_high(self) -> bool:
        """RATE_LIMIT per cent or more, by at least RATE_LEAST bounces."""
        return self.hard >= RATE_LEAST and self.hard * 100 >= self.of * RATE_LIMIT

    def __str__(self) -> str:
        """ "6 of the last 200 sends bounced hard (3.0 %)"."""
        if not self.of:
            return "nothing sent yet"
        return f"{self.hard} of the last {self.of} sends bounced hard ({self.percent:.1f} %)"


# Words of a provider about the sender's own day: Gmail 5.4.5, Exchange Online 5.1.90 and its submission quota, Zoho 5.4.6.
# A recipient's full mailbox (5.2.2, over quota) is none of it.
_QUOTA = re.compile(
    r"(user|daily|hourly) sending (quota|limit)|sending (quota|limit) (was |has been |is )?(exceeded|reached)"
    r"|submissionquotaexceeded|submission quota|daily limit for message recipients|unusual sending activity",
    re.IGNORECASE,
)


def is_quota(words: str) -> bool:
    """Whether a refusal is about how much we sent, not about the mail or who was to get it."""
    return _QUOTA.search(words) is not None


def clock_words(at: datetime, *, now: datetime, zone: str) -> str:
    """ "Thu 09:12" on the zone's clock, with the date where it is a week or more away."""
    tz = ZoneInfo(zone)
    there, today = at.astimezone(tz), now.astimezone(tz)
    far = (there.date() - today.date()).days > 6
    return f"{there:%a %-d %b %H:%M}" if far else f"{there:%a %H:%M}"
