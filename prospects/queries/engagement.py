"""The engagement score of a person and the ledger it is the sum of."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from prospects.models import AgreementVersion, Engagement, PointEntry
from prospects.rules import agreements as words
from prospects.rules import engagement as rules


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row of the ledger: `worth` is what it adds to the score now, `expires` when it is taken back.

    `shown` is the worth rounded so that the rows add up to the total as shown.
    """

    at: datetime
    points: float
    worth: float
    words: str
    reason: str
    activity_id: UUID | None
    expires: datetime | None
    shown: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ledger:
    """`score` is the sum of the rows' worth, exactly; `shown` that of what is shown of them."""

    score: float
    shown: Decimal
    rows: list[LedgerRow]
    half_life_days: int
    version: AgreementVersion


def scores_of(people: Iterable[Any], version: AgreementVersion | None, now: datetime) -> dict[UUID, float]:
    """Scores by person id (0 where somebody has no points); `people` are persons or ids."""
    ids = [person if isinstance(person, UUID) else person.pk for person in people]
    found = dict.fromkeys(ids, 0.0)
    if version is None:
        return found
    for person_id, level in Engagement.objects.filter(version=version, person__in=ids).values_list("person", "level"):
        found[person_id] = rules.score_at(level, now, version.half_life_days)
    return found


def score_of(person: Any, version: AgreementVersion | None, now: datetime) -> float:
    """One person's score at `now`."""
    return next(iter(scores_of([person], version, now).values()))


def ledger_of(person: Any, version: AgreementVersion, now: datetime) -> Ledger:
    """Every row behind a person's score, newest first."""
    key = person if isinstance(person, UUID) else person.pk
    rows = []
    for entry in PointEntry.objects.filter(person=key, version=version).order_by("-at", "-id"):
        corrected = entry.rule.startswith(rules.CORRECTED)
        kind = entry.rule.removeprefix(rules.CORRECTED).removeprefix("expiry:")
        expired = entry.rule.startswith("expiry:")
        says = words.EARNING.get(kind, kind.replace("_", " "))
        rows.append(
            LedgerRow(
                at=entry.at,
                points=float(entry.points),
                worth=rules.decayed(entry.points, entry.at, now, version.half_life_days),
                words=f"{'Taken back' if corrected else 'Expired'}: {says[0].lower()}{says[1:]}"
                if corrected or expired
                else says,
                reason=entry.reason,
                activity_id=entry.activity_id,
                expires=None
                if expired or corrected or entry.points <= 0
                else entry.at + timedelta(days=version.half_life_days * rules.EXPIRES_AFTER),
            )
        )
    parts, total = rules.add_up([row.worth for row in rows])
    shown = [replace(row, shown=part) for row, part in zip(rows, parts, strict=True)]
    return Ledger(sum(row.worth for row in rows), total, shown, version.half_life_days, version)
