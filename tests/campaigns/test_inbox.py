"""The inbox through HTTP: folders, corrections, answers that leave eight seconds later unless taken back."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from campaigns.actions.dispatch import dispatch_once
from campaigns.models import InboundMail, Mailbox, Message
from campaigns.queries.inbox import folder_counts
from leadgen.core.tenancy import workspace_scope
from prospects.actions.suppressions import suppress
from prospects.models import Activity, Lead, Person, Task
from prospects.queries.suppressions import is_suppressed
from tests.campaigns.inbound import bounce, keyed_mailbox, post_mail, reply, sent_to
from tests.campaigns.sink import Sink, running_sink
from tests.conftest import NOW
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


@pytest.fixture
def mailbox(acme: Any, sink: Sink) -> Mailbox:
    with workspace_scope(acme.pk):
        return keyed_mailbox(port=sink.port, signature="Sam Seller, Acme")


@pytest.fixture
def message(acme: Any, mailbox: Mailbox, bob: Any) -> Message:
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example")
        return sent_to(ana, mailbox, owner=bob.member)


def receive(acme: Any, mailbox: Mailbox, raw: bytes) -> InboundMail:
    found = post_mail(mailbox, raw).json()["id"]
    with workspace_scope(acme.pk):
        return InboundMail.objects.get(pk=found)


def url(mail: InboundMail, tail: str = "") -> str:
    return f"/w/acme/inbox/{mail.pk}/{tail}"


def test_mail_lies_in_the_folder_of_what_it_says(acme: Any, mailbox: Mailbox, as_: Any, bob: Any) -> None:
    words = {
        "positive": "Yes, please send me more details.", "meeting": "Let's have a call on Thursday.",
        "not_now": "Not right now, maybe next quarter.", "not_interested": "We are not interested.",
        "opt_out": "Please stop writing to me.",
    }  # fmt: skip
    with workspace_scope(acme.pk):
        sent = {name: sent_to(make_person(name.title()), mailbox) for name in (*words, "away", "gone")}
    for name, text in words.items():
        receive(acme, mailbox, reply(sent[name], text))
    receive(acme, mailbox, reply(sent["away"], "I am out of the office.", extra=("Auto-Submitted: auto-replied",)))
    receive(acme, mailbox, bounce(sent["gone"].message_id, sent["gone"].to_address))
    receive(acme, mailbox, reply(None, "Our newsletter", extra=("List-Id: <news.example>",)))
    with workspace_scope(acme.pk):
        assert folder_counts() == {
            "needs_reply": 3, "interested": 1, "meeting": 1, "not_now": 1, "not_interested": 2, "away": 1, "bounces": 1,
            "other": 1,
        }  # fmt: skip
    client = as_(bob)
    for folder, who in (("meeting", "Meeting"), ("away", "Away"), ("bounces", "Gone")):
        page = client.get("/w/acme/inbox/", {"folder": folder}).content.decode()
        assert who in page
        assert page.count("data-list-item") == 1
    assert client.get("/w/acme/inbox/").content.decode().count("data-list-item") == 3
    assert client.get("/w/acme/inbox/", {"folder": "secrets"}).status_code == 404


def test_the_thread_says_what_it_is_why_and_what_followed(
    acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any
) -> None:
    mail = receive(acme, mailbox, reply(message, "<b>Yes</b>, send me more details <script>alert(1)</script>"))
    page = as_(bob).get(url(mail)).content.decode()
    assert "Hi, may I ask?" in page, "our own mail stands in the thread"
    assert "&lt;b&gt;Yes&lt;/b&gt;" in page
    assert "<script>alert" not in page, "text is shown as text"
    assert "by rules: the words “Yes”, and the model agrees (76%), 96% sure" in page
    assert "sequence stopped by this message" in page
    assert "Ana Ferreira" in page
    with workspace_scope(acme.pk):
        assert InboundMail.objects.get().read_at == NOW


def test_an_answer_leaves_after_eight_seconds_in_the_same_thread(
    acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any, sink: Sink, clock: Any
) -> None:
    mail = receive(acme, mailbox, reply(message, "What does it cost?", own="q1"))
    form = {"text": "Dear Ana,\n\nfrom 900 a month.", "key": "k1"}
    for _ in range(2):
        assert as_(bob).post(url(mail, "reply/"), form).status_code == 302
    assert dispatch_once(now=NOW + timedelta(seconds=7)).sent == 0
    assert dispatch_once(now=NOW + timedelta(seconds=8)).sent == 1
    assert dispatch_once(now=NOW + timedelta(minutes=5)).sent == 0
    (sent,) = sink.mails
    assert sink.recipients == ["ana@lumen.example"]
    assert (sent["In-Reply-To"], sent["Subject"], sent["From"]) == (
        "<q1@mail.example>", "Re: A question", '"Sam Seller" <sam@acme.example>',
    )  # fmt: skip
    assert sent["References"].split() == [f"<{message.message_id}>", "<q1@mail.example>"]
    assert "List-Unsubscribe" not in sent, "a personal answer is no campaign mail"
    text = sent.get_payload()[0].get_payload(decode=True).decode()  # type: ignore[union-attr,index]
    assert text.startswith("Dear Ana,")
    assert text.rstrip().endswith("Sam Seller, Acme")
    with workspace_scope(acme.pk):
        ours = Message.objects.get(kind="reply")
        assert (ours.state, ours.member, ours.answers_id) == ("sent", bob.member, mail.pk)
        task = Task.objects.get(kind="reply")
        assert (task.state, task.outcome, task.closed_by) == ("done", "replied", bob.member)
        assert folder_counts()["needs_reply"] == 0


def test_an_answer_can_be_taken_back_and_written_anew(
    acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any, sink: Sink
) -> None:
    mail = receive(acme, mailbox, reply(message, "What does it cost?"))
    client = as_(bob)
    client.post(url(mail, "reply/"), {"text": "Nothing at all", "key": "k1"})
    page = client.get(url(mail)).content.decode()
    undo = re.search(r'action="(/w/acme/inbox/answers/[^"]+)"', page)
    assert undo is not None
    back = client.post(undo[1]).content.decode()
    assert "Nothing at all" in back, "the text returns into the field"
    assert dispatch_once(now=NOW + timedelta(minutes=1)).sent == 0
    assert sink.accepted == []
    with workspace_scope(acme.pk):
        ours = Message.objects.get(kind="reply")
        assert (ours.state, ours.reason_code, ours.reason) == (
            "blocked",
            "undone",
            "Taken back by Bob before it was sent.",
        )
        assert (Task.objects.get(kind="reply").state, folder_counts()["needs_reply"]) == ("open", 1)
    client.post(url(mail, "reply/"), {"text": "From 900 a month", "key": "k2"})
    assert dispatch_once(now=NOW + timedelta(minutes=2)).sent == 1
    with workspace_scope(acme.pk):
        gone = Message.objects.get(kind="reply", state="sent")
    late = client.post(undo[1].replace(str(ours.pk), str(gone.pk)), follow=True).content.decode()
    assert "Too late: this e-mail is sent." in late


def test_the_answer_goes_to_whoever_wrote(acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any) -> None:
    """A colleague answers from an address of their own, a stranger from one nobody knows."""
    mail = receive(
        acme, mailbox, reply(message, "I handle this. What does it cost?", sender="Tom Okafor <tom@lumen.example>")
    )
    assert as_(bob).post(url(mail, "reply/"), {"text": "900", "key": "k"}).status_code == 302
    stranger = receive(acme, mailbox, reply(None, "Do you sell to bakeries?", sender="Eve <eve@bakery.example>"))
    assert as_(bob).post(url(stranger, "reply/"), {"text": "We do", "key": "k"}).status_code == 302
    with workspace_scope(acme.pk):
        found = dict(Message.objects.filter(kind="reply").values_list("to_address", "person__full_name"))
        assert found == {"tom@lumen.example": "Tom Okafor", "eve@bakery.example": "Eve"}
        assert Person.objects.get(email="eve@bakery.example").source == "Wrote to sam@acme.example"


def test_nobody_who_objected_is_answered_and_the_reason_stands_there(
    acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any, by_alice: Any
) -> None:
    mail = receive(acme, mailbox, reply(message, "What does it cost?"))
    with workspace_scope(acme.pk):
        suppress(by=by_alice, now=NOW, kind="email", value="ana@lumen.example", reason="manual")
    page = as_(bob).get(url(mail)).content.decode()
    assert "Suppressed: added by hand on 04 Mar 2026." in page
    assert "Write an answer" not in page
    refused = as_(bob).post(url(mail, "reply/"), {"text": "900", "key": "k"})
    assert refused.status_code == 422
    with workspace_scope(acme.pk):
        assert not Message.objects.filter(kind="reply").exists()


def test_a_correction_is_logged_and_what_follows_is_done(
    acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any
) -> None:
    mail = receive(acme, mailbox, reply(message, "We are not interested in anything but the big package."))
    with workspace_scope(acme.pk):
        assert (mail.intent, Lead.objects.count()) == ("not_interested", 0)
    client = as_(bob)
    assert client.post(url(mail, "correct/"), {"intent": "positive"}).status_code == 302
    assert client.post(url(mail, "correct/"), {"intent": "positive"}).status_code == 302
    page = client.get(url(mail)).content.decode()
    assert "said by Bob" in page
    with workspace_scope(acme.pk):
        mail.refresh_from_db()
        assert (mail.intent, mail.corrected_by, mail.kind) == ("positive", bob.member, "reply")
        assert Lead.objects.get().stage == "mql"
        assert Task.objects.get(kind="reply").reason.startswith("Interested, says Bob")
        audit = AuditEntry.objects.get(action="inbox.corrected")
        assert (audit.detail["from"], audit.detail["to"]) == ("not_interested", "positive")
        facts = Activity.objects.filter(kind="replied").values_list("detail__intent", flat=True)
        assert sorted(facts) == ["not_interested", "positive"], "a fact is corrected by a new fact"


def test_corrected_to_an_opt_out_nothing_more_is_sent(
    acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any
) -> None:
    mail = receive(acme, mailbox, reply(message, "Gosh, you again."))
    as_(bob).post(url(mail, "correct/"), {"intent": "opt_out"})
    with workspace_scope(acme.pk):
        assert is_suppressed(["ana@lumen.example"]) == {"ana@lumen.example"}
        assert InboundMail.objects.get().kind == "unsubscribe"


def test_a_bounce_is_proven_and_not_corrected(
    acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any
) -> None:
    mail = receive(acme, mailbox, bounce(message.message_id, "ana@lumen.example"))
    assert as_(bob).post(url(mail, "correct/"), {"intent": "positive"}).status_code == 403
    assert as_(bob).post(url(mail, "correct/"), {"intent": "nonsense"}).status_code == 400
    with workspace_scope(acme.pk):
        assert InboundMail.objects.get().kind == "bounce"


def test_done_and_not_after_all(acme: Any, mailbox: Mailbox, message: Message, as_: Any, bob: Any) -> None:
    mail = receive(acme, mailbox, reply(message, "What does it cost?"))
    as_(bob).post(url(mail, "done/"))
    with workspace_scope(acme.pk):
        task = Task.objects.get(kind="reply")
        assert (folder_counts()["needs_reply"], task.state, task.outcome) == (0, "done", "no_answer_needed")
    as_(bob).post(url(mail, "done/"), {"undo": "1"})
    with workspace_scope(acme.pk):
        assert (folder_counts()["needs_reply"], Task.objects.get(kind="reply").state) == (1, "open")


def test_who_may(acme: Any, mailbox: Mailbox, message: Message, as_: Any, charlie: Any) -> None:
    mail = receive(acme, mailbox, reply(message, "What does it cost?"))
    viewer = make_member(acme, "viewer", "vera@acme.example")
    assert as_(viewer).get(url(mail)).status_code == 200
    for tail in ("reply/", "correct/", "done/"):
        assert as_(viewer).post(url(mail, tail), {"text": "x", "key": "k", "intent": "positive"}).status_code == 403
        assert as_(charlie).post(url(mail, tail), {"text": "x", "key": "k", "intent": "positive"}).status_code == 404
    with workspace_scope(acme.pk):
        assert not Message.objects.filter(kind="reply").exists()


def test_the_api(acme: Any, mailbox: Mailbox, message: Message, alice: Any, api: Any) -> None:
    mail = receive(acme, mailbox, reply(message, "What does it cost?"))
    client = api(alice)

    def post(tail: str, data: Any) -> Any:
        return client.post(f"/api/v1/inbox/{mail.pk}/{tail}/", json.dumps(data), content_type="application/json")

    listed = client.get("/api/v1/inbox/?folder=needs_reply").json()["results"]
    assert [(row["id"], row["intent"], row["folder"]) for row in listed] == [(str(mail.pk), "question", "interested")]
    assert post("correct", {"intent": "meeting"}).json()["folder"] == "meeting"
    first, second = post("reply", {"text": "900", "key": "a"}), post("reply", {"text": "900", "key": "a"})
    assert (first.status_code, first.json()["id"], first.json()["state"]) == (201, second.json()["id"], "planned")
    assert post("undo", {}).json()["state"] == "blocked"
    assert post("done", {}).json()["done_at"] is not None
    assert client.get("/api/v1/inbox/?folder=needs_reply").json()["results"] == []
    assert post("reply", {"text": " ", "key": "b"}).status_code == 400
