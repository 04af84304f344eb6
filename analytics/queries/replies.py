"""Replies of people, for the diagnosis beside the funnel."""

from datetime import datetime

from leadgen.core.visibility import everyone
from prospects.models import Activity, ActivityKind


@everyone()  # numbers of the whole workspace, whoever looks
def people_who_replied(start: datetime, end: datetime) -> int:
    """How many people answered in [start, end), by e-mail or LinkedIn; automatic answers do not count."""
    kinds = (ActivityKind.REPLIED, ActivityKind.LINKEDIN_REPLIED)
    rows = Activity.objects.filter(
        kind__in=kinds, at__gte=start, at__lt=end, hit_class=Activity.HitClass.HUMAN, person__isnull=False
    )
    return rows.values("person").distinct().count()
