"""Values and facts as people write them; shared by descriptions and explanations."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .fields import Field
from .nodes import Leaf

_SHOWN = 8
_PARTS = frozenset({"contains", "starts_with", "contains_any"})


def join_words(parts: Sequence[str], word: str) -> str:
    """ "a and b and c"; one part stays as it is."""
    return f" {word} ".join(parts)


def show_value(leaf: Leaf) -> str:
    """The value of a leaf in words: "Industrials, IT", "50 and 200", "30 days"; empty where it takes none."""
    field, op, value = leaf.field, leaf.op, leaf.value
    if op.shape == "none" or value is None:
        return ""
    if op.shape == "days":
        return ("1 day" if value == 1 else f"{value} days") + (" ago" if op.name == "older_than_days" else "")
    if op.name in _PARTS:  # part of a text is no code
        parts = value if isinstance(value, tuple) else (value,)
        return _cut([f"“{part}”" for part in parts])
    if op.shape == "pair" and isinstance(value, tuple):
        return f"{show_one(field, value[0])} and {show_one(field, value[1])}"
    if isinstance(value, tuple):
        return _listed(field, value)
    return show_one(field, value)


def show_fact(field: Field, fact: Any) -> str:
    """A fact in words."""
    if field.kind == "list":
        return _listed(field, [item for item in fact if item is not None]) or "nothing"
    return show_one(field, fact)


def show_one(field: Field, value: Any) -> str:
    """One value in words: the label of a choice, the name of a code, a number with thousands and unit, a day."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        return (
            f"{value:,f}".rstrip("0").rstrip(".") + _unit(field)
            if _fraction(value)
            else f"{int(value):,}{_unit(field)}"
        )
    if isinstance(value, datetime):
        return value.strftime("%-d %b %Y %H:%M %Z").strip()
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    named = field.value_label(str(value))
    # Of a text only what has a name goes without quotes: the rest is what somebody typed.
    return f"“{value}”" if field.kind == "text" and named == value else named


def _listed(field: Field, values: Iterable[Any]) -> str:
    return _cut([show_one(field, value) for value in values])


def _cut(shown: Sequence[str]) -> str:
    more = len(shown) - _SHOWN
    return ", ".join(shown[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _fraction(value: float | Decimal) -> bool:
    return value != int(value)


def _unit(field: Field) -> str:
    return f" {field.unit}" if field.unit else ""
