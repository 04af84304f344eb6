"""Door bells of prospects: each says that something may be due; the rows say what."""

from functools import partial

from celery import shared_task
from django.conf import settings

from leadgen.core import clock, lanes
from leadgen.core.tenancy import workspace_scope
from prospects.actions import (
    away,
    bulk,
    duplicates,
    enrichment,
    erasure,
    erasure_sweep,
    finding_lane,
    fit,
    imports,
    quality,
    retention,
    segments,
    segments_refresh,
    signals_sources,
    territories_run,
    titles,
    verification,
)


@shared_task(name="prospects.score_fit")
def score_fit(workspace_id: str | None = None, icp_id: str | None = None) -> None:
    """Score every profile whose lane is due, each in a transaction of its own; the ids only say that one is."""
    while lane := lanes.take(kind=fit.LANE, now=clock.now(), lease_seconds=900):
        with workspace_scope(lane.workspace_id):
            _, again = fit.score_lane(icp_id=lane.key, now=clock.now())
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.run_imports")
def run_imports() -> None:
    """Dry runs and imports that wait, workspace by workspace; each batch is a transaction of its own."""
    while lane := lanes.take(kind=imports.LANE, now=clock.now(), lease_seconds=settings.IMPORT_LEASE_SECONDS):
        again = imports.run_due_imports(workspace_id=lane.workspace_id, now=clock.now())
        lanes.move_on(lane, next_due=again)
        imports.mark_waiting(workspace_id=lane.workspace_id, now=clock.now())


@shared_task(name="prospects.find_duplicates")
def find_duplicates() -> None:
    """Compare what changed, workspace by workspace; each batch is a transaction of its own."""
    while lane := lanes.take(kind=duplicates.LANE, now=clock.now(), lease_seconds=900):
        again = duplicates.run_lane(lane, now=clock.now())
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.verify_people")
def verify_people(workspace_id: str | None = None) -> None:
    """Look at addresses that are new, changed or due, workspace by workspace; each part is a transaction of its own."""
    verification.begin_everywhere(kind=verification.LANE, now=clock.now())
    while lane := lanes.take(kind=verification.LANE, now=clock.now(), lease_seconds=verification.LEASE):
        again = verification.run_lane(lane, now=clock.now())
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.poll_feeds")
def poll_feeds() -> None:
    """Read the feeds that are due, workspace by workspace, and match signals that wait."""
    while lane := lanes.take(kind=signals_sources.LANE, now=clock.now(), lease_seconds=900):
        again = signals_sources.run_lane(lane.workspace_id, now=clock.now())
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.report_quality")
def report_quality(workspace_id: str | None = None) -> None:
    """The day's figures of data quality, workspace by workspace."""
    verification.begin_everywhere(kind=quality.LANE, now=clock.now())
    while lane := lanes.take(kind=quality.LANE, now=clock.now(), lease_seconds=900):
        with workspace_scope(lane.workspace_id):
            _, again = quality.take_report(now=clock.now())
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.run_enrichment")
def run_enrichment() -> None:
    """Ask providers about what waits, workspace by workspace; each record is a turn of its own."""
    while lane := lanes.take(kind=enrichment.LANE, now=clock.now(), lease_seconds=900):
        hold = partial(lanes.prolong, lane, lease_seconds=900)
        again = enrichment.run_lane(lane.workspace_id, now=clock.now(), hold=hold)
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.run_finding")
def run_finding() -> None:
    """Read directories, run searches and bring orders to their end, workspace by workspace."""
    while lane := lanes.take(kind=finding_lane.LANE, now=clock.now(), lease_seconds=900):
        hold = partial(lanes.prolong, lane, lease_seconds=900)
        again = finding_lane.run_lane(lane.workspace_id, now=clock.now(), hold=hold)
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.refresh_segments")
def refresh_segments(workspace_id: str | None = None) -> None:
    """Look at every segment whose lane is due, each in a transaction of its own."""
    while lane := lanes.take(kind=segments.LANE, now=clock.now(), lease_seconds=900):
        with workspace_scope(lane.workspace_id):
            _, again = segments_refresh.refresh_segment(segment_id=lane.key, now=clock.now())
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.read_titles")
def read_titles() -> None:
    """Read what the rules could not read in titles, workspace by workspace; each part is a transaction of its own."""
    while lane := lanes.take(kind=titles.LANE, now=clock.now(), lease_seconds=titles.LEASE):
        again = titles.run_lane(lane, now=clock.now())
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.run_bulk")
def run_bulk(workspace_id: str | None = None) -> None:
    """Acts on many rows that wait, by turns; each part of a thousand is a transaction of its own."""
    while lane := lanes.take(kind=bulk.LANE, now=clock.now(), lease_seconds=300):
        now = clock.now()
        again = bulk.run_lane(lane, until=now + bulk.TURN, clock=clock.now)
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.end_absences")
def end_absences() -> None:
    """Give back what was covered for whoever is back today."""
    while lane := lanes.take(kind=away.LANE, now=clock.now(), lease_seconds=300):
        with workspace_scope(lane.workspace_id):
            away.end_due(key=lane.key, now=clock.now())
        lanes.move_on(lane, next_due=None)


@shared_task(name="prospects.run_erasures")
def run_erasures(workspace_id: str | None = None) -> None:
    """Go on with erasures: whom a mail was on its way to, and the tables that are still to be looked through."""
    while lane := lanes.take(kind=erasure.LANE, now=clock.now(), lease_seconds=1800):
        again = erasure_sweep.run_lane(lane, clock=clock.now)
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.run_retention")
def run_retention(workspace_id: str | None = None) -> None:
    """What retention rules let go, workspace by workspace; a batch of each rule is a transaction of its own."""
    while lane := lanes.take(kind=retention.LANE, now=clock.now(), lease_seconds=900):
        again = retention.run_lane(lane.workspace_id, now=clock.now())
        lanes.move_on(lane, next_due=again)


@shared_task(name="prospects.run_territories")
def run_territories(workspace_id: str | None = None) -> None:
    """Owners by territory: the run under way, and what is new, workspace by workspace; each batch is a transaction of its own."""
    while lane := lanes.take(kind=territories_run.LANE, now=clock.now(), lease_seconds=territories_run.LEASE):
        again = territories_run.run_lane(lane, clock=clock.now)
        lanes.move_on(lane, next_due=again)
