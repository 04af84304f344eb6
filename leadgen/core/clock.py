"""The one place business time comes from. Actions take `now` as a parameter; entry points call `now()` once."""

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The current instant, aware, UTC."""
    return datetime.now(UTC)


def elapsing() -> float:
    """Seconds on a clock that nobody sets and that goes on while the process or the machine stands still. For spans only."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def local_date(at: datetime, zone: str) -> date:
    """The calendar date of `at` in the IANA zone `zone`."""
    return at.astimezone(ZoneInfo(zone)).date()


def start_of_day(day: date, zone: str) -> datetime:
    """Midnight of `day` in `zone`, as UTC. In a gap the offset before it holds (PEP 495, fold=0)."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
