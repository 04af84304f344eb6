"""The restore guard: another cluster or another history of it holds all sending until somebody releases it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from leadgen.core import restore
from leadgen.core.models import Installation
from tests.factories.accounts import Someone

pytestmark = pytest.mark.django_db


def test_the_first_look_remembers_this_cluster(now: datetime) -> None:
    assert restore.check(now=now) == ""
    row = Installation.objects.get()
    signs = restore.read_signs()
    assert (row.system_identifier, row.timeline) == (signs.system_identifier, signs.timeline)
    assert restore.check(now=now + timedelta(minutes=5)) == ""
    row.refresh_from_db()
    assert row.seen_at == now + timedelta(minutes=5)


@pytest.mark.parametrize("change", [{"timeline": 99}, {"system_identifier": "7000000000000000001"}])
def test_a_restored_database_holds_and_stays_held(now: datetime, change: dict[str, Any]) -> None:
    restore.check(now=now)
    Installation.objects.update(**change)
    later = now + timedelta(days=1)
    words = "Held: this database was restored from a backup of 04 Mar 2026 10:00 UTC; sending waits until the Sent folders were compared"
    assert restore.check(now=later) == words
    assert restore.sending_held() == words
    assert restore.check(now=later + timedelta(hours=1)) == words
    row = Installation.objects.get()
    assert (row.held_at, row.seen_at) == (later, now)
    assert restore.release(by="ops@leadgen.example", now=later)
    assert restore.sending_held() == ""
    assert restore.check(now=later + timedelta(hours=2)) == ""
    assert not restore.release(by="ops@leadgen.example", now=later)


def test_an_operator_may_hold_by_hand(now: datetime) -> None:
    assert restore.hold(reason="the data folder was copied", now=now)
    assert not restore.hold(reason="again", now=now)
    assert restore.sending_held() == "Held by the operator: the data folder was copied"


def test_the_point_of_no_return_sees_it_without_a_look_before(now: datetime) -> None:
    from django.db import connection

    def allowed() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {restore.SENDING_ALLOWED}")
            return bool(cursor.fetchone()[0])

    assert allowed()
    restore.check(now=now)
    assert allowed()
    Installation.objects.update(timeline=99)
    assert not allowed()
    Installation.objects.update(timeline=restore.read_signs().timeline, held_at=now)
    assert not allowed()


def test_every_member_is_told_and_the_api_says_it(
    alice: Someone, bob: Someone, as_: Callable[[Someone], Client], api: Callable[..., Client], now: datetime
) -> None:
    page = "/w/acme/people/"
    assert "Nothing is sent at the moment" not in as_(bob).get(page).content.decode()
    assert api(alice).get("/api/v1/workspace/").json()["sending_held"] == ""
    restore.hold(reason="a drill", now=now)
    told = as_(bob).get(page).content.decode()
    assert "Nothing is sent at the moment" in told
    assert "Held by the operator: a drill." in told
    assert "restore_guard release" not in told
    assert "restore_guard release" in as_(alice).get(page).content.decode()
    assert "Sending is held" in as_(bob).get("/w/acme/health/").content.decode()
    assert (
        api(alice, "workspace.view").get("/api/v1/workspace/").json()["sending_held"] == "Held by the operator: a drill"
    )
