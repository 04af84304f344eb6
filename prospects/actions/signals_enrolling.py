"""The door through which triggers enrol people into sequences, which an app above has: it registers itself here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db.models import QuerySet

from prospects.models import Person, Signal, SignalTrigger

PER_DAY = 20  # where nobody says another number
MAX_PER_DAY = 200


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Into which sequence a trigger enrols, and how it fares."""

    sequence: UUID
    name: str
    per_day: int
    enrolled: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one signal."""

    signal: Signal
    at: datetime
    enrolled: int
    blocked: list[tuple[str, int]] = field(default_factory=list)


class Enroller(Protocol):
    """What an app with sequences offers."""

    def enrolling(self) -> Mapping[UUID, Enrolling]:
        """The triggers that enrol, by id."""

    def choices(self, kept: UUID | None) -> Sequence[tuple[str, str]]:
        """(id, name) of sequences that take people, and of the one chosen before."""

    def choose(self, *, trigger: SignalTrigger, sequence: UUID | None, per_day: int) -> None:
        """Enrol into this sequence from now on; None: no longer. Raises Invalid naming `sequence`."""

    def hold(self) -> None:
        """Before the first enrolment of a transaction: two that enrol wait for each other here, not in the middle."""

    def enrol(
        self, *, trigger: SignalTrigger, signal: Signal, people: QuerySet[Person], cause: str, now: datetime
    ) -> int:
        """Enrol who of these may be, up to today's rest of the cap; how many. Asked again for a signal: nobody more."""

    def came_of(self, trigger: SignalTrigger, limit: int) -> Sequence[Came]:
        """The last signals it looked at people for."""


_enroller: Any = None


def register_enroller(enroller: Enroller) -> None:
    """Once, as apps are loaded."""
    global _enroller
    _enroller = enroller


def enroller() -> Enroller:
    found: Enroller = _enroller
    return found
