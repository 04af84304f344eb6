"""From stored or submitted JSON to a checked tree. Errors name the place: "all[2].value: expected a number, got 'abc'"."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from leadgen.core.errors import Invalid

from .fields import Field, FieldCatalogue
from .nodes import AllOf, AnyOf, Leaf, Node, Not, Scalar, Value
from .operators import OPERATORS, Operator
from .text import spaced

MAX_DEPTH = 8
MAX_NODES = 300
MAX_VALUES = 2000
MAX_TEXT = 500
MAX_NUMBER = Decimal(10) ** 15
MAX_DAYS = 36_500
_EARLIEST, _LATEST = date(1900, 1, 1), date(2200, 12, 31)
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,9})?\Z")


def parse(rule: Mapping[str, Any] | Node, catalogue: FieldCatalogue) -> Node:
    """The checked tree of `rule`; `{}` is the rule that everything meets. Raises Invalid with the path in `field`."""
    if isinstance(rule, Leaf | AllOf | AnyOf | Not):
        return rule
    if isinstance(rule, Mapping) and not rule:
        return AllOf(())
    return _Parser(catalogue).node(rule, "", 1)


class _Parser:
    def __init__(self, catalogue: FieldCatalogue) -> None:
        self.catalogue = catalogue
        self.nodes = 0

    def node(self, raw: Any, path: str, depth: int) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _wrong(path, f"the rule has more than {MAX_NODES} parts")
        if depth > MAX_DEPTH:
            raise _wrong(path, f"nested deeper than {MAX_DEPTH} levels")
        if not isinstance(raw, Mapping):
            raise _wrong(path, f"expected a condition, got {_show(raw)}")
        keys = set(raw)
        if keys == {"all"} or keys == {"any"}:
            name = next(iter(keys))
            items = raw[name]
            inner = _join(path, name)
            if not isinstance(items, list | tuple):
                raise _wrong(inner, f"expected a list of conditions, got {_show(items)}")
            children = tuple(self.node(item, f"{inner}[{number}]", depth + 1) for number, item in enumerate(items))
            return AllOf(children) if name == "all" else AnyOf(children)
        if keys == {"not"}:
            return Not(self.node(raw["not"], _join(path, "not"), depth + 1))
        if "field" in keys:
            return self.leaf(raw, path)
        raise _wrong(
            path,
            f"expected field and op, or one of all, any, not; got {', '.join(sorted(map(str, keys)))}",
        )

    def leaf(self, raw: Mapping[str, Any], path: str) -> Leaf:
        extra = sorted(str(key) for key in raw if key not in ("field", "op", "value"))
        if extra:
            raise _wrong(path, f"unknown key {extra[0]}")
        name = raw["field"]
        field = self.catalogue.get(name) if isinstance(name, str) else None
        if field is None:
            raise _wrong(_join(path, "field"), f"unknown field {_show(name)}")
        op_name = raw.get("op")
        op = OPERATORS[field.kind].get(op_name) if isinstance(op_name, str) else None
        if op is None:
            offered = ", ".join(OPERATORS[field.kind])
            raise _wrong(
                _join(path, "op"),
                f"{_show(op_name)} is no operator of {field.label}; use one of {offered}",
            )
        return Leaf(field, op, self.value(field, op, raw.get("value"), _join(path, "value")))

    def value(self, field: Field, op: Operator, raw: Any, path: str) -> Value:
        if op.shape == "none":
            if raw not in (None, "", []):
                raise _wrong(path, f"{op.label} takes no value")
            return None
        if op.shape == "one":
            return _scalar(field, op, raw, path)
        if op.shape == "days":
            days = _number(raw, path)
            if not isinstance(days, int) or not 0 <= days <= MAX_DAYS:
                raise _wrong(path, f"expected whole days from 0 to {MAX_DAYS}, got {_show(raw)}")
            return days
        if not isinstance(raw, list | tuple):
            raise _wrong(path, f"expected a list, got {_show(raw)}")
        if op.shape == "pair":
            if len(raw) != 2:
                raise _wrong(path, f"expected two values, got {len(raw)}")
            low, high = (_scalar(field, op, item, f"{path}[{number}]") for number, item in enumerate(raw))
            if low > high:  # type: ignore[operator]  # both are of the field's kind: two numbers or two dates
                raise _wrong(
                    path,
                    f"the lower end {_show(raw[0])} is above the upper end {_show(raw[1])}",
                )
            return (low, high)
        if not 1 <= len(raw) <= MAX_VALUES:
            raise _wrong(path, f"expected 1 to {MAX_VALUES} values, got {len(raw)}")
        return tuple(dict.fromkeys(_scalar(field, op, item, f"{path}[{number}]") for number, item in enumerate(raw)))


def _scalar(field: Field, op: Operator, raw: Any, path: str) -> Scalar:
    match field.kind:
        case "number" | "money":
            return _number(raw, path)
        case "date":
            return _date(raw, path)
    text = _text(raw, path)
    if field.kind == "country" and not _COUNTRY.match(text):
        raise _wrong(path, f"expected a two-letter country code, got {_show(raw)}")
    if field.choices and field.kind != "text" and text not in dict(field.choices):
        raise _wrong(path, f"{_show(raw)} is not a choice of {field.label}")
    if op.name == "contains_any" and not spaced(text).strip():
        raise _wrong(path, f"{_show(raw)} has no letter or digit to look for")
    return text


def _text(raw: Any, path: str) -> str:
    if not isinstance(raw, str):
        raise _wrong(path, f"expected text, got {_show(raw)}")
    if not raw.strip():
        raise _wrong(
            path,
            "expected text, got nothing; use known or unknown to ask whether there is any",
        )
    if len(raw) > MAX_TEXT:
        raise _wrong(path, f"longer than {MAX_TEXT} characters")
    if "\x00" in raw or any("\ud800" <= char <= "\udfff" for char in raw):
        raise _wrong(path, "contains a character that cannot be stored")
    return unicodedata.normalize("NFC", raw)


def _number(raw: Any, path: str) -> int | Decimal:
    if isinstance(raw, str) and _NUMBER.match(raw.strip()):
        value = Decimal(raw.strip())
    elif isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        try:
            value = Decimal(repr(raw) if isinstance(raw, float) else raw)
        except InvalidOperation as error:
            raise _wrong(path, f"expected a number, got {_show(raw)}") from error
    else:
        raise _wrong(path, f"expected a number, got {_show(raw)}")
    if not value.is_finite() or abs(value) > MAX_NUMBER:
        raise _wrong(path, f"expected a number up to {MAX_NUMBER:,}, got {_show(raw)}")
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -9:
        raise _wrong(path, f"expected at most 9 decimals, got {_show(raw)}")
    return int(value) if value == value.to_integral_value() else value.normalize()


def _date(raw: Any, path: str) -> date:
    if type(raw) is date:
        day = raw
    else:
        try:
            day = date.fromisoformat(raw)
        except (TypeError, ValueError) as error:
            raise _wrong(path, f"expected a date like 2026-11-21, got {_show(raw)}") from error
    if not _EARLIEST <= day <= _LATEST:
        raise _wrong(path, f"expected a date from {_EARLIEST} to {_LATEST}, got {day}")
    return day


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _show(raw: Any) -> str:
    shown = repr(raw)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _wrong(path: str, message: str) -> Invalid:
    return Invalid(f"{path}: {message}" if path else message, code="rule_invalid", field=path)
