"""Sending windows and delays, over zones and the days their clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.schedule import Slot, Window, after_delay, is_open, next_slot, plan
from leadgen.core.errors import Invalid

WORKDAYS = Window(time(9), time(17), frozenset(range(5)))
DAILY = frozenset(range(7))
ZONES = [
    "Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Africa/Casablanca", "Pacific/Apia",
    "Antarctica/Troll", "America/Santiago", "Asia/Beirut", "UTC",
]  # fmt: skip


def at(zone, *wall, fold=0):
    return datetime(*wall, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def test_inside_the_window_it_goes_at_once_and_needs_no_reason():
    noon = at("Europe/Lisbon", 2026, 11, 19, 12)
    assert next_slot(noon, zone="Europe/Lisbon", window=WORKDAYS, name="Ana") == Slot(noon, "")


@pytest.mark.parametrize(
    ("wanted", "goes", "reason"),
    [
        ((2026, 11, 18, 22), (2026, 11, 19, 9), "outside Ana's 9-17 window, goes Thu 09:00"),
        ((2026, 11, 19, 8, 59), (2026, 11, 19, 9), "outside Ana's 9-17 window, goes Thu 09:00"),
        ((2026, 11, 19, 17), (2026, 11, 20, 9), "outside Ana's 9-17 window, goes Fri 09:00"),
        ((2026, 11, 20, 17), (2026, 11, 23, 9), "outside Ana's 9-17 window, goes Mon 09:00"),
    ],
)
def test_outside_it_waits_for_the_next_opening_and_says_so(wanted, goes, reason):
    slot = next_slot(at("Europe/Lisbon", *wanted), zone="Europe/Lisbon", window=WORKDAYS, name="Ana")
    assert slot == Slot(at("Europe/Lisbon", *goes), reason)


def test_the_zone_is_the_persons():
    wanted = datetime(2026, 11, 19, 12, tzinfo=UTC)  # noon in London, four in the morning in Los Angeles
    assert next_slot(wanted, zone="Europe/London", window=WORKDAYS).at == wanted
    slot = next_slot(wanted, zone="America/Los_Angeles", window=Window(time(9, 30), time(0), frozenset({3})))
    assert slot == Slot(datetime(2026, 11, 19, 17, 30, tzinfo=UTC), "outside the 9:30-24 window, goes Thu 09:30")


def test_holidays_are_closed_and_a_far_day_shows_its_date():
    holidays = {date(2026, 12, day) for day in range(21, 32)}
    slot = next_slot(at("UTC", 2026, 12, 18, 18), zone="UTC", window=WORKDAYS, name="Ana", holidays=holidays)
    assert slot == Slot(at("UTC", 2027, 1, 1, 9), "outside Ana's 9-17 window, goes Fri 1 Jan 09:00")


def test_days_keep_the_wall_time_over_a_change_of_the_clock_and_hours_do_not():
    friday = at("Europe/Lisbon", 2026, 10, 23, 10)
    assert after_delay(friday, zone="Europe/Lisbon", days=3) == at("Europe/Lisbon", 2026, 10, 26, 10)
    assert after_delay(friday, zone="Europe/Lisbon", hours=72) == at("Europe/Lisbon", 2026, 10, 26, 9)


def test_business_days_skip_weekends_and_holidays():
    friday = at("UTC", 2026, 11, 20, 10)
    assert after_delay(friday, zone="UTC", days=1, business_days=True) == at("UTC", 2026, 11, 23, 10)
    holidays = {date(2026, 11, 23)}
    assert after_delay(friday, zone="UTC", days=2, business_days=True, holidays=holidays) == at("UTC", 2026, 11, 25, 10)
    assert after_delay(friday, zone="UTC", days=2) == at("UTC", 2026, 11, 22, 10)


def test_a_step_is_planned_by_delay_and_window_together():
    slot = plan(
        at("UTC", 2026, 11, 20, 16, 30), zone="UTC", window=WORKDAYS, days=1, hours=2, business_days=True, name="Bo"
    )
    assert slot == Slot(at("UTC", 2026, 11, 24, 9), "outside Bo's 9-17 window, goes Tue 09:00")


def test_an_opening_in_the_hour_that_is_skipped_uses_the_offset_before_it():
    window = Window(time(2, 30), time(5), DAILY)
    slot = next_slot(at("America/New_York", 2026, 3, 8, 0), zone="America/New_York", window=window)
    assert slot.at.astimezone(ZoneInfo("America/New_York")).time() == time(3, 30)


def test_an_opening_in_the_hour_that_repeats_is_the_first_one():
    window = Window(time(1, 30), time(5), DAILY)
    slot = next_slot(at("America/New_York", 2026, 11, 1, 0), zone="America/New_York", window=window)
    assert slot.at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # still summer time
    again = at("America/New_York", 2026, 11, 1, 1, 45, fold=1)
    assert next_slot(again, zone="America/New_York", window=window).at == again


def test_a_day_that_never_was_has_no_window():
    # Samoa went from Thursday 29 to Saturday 31 December 2011.
    friday_only = Window(time(9), time(17), frozenset({4}))
    slot = next_slot(at("Pacific/Apia", 2011, 12, 29, 18), zone="Pacific/Apia", window=friday_only)
    assert slot.at.astimezone(ZoneInfo("Pacific/Apia")).date() == date(2012, 1, 6)


@settings(max_examples=400, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    wanted=st.one_of(
        st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
        st.builds(
            lambda day, minutes: datetime(2026, *day, tzinfo=UTC) + timedelta(minutes=minutes),
            st.sampled_from([(3, 8), (3, 29), (4, 5), (9, 6), (9, 27), (10, 4), (10, 25), (11, 1)]),  # days of change
            st.integers(-1500, 1500),
        ),
    ),
    hours=st.tuples(st.integers(0, 47), st.integers(1, 48)).filter(lambda pair: pair[0] < pair[1]),
    weekdays=st.sets(st.integers(0, 6), min_size=1).map(frozenset),
)
def test_every_slot_lies_in_the_window_and_none_earlier_would(zone, wanted, hours, weekdays):
    start, end = (time(half // 2 % 24, 30 * (half % 2)) for half in hours)
    window = Window(start, end, weekdays)
    slot = next_slot(wanted, zone=zone, window=window)
    assert slot.at.tzinfo is UTC
    assert wanted <= slot.at <= wanted + timedelta(days=9)
    assert bool(slot.reason) is (slot.at != wanted)
    assert is_open(slot.at, zone=zone, window=window)
    assert _wall_open(slot.at, zone, window)
    if slot.at > wanted:
        # Not open at any of the moments before, by the wall clock itself.
        steps = int((slot.at - wanted) / timedelta(minutes=30))
        earlier = [wanted] + [wanted + timedelta(minutes=30 * n) for n in range(1, steps)]
        assert not any(_wall_open(moment, zone, window, strict=True) for moment in earlier)


def _wall_open(moment, zone, window, *, strict=False):
    """By the wall clock alone; near a jump of the clock a window may lie up to an hour later, or end with the first pass."""
    local = moment.astimezone(ZoneInfo(zone))
    changes = any((local + timedelta(hours=shift)).utcoffset() != local.utcoffset() for shift in (-14, 14))
    if changes:
        return not strict
    inside = window.start <= local.time() and (window.end == time(0) or local.time() < window.end)
    return inside and local.weekday() in window.weekdays


def test_wrong_windows_and_zones_are_refused():
    with pytest.raises(Invalid, match="at least one weekday"):
        Window(time(9), time(17), frozenset())
    with pytest.raises(Invalid, match="end after it starts"):
        Window(time(17), time(9), DAILY)
    for zone in ("Mars/Base", "", "../etc/passwd", "Europe"):
        with pytest.raises(Invalid, match="not a time zone"):
            next_slot(datetime(2026, 1, 1, tzinfo=UTC), zone=zone, window=WORKDAYS)
    with pytest.raises(Invalid, match="no open day"):
        next_slot(datetime(2026, 1, 1, tzinfo=UTC), zone="UTC", window=WORKDAYS, holidays=_Always())
    with pytest.raises(ValueError, match="aware"):
        next_slot(datetime(2026, 1, 1), zone="UTC", window=WORKDAYS)


class _Always(frozenset):
    def __contains__(self, day):
        return True
