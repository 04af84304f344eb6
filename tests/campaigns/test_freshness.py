"""Follow-ups wait while nobody vouches that the answers were read; whoever vouches lets them go."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from campaigns.actions.dispatch import dispatch_once, sweep_lanes
from campaigns.actions.inbound import inbound_key
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, InboundMail, Mailbox, Message
from campaigns.rules.tokens import public_token
from campaigns.sandbox.personas import Crowd
from campaigns.sandbox.server import Endpoint, Sandbox
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import keyed_mailbox, post_mail, reply, sent_to
from tests.campaigns.sink import Sink, running_sink
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_sequence, vouch
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db
DUE = NOW + timedelta(days=2)
UNREAD = "Held: the answers in sam@acme.example were never read; follow-ups go when they are."


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


@pytest.fixture
def mailbox(acme: Any, sink: Sink) -> Mailbox:
    sink.accepted.clear()
    with workspace_scope(acme.pk):
        mark_enrolments(NOW)  # a workspace without any lane is not swept
        return keyed_mailbox(port=sink.port)


@pytest.fixture
def message(acme: Any, mailbox: Mailbox) -> Message:
    """Ana got the first mail; the follow-up is due in two days."""
    with workspace_scope(acme.pk):
        return sent_to(make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example"), mailbox)


def turn(at: datetime) -> Any:
    sweep_lanes(now=at)
    return dispatch_once(now=at)


def heartbeat(mailbox: Mailbox, at: datetime, **kwargs: Any) -> Any:
    with time_machine.travel(at, tick=False):
        return post_mail(mailbox, b"", at=at, **kwargs)


def synced_at(acme: Any) -> Any:
    with workspace_scope(acme.pk):
        return Mailbox.objects.get().synced_at


def test_a_follow_up_waits_until_the_answers_were_read_and_goes_at_once_then(
    acme: Any, mailbox: Mailbox, message: Message, sink: Sink
) -> None:
    report = turn(DUE)
    assert (report.sent, report.held, report.reasons) == (0, 1, [UNREAD])
    assert heartbeat(mailbox, DUE + timedelta(minutes=1)).json() == {"complete_to": "2026-03-06T10:01:00Z"}
    assert turn(DUE + timedelta(minutes=1)).sent == 1
    assert sink.recipients == ["ana@lumen.example"]


def test_read_a_quarter_of_an_hour_ago_is_fresh_and_a_second_more_is_not(
    acme: Any, mailbox: Mailbox, message: Message
) -> None:
    with workspace_scope(acme.pk):
        vouch(DUE)
    limit = DUE + timedelta(minutes=15)
    assert turn(limit + timedelta(seconds=1)).reasons == [
        "Held: the answers in sam@acme.example were last read at 10:00; follow-ups go when they are read again."
    ]
    with workspace_scope(acme.pk):
        Message.objects.filter(state="planned").update(due_at=limit)
    assert turn(limit).sent == 1


def test_first_mails_never_wait_for_it(acme: Any, mailbox: Mailbox, sink: Sink) -> None:
    with workspace_scope(acme.pk):
        version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
        make_enrolment(version, make_person("Ana", make_company("Lumen"), email="ana@lumen.example"), mailbox=mailbox)
    assert turn(NOW).sent == 1


def test_where_nobody_reads_follow_ups_wait_whatever_a_gateway_says(
    acme: Any, mailbox: Mailbox, message: Message
) -> None:
    with workspace_scope(acme.pk):
        Mailbox.objects.update(sync="none")
    assert heartbeat(mailbox, DUE).status_code == 200
    assert turn(DUE).reasons == [
        "Held: nobody reads the answers of sam@acme.example; follow-ups go when it is read (Settings, Mailboxes)."
    ]
    assert synced_at(acme) is None


def test_an_answer_that_came_with_the_heartbeat_stops_what_waited(
    acme: Any, mailbox: Mailbox, message: Message, sink: Sink
) -> None:
    turn(DUE)
    with time_machine.travel(DUE, tick=False):
        answer = post_mail(mailbox, reply(message, "Yes, please."), at=DUE, complete_to=str(int(DUE.timestamp())))
    assert answer.status_code == 201
    assert synced_at(acme) == DUE
    assert turn(DUE + timedelta(minutes=1)).sent == 0
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().state == "stopped"
    assert sink.recipients == []


def test_a_mail_alone_vouches_for_nothing(acme: Any, mailbox: Mailbox, message: Message) -> None:
    with time_machine.travel(NOW, tick=False):
        assert post_mail(mailbox, reply(message, "Who are you?")).status_code == 201
    assert synced_at(acme) is None


@pytest.mark.parametrize("said", ["", "1", str(int(NOW.timestamp())), str(int(NOW.timestamp()) + 3600)])
def test_complete_to_never_moves_backwards_or_into_the_future(acme: Any, mailbox: Mailbox, said: str) -> None:
    heartbeat(mailbox, NOW - timedelta(minutes=5))
    assert heartbeat(mailbox, NOW, complete_to=said).status_code == 200
    assert synced_at(acme) == (NOW - timedelta(minutes=5) if said == "1" else NOW)


@pytest.mark.parametrize("said", ["soon", "-1", "1e9", "9" * 30])
def test_a_complete_to_that_is_no_time_is_refused_and_stores_nothing(
    acme: Any, mailbox: Mailbox, message: Message, said: str
) -> None:
    with time_machine.travel(NOW, tick=False):
        answer = post_mail(mailbox, reply(message, "Yes."), complete_to=said)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "complete_to")
    with workspace_scope(acme.pk):
        assert not InboundMail.objects.exists()


def test_an_unsigned_heartbeat_changes_nothing(acme: Any, mailbox: Mailbox) -> None:
    assert heartbeat(mailbox, NOW, signature=f"t={int(NOW.timestamp())},v1={'0' * 64}").status_code == 403
    assert synced_at(acme) is None


def test_the_sandbox_vouches_and_not_while_a_mail_was_not_taken(
    acme: Any, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts: list[tuple[bytes, dict[str, str]]] = []
    statuses = [200, 503, 200]

    def taken(url: str, *, data: bytes | None = None, headers: dict[str, str]) -> tuple[int, str]:
        posts.append((data or b"", headers))
        return statuses.pop(0), "{}"

    monkeypatch.setattr("campaigns.sandbox.server._request", taken)
    with workspace_scope(acme.pk):
        key = inbound_key(mailbox)
    token = public_token("inbound", workspace_id=mailbox.workspace_id, row=mailbox.pk)
    sandbox = Sandbox(
        crowd=Crowd(odds={"positive": 1.0}), journal=tmp_path / "j", now=lambda: NOW,
        endpoints=lambda: {"sam@acme.example": Endpoint(f"http://x.example/p/in/{token}/", key)},
    )  # fmt: skip
    assert sandbox.heartbeat() == 1
    body, headers = posts[0]
    assert body == b""
    with time_machine.travel(NOW, tick=False):
        answer = post_mail(mailbox, body, signature=headers["X-Leadgen-Signature"])
    assert (answer.status_code, synced_at(acme)) == (200, NOW)
    address = next(f"p{n}@x.example" for n in range(99) if sandbox.crowd.persona(f"p{n}@x.example").acts_on == 1)
    sandbox._accept(address, b"From: sam@acme.example\r\nMessage-ID: <1@x.example>\r\nSubject: x\r\n\r\nHi\r\n")
    sandbox.react()  # 503: nobody may vouch now
    assert sandbox.heartbeat() == 0
    assert len(posts) == 2
    sandbox.react()  # offered again, taken
    statuses.append(200)
    assert sandbox.heartbeat() == 1
    assert [json.loads(line)["event"] for line in (tmp_path / "j").read_text().splitlines()][1:] == ["mailed", "mailed"]
