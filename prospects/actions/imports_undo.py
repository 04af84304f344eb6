"""Undo an import: delete what it made, give back what it overwrote, and leave alone what people changed or used since.

The journal (ImportBatch) is undone from its end, batch by batch, each in one transaction that also takes the batch out of
the journal: a worker that dies loses the batch in hand, and the next one goes on. The plan judges with the same code and
writes nothing.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Func, IntegerField, Sum
from django.db.models.functions import Now

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member
from leadgen.core.errors import Conflict
from leadgen.core.tenancy import TenantModel, workspace_scope
from prospects.actions.fit import rescore
from prospects.actions.imports_lease import LEASE, claim, fence, hand_over
from prospects.actions.imports_memo import forget_memo
from prospects.actions.imports_store import Rows, Unit
from prospects.actions.imports_undo_judge import MODELS, TAKEN, Back, Judge, Outcome
from prospects.models import Import, ImportBatch, Person, TagLink

KEPT_DAYS = 30
AT_ONCE = 20_000  # records a request may judge itself
_State = Import.State


# Asking


def why_not(run: Import, now: datetime) -> str:
    """Why this import cannot be undone, in words; "" where it can."""
    if run.state == _State.UNDONE:
        return "This import was undone already."
    if run.state not in (_State.DONE, _State.CANCELLED, _State.FAILED):
        return f"It is {run.get_state_display().lower()}; an import is undone once it has ended."
    if run.kind not in ("people", "companies"):
        return (
            "Only imports of people and companies can be undone: leads, spend and activities are facts others count on."
        )
    if run.started_at is None or run.started_at < now - timedelta(days=KEPT_DAYS):
        return f"It is older than {KEPT_DAYS} days; what it changed is not kept longer."
    if not ImportBatch.objects.filter(import_run=run.pk).exists():
        return "It made and changed nothing." if run.done_rows else "Nothing was imported."
    return ""


def size_of(run: Import) -> int:
    """Records in the journal of a run."""
    made = Func("made", function="cardinality", output_field=IntegerField())
    changed = Func("changed", function="jsonb_array_length", output_field=IntegerField())
    found = ImportBatch.objects.filter(import_run=run.pk).aggregate(n=Sum(made + changed))["n"]
    return int(found or 0)


def settled(run: Import) -> int:
    """Records an undo has settled so far."""
    found = Outcome.from_json(run.undo)
    return found.deleted.total() + found.restored.total() + found.kept.total() + found.gone


def undo_plan(run: Import) -> Outcome:
    """Exactly what undoing would do now. Reads only."""
    judge, total = Judge(run), Outcome()
    for key in _journal(run).values_list("pk", flat=True):
        batch = ImportBatch.objects.get(pk=key)
        judge.judge(batch, total)
    return total


def count_undo(*, run: Import, now: datetime) -> Import:
    """Count what undoing would do: at once for a small import, else by a worker. The counts stand in `undo["plan"]`.
    Raises Conflict where it cannot be undone."""
    locked = _undoable(run, now)
    if size_of(locked) > AT_ONCE:
        locked.undo = {"was": locked.state, "counting": True}
        locked.save(update_fields=["undo"])
        return hand_over(locked, _State.UNDOING, now)
    locked.undo = {"plan": undo_plan(locked).as_json(), "counted_at": now.isoformat()}
    locked.save(update_fields=["undo"])
    return locked


def request_undo(*, run: Import, by: Actor, now: datetime) -> Import:
    """Undo the import in the background. Asked for twice it happens once. Raises Conflict where it cannot be undone."""
    locked = Import.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.state == _State.UNDOING and not locked.undo.get("counting"):
        return locked
    locked = _undoable(run, now)
    locked.undo = {"member": str(by.member.pk) if by.member else None, "total": size_of(locked), "at": now.isoformat()}
    locked.save(update_fields=["undo"])
    write_audit(by=by, action="import.undo_asked", now=now, target=locked, label=locked.file_name)
    return hand_over(locked, _State.UNDOING, now)


def _undoable(run: Import, now: datetime) -> Import:
    locked: Import = Import.objects.select_for_update(no_key=True).get(pk=run.pk)
    if reason := why_not(locked, now):
        raise Conflict(reason, code="not_undoable")
    return locked


def drop_old(now: datetime) -> None:
    """Forget journals nobody may undo any more, and what is known of rows nobody sent again for long."""
    forget_memo(now)
    ImportBatch.objects.filter(at__lt=now - timedelta(days=KEPT_DAYS + 1)).delete()


# Doing


def undo_import(*, workspace_id: UUID, run_id: UUID, now: datetime) -> None:
    """Undo (or count) to the end. Returns early where another worker has it."""
    with workspace_scope(workspace_id):
        run = claim(run_id, (_State.UNDOING,))
        if run is None:
            return
        attempt = run.attempt
        if run.undo.get("counting"):
            run.state, run.lease_until = run.undo["was"], None
            run.undo = {"plan": undo_plan(run).as_json(), "counted_at": now.isoformat()}
            run.save(update_fields=["state", "lease_until", "undo"])
            return
    while True:
        with workspace_scope(workspace_id):
            run = fence(run_id, attempt, _State.UNDOING)
            if run is None:
                return
            batch = _journal(run).first()
            if batch is None:
                _finish(run, now)
                return
            total = Outcome.from_json(run.undo)
            _undo_batch(run, batch, total, now)
            batch.delete()
            run.undo = {**run.undo, **total.as_json()}
            run.settings = {**run.settings, "tries": 0}
            run.lease_until = Now() + LEASE
            run.save(update_fields=["undo", "settings", "lease_until"])


def _finish(run: Import, now: datetime) -> None:
    run.state, run.lease_until = _State.UNDONE, None
    run.undo = {**Outcome.from_json(run.undo).as_json(), **run.undo, "undone_at": now.isoformat()}
    run.save(update_fields=["state", "lease_until", "undo"])
    member = Member.objects.filter(pk=run.undo.get("member")).first()
    found = Outcome.from_json(run.undo)
    write_audit(
        by=Actor(member=member, source="system"), action="import.undone", now=now, target=run, label=run.file_name,
        detail={
            "deleted": dict(found.deleted), "restored": dict(found.restored), "kept": dict(found.kept), "gone": found.gone,
        },
    )  # fmt: skip


def _journal(run: Import) -> Any:
    """Last batch first; of one batch the people before their companies."""
    return ImportBatch.objects.filter(import_run=run.pk).order_by("-position", "-subject")


def _undo_batch(run: Import, batch: ImportBatch, total: Outcome, now: datetime) -> None:
    judged = Outcome.from_json(total.as_json())
    delete, restore, untag = Judge(run).judge(batch, judged, lock=True)
    model = MODELS[batch.subject]
    try:
        with transaction.atomic():
            touched = _write(model, delete, restore, now)
    except IntegrityError:
        # Somebody took an address, an id or a domain since: one by one, so that only that record is kept.
        judged, touched = Outcome.from_json(total.as_json()), set()
        Judge(run).judge(batch, judged, lock=True)
        for key in delete:
            touched |= _one(model, [key], [], now, judged, batch.subject, _FREED)
        for row in restore:
            touched |= _one(model, [], [row], now, judged, batch.subject, TAKEN)
    TagLink.objects.filter(pk__any=untag).delete()
    total.untagged = judged.untagged
    total.deleted, total.restored, total.partly = judged.deleted, judged.restored, judged.partly
    total.kept, total.gone, total.examples = judged.kept, judged.gone, judged.examples
    if model is Person:
        rescore(now=now, person_ids=touched)
    else:
        rescore(now=now, company_ids=touched)


_FREED = "is used elsewhere"


def _one(
    model: type[TenantModel],
    delete: list[UUID],
    restore: list["Back"],
    now: datetime,
    judged: Outcome,
    subject: str,
    why: str,
) -> set[UUID]:
    try:
        with transaction.atomic():
            return _write(model, delete, restore, now)
    except IntegrityError:
        counts, key = (judged.deleted, delete[0]) if delete else (judged.restored, restore[0].key)
        counts[subject] -= 1
        judged.keep(why, subject, key, restore[0].name if restore else "")
        return set()


def _write(model: type[TenantModel], delete: list[UUID], restore: list["Back"], now: datetime) -> set[UUID]:
    if delete:
        model.objects.filter(pk__any=delete).delete()
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for back in restore:
        row = {"id": back.key, **back.values, "updated_at": back.updated_at or now}
        groups.setdefault(tuple(sorted(back.values)), []).append(row)
    rows = Rows(model, Unit())
    for columns, listed in groups.items():
        rows.update((*columns, "updated_at"), listed)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return {back.key for back in restore}
