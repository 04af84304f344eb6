"""Imports as business events: upload, configure, dry run, run, cancel; each batch is one transaction with its checkpoint.

A worker that dies loses its batch and nothing else: the next one goes on at the checkpoint, under a new attempt, and the
old one, should it wake up, finds that the run is no longer its own.
"""

import hashlib
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from accounts.actions.audit import Actor, write_audit
from leadgen.core import lanes
from leadgen.core.crash import crash_point
from leadgen.core.errors import AppError, Conflict, Invalid
from leadgen.core.logging import log
from leadgen.core.tenancy import workspace_scope
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.engagement import apply_version
from prospects.actions.imports_context import Context
from prospects.actions.imports_fates import forget_fates, keep_fates
from prospects.actions.imports_lease import LANE, LEASE, WORKING, claim, fence, hand_over
from prospects.actions.imports_run import Batch, Engine, keep_batch, keep_issues
from prospects.actions.imports_setup import (
    MAX_BYTES,
    SHOWN_SAMPLES,
    Setup,
    Source,
    file_findings,
    guess,
    options_as_json,
    options_from_json,
    prepare,
    read_table,
)
from prospects.actions.imports_undo import drop_old, undo_import
from prospects.models import Import, ImportFile, ImportIssue
from prospects.rules.imports import ImportOptions, Kind
from prospects.sources.csv import Table

READ_AT_ONCE = 5 * 2**20  # bytes a request may read from end to end
_State = Import.State
EDITABLE = (_State.UPLOADED, _State.CHECKED, _State.FAILED)


# Before the run


def create_import(
    *, by: Actor, now: datetime, kind: str, file_name: str, source: Source, options: ImportOptions | None = None
) -> Import:
    """Take a file in: reads it, guesses the mapping, keeps its bytes (a path beyond MAX_BYTES is not kept). Raises Invalid
    for what is no table, in words."""
    if kind not in Import.Kind.values:
        raise Invalid(f"Choose one of: {', '.join(Import.Kind.values)}.", field="kind")
    content = (
        source if isinstance(source, bytes) else source.read_bytes() if source.stat().st_size <= MAX_BYTES else None
    )
    if isinstance(source, bytes) and len(source) > MAX_BYTES:
        raise Invalid(f"The file is larger than {MAX_BYTES // 2**20} MB. Split it.", code="too_large", field="file")
    options = options or ImportOptions()
    table = read_table(source, sheet=options.sheet)
    run = Import(
        kind=kind, file_name=(file_name or "file.csv")[-200:], file_sha256=_digest(source), file_size=_size(source),
        encoding=table.encoding, delimiter=table.delimiter, header=table.header,
        samples=table.sample(SHOWN_SAMPLES), settings=options_as_json(options), member=by.member, created_at=now,
        findings=file_findings(table),
    )  # fmt: skip
    run.mapping = guess(_kind(run), table, options).columns
    run.save()
    if content is not None:
        ImportFile(import_run=run, content=content).save()
    write_audit(by=by, action="import.uploaded", now=now, target=run, label=run.file_name, detail={"kind": kind})
    return run


def configure_import(*, run: Import, options: ImportOptions) -> Import:
    """Say how columns, words and dates are to be read, and which sheet of a workbook. Raises Conflict while it runs,
    Invalid for an unknown column or sheet."""
    run = _editable(run)
    table = read_table(file_of(run), sheet=options.sheet)
    run.mapping = guess(_kind(run), table, options).columns
    kept = {"template": run.settings["template"]} if "template" in run.settings else {}
    run.settings = options_as_json(options) | kept
    run.header, run.samples, run.findings = table.header, table.sample(SHOWN_SAMPLES), file_findings(table)
    run.state, run.error, run.plan = _State.UPLOADED, "", {}
    run.save(update_fields=["mapping", "settings", "header", "samples", "findings", "state", "error", "plan"])
    return run


def table_of(run: Import) -> Table:
    """The file as a table: of a workbook, the sheet that was chosen. Raises Invalid."""
    return read_table(file_of(run), sheet=str(run.settings.get("sheet") or ""))


def request_check(*, run: Import, now: datetime) -> Import:
    """Ask for a dry run in the background. What a human must say first is raised here where the file is small; else the
    check fails and says it."""
    locked = _editable(run)
    if locked.file_size <= READ_AT_ONCE:
        prepare(_kind(locked), file_of(locked), options_from_json(locked.settings))
    return hand_over(locked, _State.CHECKING, now)


def start_import(*, run: Import, by: Actor, now: datetime, ring_workers: bool = True) -> Import:
    """Queue the run. Starting twice (a double click) is once. Raises Conflict for one that ran already, Invalid for what a
    human must say first. A command that runs it itself rings no worker."""
    locked = Import.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.state in (_State.QUEUED, _State.RUNNING):
        return locked
    if locked.state == _State.CHECKING:
        raise Conflict("The dry run is still going on. Wait for it, or cancel it.", code="checking")
    if locked.state in (_State.DONE, _State.CANCELLED, _State.UNDOING, _State.UNDONE) or locked.done_rows:
        raise Conflict("This file was imported already. Upload it again to import it anew.", code="done")
    if ring_workers and locked.file_size <= READ_AT_ONCE:
        prepare(_kind(locked), file_of(locked), options_from_json(locked.settings))
    write_audit(by=by, action="import.started", now=now, target=locked, label=locked.file_name)
    return hand_over(locked, _State.QUEUED, now, ring_workers=ring_workers)


def cancel_import(*, run: Import, by: Actor, now: datetime) -> Import:
    """Stop after the batch in hand; rows imported before stay. Cancelling what has ended changes nothing."""
    locked = Import.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.state in (_State.DONE, _State.CANCELLED, _State.UNDONE):
        return locked
    if locked.state == _State.UNDOING:
        raise Conflict("It is being undone. That ends by itself.", code="undoing")
    was = locked.state
    locked.state = _State.UPLOADED if was == _State.CHECKING else _State.CANCELLED
    locked.lease_until, locked.attempt = None, locked.attempt + 1
    locked.finished_at = None if was == _State.CHECKING else now
    locked.save(update_fields=["state", "lease_until", "attempt", "finished_at"])
    write_audit(
        by=by,
        action="import.cancelled",
        now=now,
        target=locked,
        label=locked.file_name,
        detail={"rows": locked.done_rows},
    )
    return locked


def resume_import(*, run: Import, by: Actor, now: datetime) -> Import:
    """Go on where a run was cancelled or failed: rows before the checkpoint are settled and stay. Raises Conflict where
    there is nothing to go on with."""
    locked = Import.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.state in (_State.QUEUED, _State.RUNNING):
        return locked
    if not resumable(locked):
        raise Conflict(
            "There is nothing to go on with: only an import that stopped half way goes on. Upload the file again.",
            code="not_stopped",
        )
    file_of(locked)  # raises where the file is not here
    write_audit(
        by=by, action="import.resumed", now=now, target=locked, label=locked.file_name, detail={"rows": locked.done_rows}
    )  # fmt: skip
    locked.finished_at = None
    locked.save(update_fields=["finished_at"])
    return hand_over(locked, _State.QUEUED, now)


def resumable(run: Import) -> bool:
    """Whether the run stopped half way and nothing of it was undone."""
    left = run.total_rows is None or run.done_rows < run.total_rows
    return (
        run.state in (_State.CANCELLED, _State.FAILED) and bool(run.done_rows) and left and not run.undo.get("deleted")
    )


def _editable(run: Import) -> Import:
    locked: Import = Import.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.state not in EDITABLE or locked.done_rows:
        raise Conflict(
            f"This import is {locked.get_state_display().lower()}; its settings are fixed.", code="fixed",
        )  # fmt: skip
    return locked


def file_of(run: Import) -> bytes:
    """The bytes as uploaded. Raises Invalid where they were too many to keep."""
    content = ImportFile.objects.filter(import_run=run.pk).values_list("content", flat=True).first()
    if content is None:
        raise Invalid(
            "The file was too large to be kept. Run the command again: what is there is not made twice.", code="no_file"
        )
    return bytes(content)


# The run


def run_due_imports(*, workspace_id: UUID, now: datetime) -> datetime | None:
    """Check and run what waits in a workspace (or was left by a dead worker); when to look again, None if nothing goes on."""
    with workspace_scope(workspace_id):
        free = Q(lease_until=None) | Q(lease_until__lt=Now())
        due = list(
            Import.objects.filter(free, state__in=WORKING).order_by("created_at", "pk").values_list("pk", "state")
        )
    for key, state in due:
        if state == _State.CHECKING:
            check_import(workspace_id=workspace_id, run_id=key, now=now)
        elif state == _State.UNDOING:
            undo_import(workspace_id=workspace_id, run_id=key, now=now)
        else:
            run_import(workspace_id=workspace_id, run_id=key, now=now)
    with workspace_scope(workspace_id):
        leases = Import.objects.filter(state__in=WORKING).values_list("lease_until", flat=True)
        return min((lease or now for lease in leases), default=None)


def mark_waiting(*, workspace_id: UUID, now: datetime) -> None:
    """After the lane moved on: work that was queued just while it did is marked again."""
    with workspace_scope(workspace_id):
        free = Q(lease_until=None) | Q(lease_until__lt=Now())
        if Import.objects.filter(free, state__in=WORKING).exists():
            lanes.mark(workspace_id=workspace_id, kind=LANE, due=now)


def check_import(*, workspace_id: UUID, run_id: UUID, now: datetime, source: Source | None = None) -> None:
    """The dry run: what would be made, changed, left and refused; nothing but the plan and its issues is written."""
    with workspace_scope(workspace_id):
        run = claim(run_id, (_State.CHECKING,))
        if run is None:
            return
        attempt = run.attempt
    try:
        with workspace_scope(workspace_id):
            setup = prepare(_kind(run), source or file_of(run), options_from_json(run.settings))
            context = _context(setup, run.file_name, now, None)
            engine = Engine(setup, context, dry=True)
        total = Batch()
        for rows in engine.batches():
            with workspace_scope(workspace_id):
                total.add(engine.settle(rows))
                # A short transaction a batch: a long check keeps its lease, and a cancelled one ends.
                mine = Import.objects.filter(pk=run_id, attempt=attempt, state=_State.CHECKING)
                if not mine.update(lease_until=Now() + LEASE, total_rows=setup.total_rows):
                    return
        with workspace_scope(workspace_id):
            fenced = fence(run_id, attempt, _State.CHECKING)
            if fenced is None:
                return
            ImportIssue.objects.filter(import_run=run_id).delete()
            keep_issues(fenced, total.issues, 0)
            fenced.plan = plan_of(total)
            forget_fates(run_id)
            keep_fates(fenced, total, position=0)
            fenced.findings = [*setup.findings, *_words(context.tally)]
            fenced.total_rows, fenced.mapping = setup.total_rows, setup.mapping.columns
            fenced.state, fenced.lease_until = _State.CHECKED, None
            fenced.save()
    except AppError as error:
        _fail(workspace_id, run_id, attempt, error.message)


def dry_run(setup: Setup, *, file_name: str, now: datetime) -> tuple[Batch, list[str]]:
    """Counts, issues and remarks of a run that writes nothing. Needs the workspace's scope."""
    context = _context(setup, file_name, now, None)
    engine = Engine(setup, context, dry=True)
    total = Batch()
    for rows in engine.batches():
        total.add(engine.settle(rows))
    return total, _words(context.tally)


def run_import(*, workspace_id: UUID, run_id: UUID, now: datetime, source: Source | None = None) -> None:
    """Run to the end from the checkpoint, batch by batch. Returns early where another worker has it or it was cancelled."""
    with workspace_scope(workspace_id):
        run = claim(run_id, (_State.QUEUED, _State.RUNNING))
    if run is None:
        return
    attempt = run.attempt
    try:
        with workspace_scope(workspace_id):
            setup = prepare(_kind(run), source or file_of(run), options_from_json(run.settings))
            if not run.done_rows:
                ImportIssue.objects.filter(import_run=run_id).delete()
                forget_fates(run_id)
            Import.objects.filter(pk=run_id, attempt=attempt).update(
                total_rows=setup.total_rows, findings=setup.findings, mapping=setup.mapping.columns,
                started_at=run.started_at or now,
            )  # fmt: skip
        context = _context(setup, run.file_name, now, run_id)
        context.tally.update(run.settings.get("tally") or {})
        with workspace_scope(workspace_id):
            engine = Engine(setup, context)
        for rows in engine.batches(after=run.done_rows):
            with workspace_scope(workspace_id):
                if not _settle_batch(engine, rows, run_id, attempt):
                    return
        with workspace_scope(workspace_id):
            _finish(setup, context, run_id, attempt, now)
    except AppError as error:
        _fail(workspace_id, run_id, attempt, error.message)


def _settle_batch(engine: Engine, rows: Any, run_id: UUID, attempt: int) -> bool:
    """One transaction: the rows, their issues, the counts and the checkpoint. False where the run is not ours any more."""
    run = fence(run_id, attempt, _State.RUNNING)
    if run is None:
        return False
    batch = engine.settle(rows)
    crash_point("C16")
    keep_issues(run, batch.issues, int(run.settings.get("warnings", 0)))
    keep_batch(run, engine.unit.journal, engine.context.now)
    keep_fates(run, batch, position=run.done_rows)
    run.done_rows += batch.rows
    run.created_count += batch.created
    run.updated_count += batch.updated
    run.unchanged_count += batch.unchanged
    run.invalid_count += batch.invalid
    warnings = sum(issue.issue.severity == "warning" for issue in batch.issues)
    run.settings = run.settings | {
        "tries": 0, "tally": dict(engine.context.tally), "warnings": int(run.settings.get("warnings", 0)) + warnings,
        "suppressed": int(run.settings.get("suppressed", 0)) + batch.suppressed,
        "conflicts": int(run.settings.get("conflicts", 0)) + batch.conflicts,
    }  # fmt: skip
    run.lease_until = Now() + LEASE  # the database's clock
    run.save(
        update_fields=[
            "done_rows", "created_count", "updated_count", "unchanged_count", "invalid_count", "settings", "lease_until",
        ]
    )  # fmt: skip
    return True


def _finish(setup: Setup, context: Context, run_id: UUID, attempt: int, now: datetime) -> None:
    run = fence(run_id, attempt, _State.RUNNING)
    if run is None:
        return
    if setup.kind == "activities" and run.created_count:
        apply_version(version=ensure_first_agreement(now), now=now)
    run.state, run.finished_at, run.lease_until = _State.DONE, now, None
    run.findings = [*setup.findings, *_words(context.tally)]
    run.save(update_fields=["state", "finished_at", "lease_until", "findings"])
    drop_old(now)
    write_audit(
        by=Actor(member=run.member, source="system"), action="import.finished", now=now, target=run, label=run.file_name,
        detail={
            "kind": run.kind, "rows": run.done_rows, "created": run.created_count, "updated": run.updated_count,
            "unchanged": run.unchanged_count, "invalid": run.invalid_count,
        },
    )  # fmt: skip


def _fail(workspace_id: UUID, run_id: UUID, attempt: int, message: str) -> None:
    log.info("import_failed", run=str(run_id), reason=message)
    with workspace_scope(workspace_id):
        Import.objects.filter(pk=run_id, attempt=attempt, state__in=WORKING).update(
            state=_State.FAILED, error=message, lease_until=None
        )


def plan_of(total: Batch) -> dict[str, int]:
    """The counts of a dry run, as Import.plan keeps them."""
    warnings = sum(issue.issue.severity == "warning" for issue in total.issues)
    return {
        "rows": total.rows, "created": total.created, "updated": total.updated, "unchanged": total.unchanged,
        "invalid": total.invalid, "suppressed": total.suppressed, "conflicts": total.conflicts, "warnings": warnings,
    }  # fmt: skip


def _context(setup: Setup, file_name: str, now: datetime, run_id: UUID | None) -> Context:
    name = Path(file_name).name
    return Context(
        setup.kind, name, f"import {name}"[:120], setup.currency, now, run_id, setup.options.handling,
        frozenset((*setup.mapping.columns, *setup.mapping.constants)),
    )  # fmt: skip


def _words(tally: "Counter[str]") -> list[str]:
    return [text.replace("{n}", f"{number:,}") for text, number in tally.items() if number]


def _kind(run: Import) -> Kind:
    return cast(Kind, run.kind)  # the check constraint keeps it among KINDS


def _size(source: Source) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _digest(source: Source) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
