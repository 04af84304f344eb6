"""Lists from files: each line names somebody by e-mail address, domain, LinkedIn page, external id or exact name."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from accounts.actions.audit import Actor
from leadgen.core.errors import Invalid
from leadgen.core.visibility import as_asked
from prospects.actions.segments import MAX_AT_ONCE, Moved, add_members
from prospects.models import Company, Person, Segment
from prospects.rules import normalise

SHOWN = 50


@dataclass(slots=True)
class ListResult:
    """What became of the lines: `not_found` and `unclear` are (line number, what stood there)."""

    lines: int = 0
    moved: Moved = field(default_factory=Moved)
    not_found: list[tuple[int, str]] = field(default_factory=list)
    unclear: list[tuple[int, str]] = field(default_factory=list)

    @property
    def found(self) -> int:
        return self.moved.changed + self.moved.same


def add_lines(*, segment: Segment, rows: Iterable[tuple[int, list[str]]], by: Actor, now: datetime) -> ListResult:
    """Put on a list whoever the rows (line number, cells) name: the first cell that names somebody decides.

    Nobody is made up: who is not in the workspace is reported, and a name that two share is not guessed.
    """
    result = ListResult()
    listed = [(number, [cell.strip() for cell in cells if cell.strip()]) for number, cells in rows]
    listed = [(number, cells) for number, cells in listed if cells]
    if not listed:
        raise Invalid("The list is empty: one address, domain or external id a line.", field="lines")
    if len(listed) > MAX_AT_ONCE:
        raise Invalid(f"At most {MAX_AT_ONCE:,} lines at a time; this has {len(listed):,}.", field="lines")
    result.lines = len(listed)
    keys = _keyed(segment, {cell for _, cells in listed for cell in cells})
    hits = [
        next((keys[way] for cell in cells for way in _ways(segment, cell) if way in keys), None) for _, cells in listed
    ]
    names = _named(
        segment, {cell for (_, cells), hit in zip(listed, hits, strict=True) if hit is None for cell in cells}
    )
    ids: list[UUID] = []
    for (number, cells), hit in zip(listed, hits, strict=True):
        alike = next((names[cell] for cell in cells if cell in names), [])
        if hit is not None or len(alike) == 1:
            ids.append(hit if hit is not None else alike[0])
        elif alike:
            result.unclear.append((number, _shown(cells)))
        elif number == listed[0][0] and _is_header(cells):
            result.lines -= 1
        else:
            result.not_found.append((number, _shown(cells)))
    if ids:
        result.moved = add_members(segment=segment, ids=ids, by=by, now=now)
    return result


def _keyed(segment: Segment, cells: set[str]) -> dict[tuple[str, str], UUID]:
    """Who the workspace has of these cells, by (column, value)."""
    wanted: dict[str, list[str]] = {}
    for cell in cells:
        for column, value in _ways(segment, cell):
            wanted.setdefault(column, []).append(value)
    rows = as_asked((Person if segment.of_people else Company).objects.all())
    keys: dict[tuple[str, str], UUID] = {}
    for column, values in wanted.items():
        for pk, value in rows.filter(**{f"{column}__in": values}).values_list("pk", column):
            keys.setdefault((column, value), pk)
    return keys


def _named(segment: Segment, cells: set[str]) -> dict[str, list[UUID]]:
    """Ids by exact name: by the index of names, so letter case counts."""
    names: dict[str, list[UUID]] = {}
    column = "full_name" if segment.of_people else "name"
    rows = as_asked((Person if segment.of_people else Company).objects.filter(**{f"{column}__in": list(cells)}))
    for pk, name in rows.values_list("pk", column) if cells else ():
        names.setdefault(name, []).append(pk)
    return names


def _shown(cells: list[str]) -> str:
    return ", ".join(cells[:3])[:120]


def _ways(segment: Segment, cell: str) -> list[tuple[str, str]]:
    """(column, value) a cell may be found by, the surest first."""
    found: list[tuple[str, str]] = []
    if segment.of_people:
        if "@" in cell:
            found.append(("email", cell.lower()))
    elif "." in cell and "@" not in cell:
        with suppress(normalise.Unusable):
            found.append(("domain", normalise.domain(cell)))
    if "linkedin." in cell.lower():
        with suppress(normalise.Unusable):
            found.append(("linkedin_url", normalise.linkedin(cell)))
    if len(cell) <= 120:
        found.append(("external_id", cell))
    return found


def _is_header(cells: list[str]) -> bool:
    """Whether a first line that names nobody is the header: words, no address and no domain."""
    return not any("@" in cell or "." in cell or any(char.isdigit() for char in cell) for cell in cells)
