"""The engine: rows of a file, batch by batch, each settled once. It knows batches and counts; the handlers know the kinds."""

import contextlib
import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched, islice
from typing import Any

from django.db import DataError, IntegrityError, transaction

from leadgen.core.tenancy import bulk_insert
from prospects.actions.fit import rescore
from prospects.actions.imports_activities import ActivitiesImport
from prospects.actions.imports_companies import CompaniesImport
from prospects.actions.imports_context import Context, Handler
from prospects.actions.imports_leads import LeadsImport
from prospects.actions.imports_people import PeopleImport
from prospects.actions.imports_setup import Setup
from prospects.actions.imports_signals import SignalsImport
from prospects.actions.imports_spend import SpendImport
from prospects.actions.imports_store import Entry, RowRefused, Rows, Unit, as_json
from prospects.models import Company, Import, ImportBatch, ImportIssue, Person, Suppression
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
UNDOABLE = (Company, Person)
# Kinds whose rows may carry no key of their own: after a crash the rows before the checkpoint are counted again.
_NUMBERED = frozenset({"leads", "spend", "activities"})


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
    """A row that could be converted, on its way through a batch."""

    file_row: FileRow
    row: ConvertedRow
    key: str
    created: bool = False
    refused: bool = False
    suppressed: bool = False
    fate: str = "i"
    matched: str = "."
    touched: list[tuple[Rows, Any]] = field(default_factory=list)


class _Rows(list[FileRow]):
    """Rows of the file, converted already."""

    named: tuple[list[_Item], list[tuple[FileRow, list[RowIssue]]]]


def _ahead(batches: Iterator[list[FileRow]]) -> Iterator[list[FileRow]]:
    """The same batches, the next one read and converted while the database writes this one."""
    found: queue.Queue[tuple[list[FileRow] | None, BaseException | None]] = queue.Queue(maxsize=1)
    stopped = threading.Event()

    def put(batch: list[FileRow] | None, error: BaseException | None = None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                found.put((batch, error), timeout=0.5)
                return

    def read() -> None:
        try:
            for batch in batches:
                put(batch)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  raised where the batch is asked for
            put(None, error)

    reader = threading.Thread(target=read, name="import-reader", daemon=True)
    reader.start()
    try:
        while True:
            batch, error = found.get()
            if error is not None:
                raise error
            if batch is None:
                return
            yield batch
    finally:
        stopped.set()
        reader.join()


class Engine:
    """Settles rows of one file. `dry`: nothing is written, the counts are what a run would give."""

    def __init__(self, setup: Setup, context: Context, *, dry: bool = False) -> None:
        self.setup, self.context, self.dry = setup, context, dry
        self.unit = Unit(keep=dry, undoable=UNDOABLE if setup.kind in UNDOABLE_KINDS else ())
        self.handler: Handler = _HANDLERS[setup.kind](self.unit, context)

    def batches(self, after: int = 0, size: int = BATCH) -> Iterator[list[FileRow]]:
        """The rows after the first `after`, in batches. Those before only lend their numbers to equal rows."""
        rows = self.setup.table.rows()
        if self.setup.kind in _NUMBERED or self.setup.options.handling.match:
            for passed in batched(islice(rows, after), size):
                self._named(passed)
        else:
            next(islice(rows, after, after), None)
        yield from _ahead(self._batch(list(batch)) for batch in batched(rows, size))

    def _batch(self, rows: list[FileRow]) -> "_Rows":
        found = _Rows(rows)
        found.named = self._named(rows)
        return found

    def settle(self, rows: Sequence[FileRow]) -> Batch:
        """Import these rows, inside the caller's transaction. A row the database refuses costs only itself."""
        result = Batch(rows=len(rows))
        items, refused = rows.named if isinstance(rows, _Rows) else self._named(rows)
        for file_row, issues in refused:
            result.invalid += 1
            result.issues += [Issue(issue, file_row.cells if issue.severity == "error" else []) for issue in issues]
        if self.setup.kind in ("people", "leads"):
            self._tell_suppressed(items, result)
        self._write(items, result)
        fates = {item.file_row.line: item.fate.upper() if item.suppressed else item.fate for item in items}
        result.fates = "".join([fates.get(file_row.line, "i") for file_row in rows])
        keys = {item.file_row.line: item.matched for item in items if not item.refused}
        result.keys = "".join([keys.get(file_row.line, ".") for file_row in rows])
        result.issues.sort(key=lambda issue: issue.issue.row)
        return result

    def _tell_suppressed(self, items: list[_Item], result: Batch) -> None:
        """Rows whose address nobody may write to are imported, and say so; the dry run only counts them."""
        emails = {item.file_row.line: str(item.row.values["email"]) for item in items if item.row.values.get("email")}
        if not emails or not Suppression.objects.exists():
            return
        blocked = suppressions_of(emails.values())
        by_line = {item.file_row.line: item for item in items}
        for number, email in emails.items():
            if email not in blocked:
                continue
            result.suppressed += 1
            by_line[number].suppressed = True
            if not self.dry:
                hit = blocked[email]
                words = f"Suppressed: {hit.get_reason_display().lower()} on {hit.at:%d %b %Y}"
                remedy = "Imported, and never written to"
                result.issues.append(Issue(RowIssue(number, "email", email, words, remedy, "warning"), []))

    def _named(self, rows: Sequence[FileRow]) -> tuple[list[_Item], list[tuple[FileRow, list[RowIssue]]]]:
        good: list[tuple[FileRow, ConvertedRow]] = []
        bad: list[tuple[FileRow, list[RowIssue]]] = []
        convert = self.setup.converter.convert
        for file_row in rows:
            if file_row.problem:
                bad.append((file_row, [RowIssue(file_row.line, "", "", file_row.problem[:300], file_row.remedy[:300])]))
                continue
            row = convert(file_row.line, file_row.cells)
            if row.refused:
                bad.append((file_row, row.issues))
            else:
                good.append((file_row, row))
        keys = self.handler.name_rows([row for _, row in good])
        return [_Item(file_row, row, key) for (file_row, row), key in zip(good, keys, strict=True)], bad

    def _write(self, items: list[_Item], result: Batch) -> None:
        if not items:
            return
        remarks = [len(item.row.issues) for item in items]
        tally = Counter(self.context.tally)
        try:
            with transaction.atomic():
                self._apply(items)
                written = self.unit.flush(self.context.now)
                rescore(
                    now=self.context.now, company_ids=written.get(Company, ()), person_ids=written.get(Person, ())
                )  # fmt: skip
        except (IntegrityError, DataError) as error:
            # Somebody else wrote the same key meanwhile, or one value fits no column: halve until the row is found.
            self.unit.reset()
            self.context.tally.clear()
            self.context.tally.update(tally)
            for item, count in zip(items, remarks, strict=True):
                del item.row.issues[count:]
                item.refused, item.fate, item.matched, item.touched = False, "i", ".", []
            if len(items) == 1:
                self._refuse(items[0], result, f"the database refused the row: {_first_line(error)}")
                return
            middle = len(items) // 2
            self._write(items[:middle], result)
            self._write(items[middle:], result)
            return
        self._count(items, result)
        self.unit.settle()

    def _apply(self, items: list[_Item]) -> None:
        self.handler.prepare([item.row for item in items], [item.key for item in items])
        for item in items:
            self.unit.begin_row()
            try:
                item.created, _ = self.handler.apply(item.row, item.key)
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
        subject = "company" if model is Company else "person"
        batch = subjects.setdefault(
            subject, ImportBatch(import_run=run, position=run.done_rows, subject=subject, at=now)
        )
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
