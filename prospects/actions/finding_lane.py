"""One turn of a worker for finding: directories to be read, searches to be run, orders to be brought to their end."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from prospects.actions.finding import LANE, run_searches
from prospects.actions.finding_directory import run_uploads
from prospects.actions.finding_orders import run_orders


def run_lane(workspace_id: UUID, *, now: datetime, hold: Callable[[], bool] = lambda: True) -> datetime | None:
    """When to look again; None: when it rings."""
    again = [
        run_uploads(workspace_id, now=now),
        run_searches(workspace_id, now=now, hold=hold),
        run_orders(workspace_id, now=now),
    ]
    return min((at for at in again if at is not None), default=None)


__all__ = ["LANE", "run_lane"]
