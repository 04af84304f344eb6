"""One entry of the dictionary of figures, and short ways to write the kinds of entry there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

type Shape = Literal["count", "money", "ratio", "rate", "duration", "breakdown", "table"]
type Better = Literal["higher", "lower", "neither"]
type Where = Literal["period", "cohort", "both"]


@dataclass(frozen=True, slots=True)
class Definition:
    """`unit` may hold {currency}; `basis` is where the key appears; `better` says which way is good news.

    `numerator` and `denominator` name the sets of facts behind it (`selection.Selection.rows`); `steps` the two stages of
    a conversion or a duration; `decimals` how it is printed.
    """

    key: str
    label: str
    unit: str
    text: str
    shape: Shape
    decimals: int = 0
    basis: Where = "period"
    better: Better = "higher"
    numerator: str = ""
    denominator: str = ""
    steps: tuple[str, str] | None = None


def count(
    key: str,
    label: str,
    text: str,
    *,
    basis: Where = "period",
    better: Better = "higher",
    steps: tuple[str, str] | None = None,
) -> Definition:
    """A number of facts; the set is called as the key."""
    unit = key.replace("_", " ")
    return Definition(key, label, unit, text, "count", basis=basis, better=better, numerator=key, steps=steps)


def money(
    key: str, label: str, text: str, rows: str, denominator: str = "", *, better: Better = "higher"
) -> Definition:
    """An amount in the workspace's currency, to the cent."""
    return Definition(
        key, label, "{currency}", text, "money", decimals=2, better=better, numerator=rows, denominator=denominator
    )


def ratio(
    key: str,
    label: str,
    unit: str,
    text: str,
    rows: tuple[str, str],
    *,
    decimals: int = 4,
    better: Better = "higher",
) -> Definition:
    """A quotient of two things that are not both counts of the same cases; `rows` are its two sets."""
    return Definition(key, label, unit, text, "ratio", decimals, better=better, numerator=rows[0], denominator=rows[1])


def cost(key: str, label: str, per: str, rows: str, *, spend: str = "spend_lines") -> Definition:
    """Spend divided by a count of the period."""
    text = f"{'Spend' if spend == 'spend_lines' else 'Media spend'} / {rows.replace('_', ' ')}, both of the period."
    return ratio(key, label, f"{{currency}} per {per}", text, (spend, rows), better="lower")


def rate(
    key: str,
    label: str,
    text: str,
    rows: tuple[str, str],
    *,
    basis: Where = "period",
    steps: tuple[str, str] | None = None,
) -> Definition:
    """A share of cases, with an interval."""
    text += "; Wilson 95 % interval."
    return Definition(
        key, label, "share", text, "rate", basis=basis, numerator=rows[0], denominator=rows[1], steps=steps
    )
