"""Suppress and free addresses, domains and phone numbers. Rows are appended; the newest of an address decides."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import bulk_insert
from prospects.actions.activities import record_activity
from prospects.models import ActivityKind, Person, Suppression
from prospects.queries import suppressions as queries
from prospects.rules import normalise

Kind, Reason = Suppression.Kind, Suppression.Reason
MAX_LIST = 100_000
HEADINGS = {"email", "e-mail", "address", "domain", "e-mail address"}
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+\.[\w-]+")


@dataclass(slots=True)
class ListResult:
    """What became of a list: counts, and (line number, text, why) of what could not be read."""

    added: int = 0
    already: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def suppress(*, by: Actor, now: datetime, kind: str, value: str, reason: str, note: str = "") -> Suppression:
    """Never send to (kind email or domain) or call (kind phone) `value` again; returns the row in force.

    Told twice with the same reason it is one row. Raises Invalid for a value that cannot be read. A member's act is also
    written to the timeline of the person who has the address; machines write their own fact (a bounce, an unsubscribe).
    """
    clean = read_value(kind, value)
    known = queries.suppression_of(kind, clean)
    if known is not None and known.reason == reason:
        return known
    row = Suppression.objects.create(
        kind=kind, digest=queries.suppression_digest(clean), reason=reason, note=clean_note(note, clean),
        hint=mask(kind, clean), at=now, member=by.member,
    )  # fmt: skip
    write_audit(
        by=by, action="suppression.added", now=now, target=row, label=row.hint,
        detail={"kind": kind, "reason": reason, "note": row.note},
    )  # fmt: skip
    if by.member is not None:
        _tell(by=by, now=now, kind=kind, value=clean, words=f"Suppressed: {Reason(reason).label.lower()}")
    return row


def lift(*, by: Actor, now: datetime, suppression: Suppression, note: str) -> Suppression:
    """Free an address again; a reason is needed. Raises Conflict where the newest row says it is free already."""
    if not note.strip():
        raise Invalid(
            "Say why this may be contacted again, such as “asked for the newsletter on 3 March”.", field="note"
        )
    newest = Suppression.objects.filter(kind=suppression.kind, digest=suppression.digest).order_by("-at", "-id").first()
    if newest is None or newest.act == Suppression.Act.LIFT:
        raise Conflict(f"{suppression.hint} is not suppressed any more.", code="not_suppressed")
    row = Suppression.objects.create(
        kind=suppression.kind, digest=suppression.digest, act=Suppression.Act.LIFT, reason=newest.reason,
        note=clean_note(note), hint=suppression.hint, at=max(now, newest.at), member=by.member,
    )  # fmt: skip
    write_audit(
        by=by, action="suppression.lifted", now=now, target=row, label=row.hint,
        detail={"kind": row.kind, "was": newest.reason, "note": row.note},
    )  # fmt: skip
    return row


def lift_value(*, by: Actor, now: datetime, kind: str, value: str, note: str) -> Suppression:
    """`lift` by the plain value. Raises Conflict where it is not suppressed."""
    clean = read_value(kind, value)
    row = queries.suppression_of(kind, clean)
    if row is None:
        raise Conflict(f"{clean} is not suppressed.", code="not_suppressed")
    return lift(by=by, now=now, suppression=row, note=note)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a list that can be kept."""

    kind: str
    digest: str
    hint: str
    reason: str
    note: str


def suppress_list(*, by: Actor, now: datetime, lines: Iterable[str], reason: str, note: str = "") -> ListResult:
    """Suppress many: plain addresses and domains, one a line (the first column of a CSV counts, a heading is skipped), or
    our own export, whose hashes are good in the workspace they come from.

    What cannot be read is returned with its line and reason, never dropped silently. One audit row for all.
    """
    result = ListResult()
    wanted: dict[tuple[str, str], _Entry] = {}
    given = iter(lines)
    first = next(given, "")
    columns = [name.strip().casefold() for name in next(csv.reader([first.lstrip("\ufeff")]), [])]
    own = {"kind", "hash", "reason"} <= set(columns)
    for number, line in enumerate(given if own else _chain(first, given), start=2 if own else 1):
        if number > MAX_LIST:
            raise Invalid(f"A list has at most {MAX_LIST:,} lines. Split the file.", field="file")
        try:
            entry = _own_entry(columns, line, note) if own else _plain_entry(line, number, reason, note)
        except Invalid as error:
            result.refused.append((number, _ADDRESS.sub("…", line)[:80] if own else _cell(line)[:80], error.message))
            continue
        if entry is not None:
            wanted[entry.kind, entry.digest] = entry
    known = set(queries.in_force().filter(digest__in=[key for _, key in wanted]).values_list("kind", "digest"))
    result.already = len(wanted.keys() & known)
    rows = [
        Suppression(
            kind=entry.kind, digest=entry.digest, reason=entry.reason, note=entry.note, hint=entry.hint, at=now,
            member=by.member,
        )
        for key, entry in wanted.items()
        if key not in known
    ]  # fmt: skip
    bulk_insert(Suppression, rows, batch_size=2000)
    result.added = len(rows)
    if rows:
        write_audit(
            by=by, action="suppression.imported", now=now, target_type="suppression", label=f"{len(rows)} addresses",
            detail={"added": len(rows), "reason": reason, "note": clean_note(note)},
        )  # fmt: skip
    return result


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _cell(line: str) -> str:
    return line.split(";")[0].split(",")[0].split("\t")[0].strip().strip("\"'").lstrip("\ufeff")


def _plain_entry(line: str, number: int, reason: str, note: str) -> _Entry | None:
    """A line of anybody's list. None: nothing stands there."""
    cell = _cell(line)
    if not cell or (number == 1 and cell.casefold() in HEADINGS):
        return None
    kind = str(Kind.EMAIL if "@" in cell.lstrip("@") else Kind.DOMAIN)
    clean = read_value(kind, cell.lstrip("@"))
    return _Entry(kind, queries.suppression_digest(clean), mask(kind, clean), reason, clean_note(note, clean))


def _own_entry(columns: list[str], line: str, note: str) -> _Entry | None:
    """A line of our own export: by its hash where it is this workspace's, else by the plain address if it has one."""
    cells = next(csv.reader([line]), [])
    if not any(cell.strip() for cell in cells):
        return None
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    kind, reason = row.get("kind", ""), row.get("reason", "")
    if kind not in Kind.values:
        raise Invalid(f"“{kind[:20]}” is none of: {', '.join(Kind.values)}.")
    reason = reason if reason in Reason.values else str(Reason.IMPORTED)
    plain = row.get("address", "").removeprefix("'")
    words = clean_note(note or row.get("note", "").removeprefix("'"))
    if plain:
        clean = read_value(kind, plain)
        return _Entry(kind, queries.suppression_digest(clean), mask(kind, clean), reason, clean_note(words, clean))
    digest = queries.digest_of_export(row.get("hash", ""))
    if digest is None:
        raise Invalid("It was exported from another workspace, and a hash cannot be read elsewhere: give the address.")
    return _Entry(kind, digest, clean_note(row.get("masked", ""))[:60], reason, words)


def clean_note(note: str, value: str = "") -> str:
    """A note without the address itself: servers repeat it in their words, and it must not outlive the person here."""
    words = note.replace(value, f"…{value[-4:]}") if value.startswith("+") else note  # a number
    return _ADDRESS.sub(lambda found: found.group() if "…" in found.group() else mask(Kind.EMAIL, found.group()), words).strip()[:300]  # fmt: skip


def read_value(kind: str, value: str, *, field: str = "value") -> str:
    """The normalised form that is hashed; raises Invalid with what is wrong, naming `field`."""
    try:
        match kind:
            case Kind.EMAIL:
                return normalise.email(value).address
            case Kind.DOMAIN:
                return normalise.host(value)
            case Kind.PHONE:
                return normalise.phone(value)
    except normalise.Unusable as error:
        raise Invalid(f"{error.message}. {error.remedy}".strip(), field=field) from error
    raise Invalid(f"“{kind}” is none of: {', '.join(Kind.values)}.", field="kind")


def mask(kind: str, value: str) -> str:
    """What the list shows: "a…@lumen.example", a whole domain, "…0142"."""
    if kind == Kind.EMAIL:
        local, _, host = value.rpartition("@")
        return f"{local[:1]}…@{host}"[:60]
    return f"…{value[-4:]}" if kind == Kind.PHONE else value[:60]


def _tell(*, by: Actor, now: datetime, kind: str, value: str, words: str) -> None:
    column = {Kind.EMAIL: "email", Kind.PHONE: "phone"}.get(Kind(kind))
    if column is None:
        return
    for person in Person.objects.filter(**{column: value})[:20]:
        record_activity(kind=ActivityKind.EDITED, at=now, now=now, by=by, person=person, summary=words)
