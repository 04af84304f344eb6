"""Who gets the next lead: a rotation by deficit under capacity, with its receipt in words.

Everybody is due a share of what was given out lately, in proportion to their capacity. Whoever lags furthest behind
that share gets the next one, so nobody is favoured by seniority or by the alphabet (product.md, point 13).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Candidate:
    """`open`: what they hold now; `given`: what routing gave them in the window; `last`: when it last did."""

    id: uuid.UUID
    name: str
    capacity: int
    open: int = 0
    given: int = 0
    last: datetime | None = None

    @property
    def has_room(self) -> bool:
        return self.open < self.capacity

    @property
    def load(self) -> str:
        return f"{self.open} of {self.capacity}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Whom routing chose (None: nobody) and why; `considered` is kept with the row it was made for."""

    chosen: uuid.UUID | None
    words: str
    rule: str
    considered: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "chosen": str(self.chosen) if self.chosen else None,
            "rule": self.rule,
            "words": self.words,
            "considered": self.considered,
        }


def choose(
    candidates: Sequence[Candidate],
    *,
    role: str,
    holder: uuid.UUID | None = None,
    company_owner: uuid.UUID | None = None,
    company: str = "",
) -> Receipt:
    """Whoever holds the lead already, else the owner of its company, else the rotation. `role` is a word for the receipt."""
    by_id = {candidate.id: candidate for candidate in candidates}
    if holder in by_id:
        return Receipt(holder, f"{by_id[holder].name} holds this lead already", "holder")
    passed = ""
    if company_owner in by_id:
        owner = by_id[company_owner]
        if owner.has_room:
            return Receipt(
                owner.id, f"{owner.name} owns {company or 'the company'}, {owner.load} open", "company owner"
            )
        passed = f"{owner.name}, who owns {company or 'the company'}, is full ({owner.load}). "
    if not candidates:
        return Receipt(None, f"No active {role} in this workspace: it waits for whoever takes it", "nobody")
    total = sum(candidate.given for candidate in candidates) + 1
    capacity = sum(candidate.capacity for candidate in candidates)
    shares = {c.id: total * c.capacity / capacity if capacity else 0.0 for c in candidates}
    considered = [
        {"name": c.name, "open": c.open, "capacity": c.capacity, "given": c.given, "due": round(shares[c.id], 2)}
        for c in candidates
    ]
    free = [candidate for candidate in candidates if candidate.has_room]
    if not free:
        loads = ", ".join(f"{c.name} {c.load}" for c in candidates[:4])
        return Receipt(None, f"{passed}Everybody is at capacity ({loads}): it waits", "full", considered)
    never = datetime.min.replace(tzinfo=UTC)
    chosen = min(
        free,
        key=lambda c: (
            round(c.given - shares[c.id], 9),
            c.open,
            c.last or never,
            c.id,
        ),
    )
    words = (
        f"{passed}Rotation: {chosen.name} had {chosen.given} of {total - 1} lately, is due {shares[chosen.id]:.1f}; "
        f"{chosen.load} open"
    )
    if len(candidates) == 1:
        words = f"{passed}{chosen.name} is the only active {role}; {chosen.load} open"
    return Receipt(chosen.id, words, "rotation", considered)
