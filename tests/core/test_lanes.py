"""Lanes: what `count_due` says is what `take` finds."""

from datetime import datetime, timedelta

import pytest

from accounts.models import Workspace
from leadgen.core import lanes


@pytest.mark.parametrize("minutes", [-1, 0, 1])
def test_count_due_says_what_take_finds(acme: Workspace, now: datetime, minutes: int) -> None:
    lanes.mark(workspace_id=acme.pk, kind="letters", due=now + timedelta(minutes=minutes))
    assert not lanes.count_due(kinds=["parcels"], now=now, limit=5)
    assert not lanes.count_due(kinds=[], now=now, limit=5)
    assert lanes.count_due(kinds=["parcels", "letters"], now=now, limit=5) == (minutes <= 0)
    taken = lanes.take(kind="letters", now=now)
    assert (taken is not None) == (minutes <= 0)
    if taken is None:
        return
    assert not lanes.count_due(kinds=["letters"], now=now, limit=5)  # somebody works on it
    lanes.move_on(taken, next_due=now + timedelta(hours=1))
    assert not lanes.count_due(kinds=["letters"], now=now, limit=5)
    assert lanes.count_due(kinds=["letters"], now=now + timedelta(hours=1), limit=5) == 1
    for key in "abc":
        lanes.mark(workspace_id=acme.pk, kind="letters", key=key, due=now)
    assert lanes.count_due(kinds=["letters"], now=now, limit=5) == 3
    assert lanes.count_due(kinds=["letters"], now=now, limit=2) == 2


def test_what_is_said_for_then_or_before_is_not_said_again(acme: Workspace, now: datetime) -> None:
    later = now + timedelta(minutes=5)
    lanes.mark(workspace_id=acme.pk, kind="early", due=now)
    lanes.mark(workspace_id=acme.pk, kind="late", due=later)
    lanes.mark_soon(workspace_id=acme.pk, kinds={"early": later, "late": now, "new": now})
    due = dict(lanes.Lane.objects.filter(workspace_id=acme.pk).values_list("kind", "next_due"))
    assert due == {"early": now, "late": now, "new": now}
