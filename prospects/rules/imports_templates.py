"""Which remembered mapping fits a file, and why: by its set of columns, whatever their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prospects.rules.normalise import plain

ENOUGH_USED = 0.7  # of the columns the template reads, as many must be there
ENOUGH_ALIKE = 0.5  # of all columns of both, as many must be shared
NAMED = 4


@dataclass(frozen=True, slots=True)
class Likeness:
    """`share`: to order offers by. `why`: in words. `same`: the very same set of columns."""

    share: float
    why: str
    same: bool


def key(column: str) -> str:
    """A column's name as it is compared: without case, accents, blanks and punctuation."""
    return plain(column).replace(" ", "") or column


def likeness(known: Sequence[str], used: Sequence[str], header: Sequence[str]) -> Likeness | None:
    """How far a file with `header` is like the one of a template. `known`: its columns; `used`: those it reads. None where
    it is another file."""
    before, now = {key(name): name for name in known}, {key(name): name for name in header}
    reads = {key(name) for name in used}
    if not reads or len(reads & now.keys()) < ENOUGH_USED * len(reads):
        return None
    shared = before.keys() & now.keys()
    alike = len(shared) / len(before.keys() | now.keys())
    if alike < ENOUGH_ALIKE:
        return None
    if before.keys() == now.keys():
        order = "" if list(before) == list(now) else " in another order"
        return Likeness(1.0 if not order else 0.99, f"the same {len(now)} columns{order}", same=True)
    words = [f"{len(shared)} of its {len(before)} columns"]
    gone = [name for name_key, name in before.items() if name_key in reads and name_key not in now]
    new = [name for name_key, name in now.items() if name_key not in before]
    if gone:
        words.append(f"without {_some(gone)}")
    if new:
        words.append(f"new: {_some(new)}")
    return Likeness(0.9 * alike, "; ".join(words), same=False)


def applied(columns: Mapping[str, str], header: Sequence[str]) -> dict[str, str]:
    """The columns of a template as this file calls them: field -> column; fields whose column is gone are left out."""
    here = {key(name): name for name in header}
    return {name: here[key(column)] for name, column in columns.items() if key(column) in here}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
