"""A parsed rule: a tree of frozen nodes that already passed validation. `to_json` gives the stored form back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from .fields import Field
from .operators import Operator

Scalar = str | int | Decimal | date
Value = None | Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """`value` by the operator's shape: None, one scalar, a tuple of scalars, (low, high), or a number of days."""

    field: Field
    op: Operator
    value: Value = None


@dataclass(frozen=True, slots=True)
class AllOf:
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    child: "Node"


Node = Leaf | AllOf | AnyOf | Not


def to_json(node: Node) -> dict[str, Any]:
    """The normalised JSON of a parsed rule; parsing it again gives an equal tree."""
    match node:
        case AllOf(children):
            return {"all": [to_json(child) for child in children]}
        case AnyOf(children):
            return {"any": [to_json(child) for child in children]}
        case Not(child):
            return {"not": to_json(child)}
        case Leaf(field, op, value):
            leaf: dict[str, Any] = {"field": field.name, "op": op.name}
            if op.shape != "none":
                leaf["value"] = [_plain(item) for item in value] if isinstance(value, tuple) else _plain(value)
            return leaf


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf, left to right."""
    match node:
        case Leaf():
            yield node
        case Not(child):
            yield from leaves(child)
        case AllOf(children) | AnyOf(children):
            for child in children:
                yield from leaves(child)


def _plain(value: Scalar | None) -> Any:
    if isinstance(value, Decimal):
        # A JSON number where it survives the trip through a float, else the digits as text.
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
