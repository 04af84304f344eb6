"""Sending windows and delays on the days when clocks jump: every slot in the window, none past, none twice, none dropped."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.schedule import Window, after_delay, is_open, next_slot, plan

# One hour, half an hour (Lord Howe), 45-minute offsets (Chatham), a summer time that pauses for Ramadan (Casablanca), a day
# that never was (Apia, 30 December 2011), two hours (Troll).
ZONES = (
    "Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Africa/Casablanca", "Pacific/Apia",
    "Antarctica/Troll",
)  # fmt: skip
YEARS = (2010, 2011, 2012, 2021, 2025, 2026, 2027)
NO_SUCH_DAY = date(2011, 12, 30)


@cache
def transitions(zone: str) -> tuple[datetime, ...]:
    """The instants at which the zone's offset changes, to the minute."""
    tz, found = ZoneInfo(zone), []
    for year in YEARS:
        at = datetime(year, 1, 1, tzinfo=UTC)
        while at.year == year:
            after = at + timedelta(hours=6)
            if at.astimezone(tz).utcoffset() != after.astimezone(tz).utcoffset():
                low, high = at, after
                while high - low > timedelta(minutes=1):
                    middle = low + (high - low) // 2
                    if middle.astimezone(tz).utcoffset() == at.astimezone(tz).utcoffset():
                        low = middle
                    else:
                        high = middle
                found.append(high.replace(second=0, microsecond=0))
            at = after
    return tuple(found)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """(zone, an instant near one of its transitions)."""
    zone = draw(st.sampled_from(ZONES))
    near = draw(st.sampled_from(transitions(zone)))
    return zone, near + timedelta(
        minutes=draw(st.integers(-60 * 60, 30 * 60)), seconds=draw(st.sampled_from([0, 0, 1, 59]))
    )


quarters = st.one_of(st.integers(0, 16), st.integers(0, 95)).map(lambda n: time(n // 4, n % 4 * 15))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start, end = draw(quarters), draw(st.one_of(quarters, st.just(time(0))))
    if end != time(0) and start >= end:
        start, end = (end, start) if start > end else (start, time(0))
    days = draw(
        st.one_of(
            st.just(frozenset(range(7))), st.just(frozenset(range(5))), st.frozensets(st.integers(0, 6), min_size=1)
        )
    )
    return Window(start, end, days)


def exists(day: date, tz: ZoneInfo) -> bool:
    return datetime.combine(day, time(12), tz).astimezone(UTC).astimezone(tz).date() == day


def in_gap(day: date, at: time, tz: ZoneInfo) -> bool:
    """Whether no clock of the zone ever shows this wall time on this day."""
    wall = datetime.combine(day, at, tz)
    return wall.astimezone(UTC).astimezone(tz).replace(tzinfo=None) != wall.replace(tzinfo=None)


def in_wall_window(at: datetime, window: Window, tz: ZoneInfo) -> bool:
    local = at.astimezone(tz)
    return local.weekday() in window.weekdays and local.time() >= window.start and (
        window.end == time(0) or local.time() < window.end
    )  # fmt: skip


def touches_gap(day: date, window: Window, tz: ZoneInfo) -> bool:
    """Whether the window begins or ends at a wall time that is skipped that day; it is moved as a whole then (RFC 5545)."""
    last = day + timedelta(days=1) if window.end == time(0) else day
    return in_gap(day, window.start, tz) or in_gap(last, window.end, tz)


def jump(zone: str, at: datetime) -> timedelta:
    """By how much the clock of the zone is set at this transition."""
    tz = ZoneInfo(zone)
    before, after = at - timedelta(minutes=2), at + timedelta(minutes=1)
    moved = after.astimezone(tz).replace(tzinfo=None) - before.astimezone(tz).replace(tzinfo=None)
    return abs(moved - (after - before))


def test_the_transitions_are_those_we_mean() -> None:
    assert len(transitions("Europe/London")) == 2 * len(YEARS)
    gaps = {zone: {jump(zone, at) for at in transitions(zone)} for zone in ZONES}
    assert timedelta(minutes=30) in gaps["Australia/Lord_Howe"]
    assert timedelta(hours=2) in gaps["Antarctica/Troll"]
    assert timedelta(hours=24) in gaps["Pacific/Apia"]
    assert not exists(NO_SUCH_DAY, ZoneInfo("Pacific/Apia"))
    assert len(transitions("Africa/Casablanca")) >= 8


@settings(max_examples=300, deadline=None)
@given(moments(), windows())
def test_a_slot_lies_in_the_window_and_not_in_the_past(moment: tuple[str, datetime], window: Window) -> None:
    zone, wanted = moment
    tz = ZoneInfo(zone)
    slot = next_slot(wanted, zone=zone, window=window)
    assert slot.at >= wanted
    assert slot.at.tzinfo == UTC
    day = slot.at.astimezone(tz).date()
    assert in_wall_window(slot.at, window, tz) or touches_gap(day, window, tz)
    assert day.weekday() in window.weekdays
    assert next_slot(slot.at, zone=zone, window=window).at == slot.at
    assert is_open(slot.at, zone=zone, window=window)
    assert bool(slot.reason) == (slot.at != wanted)


@settings(max_examples=120, deadline=None)
@given(moments(), windows())
def test_no_open_minute_is_passed_by(moment: tuple[str, datetime], window: Window) -> None:
    zone, wanted = moment
    tz = ZoneInfo(zone)
    slot = next_slot(wanted, zone=zone, window=window)
    at = wanted
    while at < min(slot.at, wanted + timedelta(days=4)):
        local = at.astimezone(tz)
        # The second of two equal hours may be closed: the first one counts.
        repeated = local.fold == 1 or in_gap(local.date(), window.start, tz) or in_gap(local.date(), window.end, tz)
        assert repeated or not in_wall_window(at, window, tz), at
        at += timedelta(minutes=5)


@settings(max_examples=200, deadline=None)
@given(moments(), windows(), st.integers(0, 3 * 24 * 60))
def test_who_asks_later_never_goes_earlier(moment: tuple[str, datetime], window: Window, minutes: int) -> None:
    zone, wanted = moment
    later = wanted + timedelta(minutes=minutes)
    assert next_slot(wanted, zone=zone, window=window).at <= next_slot(later, zone=zone, window=window).at


@settings(max_examples=150, deadline=None)
@given(moments(), windows())
def test_every_open_day_there_is_has_exactly_one_opening(moment: tuple[str, datetime], window: Window) -> None:
    """None dropped in a gap, none twice in an overlap, and none on the day Samoa never had."""
    zone, near = moment
    tz = ZoneInfo(zone)
    first = near.astimezone(tz).date() - timedelta(days=3)
    days = [first + timedelta(days=n) for n in range(7)]
    openings: list[date] = []
    at = datetime.combine(first, time(0), tz).astimezone(UTC)
    end = datetime.combine(days[-1] + timedelta(days=1), time(0), tz).astimezone(UTC)
    while True:
        slot = next_slot(at, zone=zone, window=window)
        if slot.at >= end:
            break
        day = slot.at.astimezone(tz).date()
        openings.append(day)
        at = datetime.combine(day + timedelta(days=1), time(0), tz).astimezone(UTC)
    wanted = [day for day in days if day.weekday() in window.weekdays and exists(day, tz)]
    squeezed = {day for day in wanted if touches_gap(day, window, tz)}
    assert [day for day in openings if day not in squeezed] == [day for day in wanted if day not in squeezed]
    assert len(openings) == len(set(openings))


@settings(max_examples=300, deadline=None)
@given(moments(), st.integers(0, 12), st.booleans())
def test_a_delay_counts_days_of_the_calendar(moment: tuple[str, datetime], days: int, business: bool) -> None:
    zone, previous = moment
    tz = ZoneInfo(zone)
    due = after_delay(previous, zone=zone, days=days, business_days=business)
    before, after = previous.astimezone(tz), due.astimezone(tz)
    assert due >= previous
    counted = [
        day
        for day in (before.date() + timedelta(days=n) for n in range(1, (after.date() - before.date()).days + 1))
        if exists(day, tz) and (not business or day.weekday() < 5)
    ]
    assert len(counted) == days
    if days and not in_gap(after.date(), before.time(), tz):
        assert after.time().replace(fold=0) == before.time().replace(fold=0)
        assert after.fold == 0, "of two equal times the first"
    if days and business:
        assert after.weekday() < 5


@settings(max_examples=100, deadline=None)
@given(moments(), st.integers(0, 72))
def test_hours_are_hours_of_the_clock(moment: tuple[str, datetime], hours: int) -> None:
    zone, previous = moment
    assert after_delay(previous, zone=zone, hours=hours) == previous + timedelta(hours=hours)


@settings(max_examples=150, deadline=None)
@given(moments(), windows(), st.integers(0, 5), st.integers(0, 30), st.booleans())
def test_a_plan_is_delay_then_window(
    moment: tuple[str, datetime], window: Window, days: int, hours: int, business: bool
) -> None:
    zone, previous = moment
    slot = plan(previous, zone=zone, window=window, days=days, hours=hours, business_days=business)
    due = after_delay(previous, zone=zone, days=days, hours=hours, business_days=business)
    assert slot == next_slot(due, zone=zone, window=window)
    assert slot.at >= due >= previous


@pytest.mark.parametrize(
    ("zone", "wanted", "window", "expected"),
    [
        # London, 29 March 2026: 01:00 to 02:00 is skipped. A window in the gap opens an hour later by the new clock.
        ("Europe/London", "2026-03-29T00:30+00:00", (time(1, 15), time(1, 45)), "2026-03-29T01:15+00:00"),
        # London, 25 October 2026: 01:00 to 02:00 comes twice. The first counts.
        ("Europe/London", "2026-10-24T23:00+00:00", (time(1), time(1, 30)), "2026-10-25T00:00+00:00"),
        ("Europe/London", "2026-10-25T01:00+00:00", (time(1), time(1, 30)), "2026-10-26T01:00+00:00"),
        # A window that opens inside the repeated hour is not open before its time when the hour comes again.
        ("Europe/London", "2026-10-25T01:10+00:00", (time(1, 30), time(5)), "2026-10-25T01:30+00:00"),
        # Lord Howe, 5 April 2026: half an hour twice, 01:30 to 02:00.
        ("Australia/Lord_Howe", "2026-04-04T14:00+00:00", (time(1, 45), time(1, 55)), "2026-04-04T14:45+00:00"),
        # Apia, Thursday 29 December 2011, 20:00: the next working day is Saturday's eve, that is Monday.
        ("Pacific/Apia", "2011-12-30T06:00+00:00", (time(9), time(17)), "2012-01-01T19:00+00:00"),
    ],
)  # fmt: skip
def test_days_we_know(zone: str, wanted: str, window: tuple[time, time], expected: str) -> None:
    weekdays = frozenset(range(5)) if zone == "Pacific/Apia" else frozenset(range(7))
    slot = next_slot(datetime.fromisoformat(wanted), zone=zone, window=Window(*window, weekdays))
    assert slot.at == datetime.fromisoformat(expected)


def test_the_day_samoa_skipped_is_no_working_day() -> None:
    thursday = datetime(2011, 12, 29, 10, tzinfo=ZoneInfo("Pacific/Apia"))
    due = after_delay(thursday, zone="Pacific/Apia", days=1, business_days=True)
    assert due == datetime(2012, 1, 2, 10, tzinfo=ZoneInfo("Pacific/Apia"))
