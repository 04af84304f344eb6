"""An import whose worker is killed with SIGKILL again and again: how many of its rows are there exactly once in the end."""

import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import Now

from accounts.actions.audit import Actor
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import create_import, start_import
from prospects.models import Import, ImportFates, Person

LEASE = 2  # seconds until another worker may go on: what a kill costs here
WORKER = """
import sys, uuid, pathlib, django
django.setup()
from leadgen.core import clock
from prospects.actions.imports import run_import
run_import(workspace_id=uuid.UUID(sys.argv[1]), run_id=uuid.UUID(sys.argv[2]), now=clock.now(), source=pathlib.Path(sys.argv[3]))
"""


def rows_once(workspace_id: UUID, path: Path, *, kills: int, seed: int = 1) -> tuple[int, int]:
    """(rows of the file that were told of once and stand as one person or were refused, kills that hit a working worker)."""
    by = Actor(source="command")
    with workspace_scope(workspace_id):
        made = create_import(by=by, now=_now(), kind="people", file_name=path.name, source=path)
        start_import(run=made, by=by, now=_now(), ring_workers=False)
    draw, hits, before = random.Random(seed), 0, 0
    while True:
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, str(workspace_id), str(made.pk), str(path)],
            env=_environment(), start_new_session=True,
        ) as worker:  # fmt: skip
            while worker.poll() is None:
                run = _look(workspace_id, made.pk)
                if hits < kills and run.done_rows > before:
                    time.sleep(draw.uniform(0, 0.4))  # anywhere in a batch
                    if worker.poll() is None:
                        worker.kill()
                        worker.wait()
                        hits += 1
                    break
                time.sleep(0.02)
            code = worker.wait()
        run = _look(workspace_id, made.pk)
        before = run.done_rows
        if run.state not in (Import.State.RUNNING, Import.State.QUEUED):
            break
        if code not in (0, -9):
            raise RuntimeError(f"the worker ended with {code}")
        _wait_for_lease(workspace_id, made.pk)
    return _told_once(workspace_id, run), hits


def _told_once(workspace_id: UUID, run: Import) -> int:
    """Rows that are accounted for exactly once; 0 where the parts do not add up."""
    with workspace_scope(workspace_id):
        letters = "".join(
            ImportFates.objects.filter(import_run=run.pk).order_by("position").values_list("fates", flat=True)
        )
        people = Person.objects.count()
        doubles = Person.objects.values("email").annotate(n=Count("id")).filter(n__gt=1).count()
    counted = run.created_count + run.updated_count + run.unchanged_count + run.invalid_count
    whole = run.state == Import.State.DONE and len(letters) == counted == run.total_rows and not doubles
    made = people == run.created_count == letters.count("c") and letters.count("i") == run.invalid_count
    return counted if whole and made else 0


def _environment() -> dict[str, str]:
    return {**os.environ, "IMPORT_LEASE_SECONDS": str(LEASE)}


def _now() -> datetime:
    return datetime.now(UTC)


def _look(workspace_id: UUID, run_id: UUID) -> Import:
    with workspace_scope(workspace_id):
        found: Import = Import.objects.get(pk=run_id)
        return found


def _wait_for_lease(workspace_id: UUID, run_id: UUID) -> None:
    """As the next worker does: nobody takes the lease away."""
    while True:
        with workspace_scope(workspace_id):
            if not Import.objects.filter(pk=run_id, lease_until__gte=Now()).exists():
                return
        time.sleep(0.1)
