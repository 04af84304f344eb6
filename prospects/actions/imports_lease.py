"""Who works on an import: one worker at a time, under an attempt and a lease. A worker that wakes up late finds neither."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from leadgen.core import lanes
from leadgen.core.tasks import ring
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Import

LANE = "import"
TASK = "prospects.run_imports"
LEASE = timedelta(seconds=settings.IMPORT_LEASE_SECONDS)
MAX_ATTEMPTS = 20  # without a batch between them; a worker that dies each time must not try for ever
_State = Import.State
WORKING = (_State.CHECKING, _State.QUEUED, _State.RUNNING, _State.UNDOING)


def hand_over(run: Import, state: str, now: datetime, *, ring_workers: bool = True) -> Import:
    """Leave the (locked) run to a worker. A command's own run is looked at again only if it died."""
    run.state, run.error, run.lease_until = state, "", None
    run.settings = {**run.settings, "tries": 0}
    run.attempt += 1
    run.save(update_fields=["state", "error", "lease_until", "attempt", "settings"])
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now if ring_workers else now + LEASE)
    if ring_workers:
        ring(TASK)
    return run


def claim(run_id: UUID, states: tuple[str, ...]) -> Import | None:
    """The run under a new attempt and a lease, unless somebody else holds it."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    waiting = Import.objects.select_for_update(no_key=True, skip_locked=True)
    run: Import | None = waiting.filter(free, pk=run_id, state__in=states).first()
    if run is None:
        return None
    tries = int(run.settings.get("tries", 0))
    if tries >= MAX_ATTEMPTS:
        run.state, run.lease_until = _State.FAILED, None
        run.error = f"It stopped {MAX_ATTEMPTS} times; the log says why. Upload the file again: nothing is made twice."
        run.save(update_fields=["state", "lease_until", "error"])
        return None
    run.attempt += 1
    run.settings = {**run.settings, "tries": tries + 1}
    run.state = _State.RUNNING if run.state == _State.QUEUED else run.state
    run.lease_until = Now() + LEASE
    run.save(update_fields=["attempt", "state", "lease_until", "settings"])
    return run


def fence(run_id: UUID, attempt: int, state: str) -> Import | None:
    """The run, locked, if this attempt still has it."""
    found: Import | None = (
        Import.objects.select_for_update(no_key=True).filter(pk=run_id, attempt=attempt, state=state).first()
    )
    return found
