"""The order of the work queue, and why: pure functions of facts and `now`.

First what has a running clock, then people who answered, then hand-offs, then what is overdue, then calls that reach
somebody at their desk, then the rest by fit and engagement. Every rank says its reason in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# A hand-off's clock runs for hours: it becomes urgent only near its end, so that it does not outrank people who wait.
HANDOFF_URGENT = timedelta(minutes=60)
POSITIVE = {"positive": "Positive reply", "meeting": "Wants a meeting"}
REPLY_WORDS = {
    "question": "Question", "referral": "Names somebody else", "not_now": "Not now", "not_interested": "Declined",
    "opt_out": "Asked to stop", "unsure": "Reply, unclear",
}  # fmt: skip
GRADES = {"A": 0, "B": 1, "C": 2, "D": 3, "X": 5}
UNGRADED = 4  # nothing known ranks above "excluded", below every grade
OFFICE = (9, 17)  # when a call is likely to be answered, on their clock
BREAK = timedelta(minutes=30)  # a longer gap between two closed tasks was a pause, not work


class Bucket(IntEnum):
    """The groups of the ranked list, in order."""

    CLOCK = 0
    POSITIVE = 1
    REPLY = 2
    HANDOFF = 3
    OVERDUE = 4
    CALL = 5
    DUE = 6
    ASLEEP = 7  # a call to somebody whose office is closed now


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rank of one open task depends on. `clock` is its SLA deadline while the clock runs, else None."""

    id: Any
    kind: str
    due_at: datetime
    day_start: datetime  # midnight of today in the workspace
    clock: datetime | None = None
    intent: str = ""
    grade: str = ""
    engagement: float | None = None
    zone: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rank:
    """`key` orders the list (smaller is first); `why` is the reason in words."""

    key: tuple[Any, ...]
    bucket: Bucket
    why: str


def rank(facts: Facts, now: datetime) -> Rank:
    """Where a task stands in the ranked list, and why."""
    bucket, order, why = _place(facts, now)
    words = "; ".join(part for part in (why, facts.reason, _fit(facts)) if part)
    return Rank((bucket, *order, facts.due_at, str(facts.id)), bucket, words)


def by_due(facts: Facts, now: datetime) -> Rank:
    """The other order: what is due first is first. The reason stays, so that one sees what was set aside."""
    ranked = rank(facts, now)
    return Rank((facts.clock or facts.due_at, str(facts.id)), ranked.bucket, ranked.why)


def clock_is_urgent(kind: str, deadline: datetime | None, now: datetime) -> bool:
    """Whether a running clock puts a task into the Now lane."""
    return deadline is not None and (kind != "handoff" or deadline - now <= HANDOFF_URGENT)


def local_hour(zone: str, now: datetime) -> datetime | None:
    """The time where somebody is, or None where the zone is unknown or no zone at all."""
    try:
        return now.astimezone(ZoneInfo(zone)) if zone else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def in_office(there: datetime) -> bool:
    """Whether a call would reach somebody at work, as far as the clock can tell."""
    return there.weekday() < 5 and OFFICE[0] <= there.hour < OFFICE[1]


def _place(facts: Facts, now: datetime) -> tuple[Bucket, tuple[Any, ...], str]:
    worth = (GRADES.get(facts.grade, UNGRADED), -(facts.engagement or 0.0))
    if facts.clock is not None and clock_is_urgent(facts.kind, facts.clock, now):
        return Bucket.CLOCK, (facts.clock,), "Clock breached" if facts.clock <= now else "Clock running"
    if facts.kind == "reply":
        if facts.intent in POSITIVE:
            return Bucket.POSITIVE, (), POSITIVE[facts.intent]
        return Bucket.REPLY, (), REPLY_WORDS.get(facts.intent, "Reply")
    if facts.kind == "handoff":
        return Bucket.HANDOFF, (facts.clock or facts.due_at,), "Waits for your decision"
    if facts.due_at < facts.day_start:
        days = max(1, (facts.day_start - facts.due_at).days + 1)
        return Bucket.OVERDUE, (), f"Overdue since {'yesterday' if days == 1 else f'{days} days'}"
    if facts.kind == "call":
        there = local_hour(facts.zone, now)
        if there is not None and not in_office(there):
            return Bucket.ASLEEP, worth, f"Outside office hours there, {there:%H:%M}"
        if there is not None:
            return Bucket.CALL, worth, f"At work there, {there:%H:%M}"
    return Bucket.DUE, worth, ""


def _fit(facts: Facts) -> str:
    """ "fit A, engagement 42": what orders the rest, said for every row."""
    parts = []
    if facts.grade and f"fit {facts.grade}" not in facts.reason:
        parts.append("excluded by the ICP" if facts.grade == "X" else f"fit {facts.grade}")
    if facts.engagement and facts.engagement >= 1:
        parts.append(f"engagement {facts.engagement:.0f}")
    return ", ".join(parts)


def badge(facts: Facts, now: datetime, zone: str) -> tuple[str, str]:
    """(words, tone) of a row without a clock: "due 11:00", "overdue 2 d"; replies say that they are one."""
    if facts.kind == "reply":
        return "reply", "primary"
    if facts.due_at < facts.day_start:
        return f"overdue {(facts.day_start - facts.due_at).days + 1} d", "danger"
    there = facts.due_at.astimezone(ZoneInfo(zone))
    today = facts.due_at < facts.day_start + timedelta(hours=24)
    return (f"due {there:%H:%M}" if today else f"due {there:%a} {there.day} {there:%b}"), "neutral"


def minutes_left(closed: Sequence[datetime], open_tasks: int) -> int | None:
    """How long the rest will take at today's pace: the median gap between closed tasks, pauses left out. None: too few."""
    gaps = [later - earlier for earlier, later in pairwise(closed) if later - earlier <= BREAK]
    if len(gaps) < 3 or not open_tasks:
        return None
    return max(1, round(median(gap.total_seconds() for gap in gaps) * open_tasks / 60))


def next_morning(now: datetime, zone: str, *, monday: bool = False, hour: int = 9) -> datetime:
    """Tomorrow (or next Monday) at `hour` on the clock of `zone`; for snoozing."""
    there = now.astimezone(ZoneInfo(zone))
    days = (7 - there.weekday()) if monday else 1
    day = (there + timedelta(days=days)).date()
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone))
