"""Sent again by a person, and then proof of the first copy: the second is stopped, or the page says that it was too late."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine

from accounts.actions.audit import Actor
from accounts.models import AuditEntry, Workspace
from campaigns.actions import outcomes
from campaigns.actions.clicks import classify_due_hits
from campaigns.actions.inbound import receive_mail
from campaigns.actions.moves import unwritten
from campaigns.actions.no_return import pass_point_of_no_return
from campaigns.actions.settlement import send_again
from campaigns.actions.steps import stop_enrolment
from campaigns.models import Enrolment, Mailbox, Message, StepRun, TrackedLink
from campaigns.queries.books import books_of_workspace
from campaigns.queries.messages import balance
from campaigns.rules.tokens import public_token
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity
from tests.campaigns.inbound import bounce, reply
from tests.campaigns.sink import Sink
from tests.campaigns.test_sending import enrolment, sink, turn

__all__ = ["enrolment", "sink"]
pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SOFT = {"status": "4.2.2", "words": "452 4.2.2 mailbox full"}


@pytest.fixture
def again(enrolment: Enrolment, sink: Sink, now: datetime, by_alice: Actor) -> Message:
    """Accepted by the server, the answer lost; ten minutes later a person sends it again, and it waits."""
    sink.script["DOT"] = "accept-drop"
    turn(now)
    sink.script.clear()
    message = send_again(message=Message.objects.get(), by=by_alice, now=now + timedelta(minutes=10))
    assert (message.state, message.first_submitted_at) == ("planned", now)
    return message


@pytest.fixture
def clock(now: datetime) -> Iterator[Any]:
    with time_machine.travel(now, tick=False) as traveller:
        yield traveller


def proof(message: Message, evidence: str, at: datetime) -> None:
    if evidence == "sent_folder":
        fresh = Message.objects.get(pk=message.pk)
        words = "Found by its Message-ID in the folder Sent."
        assert outcomes.record_sent(message=fresh, response=words, by="sent_folder", now=at)
        return
    words = "Yes, please send me more details."
    raw = reply(message, words) if evidence == "reply" else bounce(message.message_id, message.to_address, **SOFT)
    receive_mail(mailbox=message.mailbox, raw=raw, now=at)


def page(client: Any, message: Message) -> str:
    body = client.get(f"/w/acme/messages/{message.pk}/").content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def adds_up() -> None:
    counts = balance()
    assert counts["all"] == 1 == sum(counts[state] for state in Message.State.values)
    assert [books.problems for books in books_of_workspace()] == [[]]


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ("sent_folder", "Found by its Message-ID in the folder Sent."),
        ("bounce", "Proven by a bounce."),
        ("reply", "Proven by a reply."),
    ],
)
def test_proof_of_the_first_copy_stops_the_second(
    again: Message, sink: Sink, now: datetime, as_: Any, alice: Any, evidence: str, words: str
) -> None:
    assert "If proof comes that the first was delivered, this one is stopped." in page(as_(alice), again)
    proof(again, evidence, now + timedelta(minutes=11))
    message = Message.objects.get()
    assert (message.state, message.settled_by, message.reason_code) == ("sent", evidence, "second_stopped")
    assert message.sent_at == message.submitted_at == now, "it was sent when the first copy was handed over"
    assert turn(now + timedelta(minutes=12)).sent == 0
    assert len(sink.accepted) == 1, "the second never went out"
    told = (
        f"The first copy, handed over on {now:%d %b %Y %H:%M} UTC, was delivered. {words} The second, which a person had "
        "asked for, was stopped and is not sent."
    )
    assert message.reason == told
    assert told in page(as_(alice), message)
    audit = AuditEntry.objects.get(action="message.second_stopped")
    assert (audit.source, audit.target_id, audit.detail["first"]) == ("system", message.pk, now.isoformat())
    note = Activity.objects.get(kind="note", about_id=message.pk)
    assert (note.person, note.summary) == (
        message.person,
        f"Second copy stopped, the first was delivered: {message.subject}",
    )
    assert Activity.objects.get(kind="sent", about_id=message.pk).at == now
    adds_up()
    enrolment, run = Enrolment.objects.get(), StepRun.objects.get()
    assert run.outcome == "sent"
    if evidence == "reply":
        assert enrolment.state == "stopped", "they answered"
        return
    assert (enrolment.state, enrolment.next_at) == ("active", now + timedelta(days=2)), "two days after the first"
    assert turn(now + timedelta(days=2)).sent == 1
    assert sink.mails[1]["In-Reply-To"] == f"<{message.message_id}>"


def test_a_click_on_the_first_copy_stops_the_second(
    again: Message, acme: Workspace, sink: Sink, client: Any, clock: Any, now: datetime
) -> None:
    """The request itself changes nothing; the worker that takes it for a person's does."""
    link = TrackedLink.objects.create(message=again, position=9, url="https://acme.example/plants")
    clock.move_to(now + timedelta(minutes=11))
    token = public_token("click", workspace_id=acme.pk, row=link.pk)
    client.get(f"/p/c/{token}/", headers={"User-Agent": BROWSER, "Accept-Language": "de"})
    assert Message.objects.get().state == "planned"
    classify_due_hits(now=now + timedelta(minutes=12))
    message = Message.objects.get()
    assert (message.state, message.settled_by, message.reason_code) == ("sent", "click", "second_stopped")
    assert turn(now + timedelta(minutes=13)).sent == 0
    assert len(sink.accepted) == 1
    adds_up()


def test_the_api_says_what_is_known_of_both(again: Message, now: datetime, api: Any, alice: Any) -> None:
    url = f"/api/v1/messages/{again.pk}/"
    client = api(alice)
    before = client.get(url).json()
    assert (before["state"], before["submitted_at"]) == ("planned", None)
    assert before["first_submitted_at"].startswith(f"{now:%Y-%m-%dT%H:%M}")
    assert before["copies"].startswith("A person sends it again: its first copy was handed over on")
    proof(again, "sent_folder", now + timedelta(minutes=11))
    after = client.get(url).json()
    assert (after["state"], after["reason_code"], after["copies"]) == ("sent", "second_stopped", "")
    assert client.get("/api/v1/messages/?state=planned").json()["results"] == []


def test_a_worker_that_has_claimed_the_second_is_stopped_before_the_point_of_no_return(
    again: Message, sink: Sink, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail stands before DATA when the proof comes: the last statement finds that it is planned no more."""

    def proven_meanwhile(batch: Any, look: Any) -> bool:
        with workspace_scope(batch.workspace_id):
            proof(again, "sent_folder", now + timedelta(minutes=11))
        return pass_point_of_no_return(batch, look)

    monkeypatch.setattr("campaigns.actions.sending.pass_point_of_no_return", proven_meanwhile)
    report = turn(now + timedelta(minutes=11))
    assert (report.sent, report.unknown, len(sink.accepted)) == (0, 0, 1)
    assert Message.objects.get().reason_code == "second_stopped"
    adds_up()


def test_too_late_both_are_out_and_the_page_says_so(
    again: Message, acme: Workspace, sink: Sink, client: Any, clock: Any, now: datetime, as_: Any, alice: Any
) -> None:
    """Clicked before the second went out, classed after it: proof of the first, which stops nothing any more."""
    link = TrackedLink.objects.create(message=again, position=9, url="https://acme.example/plants")
    token = public_token("click", workspace_id=acme.pk, row=link.pk)
    clock.move_to(now + timedelta(minutes=11))
    client.get(f"/p/c/{token}/", headers={"User-Agent": BROWSER, "Accept-Language": "de"})
    second = now + timedelta(minutes=12)
    assert turn(second).sent == 1
    assert len(sink.accepted) == 2
    assert "Whether the first arrived too is not known." in page(as_(alice), again)
    classify_due_hits(now=now + timedelta(minutes=13))
    message = Message.objects.get()
    assert (message.state, message.settled_by, message.reason_code) == ("sent", "server", "sent_twice")
    assert message.reason == (
        f"It went out twice. The first copy, handed over on {now:%d %b %Y %H:%M} UTC, had been delivered after all. Proven by "
        f"a click. The second could not be stopped: the server took it on {second:%d %b %Y %H:%M} UTC."
    )
    assert message.reason in page(as_(alice), message)
    assert AuditEntry.objects.filter(action="message.second_too_late").count() == 1
    assert Activity.objects.get(kind="note", about_id=message.pk).summary.startswith("The same e-mail went out twice")
    assert Activity.objects.filter(kind="sent", about_id=message.pk).count() == 1, "one mail, one fact"
    adds_up()


def test_two_lost_answers_and_a_reply_do_not_tell_which_arrived(
    again: Message, sink: Sink, now: datetime, as_: Any, alice: Any
) -> None:
    sink.script["DOT"] = "accept-drop"
    assert turn(now + timedelta(minutes=12)).unknown == 1
    sink.script.clear()
    proof(again, "bounce", now + timedelta(hours=1))
    message = Message.objects.get()
    assert (message.state, message.reason_code) == ("sent", "one_of_two")
    assert "each time without an answer. Proven by a bounce. So at least one arrived" in page(as_(alice), message)
    adds_up()


def test_the_answer_to_the_second_comes_after_the_proof(
    again: Message, sink: Sink, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof came between the second's point of no return and the server's answer."""

    def then_proven(batch: Any, look: Any) -> bool:
        passed = pass_point_of_no_return(batch, look)
        with workspace_scope(batch.workspace_id):
            fresh, seen = Message.objects.get(pk=again.pk), now + timedelta(minutes=1)
            assert outcomes.prove_sent(message=fresh, by="click", now=now + timedelta(minutes=12), seen_at=seen)
            assert Message.objects.get().reason_code == "second_out"
        return passed

    monkeypatch.setattr("campaigns.actions.sending.pass_point_of_no_return", then_proven)
    turn(now + timedelta(minutes=12))
    assert len(sink.accepted) == 2
    message = Message.objects.get()
    assert (message.state, message.reason_code) == ("sent", "sent_twice")
    adds_up()


def test_a_blocked_second_does_not_hide_the_first(again: Message, now: datetime, as_: Any, alice: Any) -> None:
    stop_enrolment(enrolment=Enrolment.objects.get(), reason="They called", by_type="person", now=now)
    blocked = Message.objects.get()
    assert blocked.state == "blocked"
    assert "may have been delivered; proof that comes later still makes it sent" in page(as_(alice), blocked)
    proof(again, "sent_folder", now + timedelta(hours=1))
    message = Message.objects.get()
    assert (message.state, message.reason_code, message.sent_at) == ("sent", "second_not_sent", now)
    assert "The second was not: blocked. The sequence was stopped: They called" in message.reason
    assert (Enrolment.objects.get().state, StepRun.objects.get().outcome) == ("stopped", "sent")
    adds_up()


def test_without_proof_the_second_goes_and_a_persons_wish_is_kept(again: Message, sink: Sink, now: datetime) -> None:
    second = now + timedelta(minutes=12)
    assert turn(second).sent == 1
    assert len(sink.accepted) == 2
    assert {mail["Message-ID"] for mail in sink.mails} == {f"<{again.message_id}>"}
    message = Message.objects.get()
    assert (message.state, message.sent_at, message.reason) == ("sent", second, "")
    proof_later = outcomes.prove_sent(message=message, by="click", now=now + timedelta(hours=1))
    assert not proof_later, "it may be about the second: nothing is claimed"
    assert Enrolment.objects.get().next_at == second + timedelta(days=2)
    adds_up()


def test_whoever_was_sent_a_first_copy_is_not_moved_to_another_mailbox(again: Message) -> None:
    """Giving people away deletes what was planned for them; here something may have arrived."""
    assert not unwritten(Mailbox.objects.get()).exists()
    assert Message.objects.get().state == "planned"
