"""Figures as a page shows them: the number in print, what moved, what to be careful about, and where its rows are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from analytics.rules.figure import Figure
from analytics.rules.report import change
from leadgen.core.templatetags.ui_text import DASH, money, number, percent

HOUR, DAY = 60, 24 * 60
MATURE = 0.8
# What a warning is about in a word or two, beside the number; the sentence stands in its popover. Without a word: it is
# about the whole page and said there once (`cautions`).
SHORT = (
    ("Few cases", "few cases"),
    ("Immature", "young cohort"),
    ("Maturity unknown", "young cohort"),
    ("Assumption", "assumed churn"),
    ("No spend recorded", ""),
    ("Spend is not recorded", ""),
    ("Spend lines in another", ""),
    ("The period is not over", ""),
    ("Leads got cheaper", "volume over fit"),
    ("Deals without a value", "values missing"),
    ("Deals in another", "other currency"),
    ("Deals in a stage", "values missing"),
    ("Active customers", "revenue missing"),
    ("Agreement version", "new agreement"),
    ("Jump on", "new agreement"),
    ("Kept, though", "dates reversed"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One figure, ready for `analytics/_figure.html`. `delta_tone`: success, danger or neutral. `value` is the raw one."""

    key: str
    id: str
    label: str
    text: str
    unknown: bool
    note: str
    delta: str
    delta_tone: str
    interval: tuple[str, str] | None
    numerator: str
    denominator: str
    n: int | None
    maturity: float | None
    immature: bool
    flags: tuple[str, ...]
    warnings: tuple[str, ...]
    definition: str
    as_of: str
    href: str
    value: Any

    @property
    def short(self) -> str:
        """Money for a narrow column: "€486k", "€1.2M", "€128"; anything else as it is."""
        if self.unknown or not self.symbol:
            return self.text
        amount = abs(float(self.value))
        sign = "-" if float(self.value) < 0 else ""
        for size, scale, mark in ((1_000_000, 1_000_000, "M"), (10_000, 1000, "k")):
            if amount >= size:
                return f"{sign}{self.symbol}{number(amount / scale, 1 if amount / scale < 10 else 0)}{mark}"
        return f"{sign}{self.symbol}{number(amount, 0 if amount >= 100 or amount == 0 else 2)}"

    @property
    def symbol(self) -> str:
        """The currency as it stands before an amount; nothing for what is no amount."""
        return "" if self.text.endswith(("%", "d", "h", "s", "n")) else self.text.lstrip("-").rstrip("0123456789.,")


def show(
    figure: Figure,
    *,
    currency: str,
    href: str = "",
    label: str = "",
    note: str = "",
    before: Any = None,
    part: str = "",
) -> Shown:
    """A figure in words. `before` is the same one of the period before; `part` names a part of a split figure."""
    delta, tone = _moved(figure, before)
    immature = figure.maturity is not None and figure.maturity < MATURE
    # A dash with n = 0 says "nobody to count" by itself.
    said = figure.warnings if figure.n else [one for one in figure.warnings if not one.startswith("Few cases")]
    rated = figure.is_rate
    return Shown(
        key=figure.key,
        id=f"figure-{figure.key}-{part}".rstrip("-").replace("_", "-"),
        label=label or figure.about.label,
        text=figure_text(figure, currency),
        unknown=figure.value is None or (isinstance(figure.value, dict) and figure.value.get("median", 0) is None),
        note=note,
        delta=delta,
        delta_tone=tone,
        interval=(percent(figure.interval[0]), percent(figure.interval[1])) if figure.interval else None,
        numerator=_counted(figure.numerator, rated, currency),
        denominator=_counted(figure.denominator, rated, currency),
        n=figure.n,
        maturity=figure.maturity,
        immature=immature,
        flags=tuple(dict.fromkeys(word for warning in said if (word := _short(warning)))),
        warnings=figure.warnings,
        definition=figure.definition,
        as_of=figure.as_of[:16].replace("T", " "),
        href=href,
        value=figure.value,
    )


def _counted(value: Any, rated: bool, currency: str) -> str:
    if value is None:
        return ""
    return number(value) if rated or isinstance(value, int) else money(value, currency)


def _short(warning: str) -> str:
    return next((word for start, word in SHORT if warning.startswith(start)), "see note")


def figure_text(figure: Figure, currency: str) -> str:
    """The number as people write it; what is not known is a dash, never 0."""
    value = figure.value
    if value is None:
        return DASH
    if figure.is_rate:
        return percent(value)
    if isinstance(value, dict):
        return duration(value.get("median"), figure.unit) if "median" in value else DASH
    if figure.about.shape == "money" or figure.unit.startswith(currency):
        return money(value, currency)
    if figure.unit == "share per month":
        return percent(value, 2)
    if figure.unit == "months":
        return f"{number(float(value), 1)} months"
    if figure.about.shape == "ratio":
        return number(float(value), 2 if abs(float(value)) < 100 else 0)
    return number(value)


def duration(value: float | None, unit: str = "days") -> str:
    """A length in the unit people would use: "40 s", "4 min", "3.4 h", "2.1 d"."""
    if value is None:
        return DASH
    minutes = value * DAY if unit == "days" else value
    size = abs(minutes)
    if size < 1:
        return f"{number(minutes * 60)} s"
    if size < HOUR:
        return f"{number(minutes)} min"
    if size < DAY:
        return f"{number(minutes / HOUR, 1)} h"
    return f"{number(minutes / DAY, 1 if size < 100 * DAY else 0)} d"


def _moved(figure: Figure, before: Any) -> tuple[str, str]:
    """What changed since the period before. A cohort that is still young is not compared: it would always look worse."""
    if not isinstance(before, Figure) or (figure.maturity is not None and figure.maturity < MATURE):
        return "", "neutral"
    if figure.is_rate:
        if figure.exact is None or before.exact is None:
            return "", "neutral"
        moved: Fraction | None = figure.exact - before.exact
        text = f"{_signed(Fraction(moved or 0) * 100, 1)} pp"
    else:
        moved = change(figure, before)
        if moved is None:
            return "", "neutral"
        text = f"{_signed(moved * 100, 0)} %"
    if not moved or text in ("0 %", "0.0 pp"):
        return "±0", "neutral"
    better = figure.about.better
    if better == "neither":
        return text, "neutral"
    return text, "success" if (moved > 0) == (better == "higher") else "danger"


def _signed(value: Fraction, places: int) -> str:
    text = number(round(float(value), places), places)
    if text.strip("-0.,") == "":
        return number(0, places)
    return f"+{text}" if value > 0 else text


def cautions(figures: Iterable[Any]) -> list[str]:
    """Sentences about a whole page: what several figures warn of, said once, without those about size and age."""
    seen: dict[str, None] = {}
    for figure in figures:
        for warning in getattr(figure, "warnings", ()):
            if not warning.startswith(("Few cases", "Immature", "Maturity", "Assumption", "Leads got", "Spend is not")):
                seen[warning] = None
    return list(seen)


def mapped_labels(dimension: str, owners: Mapping[str, str], channels: Mapping[str, str], key: str) -> str:
    """A row of a breakdown by the name people know it by."""
    if key == "unknown":
        return "Unknown"
    if dimension == "channel":
        return channels.get(key, key)
    if dimension == "owner":
        return owners.get(key, key)
    if dimension in ("motion", "temperature"):
        return key.capitalize()
    return key
