"""Fit: how well a company or person meets a profile, from facts known before any sales effort.

A company's score is 100 x (weight of the criteria it meets) / (weight of all criteria), rounded half up. A person's adds
their buyer's role: 100 x (weight of the criteria their company meets + weight of the heaviest persona they are)
/ (weight of all criteria + weight of the heaviest persona there is). Without personas it is the company's score.
An unknown fact is not met, and marked unknown.

The grade is A, B or C from the profile's scores on, else D. Who fails the must-have or meets the exclusion is X with
score 0; an unknown must-have or exclusion excludes nobody.

`marks` has one sign a part, + met, - not met, ? unknown, in this order: the criteria; the must-have (+ where there is
none); the exclusion, where + means excluded (- where there is none); of a person, then the personas.
The same is computed in SQL by prospects.queries.fit; tests/rules/test_fit.py holds both to the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadgen.core.rulelang import Truth, evaluate
from prospects.rules.icps import Part, Profile

MET, NOT_MET, UNKNOWN = "+", "-", "?"
GRADES = ("A", "B", "C", "D", "X")
IN_PROFILE = ("A", "B")  # metrics.md: "in-ICP" is grade A or B


@dataclass(frozen=True, slots=True)
class Fit:
    """What a row of CompanyFit or PersonFit says."""

    score: int
    grade: str
    marks: str


def mark(truth: Truth) -> str:
    """The sign of a truth."""
    return UNKNOWN if truth is None else MET if truth else NOT_MET


def total_weight(profile: Profile, *, person: bool) -> int:
    """What the score is a share of."""
    criteria = sum(part.weight for part in profile.criteria)
    return criteria + (max((part.weight for part in profile.personas), default=0) if person else 0)


def share(met: int, total: int) -> int:
    """100 x met / total as a whole number, half rounded up; 0 where nothing weighs anything."""
    return (200 * met + total) // (2 * total) if total else 0


def grade_of(score: int, grades: Mapping[str, int]) -> str:
    """A to D."""
    return next((letter for letter in ("A", "B", "C") if score >= grades[letter]), "D")


def fit_of(profile: Profile, facts: Mapping[str, Any], now: datetime, *, person: bool) -> Fit:
    """The fit of one company or person by its facts (rules.fields); `now` in the workspace's zone."""
    met = [mark(evaluate(part.rule, facts, now)) for part in profile.criteria]
    must = MET if profile.must is None else mark(evaluate(profile.must, facts, now))
    exclude = NOT_MET if profile.exclude is None else mark(evaluate(profile.exclude, facts, now))
    roles = [mark(evaluate(part.rule, facts, now)) for part in profile.personas] if person else []
    marks = "".join([*met, must, exclude, *roles])
    if must == NOT_MET or exclude == MET:
        return Fit(0, "X", marks)
    points = _points(profile.criteria, met) + max(
        (part.weight for part, sign in zip(profile.personas, roles, strict=False) if sign == MET), default=0
    )
    score = share(points, total_weight(profile, person=person))
    return Fit(score, grade_of(score, profile.grades), marks)


def _points(parts: Sequence[Part], signs: Sequence[str]) -> int:
    return sum(part.weight for part, sign in zip(parts, signs, strict=True) if sign == MET)


def by_part(content: Mapping[str, Any], marks: str) -> list[tuple[str, str]]:
    """(label, sign) of the criteria and, of a person's marks, the personas; the must-have and the exclusion between them
    are left out. For stored rows, whose content is that of their version."""
    criteria, personas = content["criteria"], content["personas"]
    named = [(item["label"], sign) for item, sign in zip(criteria, marks, strict=False)]
    return named + [(item["name"], sign) for item, sign in zip(personas, marks[len(criteria) + 2 :], strict=False)]
