"""Working time: SLA clocks run in the workspace's hours, over weekends, holidays and changes of clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prospects.rules.sla import Hours, add_working_minutes, is_working, working_time_between

BERLIN = Hours("Europe/Berlin")


def local(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("2026-03-04 10:00", 5, "2026-03-04 10:05"),
        ("2026-03-04 16:58", 5, "2026-03-05 09:03"),
        ("2026-03-04 17:00", 5, "2026-03-05 09:05"),
        ("2026-03-04 03:00", 480, "2026-03-04 17:00"),
        ("2026-03-06 16:00", 480, "2026-03-09 16:00"),  # Friday to Monday
        ("2026-03-07 12:00", 5, "2026-03-09 09:05"),  # a Saturday waits for Monday
        ("2026-03-04 10:00", 0, "2026-03-04 10:00"),
        ("2026-03-27 16:00", 120, "2026-03-30 10:00"),  # clocks go forward on the Sunday between
        ("2026-03-04 09:00", 960, "2026-03-05 17:00"),
    ],
)
def test_the_end_of_an_sla_counts_working_minutes_only(start: str, minutes: int, due: str) -> None:
    assert add_working_minutes(local(start), minutes, BERLIN) == local(due)


def test_holidays_and_other_working_days_are_left_out() -> None:
    hours = Hours("Europe/Berlin", days={5, 6}, holidays={date(2026, 3, 7)})
    assert add_working_minutes(local("2026-03-06 10:00"), 60, hours) == local("2026-03-08 10:00")


def test_a_night_shift_across_a_change_of_clocks_counts_real_minutes() -> None:
    # 29 March 2026 has 23 hours in Berlin: 24 hours of round-the-clock work from midnight end at 01:00 the next day.
    hours = Hours("Europe/Berlin", start=time(0), end=time(0), days=range(7))
    assert add_working_minutes(local("2026-03-29 00:00"), 24 * 60, hours) == local("2026-03-30 01:00")


def test_a_week_without_working_days_is_refused_instead_of_looping() -> None:
    with pytest.raises(ValueError, match="no working day"):
        add_working_minutes(local("2026-03-04 10:00"), 5, Hours("UTC", days=()))


def test_working_time_between_is_signed_and_ignores_the_night() -> None:
    assert working_time_between(local("2026-03-04 16:00"), local("2026-03-05 10:00"), BERLIN) == timedelta(hours=2)
    assert working_time_between(local("2026-03-05 10:00"), local("2026-03-04 16:00"), BERLIN) == -timedelta(hours=2)
    assert working_time_between(local("2026-03-07 10:00"), local("2026-03-08 10:00"), BERLIN) == timedelta(0)


def test_is_working_ends_exactly_at_closing_time() -> None:
    assert is_working(local("2026-03-04 09:00"), BERLIN)
    assert not is_working(local("2026-03-04 17:00"), BERLIN)
    assert not is_working(local("2026-03-07 10:00"), BERLIN)


@settings(max_examples=200, deadline=None)
@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    minutes=st.integers(0, 6000),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_what_is_added_is_what_has_passed(start: datetime, minutes: int, zone: str) -> None:
    hours = Hours(zone)
    due = add_working_minutes(start, minutes, hours)
    assert working_time_between(start, due, hours) == timedelta(minutes=minutes)
