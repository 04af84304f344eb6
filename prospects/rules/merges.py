"""Merging two rows: which of two values stays, and why. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEPT, GONE, BOTH = "kept", "gone", "both"
GOOD_MAIL = {"valid": 3, "unknown": 2, "": 1, "invalid": 0, "bounced": 0}


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one row's values: `edited` says when a person last set a field, `mail` the state of its address."""

    values: Mapping[str, Any]
    updated_at: datetime
    edited: Mapping[str, datetime]
    mail: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One field side by side: the value to keep by default (`kept`, `gone` or `both`) and why."""

    name: str
    kept: Any
    gone: Any
    chosen: str
    why: str = ""

    @property
    def differs(self) -> bool:
        return bool(self.kept != self.gone)

    @property
    def can_join(self) -> bool:
        """Whether both values can be kept: lists and tables of own fields."""
        return isinstance(self.kept, list | dict) and isinstance(self.gone, list | dict)


def preselect(names: Sequence[str], kept: Side, gone: Side) -> list[Choice]:
    """A choice for each field: what is there over nothing, a verified address, what a person typed, the newer row."""
    return [_choose(name, kept, gone) for name in names]


def _choose(name: str, kept: Side, gone: Side) -> Choice:
    a, b = kept.values[name], gone.values[name]
    if _same(a, b):
        return Choice(name, a, b, KEPT)
    if _empty(b):
        return Choice(name, a, b, KEPT, "the other has none")
    if _empty(a):
        return Choice(name, a, b, GONE, "the only value")
    if isinstance(a, list | dict) and isinstance(b, list | dict):
        return Choice(name, a, b, BOTH, "all of both")
    if name == "email" and GOOD_MAIL.get(kept.mail, 1) != GOOD_MAIL.get(gone.mail, 1):
        better = GOOD_MAIL.get(kept.mail, 1) > GOOD_MAIL.get(gone.mail, 1)
        state = kept.mail if better else gone.mail
        return Choice(
            name, a, b, KEPT if better else GONE, "verified" if state == "valid" else "the other does not work"
        )
    hand_a, hand_b = kept.edited.get(name), gone.edited.get(name)
    if hand_a or hand_b:
        if hand_a and hand_b:
            return Choice(name, a, b, KEPT if hand_a >= hand_b else GONE, "typed by a person, later")
        return Choice(name, a, b, KEPT if hand_a else GONE, "typed by a person")
    newer = kept.updated_at >= gone.updated_at
    return Choice(name, a, b, KEPT if newer else GONE, "newer")


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) or (_empty(a) and _empty(b))


def value_of(choice: Choice, chosen: str) -> Any:
    """The value a choice stands for; of both, the kept row's come first and win."""
    if chosen == BOTH and choice.can_join:
        if isinstance(choice.kept, dict):
            return {**choice.gone, **choice.kept}
        first: dict[str, Any] = {}
        for item in (*choice.kept, *choice.gone):
            first.setdefault(str(item).casefold(), item)
        return list(first.values())
    return choice.gone if chosen == GONE else choice.kept


def groups(pairs: Iterable[tuple[Any, Any]]) -> list[list[Any]]:
    """Rows that pairs join directly or through others: what a bulk merge makes one of. Merges = members - 1 of each."""
    parent: dict[Any, Any] = {}

    def root(key: Any) -> Any:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, second in pairs:
        parent[root(first)] = root(second)
    found: dict[Any, list[Any]] = {}
    for key in parent:
        found.setdefault(root(key), []).append(key)
    return [sorted(members) for members in found.values()]
