"""Two dispatchers, two beats, a lost broker: nothing but delay. Real transactions, real threads, real SMTP."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import connections

from accounts.models import Workspace
from campaigns.actions.dispatch import dispatch_once, sweep_lanes
from campaigns.actions.sending import send_due
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, Message, StepRun
from campaigns.tasks import dispatch
from leadgen.core import clock
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Person
from tests.campaigns.sink import Sink, running_sink
from tests.factories.campaigns import EMAIL, make_enrolment, make_mailbox, make_sequence

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 24
AT_ONCE = {"delay_days": 0, "kind": "email", "body": "Hi {{ person.first_name }}, again."}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


@pytest.fixture
def crowd(acme: Workspace, sink: Sink, now: datetime) -> Workspace:
    """PEOPLE in a sequence of two e-mails without delay, from two mailboxes, all due."""
    with workspace_scope(acme.pk):
        for name in ("sam", "kim"):
            mailbox = make_mailbox(sink.port, address=f"{name}@acme.example", synced_at=now)
            version = make_sequence([EMAIL, AT_ONCE], mailbox=mailbox)
            for number in range(PEOPLE // 2):
                person = Person.objects.create(
                    first_name="Ana",
                    full_name="Ana",
                    email=f"{name}{number}@lumen.example",
                    created_at=now,
                    updated_at=now,
                )
                make_enrolment(version, person, mailbox=mailbox)
        mark_enrolments(now)
    return acme


def race(now: datetime, turns: int = 6, threads: int = 2) -> list[BaseException]:
    """Several dispatchers at the same time, each taking turns until nothing is due."""
    failed: list[BaseException] = []
    start = threading.Barrier(threads)

    def run() -> None:
        try:
            start.wait(10)
            for _ in range(turns):
                sweep_lanes(now=now)
                dispatch_once(now=now)
        except BaseException as error:  # noqa: BLE001  told to the test
            failed.append(error)
        finally:
            connections.close_all()

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    return failed


def test_one_turn_serves_several_mailboxes_at_once(acme: Workspace, sink: Sink, now: datetime) -> None:
    """Three servers that answer only when all three mails are there: one after another none would ever be answered."""
    sink.meet = threading.Barrier(3, timeout=30)
    with workspace_scope(acme.pk):
        for number in range(3):
            mailbox = make_mailbox(sink.port, address=f"sam{number}@acme.example", synced_at=now)
            version = make_sequence([EMAIL], mailbox=mailbox)
            person = Person.objects.create(
                first_name="Ana", full_name="Ana", email=f"ana{number}@lumen.example", created_at=now, updated_at=now
            )
            make_enrolment(version, person, mailbox=mailbox)
        mark_enrolments(now)
    turn = dispatch_once(now=now)
    assert (turn.begun, turn.sent, turn.unknown, turn.lanes) == (3, 3, 0, 4)
    assert sorted(sink.recipients) == [f"ana{number}@lumen.example" for number in range(3)]
    with workspace_scope(acme.pk):
        assert set(Message.objects.values_list("state", flat=True)) == {"sent"}


def test_a_lane_that_fails_beside_others_stops_none_of_them(
    crowd: Workspace, sink: Sink, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace_scope(crowd.pk):
        poison = Mailbox.objects.get(address="kim@acme.example").pk

    def fails_for_one(**values: Any) -> Any:
        if values["mailbox_id"] == poison:
            raise RuntimeError("a row nobody thought of")
        return send_due(**values)

    monkeypatch.setattr("campaigns.actions.dispatch.send_due", fails_for_one)
    with pytest.raises(RuntimeError, match="nobody thought of"):
        dispatch_once(now=now)
    assert Counter(recipient[:3] for recipient in sink.recipients) == {"sam": PEOPLE // 2}
    assert Lane.objects.get(key=str(poison)).next_due == now + timedelta(minutes=1)


def test_two_dispatchers_send_every_step_once(crowd: Workspace, sink: Sink, now: datetime) -> None:
    assert race(now) == []
    for _ in range(4):
        sweep_lanes(now=now)
        dispatch_once(now=now)
    sent = Counter(sink.recipients)
    assert len(sent) == PEOPLE
    assert set(sent.values()) == {2}
    with workspace_scope(crowd.pk):
        assert Message.objects.filter(state="sent").count() == 2 * PEOPLE
        assert StepRun.objects.count() == 2 * PEOPLE
        assert Activity.objects.filter(kind="sent").count() == 2 * PEOPLE
        assert Enrolment.objects.filter(state="finished").count() == PEOPLE


def test_a_lane_taken_by_somebody_who_died_costs_a_delay_only(crowd: Workspace, sink: Sink, now: datetime) -> None:
    from leadgen.core import lanes

    taken = lanes.take(kind="enrolments", now=now, lease_seconds=3600)
    assert taken is not None
    sweep_lanes(now=now)
    assert dispatch_once(now=now).begun == 0
    Lane.objects.update(lease_until=now - timedelta(days=1))
    assert race(now) == []
    assert len(set(sink.recipients)) == PEOPLE


def test_an_emptied_or_dead_broker_loses_nothing(
    crowd: Workspace, sink: Sink, now: datetime, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rings are lost with FLUSHALL, and lanes too: the next sweep finds the due rows."""
    valkey.flushdb()
    Lane.objects.exclude(kind="enrolments").delete()
    Lane.objects.update(next_due=None)
    monkeypatch.setattr(clock, "now", lambda: now)
    dispatch()
    assert sink.accepted == []
    for _ in range(4):
        sweep_lanes(now=now)
        dispatch()
        dispatch()  # a second beat rang too
    assert set(Counter(sink.recipients).values()) == {2}
    with workspace_scope(crowd.pk):
        assert Mailbox.objects.filter(state="active").count() == 2
