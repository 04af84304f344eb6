"""The point of no return on its short way: real transactions, and every change that may land just before it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from campaigns.actions import no_return, sending
from campaigns.actions.dispatch import dispatch_once, sweep_lanes
from campaigns.actions.no_return import Batch
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, MailDomain, Message, Sequence, StepRun, TrackedLink
from campaigns.queries.looks import Look
from leadgen.core import clock, lanes
from leadgen.core.bulk import insert_rows
from leadgen.core.models import Installation
from leadgen.core.prepared import Statement, run, send
from leadgen.core.tenancy import workspace_scope
from prospects.actions.suppressions import suppress
from prospects.models import Activity, Campaign, Person, Suppression
from tests.campaigns.sink import Sink, running_sink
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_mailbox, make_sequence


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


def enrol(sink: Sink, people: int = 1, **fields: Any) -> Workspace:
    """A committed workspace with `people` whose first of two e-mails is due at NOW."""
    import uuid

    key = uuid.uuid4()
    with workspace_scope(key):
        workspace = Workspace.objects.create(id=key, slug=f"w-{key.hex[:8]}", name="W", postal_address="1 Main St")
        mailbox = make_mailbox(sink.port, synced_at=NOW + timedelta(days=60), **fields)
        version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
        for number in range(people):
            person = Person.objects.create(
                first_name="Ana", full_name="Ana F", email=f"p{number}@lumen.example", created_at=NOW, updated_at=NOW
            )
            make_enrolment(version, person, mailbox=mailbox)
        mark_enrolments(NOW)
    return workspace


@pytest.mark.django_db(transaction=True)
def test_the_whole_path_commits_mail_by_mail_on_the_short_way(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = enrol(sink, people=3)
    ways: list[str] = []
    for way in ("_short_way", "_long_way"):
        inner = getattr(no_return, way)

        def noted(*args: Any, way: str = way, inner: Any = inner) -> bool:
            ways.append(way)
            return bool(inner(*args))

        monkeypatch.setattr(no_return, way, noted)
    assert dispatch_once(now=NOW).sent == 3
    assert ways == ["_short_way"] * 3
    with workspace_scope(workspace.pk):
        assert set(
            Message.objects.values_list("state", "reason_code", "lease_until", "settled_by", "submitted_at", "sent_at")
        ) == {("sent", "", None, "server", NOW, NOW)}
        assert set(StepRun.objects.values_list("outcome", "done_at")) == {("sent", NOW)}
        assert set(Enrolment.objects.values_list("position", "next_at")) == {(1, NOW + timedelta(days=2))}
        assert set(Person.objects.values_list("last_touch_at", flat=True)) == {NOW}
        assert Activity.objects.filter(kind="sent", channel="email", about_type="message").count() == 3
        assert Mailbox.objects.get().submissions == 3
    assert dispatch_once(now=NOW + timedelta(days=2)).sent == 3
    with workspace_scope(workspace.pk):
        assert set(Enrolment.objects.values_list("state", "reason")) == {("finished", "All steps done.")}


def _pause_campaign() -> None:
    Campaign.objects.update(state="paused", pause_reason="budget")


def _pause_enrolment() -> None:
    Enrolment.objects.update(state="paused", reason="back in May")


def _pause_sequence() -> None:
    Sequence.objects.update(state="paused", pause_reason="the offer changed")


def _hold_mailbox() -> None:
    Mailbox.objects.update(state="held", state_reason="3 % bounces")


def _lower_cap() -> None:
    Mailbox.objects.update(daily_cap=0)


def _keep_cold_mail_off() -> None:
    MailDomain.objects.create(name="acme.example", role="primary", hold_cold=True, created_at=NOW)


def _hold_installation() -> None:
    Installation.objects.update_or_create(
        pk=1,
        defaults={
            "system_identifier": "x",
            "timeline": 1,
            "held_at": NOW,
            "held_reason": "Held: restored",
            "seen_at": NOW,
        },
    )


def _bounce() -> None:
    Person.objects.update(email_status="bounced")


def _suppress_domain() -> None:
    suppress(by=SYSTEM, now=NOW, kind="domain", value="lumen.example", reason=Suppression.Reason.OBJECTED)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("rival", "state"),
    [
        (_pause_campaign, "planned"), (_pause_enrolment, "planned"), (_pause_sequence, "planned"),
        (_hold_mailbox, "planned"), (_lower_cap, "planned"), (_keep_cold_mail_off, "planned"),
        (_hold_installation, "planned"), (_bounce, "blocked"), (_suppress_domain, "blocked"),
    ],
)  # fmt: skip
def test_whatever_changed_after_the_look_is_seen(
    sink: Sink, rival: Callable[[], None], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = enrol(sink)
    check = sending.pass_point_of_no_return

    def late(batch: Batch, look: Look) -> bool:
        assert look.versions and not look.refused
        with workspace_scope(batch.workspace_id):
            rival()
        return check(batch, look)

    monkeypatch.setattr(sending, "pass_point_of_no_return", late)
    turn = dispatch_once(now=NOW)
    assert (turn.sent, sink.accepted) == (0, [])
    with workspace_scope(workspace.pk):
        message = Message.objects.get()
        assert (message.state, message.submitted_at) == (state, None)
        assert message.hold_reason or message.reason
        assert Mailbox.objects.get().submissions == 0


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_stood_still_does_not_finish_what_was_decided_long_ago(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the point of no return a machine sleeps in the middle of the mail; meanwhile the person asks to be left alone."""
    workspace = enrol(sink, people=2)
    stood, slept = 0.0, clock.elapsing

    def fall_asleep(point: str) -> None:
        nonlocal stood
        if point == "C8" and not stood:
            stood = 3600.0
            with workspace_scope(workspace.pk):
                suppress(by=SYSTEM, now=NOW, kind="email", value="p0@lumen.example", reason=Suppression.Reason.OBJECTED)

    monkeypatch.setattr("campaigns.transports.smtp.crash_point", fall_asleep)
    monkeypatch.setattr("campaigns.transports.smtp.clock.elapsing", lambda: slept() + stood)
    turn = dispatch_once(now=NOW)
    assert (turn.sent, turn.held, turn.blocked, turn.unknown) == (1, 1, 1, 0)
    assert sink.recipients == ["p1@lumen.example"]
    with workspace_scope(workspace.pk):
        message = Message.objects.get(to_address="p0@lumen.example")
        assert (message.state, message.reason_code, message.submitted_at) == ("blocked", "suppressed", None)
        assert Message.objects.get(to_address="p1@lumen.example").state == "sent"


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_died_is_told_of_once_its_lease_is_over(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = enrol(sink)

    def die(*args: Any, **limits: float) -> bytes:
        raise SystemExit("killed")

    from campaigns.transports.smtp import SmtpConversation

    monkeypatch.setattr(SmtpConversation, "hand_over", die)
    with pytest.raises(SystemExit):
        dispatch_once(now=NOW)
    monkeypatch.undo()
    with workspace_scope(workspace.pk):
        message = Message.objects.get()
        assert (message.state, message.reason_code) == ("unknown", "submitted")
    sweep_lanes(now=NOW)
    with workspace_scope(workspace.pk):
        assert Message.objects.get().reason_code == "submitted"  # its lease may still be worked under
        Message.objects.update(lease_until=NOW - timedelta(days=1))
    sweep_lanes(now=NOW)
    assert dispatch_once(now=NOW).sent == 0
    with workspace_scope(workspace.pk):
        message = Message.objects.get()
        assert (message.state, message.reason_code, message.lease_until) == ("unknown", "sender_died", None)
        assert message.reason.startswith("The sender died while handing it over.")
        assert "not known" in Enrolment.objects.get().wait_reason
    assert sink.accepted == []


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_is_neither_yes_nor_no_is_unknown(sink: Sink) -> None:
    workspace = enrol(sink)
    sink.script["DOT"] = "hmm, let me see"
    assert dispatch_once(now=NOW).unknown == 1
    with workspace_scope(workspace.pk):
        assert Message.objects.get().state == "unknown"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refused", ["MAIL", "RCPT"])
def test_a_refusal_under_pipelining_belongs_to_its_own_command(sink: Sink, refused: str) -> None:
    workspace = enrol(sink)
    sink.script |= {"EHLO": "250-sink\r\n250 PIPELINING", refused: "550 5.1.1 no"}
    turn = dispatch_once(now=NOW)
    assert (turn.sent, sink.accepted) == (0, [])
    with workspace_scope(workspace.pk):
        message, mailbox = Message.objects.get(), Mailbox.objects.get()
    if refused == "RCPT":
        assert (message.state, "refused the recipient" in message.reason) == ("failed", True)
    else:
        assert (message.state, mailbox.state) == ("planned", "held")


@pytest.mark.django_db(transaction=True)
def test_a_failing_statement_leaves_the_connection_usable_and_nothing_written(acme: Workspace) -> None:
    break_ = Statement("test_break", "SELECT 1 / %(zero)s::int")
    write = Statement("test_write", "UPDATE core_lane SET key = %(key)s WHERE kind = 'none' RETURNING key")
    from django.db import DataError

    def fail() -> None:
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(DataError):
            run(acme.pk, (write, {"key": "a"}), (break_, {"zero": 0}))
        with pytest.raises(DataError):
            send(acme.pk, (break_, {"zero": 0})).result()
        assert run(acme.pk, (break_, {"zero": 1})) == [("1",)]
        with pytest.raises(ZeroDivisionError):
            run(acme.pk, (break_, {"zero": 1}), before_commit=fail)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('leadgen.workspace', true), current_setting('enable_seqscan')")
        assert cursor.fetchone() in {("", "on"), (None, "on")}  # None: nothing was ever set on this connection


def test_work_marked_during_a_turn_is_looked_at_after_it(acme: Workspace, now: datetime) -> None:
    lanes.mark(workspace_id=acme.pk, kind="test", due=now)
    lane = lanes.take(kind="test", now=now)
    assert lane is not None
    lanes.mark(workspace_id=acme.pk, kind="test", due=now)  # the same instant, after the worker's last look
    lanes.move_on(lane, next_due=None)
    again = lanes.take(kind="test", now=now)
    assert again is not None
    lanes.move_on(again, next_due=None)
    assert lanes.take(kind="test", now=now) is None


def test_rows_inserted_as_columns_are_the_rows(in_acme: Workspace, now: datetime) -> None:
    mailbox = make_mailbox(1)
    messages = [
        Message(
            kind="manual", mailbox=mailbox, to_address=f"p{n}@x.example", subject='"quoted", {brace} \\ ' + "é" * n,
            text="a\nb" * n, due_at=now + timedelta(hours=n), hold_reason="NULL" if n else "", created_at=now,
        )
        for n in range(3)
    ]  # fmt: skip
    insert_rows(Message, messages)
    stored = Message.objects.order_by("due_at")
    assert [(m.to_address, m.subject, m.text, m.due_at, m.hold_reason, m.attempt, m.state) for m in stored] == [
        (m.to_address, m.subject, m.text, m.due_at, m.hold_reason, 0, "planned") for m in messages
    ]
    insert_rows(TrackedLink, [TrackedLink(message=stored[0], position=1, url="https://x.example/")])
    assert TrackedLink.objects.get().message_id == stored[0].pk
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(TrackedLink, [TrackedLink(message=stored[0], position=1, url="https://y.example/")])
