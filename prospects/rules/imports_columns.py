"""A column as the mapping sees it: its name in comparable forms and what its sample values look like."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from prospects.rules import normalise, normalise_words
from prospects.rules.dates import Ambiguous, DateFormat, Unreadable, find_format
from prospects.rules.normalise import Unusable, plain
from prospects.rules.normalise_places import country_known
from prospects.rules.titles import is_honorific

MAX_VALUES = 200


class Column:
    """A column's name in comparable forms and what its sample values look like."""

    def __init__(self, name: str, values: Sequence[str]) -> None:
        self.name = name
        bare = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", name)
        split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]\B)", " ", bare)
        self.tokens = plain(split).split()
        self.forms = {plain(text).replace(" ", "") for text in (name, bare)} - {""}
        self.values = [v for v in (normalise.clean_text(value) for value in values[:MAX_VALUES]) if v]
        self.distinct = len(set(self.values)) / len(self.values) if self.values else 0.0
        self._shares: dict[str, float] = {}
        self.aligned = list(values)

    def share(self, test: str) -> float:
        """The share of the filled sample values that pass the named test; -1 without values."""
        if not self.values:
            return -1.0
        if test not in self._shares:
            check = _TESTS[test]
            self._shares[test] = sum(1 for value in self.values if check(value)) / len(self.values)
        return self._shares[test]

    def verdict(self, test: str, good: float) -> float:
        """1 where at least `good` of the values pass, -1 where hardly any do (of ten or more: under half), else 0."""
        share = self.share(test)
        if share >= good:
            return 1.0
        return -1.0 if share < (0.5 if len(self.values) >= 10 else 0.2) else 0.0

    @cached_property
    def looks_like_date(self) -> bool:
        """Whether half of the values are dates; bare five-digit numbers are not enough."""
        found = find_format(self.values)
        if isinstance(found, Ambiguous):
            return True
        return found is not None and found.order != "serial" and found.matched >= 0.5 * found.total

    @cached_property
    def dates(self) -> list[datetime | None]:
        """The sample rows' dates, as far as they can be read (an ambiguous order is read in its first way)."""
        found = find_format(self.aligned)
        fmt = found.formats[0] if isinstance(found, Ambiguous) else found
        return [_instant(value, fmt) for value in self.aligned]


def _instant(value: str, fmt: DateFormat | None) -> datetime | None:
    if fmt is None or not value.strip():
        return None
    try:
        return fmt.parse(value, ZoneInfo("UTC")).at
    except Unreadable:
        return None


def _reads(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            parse(value)
        except Unusable:
            return False
        return True

    return check


def _is_host(value: str) -> bool:
    return "@" not in value and " " not in value and _reads(normalise.host)(value)


_TESTS: dict[str, Callable[[str], bool]] = {
    "email": _reads(normalise.email),
    "at": lambda value: "@" in value,
    "host": _is_host,
    "linkedin": lambda value: "linkedin.com/" in value.lower(),
    "money": _reads(normalise.money),
    "count": _reads(normalise.whole_number),
    "year": _reads(normalise.year),
    "digits": lambda value: sum(c.isdigit() for c in value) >= 5,
    "channel": lambda value: normalise_words.channel(value).known,
    "exit": lambda value: bool(normalise_words.OUTCOME_WORDS.get(plain(value))),
    "stage": lambda value: plain(value) in normalise_words.STAGE_WORDS or plain(value) in normalise_words.OUTCOME_WORDS,
    "class": lambda value: plain(value) in normalise_words.CLASS_WORDS,
    "activity": lambda value: plain(value) in normalise_words.ACTIVITY_WORDS,
    "spend_kind": lambda value: plain(value) in normalise_words.SPEND_KIND_WORDS,
    "purpose": lambda value: plain(value) in normalise_words.PURPOSE_WORDS,
    "currency": lambda value: bool(normalise.currency_code(value)),
    "country": country_known,
    "honorific": is_honorific,
    "code": lambda value: bool(re.fullmatch(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_-]{4,40}", value)),
    "number": lambda value: bool(re.fullmatch(r"[0-9.,\s]+", value)),
}
