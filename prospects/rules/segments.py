"""Segments, pure: what a sample says of the whole, and ready-made conditions that are easy to get wrong by hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leadgen.core.rulelang import FieldCatalogue, parse
from prospects.rules.fields import COMPANY_FIELDS, PERSON_FIELDS

CATALOGUES: dict[str, FieldCatalogue] = {"people": PERSON_FIELDS, "companies": COMPANY_FIELDS}
Z = 1.96  # 95 in 100 intervals hold the true number
# Pages of a sample without any hit: so many times the step between them bounds what is there, 95 in 100 (-ln 0.025).
NONE_SEEN = 3.69
FEW = 30  # blocks with a hit below which the normal approximation is not trusted


@dataclass(frozen=True, slots=True)
class Measure:
    """How many match. Exact: all three are the same. Else `low` to `high` holds the true number 19 times of 20, and where
    `low` is None nothing is known but the planner's guess."""

    value: int
    low: int | None
    high: int | None
    exact: bool

    @classmethod
    def of(cls, count: int) -> "Measure":
        return cls(count, count, count, True)

    @classmethod
    def guess(cls, value: int) -> "Measure":
        return cls(two_digits(value), None, None, False)

    @property
    def interval(self) -> str:
        """ "between 460,000 and 500,000"; empty for an exact number."""
        return "" if self.exact or self.low is None else f"between {self.low:,} and {self.high:,}"

    def __str__(self) -> str:
        return f"{self.value:,}" if self.exact else f"about {self.value:,}"


def estimate(*, hits: int, squares: int, blocks: int, share: float) -> Measure:
    """From whole blocks drawn each with the chance `share`: `hits` rows in `blocks` blocks that had any, `squares` the sum
    of the squares of the rows a block. Rows of a block are alike (they were imported together), so blocks are what varies.
    """
    if not 0 < share <= 1:
        raise ValueError("a share lies above 0 and at most at 1")
    if share == 1:
        return Measure.of(hits)
    value = hits / share
    if blocks < FEW:
        # Few blocks: the exact Poisson bounds of their number, each with as many rows as the fullest kind seen.
        rows = max(math.sqrt(squares / blocks), 1.0) if blocks else 1.0
        low, high = poisson_bounds(blocks)
        return Measure(two_digits(value), down(low * rows / share, hits), up(high * rows / share), False)
    spread = Z * math.sqrt((1 - share) * squares) / share
    return Measure(two_digits(value), down(value - spread, hits), up(value + spread), False)


def proportion(
    *, hits: int, hits_squared: int, products: int, rows: int, rows_squared: int, blocks: int, share: float, total: int
) -> Measure:
    """As `estimate`, where the number of all rows is known: so many of the `rows` seen in `blocks` blocks, taken to `total`.

    Blocks hold more or fewer rows; what varies is how far each is from the common proportion.
    """
    part = hits / rows
    spread = hits_squared - 2 * part * products + part * part * rows_squared  # sum of (hits - part * rows) squared
    error = Z * math.sqrt(max((1 - share) * spread * blocks / (blocks - 1), 0.0)) / rows
    value = total * part
    high = min(up(total * (part + error)), total)
    return Measure(min(two_digits(value), total), min(down(total * (part - error), hits), high), high, False)


def poisson_bounds(count: int) -> tuple[float, float]:
    """Bounds of the mean of a Poisson number that came out as `count`, 95 in 100 (Wilson and Hilferty's form)."""
    if count == 0:
        return 0.0, NONE_SEEN
    low = count * (1 - 1 / (9 * count) - Z / (3 * math.sqrt(count))) ** 3
    more = count + 1
    return max(low, 0.0), more * (1 - 1 / (9 * more) + Z / (3 * math.sqrt(more))) ** 3


def two_digits(value: float) -> int:
    """Rounded to two digits: an estimate does not pretend to more."""
    step = _step(value)
    return round(value / step) * step


def down(value: float, least: int) -> int:
    """A lower bound, rounded down; never below what was seen."""
    step = _step(value)
    return max(math.floor(max(value, 0) / step) * step, least)


def up(value: float) -> int:
    step = _step(value)
    return math.ceil(value / step) * step


def _step(value: float) -> int:
    return int(10 ** max(len(str(int(abs(value)))) - 2, 0))


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A condition to add in one step; it stands in the rule as ordinary rows afterwards."""

    key: str
    label: str
    subjects: Sequence[str]
    rule: dict[str, Any]


def _quiet(field: str, days: int) -> dict[str, Any]:
    """Not since so many days, those never included: whose date is unknown would otherwise be left out in silence."""
    return {
        "any": [{"field": field, "op": "unknown"}, {"field": field, "op": "older_than_days", "value": days}]
    }  # fmt: skip


READY_MADE = (
    ReadyMade("quiet", "Not contacted for 30 days", ("people",), _quiet("person.last_touch_at", 30)),
    ReadyMade("quiet", "Not contacted for 30 days", ("companies",), _quiet("company.last_touch_at", 30)),
    ReadyMade("never", "Never contacted", ("people",), {"field": "person.last_touch_at", "op": "unknown"}),
    ReadyMade("replied", "Replied within 90 days", ("people",), {"field": "person.last_reply_at", "op": "within_days", "value": 90}),
    ReadyMade("silent", "Contacted, never replied", ("people",), {"all": [
        {"field": "person.last_touch_at", "op": "known"}, {"field": "person.last_reply_at", "op": "unknown"}]}),
    ReadyMade("inside", "In a sequence now", ("people",), {"field": "sequence.state", "op": "in", "value": ["active", "paused"]}),
    ReadyMade("outside", "In no sequence now", ("people",), {"field": "sequence.state", "op": "not_in", "value": ["active", "paused"]}),
    ReadyMade("finished", "Finished a sequence without an answer", ("people",), {"all": [
        {"field": "sequence.state", "op": "is", "value": "finished"}, {"field": "person.last_reply_at", "op": "unknown"}]}),
    ReadyMade("crowd", "Company has 2 or more people in sequence", ("people", "companies"),
              {"field": "company.people_in_sequence", "op": "gte", "value": 2}),
    ReadyMade("fit", "Fit A or B", ("people", "companies"), {"field": "fit.grade", "op": "in", "value": ["A", "B"]}),
    ReadyMade("engaged", "Engagement of 20 or more", ("people",), {"field": "person.engagement", "op": "gte", "value": 20}),
    ReadyMade("deals", "Company has an open deal", ("people", "companies"), {"field": "company.open_deals", "op": "gte", "value": 1}),
    ReadyMade("reach", "Has an e-mail that did not bounce", ("people",), {"all": [
        {"field": "person.email", "op": "known"}, {"field": "person.email_status", "op": "not_in", "value": ["bounced", "invalid"]}]}),
    ReadyMade("empty", "No people known there", ("companies",), {"field": "company.people", "op": "eq", "value": 0}),
)  # fmt: skip


def ready_made(subject: str) -> list[ReadyMade]:
    """Those that can be asked of people, or of companies."""
    return [item for item in READY_MADE if subject in item.subjects]


# Of a target account's contacts: who answered lately or has points, and who is in a sequence.
ENGAGED = parse(
    {"any": [{"field": "person.last_reply_at", "op": "within_days", "value": 90}, {"field": "person.engagement", "op": "gte", "value": 1}]},
    PERSON_FIELDS,
)  # fmt: skip
INSIDE = parse({"field": "sequence.state", "op": "in", "value": ["active", "paused"]}, PERSON_FIELDS)
