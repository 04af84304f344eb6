"""Rules as SQL: two predicates, one for true and one for false. A row that meets neither is unknown.

Neither is the negation of the other (`~Q` would call an unknown fact false or true). Each leaf gives its own pair, and
the pairs combine by Kleene's rules: `all` is AND of the trues and OR of the falses, `any` the other way round, `not`
swaps. A predicate that is NULL counts as not met, in `.filter()` and in `When()`.

Comparisons are written plainly (`col = 'x'`, `col >= 200`) so that indexes serve them. Text search is
`UPPER(col) LIKE '%X%'`, as Django's `icontains` has it: one GIN index on `UPPER(col)` serves both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    Expression,
    F,
    Func,
    JSONField,
    Q,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Upper

from .fields import Field, FieldCatalogue
from .nodes import AllOf, AnyOf, Leaf, Node, Not
from .operators import OPPOSITE, Interval, date_interval, number_interval
from .parse import parse
from .text import SEPARATORS, fold, like_escape, spaced


@dataclass(frozen=True, slots=True)
class Compiled:
    """`true` and `false` are conditions for `.filter()`, `.exclude()`-free; see `truth()` for annotations."""

    true: Q
    false: Q

    def truth(self) -> Case:
        """Annotation: True, False, or NULL for unknown."""
        return Case(
            When(self.true, then=Value(True)),
            When(self.false, then=Value(False)),
            output_field=BooleanField(),
        )

    def case(self, *, met: Any, not_met: Any, unknown: Any, output_field: Any = None) -> Case:
        """Annotation: one of three values or expressions, by truth."""
        return Case(
            When(self.true, then=met),
            When(self.false, then=not_met),
            default=unknown,
            output_field=output_field,
        )


def compile_rule(rule: Mapping[str, Any] | Node, catalogue: FieldCatalogue, now: datetime) -> Compiled:
    """The two predicates of `rule` (JSON or parsed) for the rows the catalogue's paths start from.

    `now` is aware; its zone decides what a day is. Paths must lead to one row (no many-to-many, no reverse links).
    """
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    return Compiled(*_pair(parse(rule, catalogue), now))


def folded(path: str) -> Upper:
    """The expression text search runs on: `UPPER(col)`."""
    return Upper(F(path))


def text_contains(path: str, needle: str) -> Q:
    """Condition for search boxes: `path` contains `needle` regardless of case, by the same index as rules."""
    return Q(_compare("LIKE", folded(path), _text(f"%{like_escape(fold(needle))}%")))


def _pair(node: Node, now: datetime) -> tuple[Q, Q]:
    match node:
        case Leaf():
            return _leaf(node, now)
        case Not(child):
            true, false = _pair(child, now)
            return false, true
        case AllOf(children):
            pairs = [_pair(child, now) for child in children]
            return _every([pair[0] for pair in pairs]), _some([pair[1] for pair in pairs])
        case AnyOf(children):
            pairs = [_pair(child, now) for child in children]
            return _some([pair[0] for pair in pairs]), _every([pair[1] for pair in pairs])


def _every(conditions: list[Q]) -> Q:
    return reduce(and_, conditions) if conditions else Q(Value(True, output_field=BooleanField()))


def _some(conditions: list[Q]) -> Q:
    return reduce(or_, conditions) if conditions else Q(Value(False, output_field=BooleanField()))


def _leaf(leaf: Leaf, now: datetime) -> tuple[Q, Q]:
    field, op = leaf.field, leaf.op.name
    if not field.path:
        raise ValueError(f"the field {field.name} has no path: it exists in Python only")
    positive = OPPOSITE.get(op, op)
    if positive == "known":
        true, false = _presence(field)
    else:
        true, false = _holds(leaf, positive, now)
        blank = _blank(field)
        if blank is not None:
            # An empty text or list meets no positive condition, but would meet its complement.
            false = false & Q(blank[1])
    return (true, false) if op == positive else (false, true)


def _presence(field: Field) -> tuple[Q, Q]:
    column = F(field.path)
    there = Q(_Condition(column, template="(%(expressions)s IS NOT NULL)"))
    absent = Q(_Condition(column, template="(%(expressions)s IS NULL)"))
    blank = _blank(field)
    return (there, absent) if blank is None else (there & Q(blank[1]), absent | Q(blank[0]))


def _blank(field: Field) -> tuple["_Condition", "_Condition"] | None:
    """(is empty, is not empty) where emptiness counts as unknown; both NULL for NULL."""
    if not field.empty_is_unknown:
        return None
    column = F(field.path)
    if field.kind in ("text", "choice", "country"):
        return _compare("=", column, _text("")), _compare("<>", column, _text(""))
    if field.kind != "list":
        return None
    if field.storage == "json":
        empty = Value([], output_field=JSONField())
        return _compare("=", column, empty), _compare("<>", column, empty)
    size = "(cardinality(%(expressions)s) {} 0)"
    return _Condition(column, template=size.format("=")), _Condition(column, template=size.format(">"))


def _holds(leaf: Leaf, op: str, now: datetime) -> tuple[Q, Q]:
    field, value = leaf.field, leaf.value
    column = F(field.path)
    match field.kind:
        case "number" | "money":
            return _interval(column, number_interval(op, value), _number)
        case "date":
            interval = date_interval(op, value, now, timestamp=field.timestamp)
            return _interval(column, interval, _moment)
        case "bool":
            return Q(_compare("=", column, _bool(True))), Q(_compare("=", column, _bool(False)))
        case "list":
            return _list(field, op, value)
    match op:
        case "is":
            return Q(_compare("=", column, _text(value))), Q(_compare("<>", column, _text(value)))
        case "in":
            values = _Array(*[_text(item) for item in _many(value)])
            return Q(_compare("= ANY", column, values)), Q(_compare("<> ALL", column, values))
        case "contains":
            return _like(folded(field.path), f"%{like_escape(fold(str(value)))}%")
        case "starts_with":
            return _like(folded(field.path), f"{like_escape(fold(str(value)))}%")
        case "contains_any":
            pairs = [_has_word(field.path, str(word)) for word in _many(value)]
            return _some([pair[0] for pair in pairs]), _every([pair[1] for pair in pairs])
    raise ValueError(f"not an operator of {field.kind}: {op}")


def _interval(column: F, interval: Interval, literal: Any) -> tuple[Q, Q]:
    low, high, low_in, high_in = interval
    if low is not None and low == high and low_in and high_in:
        return Q(_compare("=", column, literal(low))), Q(_compare("<>", column, literal(low)))
    inside, outside = [], []
    if low is not None:
        inside.append(Q(_compare(">=" if low_in else ">", column, literal(low))))
        outside.append(Q(_compare("<" if low_in else "<=", column, literal(low))))
    if high is not None:
        inside.append(Q(_compare("<=" if high_in else "<", column, literal(high))))
        outside.append(Q(_compare(">" if high_in else ">=", column, literal(high))))
    return _every(inside), _some(outside)


def _list(field: Field, op: str, value: Any) -> tuple[Q, Q]:
    wanted = _Array(*[_text(item) for item in _many(value)])
    sign = {
        ("array", "has_any"): "&&",
        ("array", "has_all"): "@>",
        ("json", "has_any"): "?|",
        ("json", "has_all"): "?&",
    }
    # An array of varchar (CharField) has no operator against one of text; for one of text the cast changes nothing.
    column = Cast(F(field.path), _TEXTS) if field.storage == "array" else F(field.path)
    holds = _compare(sign[field.storage, op], column, wanted)
    return Q(holds), Q(_Condition(holds, template="(NOT %(expressions)s)"))


def _has_word(path: str, word: str) -> tuple[Q, Q]:
    words = spaced(word).strip()
    gapped = Func(
        folded(path),
        _text(SEPARATORS),
        _text(" " * len(SEPARATORS)),
        function="translate",
        output_field=_TEXT,
    )
    column = Func(
        gapped,
        template="(' ' || regexp_replace(%(expressions)s, ' +', ' ', 'g') || ' ')",
        output_field=_TEXT,
    )
    true, false = _like(column, f"% {like_escape(words)} %")
    # The longest word alone, on the indexed expression, narrows the search before the words are taken apart.
    longest = max(words.split(" "), key=len)
    return _like(folded(path), f"%{like_escape(longest)}%")[0] & true, false


def _like(text: Expression, pattern: str) -> tuple[Q, Q]:
    return Q(_compare("LIKE", text, _text(pattern))), Q(_compare("NOT LIKE", text, _text(pattern)))


_TEXT: "TextField[str, str]" = TextField()
_TEXTS = ArrayField(TextField())


class _Condition(Func):
    """A bare SQL condition, usable in filter() and When()."""

    output_field = BooleanField()


class _Array(Func):
    template = "(ARRAY[%(expressions)s]::text[])"
    output_field = ArrayField(TextField())


def _compare(sign: str, left: Any, right: Any) -> _Condition:
    return _Condition(left, right, template="(%(expressions)s)", arg_joiner=f" {sign} ")


def _text(value: Any) -> Value:
    return Value(str(value), output_field=CharField())


def _bool(value: bool) -> Value:
    return Value(value, output_field=BooleanField())


def _number(value: int | Decimal) -> Value:
    # A literal of its own type: through the column's field, 2.5 would be cut to 2 and large values drop the condition.
    return Value(
        value,
        output_field=BigIntegerField() if isinstance(value, int) else DecimalField(),
    )


def _moment(value: date) -> Value:
    return Value(
        value,
        output_field=DateTimeField() if isinstance(value, datetime) else DateField(),
    )


def _many(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
