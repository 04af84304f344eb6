"""Rules against facts in Python: true, false, or None where a fact is missing (Kleene's three values)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isnan
from typing import Any, Literal

from .fields import Field
from .nodes import AllOf, AnyOf, Leaf, Node, Not
from .operators import OPPOSITE, Interval, date_interval, number_interval
from .text import fold, spaced
from .words import join_words, show_fact, show_value

Truth = bool | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a rule came out as it did: the tree again, with the truth and the words of every part.

    `words` of a leaf is a sentence ("employees 540 is at least 200"); of a group its children's sentences joined.
    `fact` is the raw value of a leaf's field (None if not given).
    """

    kind: Literal["leaf", "all", "any", "not"]
    truth: Truth
    words: str
    field: str = ""
    op: str = ""
    fact: Any = None
    children: tuple["Explanation", ...] = ()

    def leaves(self) -> Iterable["Explanation"]:
        """The leaves, left to right."""
        if self.kind == "leaf":
            yield self
        for child in self.children:
            yield from child.leaves()

    def as_json(self) -> dict[str, Any]:
        """The tree as JSON (without the raw facts, which are in the words)."""
        out: dict[str, Any] = {
            "kind": self.kind,
            "truth": self.truth,
            "words": self.words,
        }
        if self.kind == "leaf":
            return out | {"field": self.field, "op": self.op}
        return out | {"children": [child.as_json() for child in self.children]}


def evaluate(rule: Node, facts: Mapping[str, Any], now: datetime) -> Truth:
    """True, False, or None (unknown). `facts` by field name; a missing name is unknown. `now` must be aware.

    Raises TypeError when a fact is not of its field's kind: that is a fault of the caller, not of the rule.
    """
    match rule:
        case Leaf():
            return leaf_truth(rule, facts.get(rule.field.name), now)
        case Not(child):
            return negate(evaluate(child, facts, now))
        case AllOf(children):
            return conjunction(evaluate(child, facts, now) for child in children)
        case AnyOf(children):
            return disjunction(evaluate(child, facts, now) for child in children)


def explain(rule: Node, facts: Mapping[str, Any], now: datetime) -> Explanation:
    """As `evaluate`, with the reason in words for every part of the rule."""
    match rule:
        case Leaf():
            fact = facts.get(rule.field.name)
            truth = leaf_truth(rule, fact, now)
            return Explanation(
                "leaf",
                truth,
                _sentence(rule, fact, truth),
                rule.field.name,
                rule.op.name,
                fact,
            )
        case Not(child):
            inner = explain(child, facts, now)
            return Explanation("not", negate(inner.truth), f"not: {inner.words}", children=(inner,))
        case AllOf(children):
            parts = tuple(explain(child, facts, now) for child in children)
            words = join_words(_grouped(parts), "and") or "no condition"
            return Explanation("all", conjunction(part.truth for part in parts), words, children=parts)
        case AnyOf(children):
            parts = tuple(explain(child, facts, now) for child in children)
            words = join_words(_grouped(parts), "or") or "nothing is allowed"
            return Explanation("any", disjunction(part.truth for part in parts), words, children=parts)


def _grouped(parts: tuple[Explanation, ...]) -> list[str]:
    return [f"({part.words})" if len(part.children) > 1 else part.words for part in parts]


def negate(truth: Truth) -> Truth:
    return None if truth is None else not truth


def conjunction(truths: Iterable[Truth]) -> Truth:
    """False if any is false, else unknown if any is, else true."""
    seen = list(truths)
    return False if False in seen else None if None in seen else True


def disjunction(truths: Iterable[Truth]) -> Truth:
    """True if any is true, else unknown if any is, else false."""
    seen = list(truths)
    return True if True in seen else None if None in seen else False


def leaf_truth(leaf: Leaf, fact: Any, now: datetime) -> Truth:
    """The truth of one leaf for the fact of its field."""
    op = leaf.op.name
    positive = OPPOSITE.get(op, op)
    known = is_known(leaf.field, fact)
    if positive == "known":
        return known if op == positive else not known
    if not known:
        return None
    holds = _holds(leaf, positive, fact, now)
    return holds if op == positive else not holds


def is_known(field: Field, fact: Any) -> bool:
    """Whether the fact says anything. NaN does not."""
    if fact is None:
        return False
    if field.empty_is_unknown and field.kind in ("text", "choice", "country", "list"):
        return len(fact) > 0
    return not (isinstance(fact, float | Decimal) and isnan(fact))


def _holds(leaf: Leaf, op: str, fact: Any, now: datetime) -> bool:
    value: Any = leaf.value
    match leaf.field.kind:
        case "number" | "money":
            _require(
                leaf.field,
                fact,
                isinstance(fact, int | float | Decimal) and not isinstance(fact, bool),
            )
            return _inside(number_interval(op, value), fact)
        case "date":
            return _inside(_dates(leaf.field, op, value, now), _moment(leaf.field, fact))
        case "bool":
            _require(leaf.field, fact, isinstance(fact, bool))
            return bool(fact)
        case "list":
            _require(
                leaf.field,
                fact,
                not isinstance(fact, str) and isinstance(fact, Iterable),
            )
            return not set(value).isdisjoint(fact) if op == "has_any" else set(value) <= set(fact)
    _require(leaf.field, fact, isinstance(fact, str))
    match op:
        case "is":
            return bool(fact == value)
        case "in":
            return fact in value
        case "contains":
            return fold(value) in fold(fact)
        case "starts_with":
            return fold(fact).startswith(fold(value))
        case "contains_any":
            text = spaced(fact)
            return any(f" {spaced(word).strip()} " in text for word in value)
    raise ValueError(f"not an operator of {leaf.field.kind}: {op}")


def _inside(interval: Interval, fact: Any) -> bool:
    low, high, low_in, high_in = interval
    if isinstance(fact, float):
        # PostgreSQL compares a double with a numeric as doubles; Python would compare exactly.
        low, high = (None if bound is None else float(bound) for bound in (low, high))
    if low is not None and (fact < low or (fact == low and not low_in)):
        return False
    return high is None or fact < high or (fact == high and high_in)


def _dates(field: Field, op: str, value: Any, now: datetime) -> Interval:
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    return date_interval(op, value, now, timestamp=field.timestamp)


def _moment(field: Field, fact: Any) -> date:
    if field.timestamp:
        _require(field, fact, isinstance(fact, datetime) and fact.tzinfo is not None)
        return fact.astimezone(UTC)
    _require(field, fact, isinstance(fact, date) and not isinstance(fact, datetime))
    return fact


def _require(field: Field, fact: Any, right: bool) -> None:
    if not right:
        raise TypeError(f"the fact {field.name} is of kind {field.kind}, got {fact!r}")


def _sentence(leaf: Leaf, fact: Any, truth: Truth) -> str:
    op, label = leaf.op, leaf.field.label
    if op.name in ("known", "unknown"):
        return f"{label} {op.yes if truth else op.no}"
    if truth is None:
        return f"{label} is not known"
    if leaf.field.kind == "bool":
        return f"{label} {op.yes if truth else op.no}"
    return f"{label} {show_fact(leaf.field, fact)} {op.yes if truth else op.no} {show_value(leaf)}"
