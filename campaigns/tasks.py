"""Door bells of campaigns: each says that something may be due; the rows say what."""

from celery import shared_task

from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.dispatch import sweep_lanes as sweep
from leadgen.core import clock


@shared_task(name="campaigns.dispatch")
def dispatch() -> None:
    """One dispatcher turn."""
    dispatch_once(now=clock.now())


@shared_task(name="campaigns.sweep_lanes")
def sweep_lanes() -> None:
    """Find due work whose hint was lost."""
    sweep(now=clock.now())
