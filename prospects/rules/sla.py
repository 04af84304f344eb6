"""Working time: when an SLA ends, and how much of it has passed. Hours are those of the workspace's zone, Monday to Friday."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MONDAY_TO_FRIDAY = frozenset(range(5))


@dataclass(frozen=True, slots=True)
class Hours:
    """The working hours of a workspace. `end` at or before `start` means: round the clock on working days."""

    zone: str
    start: time = time(9)
    end: time = time(17)
    days: Collection[int] = MONDAY_TO_FRIDAY
    holidays: Collection[date] = ()

    def window(self, day: date) -> tuple[datetime, datetime] | None:
        """The working span of a calendar day as UTC instants (a change of clocks makes it longer or shorter), or None."""
        if day.weekday() not in self.days or day in self.holidays:
            return None
        zone = ZoneInfo(self.zone)
        opens = datetime.combine(day, self.start, zone)
        closes = datetime.combine(day, self.end, zone)
        if self.end <= self.start:
            opens = datetime.combine(day, time(0), zone)
            closes = datetime.combine(day + timedelta(days=1), time(0), zone)
        return opens.astimezone(UTC), closes.astimezone(UTC)

    def spans(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Working spans from `since` on, the first one cut at it. Endless while any weekday is worked."""
        if not self.days:
            raise ValueError("no working day in the week")
        day = since.astimezone(ZoneInfo(self.zone)).date()
        while True:
            span = self.window(day)
            if span is not None and span[1] > since:
                yield max(span[0], since.astimezone(UTC)), span[1]
            day += timedelta(days=1)


def add_working_minutes(start: datetime, minutes: int, hours: Hours) -> datetime:
    """The instant (UTC) at which `minutes` of working time have passed since `start`; 0 minutes is the next working instant."""
    left = timedelta(minutes=minutes)
    for opens, closes in hours.spans(start):
        if opens + left <= closes:
            return opens + left
        left -= closes - opens
    raise AssertionError("spans() does not end")


def working_time_between(start: datetime, end: datetime, hours: Hours) -> timedelta:
    """Working time from `start` to `end`; negative where `end` comes first."""
    if end < start:
        return -working_time_between(end, start, hours)
    total = timedelta()
    for opens, closes in hours.spans(start):
        if opens >= end:
            return total
        total += min(closes, end) - opens
    raise AssertionError("spans() does not end")


def is_working(at: datetime, hours: Hours) -> bool:
    """Whether `at` lies inside working hours."""
    span = hours.window(at.astimezone(ZoneInfo(hours.zone)).date())
    return span is not None and span[0] <= at < span[1]
