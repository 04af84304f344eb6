"""Move what is sealed to the newest field key, batch by batch, while everything goes on.

Each app names where its sealed values lie. A value is replaced only if it still is what was read, so that nothing written
meanwhile is lost; one that the newest key opens already is left alone, so that a run that was broken off is simply run again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import Q

from leadgen.core import secrets
from leadgen.core.tenancy import TenantModel

type PurposeOf = Callable[[Any], str]


@dataclass(slots=True)
class Count:
    """Values that were on the newest key already, that were moved to it, and that none of the keys opens."""

    kept: int = 0
    moved: int = 0
    failed: int = 0

    def add(self, other: "Count") -> None:
        self.kept += other.kept
        self.moved += other.moved
        self.failed += other.failed

    @property
    def total(self) -> int:
        return self.kept + self.moved + self.failed


class Sealed(Protocol):
    """A place with sealed values. `by_workspace`: it is walked inside each workspace's scope."""

    label: str
    by_workspace: bool

    def move(self, *, after: Any, limit: int, write: bool) -> tuple[Count, Any]:
        """One batch after the row `after`, in the caller's transaction: what was found, and the last row (None: the end)."""
        ...


_registered: dict[str, Sealed] = {}


def register(place: Sealed) -> None:
    """Name a place with sealed values; once for each label."""
    _registered[place.label] = place


def places() -> list[Sealed]:
    """All of them, by name."""
    return [_registered[label] for label in sorted(_registered)]


class SealedColumns:
    """Columns of a tenant's table, each with the purpose its values were sealed for."""

    by_workspace = True

    def __init__(self, model: type[TenantModel], purposes: Mapping[str, PurposeOf]) -> None:
        self.model, self.purposes = model, purposes
        self.label = model._meta.label_lower

    def move(self, *, after: Any, limit: int, write: bool) -> tuple[Count, Any]:
        filled = Q()
        for column in self.purposes:
            filled |= ~Q(**{column: ""})
        rows = self.model.objects.filter(filled).only("pk", "workspace_id", *self.purposes).order_by("pk")
        batch = list((rows.filter(pk__gt=after) if after else rows)[:limit])
        count = Count()
        for row in batch:
            for column, purpose in self.purposes.items():
                sealed = getattr(row, column)
                if sealed:
                    count.add(self._move_one(row, column, sealed, purpose(row), write))
        return count, batch[-1].pk if len(batch) == limit else None

    def _move_one(self, row: Any, column: str, sealed: str, purpose: str, write: bool) -> Count:
        fresh = moved(sealed, purpose=purpose)
        if fresh is None:
            return Count(failed=1)
        if fresh == sealed:
            return Count(kept=1)
        if write:
            # Changed since it was read: whoever did so sealed it with the newest key.
            self.model.objects.filter(**{"pk": row.pk, column: sealed}).update(**{column: fresh})
        return Count(moved=1)


def moved(sealed: str, *, purpose: str) -> str | None:
    """The same secret under the newest key; the very text where it is so already, None where no key opens it for `purpose`."""
    try:
        clear = secrets.unseal(sealed, purpose=purpose)
    except secrets.SealedElsewhere:
        return None
    return sealed if secrets.is_newest(sealed) else secrets.seal(clear, purpose=purpose)
