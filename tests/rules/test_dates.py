"""Date formats: found over the whole column, stated in words, asked for where two readings fit."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from prospects.rules.dates import Ambiguous, DateFormat, Moment, Unreadable, find_format, settle

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def found(*values: str, order: str | None = None) -> DateFormat:
    fmt = find_format(values, order=order)
    assert isinstance(fmt, DateFormat), fmt
    return fmt


def parse(text: str, *more: str, zone: ZoneInfo = UTC_ZONE) -> datetime:
    return found(text, *more).parse(text, zone).at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-01", datetime(2025, 3, 1, tzinfo=UTC)),
        ("2025-03-01T04:26:26Z", datetime(2025, 3, 1, 4, 26, 26, tzinfo=UTC)),
        ("2025-03-01 04:26:26.250", datetime(2025, 3, 1, 4, 26, 26, 250000, tzinfo=UTC)),
        ("2025-03-01T04:26:26+02:00", datetime(2025, 3, 1, 2, 26, 26, tzinfo=UTC)),
        ("2025-03-01 04:26:26 UTC", datetime(2025, 3, 1, 4, 26, 26, tzinfo=UTC)),
        ("2025/03/01", datetime(2025, 3, 1, tzinfo=UTC)),
        ("2025.3.1", datetime(2025, 3, 1, tzinfo=UTC)),
        ("20250301", datetime(2025, 3, 1, tzinfo=UTC)),
        ("31.03.2025", datetime(2025, 3, 31, tzinfo=UTC)),
        ("31. 3. 2025 14:05", datetime(2025, 3, 31, 14, 5, tzinfo=UTC)),
        ("3/31/2025 2:05 PM", datetime(2025, 3, 31, 14, 5, tzinfo=UTC)),
        ("12/31/2025 12:00 am", datetime(2025, 12, 31, tzinfo=UTC)),
        ("31-12-99", datetime(1999, 12, 31, tzinfo=UTC)),
        ("21 Nov 2026", datetime(2026, 11, 21, tzinfo=UTC)),
        ("Nov 21, 2026 3:04 PM", datetime(2026, 11, 21, 15, 4, tzinfo=UTC)),
        ("21. März 2026", datetime(2026, 3, 21, tzinfo=UTC)),
        ("21. Dez. 2026", datetime(2026, 12, 21, tzinfo=UTC)),
        ("1er août 2026", datetime(2026, 8, 1, tzinfo=UTC)),
        ("21 févr. 2026", datetime(2026, 2, 21, tzinfo=UTC)),
        ("21 de noviembre de 2026", datetime(2026, 11, 21, tzinfo=UTC)),
        ("21-Nov-26", datetime(2026, 11, 21, tzinfo=UTC)),
        ("Sat, 21 Nov 2026 10:00:00 +0100", datetime(2026, 11, 21, 9, tzinfo=UTC)),
        ("Sat Nov 21 2026 10:00:00 GMT+0100 (CET)", datetime(2026, 11, 21, 9, tzinfo=UTC)),
        ("1740800000", datetime(2025, 3, 1, 3, 33, 20, tzinfo=UTC)),
        ("1740800000500", datetime(2025, 3, 1, 3, 33, 20, 500000, tzinfo=UTC)),
        ("45717", datetime(2025, 3, 1, tzinfo=UTC)),
        ("45717.5", datetime(2025, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_one_value_is_read(text: str, expected: datetime) -> None:
    assert parse(text) == expected


def test_a_bare_date_is_midnight_in_the_zone_of_the_workspace() -> None:
    assert found("2025-07-01").parse("2025-07-01", BERLIN) == Moment(datetime(2025, 6, 30, 22, tzinfo=UTC), bare=True)
    assert found("2025-07-01 00:00").parse("2025-07-01 00:00", BERLIN) == Moment(
        datetime(2025, 6, 30, 22, tzinfo=UTC), bare=False
    )
    assert found("2025-07-01T00:00Z").parse("2025-07-01T00:00Z", BERLIN).at == datetime(2025, 7, 1, tzinfo=UTC)
    assert found("2025-07-01T00:00-05:00").parse_date("2025-07-01T00:00-05:00") == date(2025, 7, 1)


def test_one_value_decides_for_the_column_and_the_format_is_stated() -> None:
    fmt = found(*["03.04.2025"] * 311, "", "31.12.2025")
    assert (fmt.order, fmt.words) == ("dmy", "day.month.year, 312 of 312 values")
    assert found("03/04/2025", "12/31/2025").words == "month/day/year, 2 of 2 values"
    assert found("2025-03-01", "2025-03-01T10:00:00Z").words == "year-month-day (ISO), 2 of 2 values"


@pytest.mark.parametrize(
    ("values", "candidates"),
    [
        (["03/04/2025", "05/06/2025"], ("dmy", "mdy")),
        (["03.04.2025"], ("dmy", "mdy")),
        (["03/04/25"], ("dmy", "mdy", "ymd")),
        (["25/12/24"], ("dmy", "ymd")),
    ],
)
def test_two_readings_are_asked_for(values: list[str], candidates: tuple[str, ...]) -> None:
    fmt = find_format(values)
    assert isinstance(fmt, Ambiguous)
    assert fmt.candidates == candidates
    assert not fmt.contradictory
    assert all(f"--dates {order}" in fmt.message for order in candidates)
    assert values[0] in fmt.message


def test_the_given_order_settles_it_and_does_not_touch_iso() -> None:
    assert found("03/04/2025", order="mdy").parse("03/04/2025", UTC_ZONE).at == datetime(2025, 3, 4, tzinfo=UTC)
    assert found("03/04/2025", order="dmy").parse("03/04/2025", UTC_ZONE).at == datetime(2025, 4, 3, tzinfo=UTC)
    assert found("03/04/05", order="ymd").parse("03/04/05", UTC_ZONE).at == datetime(2003, 4, 5, tzinfo=UTC)
    assert found("2025-03-04", order="dmy").parse("2025-03-04", UTC_ZONE).at == datetime(2025, 3, 4, tzinfo=UTC)


def test_equal_day_and_month_need_no_answer() -> None:
    assert found("03/03/2025", "11/11/2025").parse("03/03/2025", UTC_ZONE).at == datetime(2025, 3, 3, tzinfo=UTC)


def test_values_that_contradict_each_other_are_asked_for_even_so() -> None:
    fmt = find_format(["31/12/2025", "12/31/2025", "01/02/2025"])
    assert isinstance(fmt, Ambiguous)
    assert fmt.contradictory
    assert all(seen in fmt.message for seen in ("31/12/2025", "12/31/2025"))
    chosen = found("31/12/2025", "12/31/2025", "01/02/2025", order="dmy")
    assert chosen.words == "day/month/year, 2 of 3 values"
    assert chosen.not_matched == ("12/31/2025",)


def test_cells_of_another_form_are_named_and_refused() -> None:
    fmt = found("31.12.2025", "30.11.2025", "2025-01-05", "soon", "32.01.2025")
    assert fmt.words == "day.month.year, 2 of 5 values"
    assert set(fmt.not_matched) == {"2025-01-05", "soon", "32.01.2025"}
    for cell in fmt.not_matched:
        with pytest.raises(Unreadable, match=r"is not a date written day\.month\.year"):
            fmt.parse(cell, UTC_ZONE)


@pytest.mark.parametrize("cell", ["0202-05-01", "2025-02-30", "2025-13-01", "2025-01-01T25:00", "9999-01-01", "2025"])
def test_impossible_dates_are_refused(cell: str) -> None:
    with pytest.raises(Unreadable):
        found("2025-01-01").parse(cell, UTC_ZONE)


def test_nothing_to_find() -> None:
    assert find_format(["", "  "]) is None
    assert found("yes", "no").words == "none of 2 values is a date"


def test_columns_of_one_file_help_each_other() -> None:
    columns = {
        "created": find_format(["03/04/2025"]),
        "closed": find_format(["28/04/2025"]),
        "other": find_format(["03.04.2025"]),
    }
    settled = settle(columns)
    created = settled["created"]
    assert isinstance(created, DateFormat)
    assert created.order == "dmy"
    assert "another date column" in created.words
    assert isinstance(settled["other"], Ambiguous)  # another separator proves nothing
    torn = settle({**columns, "third": find_format(["04/28/2025"])})
    assert isinstance(torn["created"], Ambiguous)  # two proofs against each other are none


DAYS = st.dates(date(1970, 1, 1), date(2069, 12, 31))
PATTERNS = {
    "dmy": "%d.%m.%Y",
    "mdy": "%m/%d/%Y",
    "iso": "%Y-%m-%d",
    "named": "%d %B %Y",
}


@settings(deadline=None)
@given(days=st.lists(DAYS, min_size=1, max_size=30), order=st.sampled_from(sorted(PATTERNS)))
def test_what_was_written_is_read_back(days: list[date], order: str) -> None:
    cells = [day.strftime(PATTERNS[order]) for day in days]
    fmt = find_format(cells)
    if isinstance(fmt, Ambiguous):
        assert order in fmt.candidates
        assert all(day.day <= 12 for day in days)
        assert any(day.day != day.month for day in days)
        fmt = find_format(cells, order=order)
    assert isinstance(fmt, DateFormat)
    assert fmt.matched == len(cells)
    assert [fmt.parse_date(cell) for cell in cells] == days


@settings(deadline=None)
@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2069, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_an_aware_time_is_read_back_as_the_same_instant(at: datetime, name: str) -> None:
    aware = at.replace(tzinfo=UTC).astimezone(ZoneInfo(name))
    assume(aware.utcoffset() == timedelta(minutes=round((aware.utcoffset() or timedelta()).total_seconds() / 60)))
    cell = aware.isoformat()
    assert found(cell).parse(cell, BERLIN).at == aware


@settings(deadline=None)
@given(st.lists(st.text(max_size=25), max_size=8))
def test_no_text_breaks_it(cells: list[str]) -> None:
    fmt = find_format(cells)
    formats = fmt.formats if isinstance(fmt, Ambiguous) else (fmt,)
    for each in formats:
        for cell in cells:
            if each is not None:
                with suppress(Unreadable):
                    assert each.parse(cell, BERLIN).at.tzinfo is UTC
