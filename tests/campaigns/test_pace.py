"""How much a mailbox may send now: caps, gaps, window and states, counted once a batch; and who of a pool gets a person."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.enrolments import enrol_people
from campaigns.actions.health import pace_changed
from campaigns.actions.mailboxes import update_mailbox
from campaigns.actions.pacing import Room, domain_of
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, Message, SequenceMailbox
from campaigns.models.locks import lock_mailbox
from campaigns.queries.pace import shares_of
from leadgen.core.tenancy import bulk_insert
from prospects.models import Person
from tests.campaigns.sink import Sink, running_sink
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
DAY = timedelta(hours=24)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


def handed_over(mailbox: Mailbox, at: datetime, *, to: str = "ana@lumen.example", state: str = "sent") -> None:
    """A mail of this mailbox past the point of no return at `at`."""
    Message.objects.create(
        kind="manual", state=state, mailbox=mailbox, to_address=to, subject="S", text="T", due_at=at, submitted_at=at,
        created_at=at,
    )  # fmt: skip


def pass_one(room: Room, mailbox_id: Any, to: str = "ana@lumen.example") -> bool:
    """What the sender does at the point of no return, as far as room goes."""
    mailbox = lock_mailbox(mailbox_id)
    if not room.left(mailbox, domain_of(to))[0]:
        return False
    handed_over(mailbox, room.now, to=to, state="unknown")
    room.take(mailbox, domain_of(to))
    return True


def test_two_senders_in_turn_never_pass_the_cap_together(in_acme: Any, now: datetime) -> None:
    mailbox = make_mailbox(daily_cap=7)
    handed_over(mailbox, now - timedelta(hours=23))
    one, two = Room(mailbox, now), Room(mailbox, now + timedelta(seconds=3))
    passed = [pass_one(room, mailbox.pk) for room in (one, two, one, one, two, one, two, one, two)]
    assert passed == [True] * 6 + [False] * 3
    assert Message.objects.filter(mailbox=mailbox, submitted_at__gt=now - DAY).count() == 7


def test_unknown_counts_and_a_day_is_any_24_hours(in_acme: Any, now: datetime) -> None:
    mailbox = make_mailbox(address="ana@acme.example", daily_cap=3)
    for hours, state in ((25, "sent"), (23, "unknown"), (22, "failed"), (1, "sent")):
        handed_over(mailbox, now - timedelta(hours=hours), state=state)
    room = Room(mailbox, now)
    assert room.left(mailbox) == (0, now + timedelta(hours=1))
    # Berlin is an hour ahead: the acme workspace's own clock tells the time.
    assert room.reason == f"Held: ana@acme.example has sent 3 of 3 in 24 hours, goes {clock(in_acme, now, 1)}"
    assert Room(mailbox, now + timedelta(hours=1, seconds=1)).left(mailbox) == (1, None)


def clock(workspace: Any, now: datetime, hours: float) -> str:
    from zoneinfo import ZoneInfo

    return f"{(now + timedelta(hours=hours)).astimezone(ZoneInfo(workspace.time_zone)):%a %H:%M}"


def test_a_batch_is_counted_once_and_no_mail_asks_again(in_acme: Any, now: datetime) -> None:
    mailbox = make_mailbox(domain_cap=5)
    with CaptureQueriesContext(connection) as counting:
        room = Room(mailbox, now)
        room.prepare(mailbox)
    assert len(counting) == 2
    with CaptureQueriesContext(connection) as mails:
        for n in range(20):
            mailbox.submissions += bool(n)
            assert room.left(mailbox, f"firm{n}.example")[0]
            room.take(mailbox, f"firm{n}.example")
    assert len(mails) == 20, "the count on the mailbox's own row, nothing else"


def test_the_gap_is_drawn_once_for_each_mail_and_kept(in_acme: Any, now: datetime) -> None:
    mailbox = make_mailbox(min_gap_seconds=60, gap_jitter_seconds=30)
    gaps, at = [], now
    for _ in range(12):
        assert pass_one(Room(mailbox, at), mailbox.pk)
        mailbox.refresh_from_db()
        assert mailbox.free_at is not None
        assert Room(mailbox, mailbox.free_at - timedelta(milliseconds=1)).left(mailbox) == (0, mailbox.free_at)
        gaps.append((mailbox.free_at - at).total_seconds())
        at = mailbox.free_at
    assert all(60 <= gap <= 90 for gap in gaps)
    assert len(set(gaps)) > 8, "not a machine's beat"
    assert Room(mailbox, at).left(mailbox) == (1, None), "one at a time where there is a gap"


def test_a_gap_that_is_changed_counts_from_the_last_mail(in_acme: Any, by_alice: Any, now: datetime) -> None:
    mailbox = make_mailbox(min_gap_seconds=3600)
    assert pass_one(Room(mailbox, now), mailbox.pk)
    mailbox.refresh_from_db()
    update_mailbox(mailbox=mailbox, changes={"min_gap_seconds": 60}, by=by_alice, now=now)
    mailbox.refresh_from_db()
    assert (mailbox.free_at, mailbox.submissions) == (now + timedelta(seconds=60), 1)
    # A sheet that was opened before a mail went must not take back what the sender counted.
    stale = Mailbox.objects.get(pk=mailbox.pk)
    assert pass_one(Room(mailbox, now + DAY), mailbox.pk)
    update_mailbox(mailbox=stale, changes={"daily_cap": 9}, by=by_alice, now=now)
    mailbox.refresh_from_db()
    assert (mailbox.submissions, mailbox.last_submitted_at, mailbox.daily_cap) == (2, now + DAY, 9)
    pace_changed(mailbox=mailbox, changed={"min_gap_seconds"}, now=now)


def test_a_cap_a_recipient_domain(in_acme: Any, now: datetime) -> None:
    mailbox = make_mailbox(address="ana@acme.example", domain_cap=2)
    handed_over(mailbox, now - timedelta(hours=20), to="x@lumen.example")
    room = Room(mailbox, now)
    assert pass_one(room, mailbox.pk, "ana@lumen.example")
    assert not pass_one(room, mailbox.pk, "ben@lumen.example")
    words = f"Held: ana@acme.example has sent 2 of 2 to lumen.example in 24 hours, goes {clock(in_acme, now, 4)}"
    assert (room.code, room.reason) == ("domain_cap", words)
    assert room.left(lock_mailbox(mailbox.pk), "lumen.example")[1] == now + timedelta(hours=4)
    assert pass_one(room, mailbox.pk, "ana@other.example")


def test_its_own_window_on_its_own_clock(in_acme: Any, now: datetime) -> None:
    own: dict[str, Any] = {"window_start": time(9), "window_end": time(17), "time_zone": "America/New_York"}
    mailbox = make_mailbox(address="ana@acme.example", daily_cap=1, **own)
    room = Room(mailbox, now)  # 05:00 there
    assert room.left(mailbox) == (0, now + timedelta(hours=4))
    assert room.reason == "Held: outside ana@acme.example’s 9-17 window, goes Wed 09:00"
    # Room again at 16:50 there: ten minutes before the end.
    handed_over(mailbox, now + timedelta(hours=11, minutes=50) - DAY)
    full = Room(mailbox, now + timedelta(hours=5))
    assert full.left(mailbox)[1] == now + timedelta(hours=11, minutes=50)
    handed_over(mailbox, now + timedelta(hours=13) - DAY)
    mailbox.daily_cap = 1
    late = Room(mailbox, now + timedelta(hours=5))
    # The first of the two has to be over, and the second too: 18:00 there, so on the next morning.
    assert late.left(mailbox)[1] == now + timedelta(hours=28)


def test_states_that_do_not_send(in_acme: Any, now: datetime) -> None:
    held = make_mailbox(state="held", state_reason="blocked by policy", address="h@acme.example")
    room = Room(held, now)
    assert (room.left(held), room.reason) == ((0, None), "Held: mailbox h@acme.example is held: blocked by policy")
    resting = make_mailbox(state="resting", free_at=now + timedelta(hours=3), address="r@acme.example")
    room = Room(resting, now)
    assert room.left(resting) == (0, now + timedelta(hours=3))
    assert room.reason == f"Held: mailbox r@acme.example is resting, goes {clock(in_acme, now, 3)}"
    warming = make_mailbox(state="warming", ramp_cap=5, daily_cap=30, address="w@acme.example")
    assert Room(warming, now).left(warming) == (5, None)


def test_what_waits_for_room_says_until_when(in_acme: Any, sink: Sink, now: datetime) -> None:
    mailbox = make_mailbox(sink.port, address="ana@acme.example", daily_cap=2)
    version = make_sequence([EMAIL], mailbox=mailbox)
    people = [make_person(f"P{n}", email=f"p{n}@firm{n}.example") for n in range(4)]
    for person in people:
        make_enrolment(version, person, mailbox=mailbox)
    mark_enrolments(now)
    assert dispatch_once(now=now).sent == 2
    dispatch_once(now=now + timedelta(minutes=2))
    waiting = Message.objects.filter(state="planned")
    words = f"Held: ana@acme.example has sent 2 of 2 in 24 hours, goes {clock(in_acme, now, 24)[:3]} "
    assert [m.hold_reason.startswith(words) for m in waiting] == [True, True]
    assert dispatch_once(now=now + DAY + timedelta(seconds=1)).sent == 2
    assert not Message.objects.exclude(hold_reason="").exists()


def test_a_domain_that_is_full_does_not_stop_the_others(in_acme: Any, sink: Sink, now: datetime) -> None:
    mailbox = make_mailbox(sink.port, domain_cap=1)
    version = make_sequence([EMAIL], mailbox=mailbox)
    for n, address in enumerate(("a@lumen.example", "b@lumen.example", "c@lumen.example", "d@other.example")):
        make_enrolment(version, make_person(f"P{n}", email=address), mailbox=mailbox)
    mark_enrolments(now)
    turn = dispatch_once(now=now)
    assert (turn.sent, turn.held) == (2, 2)
    assert sorted(sink.recipients) == ["a@lumen.example", "d@other.example"]
    held = Message.objects.filter(state="planned")
    assert {(m.due_at, "1 of 1 to lumen.example" in m.hold_reason) for m in held} == {(now + DAY, True)}


def pool(*boxes: Mailbox) -> Any:
    version = make_sequence([EMAIL], mailbox=boxes[0])
    for box in boxes[1:]:
        SequenceMailbox.objects.create(sequence=version.sequence, mailbox=box)
    return version.sequence


def enrol(sequence: Any, count: int, by: Any, start: int = 0) -> Counter[str]:
    people = [
        Person(first_name="P", full_name=f"P {n}", email=f"p{n}@firm{n}.example", created_at=NOW, updated_at=NOW)
        for n in range(start, start + count)
    ]
    bulk_insert(Person, people)
    made = enrol_people(sequence=sequence, people=[person.pk for person in people], by=by, now=NOW)
    return Counter(Mailbox.objects.get(pk=row.mailbox_id).address[0] for row in made)


def test_a_pool_shares_people_out_by_weight_and_todays_cap(in_acme: Any, by_alice: Any) -> None:
    old = make_mailbox(address="a@acme.example", daily_cap=30)
    young = make_mailbox(address="b@acme.example", daily_cap=30, state="warming", ramp_cap=10)
    heavy = make_mailbox(address="c@acme.example", daily_cap=30, weight=2)
    held = make_mailbox(address="d@acme.example", daily_cap=30, state="held", state_reason="x")
    sequence = pool(old, young, heavy, held)
    assert enrol(sequence, 50, by_alice) == {"a": 15, "b": 5, "c": 30}
    shares = {row.mailbox.address[0]: (round(row.percent), row.inside) for row in shares_of([old, young, heavy, held])}
    assert shares == {"a": (30, 15), "b": (10, 5), "c": (60, 30), "d": (0, 0)}


def test_a_person_keeps_the_mailbox_and_a_held_one_is_waited_for(in_acme: Any, by_alice: Any, sink: Sink) -> None:
    one, two = make_mailbox(sink.port, address="a@acme.example"), make_mailbox(sink.port, address="b@acme.example")
    sequence = pool(one, two)
    assert enrol(sequence, 4, by_alice) == {"a": 2, "b": 2}
    before = set(Enrolment.objects.values_list("pk", "mailbox_id"))
    Mailbox.objects.filter(pk=two.pk).update(state="held", state_reason="blocked")
    assert dispatch_once(now=NOW).sent == 2
    assert set(Enrolment.objects.values_list("pk", "mailbox_id")) == before
    assert Message.objects.filter(mailbox=two, state="planned").count() == 2
    assert {b"a@acme.example" in raw for _, raw in sink.accepted} == {True}
    # Nobody of the pool sends: those who come wait with the others.
    Mailbox.objects.filter(pk=one.pk).update(state="held", state_reason="blocked")
    assert sum(enrol(sequence, 2, by_alice, start=10).values()) == 2
