"""Who is away."""

from uuid import UUID

from prospects.models import Absence


def away_now() -> set[UUID]:
    """Members whom routing passes by: somebody covers for them."""
    rows = Absence.objects.filter(state=Absence.State.ACTIVE, mode=Absence.Mode.COVER)
    return set(rows.values_list("member_id", flat=True))
