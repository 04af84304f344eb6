"""The rule builder: a rule as rows and groups that a form carries, each with its own error.

The tree travels in plain fields, one prefix a node ("r", "r-0", "r-0-1"), so the builder works without JavaScript and a
button only says what to do ("add:r-0"); the answer is the same tree drawn anew. Every rule of the language can be shown.
"""

import re
from collections.abc import Mapping
from typing import Any

from leadgen.core.errors import Invalid
from leadgen.core.names import country_name
from leadgen.core.rulelang import AllOf, AnyOf, Field, Leaf, Node, Not, Operator, parse, to_json
from prospects.forms.segments_rows import DEEPEST, JOINS, ROOT, Row, capital, field_groups
from prospects.rules.normalise import Unusable
from prospects.rules.normalise_places import country
from prospects.rules.segments import CATALOGUES, ready_made

MOST = 60  # rows of one rule on a screen


class Draft:
    """A rule as it stands on the screen. `act` does what a button says; `rule` is what is usable of it."""

    def __init__(self, subject: str, root: Row) -> None:
        self.subject, self.root = subject, root
        self._number()

    @classmethod
    def of_rule(cls, subject: str, rule: Any) -> "Draft":
        """From stored JSON. Raises Invalid for a rule that cannot be read."""
        row = _row_of(subject, parse(rule or {"all": []}, CATALOGUES[subject]))
        if not row.is_group:
            row = Row(subject, join="all", children=[row])
        return cls(subject, row)

    @classmethod
    def of_post(cls, subject: str, data: Any) -> "Draft":
        """From the fields of the form (a QueryDict)."""
        return cls(subject, _read(subject, data, ROOT, 0, [MOST]))

    @property
    def fields(self) -> list[tuple[str, list[tuple[str, str]]]]:
        return field_groups(self.subject)

    @property
    def ready(self) -> list[Any]:
        return ready_made(self.subject)

    @property
    def errors(self) -> list[str]:
        return [row.error for row in self.root.walk() if row.error]

    @property
    def is_blank(self) -> bool:
        return not any(row.name for row in self.root.walk())

    def act(self, todo: str, data: Mapping[str, Any]) -> None:
        """add:PATH, group:PATH, drop:PATH, copy:PATH, field:PATH, op:PATH, ready:PATH; anything else only draws anew."""
        verb, _, path = todo.partition(":")
        row = next((row for row in self.root.walk() if row.path == path), None)
        if row is None:
            return
        if verb in ("add", "group", "ready") and row.is_group:
            self._add(verb, row, str(data.get(f"{path}.ready", "")))
        elif verb in ("drop", "copy") and not row.is_root:
            above = next(group for group in self.root.walk() if row in group.children)
            place = next(number for number, child in enumerate(above.children) if child is row)
            if verb == "copy" and len(list(self.root.walk())) < MOST:
                above.children.insert(place + 1, _copy(row))
            elif verb == "drop":
                del above.children[place]
                (above.children[min(place, len(above.children) - 1)] if above.children else above).focus = True
        elif verb == "field" and not row.is_group:
            row.op_name, row.text, row.low, row.high, row.picked, row.focus = "", "", "", "", [], True
            row.op_name = row.operator.name if row.operator else ""
        elif verb == "op":
            row.focus = True
        self._number()

    def _add(self, verb: str, row: Row, key: str) -> None:
        if len(list(self.root.walk())) >= MOST:
            row.error = f"A rule on the screen has at most {MOST} rows. Use the API for longer ones."
            return
        if verb == "ready":
            found = next((item for item in self.ready if item.key == key), None)
            if found is None:
                row.error = "Choose a ready-made condition from the list first."
                return
            child = _row_of(self.subject, parse(found.rule, CATALOGUES[self.subject]))
        elif verb == "group":
            if not row.may_nest:
                return
            child = Row(self.subject, join="any" if row.join == "all" else "all", children=[Row(self.subject)])
        else:
            child = Row(self.subject)
        row.children.append(child)
        next((found for found in child.walk() if not found.is_group), child).focus = True

    def rule(self, *, complete: bool = True) -> dict[str, Any]:
        """The rule as JSON. `complete=False` leaves out rows that are not finished (they get their `error` all the same).

        Raises Invalid where a row is wrong, or where nothing is asked.
        """
        for row in self.root.walk():
            row.error = ""
        found = _json(self.root)
        broken = self.errors
        if complete and broken:
            raise Invalid(broken[0], field="rule", code="rule_invalid")
        if found is None:
            if complete:
                self.root.error = "Add at least one condition."
                raise Invalid(self.root.error, field="rule", code="rule_invalid")
            return {"all": []}
        try:
            return to_json(parse(found, CATALOGUES[self.subject]))
        except Invalid as error:
            self.root.error = error.message
            raise

    def _number(self) -> None:
        def number(row: Row, path: str, depth: int) -> None:
            row.path, row.depth = path, depth
            unknown = (
                {child.name for child in row.children if child.op_name == "unknown"} if row.join == "any" else set()
            )
            for child in row.children:
                child.never_too = child.name in unknown
            for place, child in enumerate(row.children):
                number(child, f"{path}-{place}", depth + 1)

        number(self.root, ROOT, 0)


def _copy(row: Row) -> Row:
    fresh = Row(
        row.subject, join=row.join, name=row.name, op_name=row.op_name, text=row.text, low=row.low, high=row.high,
        picked=list(row.picked), children=[_copy(child) for child in row.children], focus=not row.is_group,
    )  # fmt: skip
    return fresh


def _read(subject: str, data: Any, path: str, depth: int, left: list[int]) -> Row:
    left[0] -= 1
    join = str(data.get(f"{path}.join", "all" if path == ROOT else ""))
    if join:
        many = str(data.get(f"{path}.n", "0"))
        count = min(int(many) if many.isascii() and many.isdigit() else 0, MOST)
        # A level or a row too many is not read: somebody wrote this form by hand.
        children = [
            _read(subject, data, f"{path}-{place}", depth + 1, left)
            for place in range(count)
            if left[0] > 0 and depth < DEEPEST + 2
        ]
        return Row(subject, path, join if join in dict(JOINS) else "all", children)
    values = {name: str(data.get(f"{path}.{name}", ""))[:20_000] for name in ("field", "op", "text", "low", "high")}
    picked = data.getlist(f"{path}.pick") if hasattr(data, "getlist") else []
    return Row(
        subject, path, name=values["field"], op_name=values["op"], text=values["text"], low=values["low"],
        high=values["high"], picked=[str(value) for value in picked],
    )  # fmt: skip


def _row_of(subject: str, node: Node) -> Row:
    match node:
        case AllOf(children):
            return Row(subject, join="all", children=[_row_of(subject, child) for child in children])
        case AnyOf(children):
            return Row(subject, join="any", children=[_row_of(subject, child) for child in children])
        case Not(AnyOf(children)):
            return Row(subject, join="none", children=[_row_of(subject, child) for child in children])
        case Not(AllOf(children)):
            return Row(subject, join="notall", children=[_row_of(subject, child) for child in children])
        case Not(child):
            return Row(subject, join="none", children=[_row_of(subject, child)])
        case Leaf(asked, op, value):
            row = Row(subject, name=asked.name, op_name=op.name)
            if op.shape == "many" and isinstance(value, tuple):
                row.picked = [str(item) for item in value]
            elif op.shape == "pair" and isinstance(value, tuple):
                row.low, row.high = (_shown(asked, item) for item in value)
            elif op.shape != "none":
                row.text = _shown(asked, value)
            return row
    raise TypeError(f"no node: {node!r}")


def _shown(asked: Field, value: Any) -> str:
    return country_name(str(value)) if asked.kind == "country" else str(value)


def _json(row: Row) -> Any:
    """JSON of a node; None where it says nothing or is wrong (then `row.error` says why)."""
    if not row.is_group:
        return _leaf(row)
    parts = [part for part in map(_json, row.children) if part is not None]
    if not parts:
        return None
    # One condition alone needs no brackets.
    inner = {"all" if row.join in ("all", "notall") else "any": parts}
    if row.join in ("none", "notall"):
        return {"not": inner}
    return inner if row.is_root or len(parts) > 1 else parts[0]


def _leaf(row: Row) -> Any:
    asked, op = row.asked, row.operator
    if asked is None or op is None:
        row.error = "Choose what to ask, or remove this row." if not row.name else f"There is no fact “{row.name}”."
        return None
    leaf: dict[str, Any] = {"field": asked.name, "op": op.name}
    try:
        if op.shape == "many":
            leaf["value"] = [_value(asked, op, text) for text in row.chosen]
            if not leaf["value"]:
                raise Invalid("Choose or type at least one value.")
        elif op.shape == "pair":
            if not row.low.strip() or not row.high.strip():
                raise Invalid("Give both ends.")
            leaf["value"] = [_value(asked, op, row.low), _value(asked, op, row.high)]
        elif op.shape != "none":
            if not row.text.strip():
                raise Invalid("Give the number of days." if op.shape == "days" else "Give a value.")
            leaf["value"] = _value(asked, op, row.text)
        return to_json(parse(leaf, CATALOGUES[row.subject]))
    except Unusable as error:
        row.error = error.message
    except Invalid as error:
        words = re.sub(r"\A[\w.\[\]]+: ", "", error.message)
        row.error = capital(words)
    return None


def _value(asked: Field, op: Operator, text: str) -> Any:
    text = text.strip()
    if asked.kind == "country":
        return country(text).code
    if asked.kind in ("number", "money") or op.shape == "days":
        digits = re.sub(r"[\s,'\u00a0]", "", text)
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else digits
    if asked.kind == "choice":
        # A select posts the value; who types into the API's example may write the label.
        return next((value for value, label in asked.choices if label.lower() == text.lower()), text)
    return text
