"""Key rotation over the whole installation: every workspace's sealed columns and everybody's second factors."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from accounts.models import User, Workspace
from leadgen.core.models import Lane
from leadgen.core.rotation import Count, Sealed, moved, places
from leadgen.core.tenancy import workspace_scope

MFA_PURPOSE = "mfa"


class SealedFactors:
    """TOTP seeds and recovery seeds in allauth's table: values inside a JSON column."""

    label = "mfa.authenticator"
    by_workspace = False

    def move(self, *, after: Any, limit: int, write: bool) -> tuple[Count, Any]:
        from allauth.mfa.models import Authenticator

        rows = Authenticator.objects.order_by("pk")
        batch = list((rows.filter(pk__gt=after) if after else rows)[:limit])
        count = Count()
        for row in batch:
            fresh = dict(row.data)
            for name, value in row.data.items():
                if name not in {"secret", "seed"} or not isinstance(value, str):
                    continue
                other = moved(value, purpose=MFA_PURPOSE)
                count.add(Count(failed=other is None, moved=other not in {None, value}, kept=other == value))
                fresh[name] = value if other is None else other
            if not write or fresh == row.data:
                continue
            # A used recovery code changes the same column: replaced only as it was read, else left for the next run.
            if not Authenticator.objects.filter(pk=row.pk, data=row.data).update(data=fresh):
                count.failed += 1
        return count, batch[-1].pk if len(batch) == limit else None


def all_workspaces() -> list[uuid.UUID]:
    """Every workspace somebody belongs to or that ever had work, by id: no role here may list the table itself."""
    found = set(Lane.objects.values_list("workspace_id", flat=True).distinct())
    for user_id in User.objects.values_list("pk", flat=True).iterator():
        with workspace_scope(None, user_id):
            found |= set(Workspace.objects.values_list("pk", flat=True))
    return sorted(found)


def move_to_newest_key(*, batch: int = 200, write: bool = True) -> Iterator[tuple[str, Count]]:
    """Re-seal everything, in one transaction a batch; (place, what was found) for each place. `write` False: only count.

    May be broken off and run again at any time, and beside everything else. Call it outside of any transaction.
    """
    workspaces = all_workspaces()
    for place in places():
        count = Count()
        for workspace_id in workspaces if place.by_workspace else [None]:
            for part in _batches(place, workspace_id, batch, write):
                count.add(part)
        yield place.label, count


def _batches(place: Sealed, workspace_id: uuid.UUID | None, batch: int, write: bool) -> Iterator[Count]:
    after: Any = None
    while True:
        if workspace_id is None:
            with transaction.atomic():
                count, after = place.move(after=after, limit=batch, write=write)
        else:
            with workspace_scope(workspace_id):
                count, after = place.move(after=after, limit=batch, write=write)
        yield count
        if after is None:
            return
