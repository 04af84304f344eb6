"""When a touch goes out: after its delay, inside the sending window, on the clock of the person's zone.

What is meant is a wall time in a zone; the instant is derived. Where the clock jumps forward the offset before the jump
holds, where it repeats an hour the first one counts (RFC 5545, PEP 495 `fold=0`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from leadgen.core.errors import Invalid

MAX_DAYS_AHEAD = 400
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Window:
    """Wall times [start, end) on the weekdays (Monday is 0); an end of 00:00 is midnight at the day's end."""

    start: time
    end: time
    weekdays: frozenset[int]

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= frozenset(range(7)):
            raise Invalid("Choose at least one weekday.", code="window_invalid", field="weekdays")
        if self.end != time(0) and self.start >= self.end:
            raise Invalid("The window must end after it starts.", code="window_invalid", field="window_end")

    def words(self) -> str:
        """ "9-17", "9:30-17"."""
        return f"{_hour(self.start)}-{'24' if self.end == time(0) else _hour(self.end)}"


@dataclass(frozen=True, slots=True)
class Slot:
    """The instant (aware, UTC) and, where the window moved it, the reason in words; else the reason is empty."""

    at: datetime
    reason: str = ""


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone, or Invalid."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError, a folder's name an OSError
        raise Invalid(f"{name!r} is not a time zone.", code="zone_invalid", field="zone") from error


def after_delay(
    previous: datetime,
    *,
    zone: str,
    days: int = 0,
    hours: int = 0,
    business_days: bool = False,
    holidays: Collection[date] = (),
) -> datetime:
    """`previous` plus days on the zone's calendar (same wall time), then plus hours by the clock. Aware, UTC.

    With `business_days` Saturdays, Sundays and `holidays` are not counted.
    """
    _require_aware(previous)
    local = previous.astimezone(zone_of(zone))
    if days:
        day = local.date()
        left = days
        while left:
            day += timedelta(days=1)
            if _exists(day, local.tzinfo) and (not business_days or _is_business_day(day, holidays)):
                left -= 1
        local = datetime.combine(day, local.time().replace(fold=0), local.tzinfo)  # of two equal times the first
    return local.astimezone(UTC) + timedelta(hours=hours)


def next_slot(wanted: datetime, *, zone: str, window: Window, name: str = "", holidays: Collection[date] = ()) -> Slot:
    """The first instant at or after `wanted` that lies in the window, never on a holiday.

    `name` is whose window it is, for the reason: "outside Ana's 9-17 window, goes Thu 09:00".
    """
    _require_aware(wanted)
    tz = zone_of(zone)
    day = wanted.astimezone(tz).date() - timedelta(
        days=1
    )  # yesterday's window can reach past a midnight that is skipped
    for _ in range(MAX_DAYS_AHEAD):
        opens, closes = _bounds(day, window, tz)
        # A day the zone skipped altogether (Samoa, 2011) has no window.
        if (
            _exists(day, tz)
            and day.weekday() in window.weekdays
            and day not in holidays
            and opens < closes
            and wanted < closes
        ):
            if wanted < opens:
                return Slot(opens, _reason(wanted, opens, tz, window, name))
            local = wanted.astimezone(tz)
            if local.fold and local.date() == day and local.time() < window.start:
                # The window had opened, then the clock was set back to before its start: it opens again when that comes.
                again = datetime.combine(day, window.start.replace(fold=1), tz).astimezone(UTC)
                return Slot(again, _reason(wanted, again, tz, window, name))
            return Slot(wanted.astimezone(UTC))
        day += timedelta(days=1)
    raise Invalid("The window has no open day in the next year.", code="window_invalid", field="weekdays")


def plan(
    previous: datetime,
    *,
    zone: str,
    window: Window,
    days: int = 0,
    hours: int = 0,
    business_days: bool = False,
    name: str = "",
    holidays: Collection[date] = (),
) -> Slot:
    """When a step goes whose predecessor was at `previous`: the delay, then the window."""
    due = after_delay(previous, zone=zone, days=days, hours=hours, business_days=business_days, holidays=holidays)
    return next_slot(due, zone=zone, window=window, name=name, holidays=holidays)


def is_open(at: datetime, *, zone: str, window: Window, holidays: Collection[date] = ()) -> bool:
    """Whether `at` lies in the window: asked again at the point of no return."""
    return next_slot(at, zone=zone, window=window, holidays=holidays).at == at


def _bounds(day: date, window: Window, tz: ZoneInfo) -> tuple[datetime, datetime]:
    last = day + timedelta(days=1) if window.end == time(0) else day
    opens = datetime.combine(day, window.start, tz).astimezone(UTC)
    return opens, datetime.combine(last, window.end, tz).astimezone(UTC)


def _exists(day: date, tz: tzinfo | None) -> bool:
    """False for a day that the zone skipped."""
    return datetime.combine(day, time(12), tz).astimezone(UTC).astimezone(tz).date() == day


def _is_business_day(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < 5 and day not in holidays


def _reason(wanted: datetime, at: datetime, tz: ZoneInfo, window: Window, name: str) -> str:
    local = at.astimezone(tz)
    far = (local.date() - wanted.astimezone(tz).date()).days > 6
    day = f"{_DAYS[local.weekday()]}{f' {local.day} {_MONTHS[local.month - 1]}' if far else ''}"
    whose = f"{name}'s" if name else "the"
    return f"outside {whose} {window.words()} window, goes {day} {local:%H:%M}"


def _hour(at: time) -> str:
    return f"{at.hour}:{at.minute:02}" if at.minute else str(at.hour)


def _require_aware(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("times must be aware")
