"""Lanes: what `any_due` says is what `take` finds."""

from datetime import datetime, timedelta

import pytest

from accounts.models import Workspace
from leadgen.core import lanes


@pytest.mark.parametrize("minutes", [-1, 0, 1])
def test_any_due_says_what_take_finds(acme: Workspace, now: datetime, minutes: int) -> None:
    lanes.mark(workspace_id=acme.pk, kind="letters", due=now + timedelta(minutes=minutes))
    assert not lanes.any_due(kinds=["parcels"], now=now)
    assert not lanes.any_due(kinds=[], now=now)
    assert lanes.any_due(kinds=["parcels", "letters"], now=now) == (minutes <= 0)
    taken = lanes.take(kind="letters", now=now)
    assert (taken is not None) == (minutes <= 0)
    if taken is None:
        return
    assert not lanes.any_due(kinds=["letters"], now=now)  # somebody works on it
    lanes.move_on(taken, next_due=now + timedelta(hours=1))
    assert not lanes.any_due(kinds=["letters"], now=now)
    assert lanes.any_due(kinds=["letters"], now=now + timedelta(hours=1))
