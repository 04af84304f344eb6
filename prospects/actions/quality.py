"""The daily report of data quality, and counting anew when somebody asks."""

from datetime import datetime, timedelta

from accounts.models import Workspace
from leadgen.core import lanes
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import current_workspace_id
from prospects.models import QualityReport
from prospects.queries.quality import count_all, worst_sources

LANE = "quality"
KEPT = timedelta(days=400)


def take_report(*, now: datetime) -> tuple[QualityReport, datetime]:
    """Count everything and keep it as the day's; a later count of a day replaces the earlier. Returns when the next is due.

    The first is taken soon after midnight, where the workspace is.
    """
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    today = local_date(now, zone)
    report, _ = QualityReport.objects.update_or_create(
        on=today,
        defaults={
            "at": now,
            "figures": {key: list(pair) for key, pair in count_all(now).items()},
            "sources": [source.as_json() for source in worst_sources(now)],
        },
    )
    QualityReport.objects.filter(on__lt=today - KEPT).delete()
    return report, start_of_day(today + timedelta(days=1), zone) + timedelta(minutes=10)


def ask_report(*, now: datetime) -> None:
    """Let a worker count soon. Changes no configuration and no data: no audit row."""
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now)
    enqueue("prospects.report_quality")
