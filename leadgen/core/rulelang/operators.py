"""The operators: which kinds have them, what value they take, and their words.

`shape` of the value: none, one, many (a non-empty list), pair (low, high: both inclusive), days (a whole number >= 0).
`label` stands in descriptions ("employees at least 200"), `yes` and `no` in explanations ("employees 540 is at least 200").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Literal, NamedTuple

Shape = Literal["none", "one", "many", "pair", "days"]


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    shape: Shape
    label: str
    yes: str
    no: str


def _table(*rows: tuple[str, Shape, str, str, str]) -> dict[str, Operator]:
    return {row[0]: Operator(*row) for row in rows}


_PRESENCE = _table(
    ("known", "none", "is known", "is known", "is not known"),
    ("unknown", "none", "is not known", "is not known", "is known"),
)
_IDENTITY = _table(
    ("is", "one", "is", "is", "is not"),
    ("is_not", "one", "is not", "is not", "is"),
    ("in", "many", "is one of", "is one of", "is none of"),
    ("not_in", "many", "is none of", "is none of", "is one of"),
)
_TEXT = _IDENTITY | _table(
    ("contains", "one", "contains", "contains", "does not contain"),
    ("starts_with", "one", "starts with", "starts with", "does not start with"),
    (
        "contains_any",
        "many",
        "has the words",
        "has one of the words",
        "has none of the words",
    ),
)
_NUMBER = _table(
    ("eq", "one", "exactly", "is", "is not"),
    ("ne", "one", "other than", "is other than", "is"),
    ("gt", "one", "above", "is above", "is not above"),
    ("gte", "one", "at least", "is at least", "is below"),
    ("lt", "one", "below", "is below", "is not below"),
    ("lte", "one", "at most", "is at most", "is above"),
    ("between", "pair", "between", "is between", "is not between"),
)
_DATE = _table(
    ("before", "one", "before", "is before", "is not before"),
    ("after", "one", "after", "is after", "is not after"),
    ("on", "one", "on", "is on", "is not on"),
    ("between", "pair", "between", "is between", "is not between"),
    (
        "within_days",
        "days",
        "within the last",
        "is within the last",
        "is not within the last",
    ),
    (
        "not_within_days",
        "days",
        "not within the last",
        "is not within the last",
        "is within the last",
    ),
    ("older_than_days", "days", "more than", "is more than", "is not more than"),
)
_LIST = _table(
    ("has_any", "many", "has any of", "has one of", "has none of"),
    ("has_all", "many", "has all of", "has all of", "does not have all of"),
    ("has_none", "many", "has none of", "has none of", "has one of"),
)
_BOOL = _table(
    ("is_true", "none", "is true", "is true", "is false"),
    ("is_false", "none", "is false", "is false", "is true"),
)

OPERATORS: dict[str, dict[str, Operator]] = {
    "text": _TEXT | _PRESENCE,
    "number": _NUMBER | _PRESENCE,
    "money": _NUMBER | _PRESENCE,
    "date": _DATE | _PRESENCE,
    "choice": _IDENTITY | _PRESENCE,
    "country": _IDENTITY | _PRESENCE,
    "list": _LIST | _PRESENCE,
    "bool": _BOOL | _PRESENCE,
}

# An operator that says the opposite of another: (the positive one). Both compile and evaluate through the positive one.
OPPOSITE = {
    "is_not": "is",
    "not_in": "in",
    "ne": "eq",
    "not_within_days": "within_days",
    "has_none": "has_any",
    "is_false": "is_true",
    "unknown": "known",
}


def operators_of(kind: str) -> Sequence[Operator]:
    """The operators of a kind, in the order they are offered."""
    return tuple(OPERATORS[kind].values())


class Interval(NamedTuple):
    """Bounds of a number or date; None is open. `low_in` / `high_in` say whether the bound itself belongs to it."""

    low: Any = None
    high: Any = None
    low_in: bool = True
    high_in: bool = True


def number_interval(op: str, value: Any) -> Interval:
    """Where a number must lie for the (positive) operator to hold."""
    match op:
        case "eq":
            return Interval(value, value)
        case "gt":
            return Interval(low=value, low_in=False)
        case "gte":
            return Interval(low=value)
        case "lt":
            return Interval(high=value, high_in=False)
        case "lte":
            return Interval(high=value)
        case "between":
            return Interval(value[0], value[1])
    raise ValueError(f"not a number operator: {op}")


def date_interval(op: str, value: Any, now: datetime, *, timestamp: bool) -> Interval:
    """Where a date (or timestamp) must lie for the (positive) operator to hold.

    Days are those of `now`'s zone; for timestamps `within_days` 7 is the last 7 x 24 hours. The future is not "within
    the last" days.
    """
    if timestamp:
        return _timestamp_interval(op, value, now)
    today = now.date()
    match op:
        case "before":
            return Interval(high=value, high_in=False)
        case "after":
            return Interval(low=value, low_in=False)
        case "on":
            return Interval(value, value)
        case "between":
            return Interval(value[0], value[1])
        case "within_days":
            return Interval(today - timedelta(days=value), today)
        case "older_than_days":
            return Interval(high=today - timedelta(days=value), high_in=False)
    raise ValueError(f"not a date operator: {op}")


def _timestamp_interval(op: str, value: Any, now: datetime) -> Interval:
    zone = now.tzinfo
    match op:
        case "before":
            return Interval(high=_midnight(value, zone), high_in=False)
        case "after":
            return Interval(low=_midnight(value + timedelta(days=1), zone))
        case "on":
            return Interval(
                _midnight(value, zone),
                _midnight(value + timedelta(days=1), zone),
                high_in=False,
            )
        case "between":
            return Interval(
                _midnight(value[0], zone),
                _midnight(value[1] + timedelta(days=1), zone),
                high_in=False,
            )
        case "within_days":
            return Interval(_days_ago(now, value), now.astimezone(UTC))
        case "older_than_days":
            return Interval(high=_days_ago(now, value), high_in=False)
    raise ValueError(f"not a date operator: {op}")


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    # In UTC, because two times of one zone are compared by the wall clock, which repeats an hour in autumn.
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _days_ago(now: datetime, days: int) -> datetime:
    # Through UTC: subtracting from an aware local time would count wall-clock days, not hours.
    return now.astimezone(UTC) - timedelta(days=days)
