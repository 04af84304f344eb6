"""What a reader asks of the funnel: a period, a basis, a choice, a breakdown; and the address that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from analytics.rules.facts import Basis, Unit
from analytics.rules.periods import add_months, moment
from leadgen.core.errors import Invalid

PRESETS: Final[dict[str, str]] = {
    "last_90": "Last 90 days",
    "this_month": "This month",
    "last_month": "Last month",
    "this_quarter": "This quarter",
    "last_quarter": "Last quarter",
    "this_year": "This year",
    "last_12_months": "Last 12 months",
    "all": "All time",
    "custom": "Custom dates",
}
DEFAULT_PRESET: Final = "last_90"
UNITS: Final[dict[str, str]] = {"lead": "Leads", "person": "People", "company": "Companies"}
BASIS_LABELS: Final[dict[str, str]] = {"cohort": "Cohort", "period": "Period"}
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True, slots=True)
class Ask:
    """[start, end): `end` is exclusive. `where` holds one value a dimension; `by` the breakdown; `as_of` None is now."""

    start: date
    end: date
    preset: str = "custom"
    basis: Basis = "cohort"
    by: str = "channel"
    unit: Unit = "lead"
    where: Mapping[str, str] = field(default_factory=dict)
    as_of: datetime | None = None

    @property
    def until(self) -> date:
        """The last day counted."""
        return self.end - timedelta(days=1)

    def params(self) -> dict[str, str]:
        """The state as it stands in an address: what is not the default."""
        found: dict[str, str] = {}
        if self.preset == "custom":
            found |= {"period": "custom", "from": self.start.isoformat(), "until": self.until.isoformat()}
        elif self.preset != DEFAULT_PRESET:
            found["period"] = self.preset
        for name, default in (("basis", "cohort"), ("by", "channel"), ("unit", "lead")):
            if (value := getattr(self, name)) != default:
                found[name] = value
        found |= self.where
        if self.as_of is not None:
            found["as_of"] = self.as_of.isoformat()
        return found

    def address(self, *without: str, **more: str | None) -> str:
        """`?...` of this state without some parts and with others (None: nothing)."""
        params: dict[str, Any] = {name: value for name, value in self.params().items() if name not in without}
        params |= {name: value for name, value in more.items() if value is not None}
        return f"?{urlencode(params)}"

    def changed(self, **changes: Any) -> str:
        """The address of this state with other values."""
        return replace(self, **changes).address()


def parse_ask(
    params: Mapping[str, str], *, today: date, first: date | None, zone: ZoneInfo, dimensions: tuple[str, ...]
) -> Ask:
    """The question an address asks. Raises Invalid, naming the field.

    `first` is the day the history begins (for "all time"). `from` and `until` are days that count; `to`, in place of
    `until`, is exclusive. Words of no dimension are ignored.
    """
    given = {name: value.strip() for name, value in params.items() if value and value.strip()}
    dated = any(name in given for name in ("from", "to", "until"))
    preset = given.get("period") or ("custom" if dated else DEFAULT_PRESET)
    if preset not in PRESETS:
        raise Invalid(f"No such period. Use one of: {', '.join(PRESETS)}.", field="period")
    start, end = preset_range(preset if preset != "custom" else DEFAULT_PRESET, today=today, first=first)
    if preset == "custom":
        start, end = _dates(given, start, end)
    basis, unit, by = given.get("basis", "cohort"), given.get("unit", "lead"), given.get("by", "channel")
    if basis not in BASIS_LABELS:
        raise Invalid("The basis is cohort or period.", field="basis")
    if unit not in UNITS:
        raise Invalid("The unit is lead, person or company.", field="unit")
    if by not in dimensions:
        raise Invalid(f"No breakdown by “{by}”. Use one of: {', '.join(dimensions)}.", field="by")
    where = {name: given[name] for name in dimensions if name in given and name != "month"}
    as_of = None
    if "as_of" in given:
        try:
            as_of = moment(_day_or_instant(given["as_of"]), zone)
        except ValueError as error:
            raise Invalid("Write the moment as 2026-01-31 or 2026-01-31T09:00:00Z.", field="as_of") from error
    return Ask(start, end, preset, basis, by, unit, where, as_of)  # type: ignore[arg-type]  # checked just above


def _day_or_instant(text: str) -> date | datetime:
    return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)


def _dates(given: Mapping[str, str], start: date, end: date) -> tuple[date, date]:
    found: dict[str, date] = {}
    for name in ("from", "until", "to"):
        if name in given:
            try:
                found[name] = date.fromisoformat(given[name])
            except ValueError as error:
                raise Invalid(f"“{given[name]}” is no date. Write it as 2026-01-31.", field=name) from error
            if not EARLIEST <= found[name] <= LATEST:
                raise Invalid(f"Choose a date between {EARLIEST.year} and {LATEST.year}.", field=name)
    last = "to" if "to" in found else "until"
    if "to" in found:
        end = found["to"]
    elif "until" in found:
        end = found["until"] + timedelta(days=1)
    if "from" in found:
        start = found["from"]
    elif last in found:
        start = min(start, end - timedelta(days=90))
    if end <= start:
        raise Invalid("The period ends before it begins.", field=last)
    return start, end


def preset_range(preset: str, *, today: date, first: date | None) -> tuple[date, date]:
    """[start, end) of a named period; the end of a running one is tomorrow, so that today counts."""
    tomorrow = today + timedelta(days=1)
    month = today.replace(day=1)
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    match preset:
        case "this_month":
            return month, tomorrow
        case "last_month":
            return add_months(month, -1), month
        case "this_quarter":
            return quarter, tomorrow
        case "last_quarter":
            return add_months(quarter, -3), quarter
        case "this_year":
            return date(today.year, 1, 1), tomorrow
        case "last_12_months":
            return add_months(month, -12), month
        case "all":
            return min(first or today, today), tomorrow
        case _:
            return today - timedelta(days=89), tomorrow


__all__ = ["BASIS_LABELS", "DEFAULT_PRESET", "PRESETS", "UNITS", "Ask", "parse_ask", "preset_range"]
