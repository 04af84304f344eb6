"""From a due enrolment to a recorded outcome, over real SMTP."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import Workspace
from campaigns.actions import outcomes, sending
from campaigns.actions.dispatch import dispatch_once, sweep_lanes
from campaigns.actions.no_return import Batch
from campaigns.actions.steps import mark_enrolments, stop_enrolment
from campaigns.models import Enrolment, Mailbox, Message, Sequence, StepRun
from campaigns.queries.looks import Look
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions.suppressions import suppress
from prospects.actions.tasks import complete_task
from prospects.models import Activity, Person, Suppression, Task
from prospects.queries.suppressions import is_suppressed
from tests.campaigns.sink import Sink, running_sink
from tests.factories.campaigns import EMAIL, FOLLOW_UP, REQUEST, make_enrolment, make_sequence
from tests.factories.campaigns import make_mailbox as make_any_mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


def make_mailbox(port: int, **fields: Any) -> Mailbox:
    """A mailbox whose answers are read, today and on the days these tests go on to."""
    from tests.conftest import NOW

    return make_any_mailbox(port, **({"synced_at": NOW + timedelta(days=60)} | fields))


def make_person(email: str = "ana@lumen.example", now: datetime | None = None, **fields: Any) -> Person:
    from tests.conftest import NOW

    values = {"first_name": "Ana", "full_name": "Ana Ferreira", "email": email, "created_at": NOW, "updated_at": NOW}
    return Person.objects.create(**(values | fields))


@pytest.fixture
def enrolment(in_acme: Workspace, sink: Sink) -> Enrolment:
    """Ana in a sequence of two e-mails two days apart, due now."""
    mailbox = make_mailbox(sink.port)
    version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
    found = make_enrolment(version, make_person(), mailbox=mailbox)
    mark_enrolments(found.enrolled_at)
    return found


def turn(now: datetime) -> Any:
    return dispatch_once(now=now)


def test_a_due_step_is_sent_once_with_everything_a_mail_needs(enrolment: Enrolment, sink: Sink, now: datetime) -> None:
    assert turn(now).sent == 1
    assert turn(now + timedelta(minutes=1)).sent == 0
    (mail,) = sink.mails
    assert sink.recipients == ["ana@lumen.example"]
    assert mail["Subject"] == "A question, Ana"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = mail.get_payload()[0].get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert text.startswith("Hi Ana,")
    assert "Acme, 1 Test Street, Berlin" in text
    message = Message.objects.get()
    assert (message.state, message.response, message.attempt) == ("sent", "250 queued as 4711", 1)
    assert mail["Message-ID"] == f"<{message.message_id}>"
    assert Activity.objects.filter(kind="sent", person=enrolment.person).count() == 1
    enrolment.refresh_from_db()
    assert (enrolment.position, enrolment.next_at) == (1, now + timedelta(days=2))


def test_the_follow_up_goes_two_days_later_in_the_same_thread(enrolment: Enrolment, sink: Sink, now: datetime) -> None:
    turn(now)
    assert turn(now + timedelta(days=1)).sent == 0
    assert turn(now + timedelta(days=2)).sent == 1
    first, second = sink.mails
    assert second["Subject"] == "Re: A question, Ana"
    assert second["In-Reply-To"] == first["Message-ID"]
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.reason) == ("finished", "All steps done.")


def test_a_linkedin_step_waits_for_a_person(in_acme: Workspace, sink: Sink, now: datetime, by_bob: Actor) -> None:
    mailbox = make_mailbox(sink.port)
    version = make_sequence([EMAIL, REQUEST, FOLLOW_UP], mailbox=mailbox)
    enrolment = make_enrolment(version, make_person(), mailbox=mailbox, owner=by_bob.member)
    mark_enrolments(now)
    turn(now)
    turn(now + timedelta(days=1))
    task = Task.objects.get()
    assert (task.kind, task.owner, task.body) == ("linkedin_request", by_bob.member, "Hello Ana")
    assert turn(now + timedelta(days=9)).sent == 0
    complete_task(by=by_bob, now=now + timedelta(days=9), task=task, outcome="sent")
    turn(now + timedelta(days=9))
    enrolment.refresh_from_db()
    assert enrolment.next_at == now + timedelta(days=11)
    assert turn(now + timedelta(days=11)).sent == 1


def test_a_lost_answer_is_unknown_and_never_sent_again(enrolment: Enrolment, sink: Sink, now: datetime) -> None:
    sink.script["DOT"] = "accept-drop"
    assert turn(now).unknown == 1
    sink.script.clear()
    for later in range(1, 40):
        sweep_lanes(now=now + timedelta(days=later))
        turn(now + timedelta(days=later))
    assert len(sink.accepted) == 1
    message = Message.objects.get()
    assert message.state == "unknown"
    assert "will not send it again" in message.reason
    enrolment.refresh_from_db()
    assert enrolment.state == "active"
    assert "not known" in enrolment.wait_reason


def test_evidence_settles_an_unknown_message_and_the_sequence_goes_on(
    enrolment: Enrolment, sink: Sink, now: datetime
) -> None:
    sink.script["DOT"] = "accept-drop"
    turn(now)
    sink.script.clear()
    assert outcomes.prove_sent(message=Message.objects.get(), by="click", now=now + timedelta(hours=1))
    assert turn(now + timedelta(days=3)).sent == 1
    assert [m.state for m in Message.objects.order_by("created_at")] == ["sent", "sent"]


def test_a_person_may_skip_an_unknown_message(enrolment: Enrolment, sink: Sink, now: datetime, by_alice: Actor) -> None:
    sink.script["DOT"] = "drop"
    turn(now)
    sink.script.clear()
    message = outcomes.settle_unknown(message=Message.objects.get(), sent=False, by=by_alice, now=now)
    assert (message.state, message.settled_by) == ("failed", "person")
    assert sink.accepted == []
    assert turn(now + timedelta(days=2)).sent == 1  # the follow-up, not the first mail again
    assert sink.mails[0]["Subject"] == ""


@pytest.mark.parametrize("point", ["MAIL", "RCPT", "DATA"])
def test_a_line_that_breaks_before_the_mail_costs_a_delay_only(
    enrolment: Enrolment, sink: Sink, now: datetime, point: str
) -> None:
    sink.script[point] = "drop"
    report = turn(now)
    assert (report.sent, report.unknown) == (0, 0)
    assert Message.objects.get().state == "planned"
    assert "Held" in Message.objects.get().hold_reason
    sink.script.clear()
    assert turn(now + timedelta(hours=1)).sent == 1
    assert len(sink.accepted) == 1


def test_an_unknown_recipient_is_suppressed_and_the_sequence_stops(
    enrolment: Enrolment, sink: Sink, now: datetime
) -> None:
    sink.script["RCPT"] = "550 5.1.1 no such user"
    assert turn(now).failed == 1
    message = Message.objects.get()
    assert (message.state, message.bounce_type) == ("failed", "hard")
    assert "no such user" in message.reason
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.stopped_by_type) == ("stopped", "failed")
    assert Person.objects.get().email_status == "bounced"
    assert is_suppressed(["ana@lumen.example"]) == {"ana@lumen.example"}


def test_a_policy_refusal_holds_the_mailbox_and_never_the_person(
    enrolment: Enrolment, sink: Sink, now: datetime
) -> None:
    sink.script["DOT"] = "550 5.7.1 blocked for spam"
    assert turn(now).failed == 1
    mailbox = Mailbox.objects.get()
    assert mailbox.state == "held"
    assert "blocked for spam" in mailbox.state_reason
    assert Person.objects.get().email_status == "unknown"
    assert is_suppressed(["ana@lumen.example"]) == set()


def test_a_server_that_says_later_is_asked_later(enrolment: Enrolment, sink: Sink, now: datetime) -> None:
    sink.script["DOT"] = "451 4.3.0 try later"
    assert turn(now).held == 1
    message = Message.objects.get()
    assert (message.state, message.submitted_at) == ("planned", None)
    sink.script.clear()
    assert turn(now + timedelta(hours=1)).sent == 1
    assert len(sink.accepted) == 1


def _stop(enrolment: Enrolment, now: datetime) -> None:
    stop_enrolment(enrolment=enrolment, reason="They replied.", by_type="reply", now=now)


def _suppress(enrolment: Enrolment, now: datetime) -> None:
    suppress(by=SYSTEM, now=now, kind="email", value="ana@lumen.example", reason=Suppression.Reason.UNSUBSCRIBED)


def _change_address(enrolment: Enrolment, now: datetime) -> None:
    Person.objects.update(email="new@lumen.example")


@pytest.mark.parametrize(
    ("rival", "code"), [(_stop, "stopped"), (_suppress, "suppressed"), (_change_address, "address_changed")]
)
def test_what_happens_between_planning_and_the_point_of_no_return_blocks_the_mail(
    enrolment: Enrolment, sink: Sink, now: datetime, rival: Any, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rival write lands after RCPT, just before the last look."""
    check = sending.pass_point_of_no_return

    def late(batch: Batch, look: Look) -> bool:
        with workspace_scope(batch.workspace_id):
            rival(enrolment, batch.now)
        return check(batch, look)

    monkeypatch.setattr(sending, "pass_point_of_no_return", late)
    turn(now)
    assert sink.accepted == []
    message = Message.objects.get()
    assert (message.state, message.reason_code) == ("blocked", code)
    assert message.submitted_at is None


def _pause_sequence() -> None:
    Sequence.objects.update(state="paused", pause_reason="the offer changed")


def _hold_mailbox() -> None:
    Mailbox.objects.update(state="held", state_reason="3 % bounces")


@pytest.mark.parametrize("rival", [_pause_sequence, _hold_mailbox])
def test_a_pause_holds_the_mail_with_its_reason(
    enrolment: Enrolment, sink: Sink, now: datetime, rival: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = sending.pass_point_of_no_return

    def late(batch: Batch, look: Look) -> bool:
        rival()
        return check(batch, look)

    monkeypatch.setattr(sending, "pass_point_of_no_return", late)
    assert turn(now).held == 1
    message = Message.objects.get()
    assert message.state == "planned"
    assert message.hold_reason.startswith("Held: ")
    assert sink.accepted == []


def test_a_frozen_worker_is_fenced(
    enrolment: Enrolment, sink: Sink, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ran out and another worker took the message: the zombie's point of no return changes nothing."""
    check = sending.pass_point_of_no_return
    seen: list[bool] = []

    def frozen(batch: Batch, look: Look) -> bool:
        with workspace_scope(batch.workspace_id):
            Message.objects.filter(pk=look.message.pk).update(attempt=look.message.attempt + 1)
        seen.append(check(batch, look))
        return seen[-1]

    monkeypatch.setattr(sending, "pass_point_of_no_return", frozen)
    turn(now)
    assert seen == [False]
    assert sink.accepted == []
    assert Message.objects.get().submitted_at is None


def test_the_cap_of_24_hours_is_never_passed(in_acme: Workspace, sink: Sink, now: datetime) -> None:
    mailbox = make_mailbox(sink.port, daily_cap=3)
    version = make_sequence([EMAIL], mailbox=mailbox)
    for number in range(5):
        make_enrolment(version, make_person(f"p{number}@lumen.example"), mailbox=mailbox)
    mark_enrolments(now)
    assert turn(now).sent == 3
    assert turn(now + timedelta(hours=23, minutes=59)).sent == 0
    assert turn(now + timedelta(hours=24)).sent == 2


def test_the_gap_between_two_mails_is_kept(in_acme: Workspace, sink: Sink, now: datetime) -> None:
    mailbox = make_mailbox(sink.port, min_gap_seconds=60)
    version = make_sequence([EMAIL], mailbox=mailbox)
    for number in range(2):
        make_enrolment(version, make_person(f"p{number}@lumen.example"), mailbox=mailbox)
    mark_enrolments(now)
    assert turn(now).sent == 1
    assert turn(now + timedelta(seconds=59)).sent == 0
    assert turn(now + timedelta(seconds=60)).sent == 1


def test_a_mail_waits_for_the_window_in_the_persons_zone(in_acme: Workspace, sink: Sink, now: datetime) -> None:
    """10:00 UTC is 05:00 in New York."""
    mailbox = make_mailbox(sink.port)
    version = make_sequence(
        [EMAIL], mailbox=mailbox, window_start=time(9), window_end=time(17), weekdays=[0, 1, 2, 3, 4]
    )
    make_enrolment(version, make_person(time_zone="America/New_York"), mailbox=mailbox)
    mark_enrolments(now)
    assert turn(now).sent == 0
    assert Message.objects.get().hold_reason == "Held: outside Ana's 9-17 window, goes Wed 09:00"
    assert turn(now + timedelta(hours=4)).sent == 1


def test_a_missing_variable_holds_instead_of_greeting_nobody(in_acme: Workspace, sink: Sink, now: datetime) -> None:
    mailbox = make_mailbox(sink.port)
    enrolment = make_enrolment(make_sequence([EMAIL], mailbox=mailbox), make_person(first_name=""), mailbox=mailbox)
    mark_enrolments(now)
    assert turn(now).sent == 0
    enrolment.refresh_from_db()
    assert enrolment.state == "paused"
    assert "person.first_name" in enrolment.reason
    assert not Message.objects.exists()
    assert not StepRun.objects.exists()


def test_lost_lanes_delay_and_lose_nothing(enrolment: Enrolment, sink: Sink, now: datetime) -> None:
    Lane.objects.update(next_due=None)
    assert turn(now).sent == 0
    sweep_lanes(now=now)
    assert turn(now).sent == 1


def test_all_messages_are_in_one_of_five_states(in_acme: Workspace, sink: Sink, now: datetime) -> None:
    mailbox = make_mailbox(sink.port)
    version = make_sequence([EMAIL], mailbox=mailbox)
    for number in range(4):
        make_enrolment(version, make_person(f"p{number}@lumen.example"), mailbox=mailbox)
    suppress(by=SYSTEM, now=now, kind="email", value="p0@lumen.example", reason=Suppression.Reason.OBJECTED)
    mark_enrolments(now)
    turn(now)
    assert outcomes.balance(campaign=version.sequence.campaign) == {
        "planned": 0, "sent": 3, "blocked": 1, "failed": 0, "unknown": 0, "all": 4,
    }  # fmt: skip
