"""The door through which triggers enrol people into sequences, which an app above has: it registers itself here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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
    waiting: int = 0  # people in its line


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one signal."""

    signal: Signal
    at: datetime
    enrolled: int
    blocked: list[tuple[str, int]] = field(default_factory=list)
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class InLine:
    """Somebody who waits because the cap of the day was reached."""

    id: UUID
    place: int
    person: Person
    signal: Signal
    joined_at: datetime
    reason: str
    expected: date | None  # the day of their turn as things are; None: the line stands still


@dataclass(frozen=True, slots=True)
class OutOfLine:
    """Somebody whose turn came, or will not."""

    id: UUID
    person: Person
    signal: Signal
    at: datetime
    enrolled: bool
    reason: str  # why not


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
        """Enrol who of these may be, up to today's rest of the cap; the others wait in line. How many in both; asked again for
        a signal: nobody more."""

    def changed(self, *, trigger: SignalTrigger, now: datetime) -> None:
        """Something of it is another: its line may go on."""

    def line(self, trigger: SignalTrigger) -> QuerySet[Any]:
        """Places in its line that whoever asked may see, to be paged by (signal_at, id)."""

    def told(self, trigger: SignalTrigger, places: Sequence[Any], now: datetime) -> Sequence[InLine]:
        """Of a page of these: who, which place, why, and when."""

    def out_of_line(self, trigger: SignalTrigger, limit: int) -> Sequence[OutOfLine]:
        """The last whose turn came."""

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
