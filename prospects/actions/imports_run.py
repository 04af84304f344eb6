"""The engine: rows of a file, batch by batch, each settled once. It knows batches and counts; the handlers know the kinds."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched, islice, repeat
from typing import Any
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from leadgen.core.tenancy import bulk_insert
from prospects.actions.fit import rescore
from prospects.actions.imports_activities import ActivitiesImport
from prospects.actions.imports_companies import CompaniesImport
from prospects.actions.imports_context import Context, Handler
from prospects.actions.imports_leads import LeadsImport
from prospects.actions.imports_memo import Known, Memo
from prospects.actions.imports_people import PeopleImport
from prospects.actions.imports_setup import Setup
from prospects.actions.imports_signals import SignalsImport
from prospects.actions.imports_spend import SpendImport
from prospects.actions.imports_store import Entry, Row, RowRefused, Rows, Unit, as_json
from prospects.models import Company, Import, ImportBatch, ImportIssue, Person, Suppression, TagLink
from prospects.queries.suppressions import suppressions_of
from prospects.rules.imports import ConvertedRow, RowIssue
from prospects.sources.csv import Row as FileRow

BATCH = 2000
MAX_WARNINGS = 5000  # stored of one run; all are counted

_HANDLERS: dict[str, Any] = {
    "people": PeopleImport,
    "companies": CompaniesImport,
    "leads": LeadsImport,
    "spend": SpendImport,
    "activities": ActivitiesImport,
    "signals": SignalsImport,
}
UNDOABLE_KINDS = frozenset({"people", "companies"})
UNDOABLE = (Company, Person, TagLink)
# Kinds whose rows may carry no key of their own: after a crash the rows before the checkpoint are counted again.
_NUMBERED = frozenset({"leads", "spend", "activities"})


type _Refused = tuple[FileRow, list[RowIssue]]


@dataclass(frozen=True, slots=True)
class Issue:
    """One remark on one row, with the row's cells where it was refused."""

    issue: RowIssue
    cells: list[str]


@dataclass(slots=True)
class Batch:
    """What became of some rows: created + updated + unchanged + invalid is their number."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    invalid: int = 0
    suppressed: int = 0
    conflicts: int = 0  # of the invalid ones
    issues: list[Issue] = field(default_factory=list)
    # Of each row in file order: c(reate) u(pdate) s(ame) x (conflict) i(nvalid), a capital if suppressed; and by which key
    # it was found (rules.imports_policy.KEY_WORDS).
    fates: str = ""
    keys: str = ""

    def add(self, other: "Batch") -> None:
        for name in ("rows", "created", "updated", "unchanged", "invalid", "suppressed", "conflicts", "fates", "keys"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.issues += other.issues


@dataclass(slots=True)
class _Item:
    """A row that could be converted, on its way through a batch. `record`: what it turned out to be about."""

    file_row: FileRow
    row: ConvertedRow
    key: str
    digest: str = ""
    record: Row | None = None
    firm: UUID | None = None
    created: bool = False
    refused: bool = False
    fate: str = "i"
    matched: str = "."
    touched: list[tuple[Rows, Any]] = field(default_factory=list)


class _Rows(list[FileRow]):
    """Rows of the file with their digests, and converted already where they are expected to be new."""

    digests: Sequence[str] = ()
    named: tuple[list[_Item], list[_Refused]] | None = None


class _Ahead:
    """The same batches, the next one read and converted while the database writes this one: a thread begins with it when
    `begin` is called, else when it is asked for. Begun any sooner, it would only take turns with the one that compares."""

    def __init__(self, batches: Iterator[_Rows]) -> None:
        self._batches = batches
        self._next: Future[_Rows | None] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="import-reader")

    def begin(self) -> None:
        if self._next is None:
            self._next = self._pool.submit(next, self._batches, None)

    def __iter__(self) -> Iterator[_Rows]:
        try:
            while True:
                self.begin()
                assert self._next is not None
                batch = self._next.result()
                self._next = None
                if batch is None:
                    return
                yield batch
        finally:
            self._pool.shutdown()


class _KnownRecord(Exception):
    """A row is about the record of a row that was taken as known."""


class Engine:
    """Settles rows of one file. `dry`: nothing is written, the counts are what a run would give."""

    def __init__(self, setup: Setup, context: Context, *, dry: bool = False) -> None:
        self.setup, self.context, self.dry = setup, context, dry
        self.unit = Unit(keep=dry, undoable=UNDOABLE if setup.kind in UNDOABLE_KINDS else ())
        self.handler: Handler = _HANDLERS[setup.kind](self.unit, context)
        self._converting = threading.Lock()  # a converter has one row in hand; the thread that reads ahead has rows too
        merger = getattr(self.handler, "merger", None) is not None
        fits = Memo.fits(setup, context.mapped, merger)
        self.memo = Memo(setup, people=setup.kind == "people", mapped=context.mapped) if fits else None

    def batches(self, after: int = 0, size: int = BATCH) -> Iterator[list[FileRow]]:
        """The rows after the first `after`, in batches. Those before only lend their numbers to equal rows."""
        rows = self.setup.table.rows()
        if self.setup.kind in _NUMBERED or self.setup.options.handling.match:
            for passed in batched(islice(rows, after), size):
                self._named(passed)
        else:
            next(islice(rows, after, after), None)
        ahead = _Ahead(self._batch(list(batch)) for batch in batched(rows, size))
        self.unit.while_waiting = ahead.begin
        yield from ahead

    def _batch(self, rows: list[FileRow]) -> _Rows:
        found = _Rows(rows)
        if self.memo:
            found.digests = self.memo.digests(row.cells for row in rows)
        if self.memo is None or not self.memo.expecting:
            found.named = self._named(rows, found.digests)
        return found

    def settle(self, rows: Sequence[FileRow]) -> Batch:
        """Import these rows, inside the caller's transaction. A row the database refuses costs only itself."""
        known: Mapping[int, Known] = {}
        barring = self.setup.kind in ("people", "leads") and Suppression.objects.exists()
        if self.memo and isinstance(rows, _Rows):
            if rows.named is None:
                self.unit.while_waiting()
                known = self.memo.known(rows.digests, emails=barring)
            else:
                self.memo.skip()
        if self.dry:  # rows before have written, but not to the database
            records = getattr(self.handler, "records", None)
            known = {n: hit for n, hit in known.items() if records and not records.written(UUID(hit.record))}
        try:
            return self._settle(rows, known, barring=barring)
        except _KnownRecord:
            # Another row of the batch is about a record of one that is known: in the order of the file, then.
            return self._settle(rows, {}, barring=barring)

    def _settle(self, rows: Sequence[FileRow], known: Mapping[int, Known], *, barring: bool) -> Batch:
        result = Batch(rows=len(rows), unchanged=len(known))
        if len(known) == len(rows) and not barring:
            result.fates, result.keys = "s" * len(rows), "".join([known[n].key for n in range(len(rows))])
            return result
        if isinstance(rows, _Rows) and rows.named is not None:
            items, refused = rows.named
        else:
            digests = rows.digests if isinstance(rows, _Rows) else ()
            places = [place for place in range(len(rows)) if place not in known]
            items, refused = self._named([rows[n] for n in places], [digests[n] for n in places] if digests else ())
        for file_row, issues in refused:
            result.invalid += 1
            result.issues += [Issue(issue, file_row.cells if issue.severity == "error" else []) for issue in issues]
        barred: set[int] = set()
        if barring:
            emails = {item.file_row.line: str(item.row.values.get("email") or "") for item in items}
            emails |= {rows[place].line: hit.email for place, hit in known.items()}
            barred = self._tell_suppressed(emails, result)
        self._write(items, result, {hit.record for hit in known.values()})
        fates = {item.file_row.line: item.fate for item in items} | {rows[place].line: "s" for place in known}
        result.fates = "".join([fates.get(row.line, "i") for row in rows])
        if barred:
            shown = zip(rows, result.fates, strict=True)
            result.fates = "".join([fate.upper() if row.line in barred else fate for row, fate in shown])
        keys = {item.file_row.line: item.matched for item in items if not item.refused}
        keys |= {rows[place].line: hit.key for place, hit in known.items()}
        result.keys = "".join([keys.get(row.line, ".") for row in rows])
        result.issues.sort(key=lambda issue: issue.issue.row)
        return result

    def _tell_suppressed(self, emails: Mapping[int, str], result: Batch) -> set[int]:
        """Rows (by line) whose address nobody may write to are imported, and say so; the dry run only counts them."""
        asked = {line: email for line, email in emails.items() if email}
        blocked = suppressions_of(asked.values())
        barred = {line for line, email in asked.items() if email in blocked}
        result.suppressed += len(barred)
        for number in sorted(barred) if not self.dry else ():
            email = asked[number]
            hit = blocked[email]
            words = f"Suppressed: {hit.get_reason_display().lower()} on {hit.at:%d %b %Y}"
            remedy = "Imported, and never written to"
            result.issues.append(Issue(RowIssue(number, "email", email, words, remedy, "warning"), []))
        return barred

    def _named(self, rows: Sequence[FileRow], digests: Sequence[str] = ()) -> tuple[list[_Item], list[_Refused]]:
        good: list[tuple[FileRow, ConvertedRow, str]] = []
        bad: list[_Refused] = []
        convert = self.setup.converter.convert
        with self._converting:
            for file_row, digest in zip(rows, digests or repeat("", len(rows)), strict=True):
                if file_row.problem:
                    issue = RowIssue(file_row.line, "", "", file_row.problem[:300], file_row.remedy[:300])
                    bad.append((file_row, [issue]))
                    continue
                row = convert(file_row.line, file_row.cells)
                if row.refused:
                    bad.append((file_row, row.issues))
                else:
                    good.append((file_row, row, digest))
        keys = self.handler.name_rows([row for _, row, _ in good])
        return [_Item(file_row, row, key, digest) for (file_row, row, digest), key in zip(good, keys, strict=True)], bad

    def _write(self, items: list[_Item], result: Batch, known: Set[str] = frozenset()) -> None:
        if not items:
            return
        remarks = [len(item.row.issues) for item in items]
        tally = Counter(self.context.tally)
        try:
            with transaction.atomic():
                self._apply(items)
                if known and any(item.record and str(item.record["id"]) in known for item in items):
                    raise _KnownRecord
                written = self.unit.flush(self.context.now)
                rescore(
                    now=self.context.now, company_ids=written.get(Company, ()), person_ids=written.get(Person, ())
                )  # fmt: skip
        except _KnownRecord:
            self._forget(tally)
            raise
        except (IntegrityError, DataError) as error:
            # Somebody else wrote the same key meanwhile, or one value fits no column: halve until the row is found.
            self._forget(tally)
            for item, count in zip(items, remarks, strict=True):
                del item.row.issues[count:]
                item.refused, item.fate, item.matched, item.touched, item.record = False, "i", ".", [], None
            if len(items) == 1:
                self._refuse(items[0], result, f"the database refused the row: {_first_line(error)}")
                return
            middle = len(items) // 2
            self._write(items[:middle], result)
            self._write(items[middle:], result)
            return
        self._count(items, result)
        if self.memo and not self.dry:
            self.memo.keep(list(self._worth_keeping(items)), self.context.now)
        self.unit.settle()

    def _forget(self, tally: Counter[str]) -> None:
        """Nothing of these rows happened."""
        self.unit.reset()
        self.context.tally.clear()
        self.context.tally.update(tally)

    def _worth_keeping(self, items: list[_Item]) -> Iterator[tuple[str, UUID, UUID | None, str]]:
        """Rows that would change nothing if they came again, as they stand now."""
        assert self.memo is not None
        for item in items:
            if item.digest and item.record is not None:
                # A remark is told each time; a row that is not found by a key of its own may be another's tomorrow.
                key = "" if item.row.issues else self.memo.key_of(item.row.values)
                yield item.digest if key else "", item.record["id"], item.firm, key

    def _apply(self, items: list[_Item]) -> None:
        self.handler.prepare([item.row for item in items], [item.key for item in items])
        for item in items:
            self.unit.begin_row()
            try:
                item.created, item.record = self.handler.apply(item.row, item.key)
                item.firm = getattr(self.handler, "firm", None)  # of people
                item.matched = getattr(self.handler, "matched", ".")  # only of people and companies
            except RowRefused as refusal:
                item.refused, item.fate = True, "x" if refusal.conflict else "i"
                item.row.issues.append(
                    RowIssue(
                        item.row.line, refusal.column, refusal.value[:300], refusal.message[:300], refusal.remedy[:300]
                    )
                )
            item.touched = self.unit.touched
        self.unit.begin_row()
        self.handler.complete()

    def _count(self, items: list[_Item], result: Batch) -> None:
        for item in items:
            if item.refused:
                result.invalid += 1
                result.conflicts += item.fate == "x"
            elif item.created:
                result.created, item.fate = result.created + 1, "c"
            elif any(table.written(key) for table, key in item.touched):
                result.updated, item.fate = result.updated + 1, "u"
            else:
                result.unchanged, item.fate = result.unchanged + 1, "s"
            for issue in item.row.issues:
                result.issues.append(Issue(issue, item.file_row.cells if issue.severity == "error" else []))

    def _refuse(self, item: _Item, result: Batch, message: str) -> None:
        result.invalid += 1
        issue = RowIssue(item.row.line, "", "", message[:300], "Check the values of this row; shorten long ones.")
        result.issues.append(Issue(issue, item.file_row.cells))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def keep_batch(run: Import, journal: list[Entry] | None, now: datetime) -> None:
    """Remember what a batch made and changed, in its transaction, and forget it here."""
    if not journal:
        return
    subjects: dict[str, ImportBatch] = {}
    for model, made, changes in journal:
        subject = "company" if model is Company or (model is TagLink and run.kind == "companies") else "person"
        batch = subjects.setdefault(
            subject, ImportBatch(import_run=run, position=run.done_rows, subject=subject, at=now)
        )
        if model is TagLink:
            batch.tagged += made
            continue
        batch.made += made
        batch.changed += [[key, before, after] for key, before, after in changes]
    for batch in subjects.values():
        batch.changed = as_json(batch.changed)
    bulk_insert(ImportBatch, list(subjects.values()))
    journal.clear()


def keep_issues(run: Import, issues: list[Issue], warnings: int) -> None:
    """Store what was wrong; `warnings` is how many were told before, as only the first MAX_WARNINGS are kept."""
    kept = []
    for entry in issues:
        issue = entry.issue
        if issue.severity == "warning":
            warnings += 1
            if warnings > MAX_WARNINGS:
                continue
        kept.append(
            ImportIssue(
                import_run=run, row=issue.row, column=_clean(issue.column)[:120], value=_clean(issue.value)[:300],
                message=_clean(issue.message)[:300], remedy=issue.remedy[:300], severity=issue.severity,
                cells=[_clean(cell) for cell in entry.cells],
            )
        )  # fmt: skip
    bulk_insert(ImportIssue, kept, batch_size=1000)


def _clean(text: str) -> str:
    """What PostgreSQL can keep of a damaged cell."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
