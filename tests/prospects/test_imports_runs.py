"""The run itself: killed in the middle and resumed at the checkpoint, fenced, cancelled, failed with words."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions import imports, imports_lease, imports_run
from prospects.actions.imports import (
    LANE,
    cancel_import,
    create_import,
    resume_import,
    run_due_imports,
    run_import,
    start_import,
)
from prospects.models import Activity, Import, ImportIssue, Lead, Person, Spend
from tests.prospects.imports import NOW, counts, fresh, run, text_of, upload


class Killed(Exception):
    """Stands for a worker that is gone: nothing after it runs."""


def kill_in_batch(monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    """Let the worker die in batch `number` after its rows were written, before the transaction ends."""
    seen: list[int] = []
    settle = imports_run.Engine.settle

    def dying(self: Any, rows: Any) -> Any:
        result = settle(self, rows)
        seen.append(len(rows))
        if len(seen) == number:
            raise Killed
        return result

    monkeypatch.setattr(imports_run.Engine, "settle", dying)
    return seen


def lose_lease(workspace: Workspace, made: Import) -> None:
    """As if the lease had run out."""
    with workspace_scope(workspace.pk):
        Import.objects.filter(pk=made.pk).update(lease_until=Now() - timedelta(seconds=1))


ROWS = [{"Email": f"p{i}@c{i % 7}.example", "First Name": f"N{i}", "Employees": "12"} for i in range(25)]
ROWS[8]["Email"] = "not-an-address"
SPEND = "Channel,From,To,Amount\n" + "paid,2026-01-01,2026-01-31,10\n" * 25
TOUCH = "external_id,at,channel\n" + "L1,2026-02-01T10:00:00Z,email\n" * 25


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "text", "model", "invalid"),
    [("people", text_of(ROWS), Person, 1), ("spend", SPEND, Spend, 0), ("activities", TOUCH, Activity, 0)],
)
def test_a_killed_run_goes_on_at_its_checkpoint_and_settles_each_row_once(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, batch: int, kind: str, text: str, model: Any, invalid: int
) -> None:
    if kind == "activities":
        run(acme, "leads", "external_id,company,opened_at\nL1,Lumen,2026-01-01\n")
    monkeypatch.setattr(imports_run, "BATCH", 10)
    monkeypatch.setattr(imports_run.Engine.batches, "__defaults__", (0, 10))
    made = upload(acme, kind, text)
    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=NOW)
    seen = kill_in_batch(monkeypatch, batch)
    with pytest.raises(Killed):
        run_due_imports(workspace_id=acme.pk, now=NOW)
    assert len(seen) == batch  # the kill was reached
    dead = fresh(acme, made)
    assert (dead.state, dead.done_rows) == ("running", (batch - 1) * 10)
    with workspace_scope(acme.pk):
        assert model.objects.count() == dead.created_count  # the batch it died in is not there

    # While its lease runs nobody else takes it; the lane says when to look again.
    again = run_due_imports(workspace_id=acme.pk, now=NOW)
    assert again == dead.lease_until
    assert fresh(acme, made).done_rows == dead.done_rows

    lose_lease(acme, made)
    assert run_due_imports(workspace_id=acme.pk, now=NOW) is None
    done = fresh(acme, made)
    assert (done.state, counts(done)) == ("done", (25 - invalid, 0, 0, invalid))
    assert done.attempt == dead.attempt + 1
    with workspace_scope(acme.pk):
        assert model.objects.count() == 25 - invalid
        assert ImportIssue.objects.filter(severity="error").count() == invalid
    # And the same file again knows every row.
    monkeypatch.undo()
    assert counts(run(acme, kind, text)) == (0, 0, 25 - invalid, invalid)


def test_a_frozen_worker_that_wakes_up_writes_nothing(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports_run.Engine.batches, "__defaults__", (0, 10))
    made = upload(acme, "people", text_of(ROWS))
    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=NOW)
    settle_batch = imports._settle_batch
    turns: list[bool] = []

    def freezing(*args: Any) -> bool:
        if not turns:
            # It sleeps before its second batch while another takes the run over and finishes it.
            turns.append(settle_batch(*args))
            Import.objects.filter(pk=made.pk).update(lease_until=Now() - timedelta(seconds=1))
            run_import(workspace_id=acme.pk, run_id=made.pk, now=NOW)
            return True
        turns.append(settle_batch(*args))
        return turns[-1]

    monkeypatch.setattr(imports, "_settle_batch", freezing)
    run_import(workspace_id=acme.pk, run_id=made.pk, now=NOW)
    assert turns == [True, True, True, False]  # its own, two of the other, and the one that was refused
    assert counts(fresh(acme, made)) == (24, 0, 0, 1)


def test_cancelling_stops_before_the_next_batch(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports_run.Engine.batches, "__defaults__", (0, 10))
    made = upload(acme, "people", text_of(ROWS))
    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=NOW)
    settle_batch = imports._settle_batch

    def cancelling(*args: Any) -> bool:
        found = settle_batch(*args)
        if found:
            cancel_import(run=made, by=SYSTEM, now=NOW)
        return found

    monkeypatch.setattr(imports, "_settle_batch", cancelling)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    stopped = fresh(acme, made)
    assert (stopped.state, stopped.done_rows, stopped.created_count) == ("cancelled", 10, 9)
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 9
        with pytest.raises(Conflict):
            start_import(run=stopped, by=SYSTEM, now=NOW)
    # It goes on where it stopped, once.
    monkeypatch.setattr(imports, "_settle_batch", settle_batch)
    with workspace_scope(acme.pk):
        assert resume_import(run=stopped, by=SYSTEM, now=NOW).state == "queued"
        resume_import(run=stopped, by=SYSTEM, now=NOW)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    done = fresh(acme, made)
    assert (done.state, counts(done)) == ("done", (24, 0, 0, 1))
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 24
        with pytest.raises(Conflict, match="nothing to go on"):
            resume_import(run=done, by=SYSTEM, now=NOW)


def test_killed_twenty_times_it_ends_with_each_row_once(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports_run.Engine.batches, "__defaults__", (0, 1))
    made = upload(acme, "people", text_of(ROWS))
    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=NOW)
    for _ in range(22):
        with monkeypatch.context() as patch:
            kill_in_batch(patch, 2)
            with pytest.raises(Killed):
                run_due_imports(workspace_id=acme.pk, now=NOW)
        lose_lease(acme, made)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    done = fresh(acme, made)
    assert (done.state, counts(done)) == ("done", (24, 0, 0, 1))
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 24


def test_starting_twice_is_once_and_leaves_one_lane(acme: Workspace) -> None:
    made = upload(acme, "people", text_of(ROWS))
    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=NOW)
        start_import(run=made, by=SYSTEM, now=NOW)
    assert Lane.objects.filter(workspace_id=acme.pk, kind=LANE).count() == 1
    run_due_imports(workspace_id=acme.pk, now=NOW)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    assert counts(fresh(acme, made)) == (24, 0, 0, 1)


def test_a_worker_finds_the_work_by_its_lane_and_leaves_it_empty(acme: Workspace) -> None:
    from prospects.tasks import run_imports

    made = upload(acme, "people", text_of(ROWS))
    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=NOW)
    run_imports()
    assert counts(fresh(acme, made)) == (24, 0, 0, 1)
    lane = Lane.objects.get(workspace_id=acme.pk, kind=LANE)
    assert (lane.next_due, lane.lease_until) == (None, None)
    # Queued after the worker looked, before it let the lane go: marked again.
    late = upload(acme, "people", text_of(ROWS))
    with workspace_scope(acme.pk):
        start_import(run=late, by=SYSTEM, now=NOW)
    Lane.objects.filter(pk=lane.pk).update(next_due=None)
    imports.mark_waiting(workspace_id=acme.pk, now=NOW)
    run_imports()
    assert counts(fresh(acme, late)) == (0, 0, 24, 1)


def test_a_run_that_kills_every_worker_is_given_up_with_words(acme: Workspace) -> None:
    made = upload(acme, "people", text_of(ROWS))
    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=NOW)
        Import.objects.update(settings={**made.settings, "tries": imports_lease.MAX_ATTEMPTS})
    run_due_imports(workspace_id=acme.pk, now=NOW)
    given_up = fresh(acme, made)
    assert given_up.state == "failed"
    assert "nothing is made twice" in given_up.error


AMBIGUOUS = "external_id,company,opened_at\n1,Lumen,03/04/2026\n2,Fjord,05/06/2026\n"


def test_ambiguous_dates_are_asked_for_not_guessed(acme: Workspace) -> None:
    made = upload(acme, "leads", AMBIGUOUS)
    with workspace_scope(acme.pk), pytest.raises(Invalid) as refused:
        start_import(run=made, by=SYSTEM, now=NOW)
    assert refused.value.code == "ambiguous_dates"
    assert "--dates dmy" in refused.value.message
    assert counts(run(acme, "leads", AMBIGUOUS, dates="dmy")) == (2, 0, 0, 0)
    with workspace_scope(acme.pk):
        days = Lead.objects.order_by("opened_at").values_list("opened_at", flat=True)
        # A bare date is midnight in the workspace's zone, Berlin.
        assert [at.isoformat() for at in days] == ["2026-04-02T22:00:00+00:00", "2026-06-04T22:00:00+00:00"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7 ...", "This is a PDF"),
        (b"PK\x03\x04....", "damaged archive or workbook"),
        (b"\xd0\xcf\x11\xe0....", "Save as, CSV UTF-8"),
        (b"", "empty"),
        (b"\n\n", "header"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(acme: Workspace, content: bytes, words: str) -> None:
    with workspace_scope(acme.pk), pytest.raises(Invalid) as refused:
        create_import(by=SYSTEM, now=NOW, kind="people", file_name="x.csv", source=content)
    assert words in refused.value.message
    with workspace_scope(acme.pk):
        assert not Import.objects.exists()


def test_a_file_without_any_usable_column_fails_with_the_columns_named(acme: Workspace) -> None:
    made = upload(acme, "people", "Colour,Shape\nred,round\n")
    with workspace_scope(acme.pk), pytest.raises(Invalid) as refused:
        start_import(run=made, by=SYSTEM, now=NOW)
    assert "Colour, Shape" in refused.value.message
