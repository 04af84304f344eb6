"""Half-open stretches of a workspace's calendar: [from, to), a bare date being midnight in its zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY_MICROSECONDS = 86_400_000_000
_MICROSECOND = timedelta(microseconds=1)
_CHANGE = 3 * 3600


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a calendar day in `zone`, in UTC (a midnight that a clock change skips is the change)."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def moment(value: date | datetime, zone: ZoneInfo) -> datetime:
    """A bare date as midnight in `zone`, a naive datetime as wall-clock time there, an aware one as it is; in UTC."""
    if not isinstance(value, datetime):
        return midnight(value, zone)
    return (value if value.tzinfo is not None else value.replace(tzinfo=zone)).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The first of the month `months` after that of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) as moments in UTC and [first, past) as calendar dates of `zone`: every date it touches."""

    start: datetime
    end: datetime
    first: date
    past: date
    zone: ZoneInfo

    @classmethod
    def of(cls, period_from: date | datetime, period_to: date | datetime, zone: ZoneInfo) -> Period:
        """From two dates or moments; ValueError when it would be empty or run backwards."""
        start, end = moment(period_from, zone), moment(period_to, zone)
        if end <= start:
            raise ValueError("a period ends after it starts; `to` is exclusive")
        past = (end - _MICROSECOND).astimezone(zone).date() + timedelta(days=1)
        return cls(start, end, start.astimezone(zone).date(), past, zone)

    def __contains__(self, at: datetime | None) -> bool:
        return at is not None and self.start <= at < self.end

    def days_shared(self, first: date, last: date) -> int:
        """How many days of first..last (both counted) lie in the period."""
        return max(0, (min(last + timedelta(days=1), self.past) - max(first, self.first)).days)

    def previous(self) -> Period:
        """The period of the same length just before: as many months for whole months, else as many days or seconds."""
        if self.start != midnight(self.first, self.zone) or self.end != midnight(self.past, self.zone):
            return Period.of(self.start - (self.end - self.start), self.start, self.zone)
        if self.first.day == 1 and self.past.day == 1:
            months = (self.past.year - self.first.year) * 12 + self.past.month - self.first.month
            return Period.of(add_months(self.first, -months), self.first, self.zone)
        return Period.of(self.first - (self.past - self.first), self.first, self.zone)

    def months(self) -> Iterator[tuple[str, Period]]:
        """("2026-03", its part of the period) for each calendar month it touches, in order."""
        month = self.first.replace(day=1)
        while month < self.past:
            following = add_months(month, 1)
            start = max(self.start, midnight(month, self.zone))
            end = min(self.end, midnight(following, self.zone))
            yield month.strftime("%Y-%m"), Period.of(start, end, self.zone)
            month = following

    def churn_months(self) -> list[tuple[datetime, datetime]]:
        """The 12 calendar months that end at the first of the month holding the period's end, oldest first."""
        last = self.end.astimezone(self.zone).date().replace(day=1)
        edges = [midnight(add_months(last, back), self.zone) for back in range(-12, 1)]
        return list(pairwise(edges))


def _is_midnight(at: datetime, zone: ZoneInfo) -> bool:
    # Cheap refusals first: no zone's midnight is off the quarter hour, and none is skipped by more than an hour or two.
    if at.second or at.microsecond or at.minute % 15:
        return False
    local = at.astimezone(zone)
    if local.hour > 2:
        return False
    if not (local.hour or local.minute or local.fold):
        return True
    return at == midnight(local.date(), zone)


def elapsed(earlier: datetime, later: datetime, zone: ZoneInfo) -> int:
    """Microseconds from one moment to another, negative when they are reversed.

    Whole days where both are bare dates (midnight in `zone`), so that a clock change between them costs no hour.
    """
    gap = later - earlier
    # Between two midnights a clock change leaves an hour or two beside whole days; any other gap needs no second look.
    near = not gap.microseconds and (0 < gap.seconds <= _CHANGE or gap.seconds >= 86_400 - _CHANGE)
    if near and _is_midnight(earlier, zone) and _is_midnight(later, zone):
        return (later.astimezone(zone).date() - earlier.astimezone(zone).date()).days * DAY_MICROSECONDS
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds
