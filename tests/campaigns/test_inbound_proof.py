"""Forged and misdirected mail: stored, explained in words, and nothing changed. Proof is our id or token, from that
mailbox, about that recipient."""

import base64
import quopri
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine

from campaigns.models import Enrolment, InboundMail, Mailbox, Message, StepRun, TrackedLink
from campaigns.queries.mail import click_url, unsubscribe_url
from campaigns.rules.tokens import message_id, public_token
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Lead, Person, Suppression, Task
from tests.campaigns.inbound import bounce, keyed_mailbox, post_mail, reply, sent_to
from tests.conftest import NOW
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db
ANA = "ana@lumen.example"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def mailbox(acme: Any) -> Mailbox:
    with workspace_scope(acme.pk):
        return keyed_mailbox()


@pytest.fixture
def message(acme: Any, mailbox: Mailbox, bob: Any) -> Message:
    """Ana of Lumen got the first e-mail of Bob's sequence an hour ago; whether the server took it is not known."""
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira", make_company("Lumen"), email=ANA)
        sent = sent_to(ana, mailbox, owner=bob.member)
        Message.objects.filter(pk=sent.pk).update(state="unknown", sent_at=None, settled_at=None)
        return Message.objects.get(pk=sent.pk)


def everything(acme: Any) -> dict[str, Any]:
    """All that incoming mail could change, whole rows."""
    with workspace_scope(acme.pk):
        models = [Enrolment, Person, Activity, Lead, Task, Message, Suppression, StepRun]
        found = {model.__name__: sorted(map(str, model.objects.values())) for model in models}
        return found | {"Mailbox": list(Mailbox.objects.values_list("address", "state", "state_reason"))}


def arf(original: str, *, to: str = "", returned: str = "") -> bytes:
    """A feedback report (RFC 5965) about the mail `original`; `to` names who complained."""
    named = [f"Original-Rcpt-To: {to}"] if to else []
    lines = [
        "From: feedback@isp.example", "To: sam@acme.example", "Subject: Abuse report", "Message-ID: <r1@isp.example>",
        "MIME-Version: 1.0", 'Content-Type: multipart/report; report-type=feedback-report; boundary="b"', "", "--b",
        "Content-Type: text/plain", "", "An abuse report.", "--b", "Content-Type: message/feedback-report", "",
        "Feedback-Type: abuse", "User-Agent: ISP/1.0", "Version: 1", *named, "", "--b", "Content-Type: message/rfc822", "",
        f"Message-ID: <{original}>", "From: sam@acme.example", "To: x@y.example", "Subject: A question", "",
        returned or "Hi", "--b--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def another(acme: Any, **fields: Any) -> Message:
    """A mail to Ana's address, same workspace, that left another mailbox."""
    with workspace_scope(acme.pk):
        other = keyed_mailbox(address="tom@acme.example")
        tom = make_person("Tom Okafor", email="tom@kite.example")
        return sent_to(tom, other)


OUT = ("Auto-Submitted: auto-replied",)
FORGERIES: dict[str, Callable[[Any, Message], bytes]] = {
    "a bounce with an id that never was": lambda acme, m: bounce("made-up@acme.example", ANA),
    "a bounce with no id at all": lambda acme, m: bounce("", ANA).replace(b"Message-ID: <>\r\n", b""),
    "a bounce with a guessed id of our form": lambda acme, m: bounce(
        message_id(workspace_id=acme.pk, message=acme.pk, domain="acme.example"), ANA
    ),
    "a bounce with the id of another mailbox's mail": lambda acme, m: bounce(another(acme).message_id, ANA),
    "a policy bounce without an id": lambda acme, m: bounce("x@y.example", ANA, status="5.7.1", words="550 5.7.1 spam"),
    "a report without an id of ours": lambda acme, m: arf("made-up@acme.example", to=ANA),
    "a report about another mailbox's mail": lambda acme, m: arf(another(acme).message_id, to=ANA),
    "a report with the token of another kind": lambda acme, m: arf(
        "x@y.example", to=ANA, returned=public_token("inbound", workspace_id=acme.pk, row=m.pk)
    ),
    "a report with a token of another workspace": lambda acme, m: arf(
        "x@y.example", to=ANA, returned=public_token("unsubscribe", workspace_id=m.pk, row=m.pk)
    ),
    "a token cut short": lambda acme, m: bounce("x@y.example", ANA) + unsubscribe_url(m)[:-3].encode(),
    "an out of office of a stranger": lambda acme, m: reply(None, "I am away until 9 March 2026.", extra=OUT),
    "a stranger's reply to an id of another mailbox": lambda acme, m: reply(
        another(acme), "Yes, send me more.", sender="eve@elsewhere.example"
    ),
    "a stranger says that Ana left": lambda acme, m: reply(None, "Ana is no longer with the company.", extra=OUT),
    "a stranger opts out": lambda acme, m: reply(None, "Stop writing to me.", sender="eve@elsewhere.example"),
    "our own address opts somebody out": lambda acme, m: reply(m, "Stop writing to me.", sender="sam@acme.example"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_proves_nothing_changes_nothing(acme: Any, mailbox: Mailbox, message: Message, name: str) -> None:
    if "another" in name:
        raw = FORGERIES[name](acme, message)  # makes the other mailbox's mail first
        before = everything(acme)
    else:
        before, raw = everything(acme), FORGERIES[name](acme, message)
    answer = post_mail(mailbox, raw)
    assert answer.status_code == 201
    assert answer.json()["effect"].startswith("Nothing changed: ")
    assert everything(acme) == before
    with workspace_scope(acme.pk):
        kept = InboundMail.objects.get()
        assert (kept.effect, bool(kept.match_reason)) == (answer.json()["effect"], True)


def test_a_bounce_of_a_copy_passed_on_touches_nobody(acme: Any, mailbox: Mailbox, message: Message) -> None:
    """Our id, another recipient: Ana forwards her mail to an address that does not exist."""
    before = everything(acme)
    answer = post_mail(mailbox, bounce(message.message_id, "old@gmail.test"))
    assert answer.json()["effect"].startswith("Nothing changed: it names old@gmail.test, and this mail of ours went to")
    after = everything(acme)
    for name in ("Suppression", "Task", "Lead", "Mailbox"):
        assert after[name] == before[name]
    with workspace_scope(acme.pk):
        assert Person.objects.get().email_status == "unknown"
        assert Enrolment.objects.get().state == "active"
        found = Message.objects.get()
        # It was delivered, or it could not have been passed on: that much is proven.
        assert (found.state, found.settled_by, found.bounced_at, found.bounce_type) == ("sent", "bounce", None, "")
        assert Activity.objects.get(kind="note").summary.endswith("was passed on to old@gmail.test bounced")


def test_a_report_that_names_somebody_else_suppresses_nobody(acme: Any, mailbox: Mailbox, message: Message) -> None:
    answer = post_mail(mailbox, arf(message.message_id, to="eve@elsewhere.example"))
    assert answer.json()["effect"].startswith("Nothing changed: it names eve@elsewhere.example")
    with workspace_scope(acme.pk):
        assert not Suppression.objects.exists()
        assert Enrolment.objects.get().state == "active"


@pytest.mark.parametrize("named", ["", ANA, "redacted@isp.example"])
def test_a_report_about_our_mail_suppresses_whom_we_wrote_to(
    acme: Any, mailbox: Mailbox, message: Message, named: str
) -> None:
    assert post_mail(mailbox, arf(message.message_id, to=named)).json()["effect"].startswith("Address suppressed")
    with workspace_scope(acme.pk):
        assert Suppression.objects.get().reason == "complained"
        assert Enrolment.objects.get().stopped_by_type == "unsubscribe"


def test_the_original_recipient_counts_where_an_alias_bounced(acme: Any, mailbox: Mailbox, message: Message) -> None:
    raw = bounce(message.message_id, "ana.ferreira@mx.lumen.example").replace(
        b"Final-Recipient", b"Original-Recipient: rfc822; Ana@Lumen.example\r\nFinal-Recipient"
    )
    assert post_mail(mailbox, raw).json()["effect"].startswith("Address suppressed, sequence stopped")
    with workspace_scope(acme.pk):
        assert Suppression.objects.get().hint == "a…@lumen.example"


def plain(text: str) -> str:
    return f"Content-Type: text/plain\r\n\r\n{text}"


def quoted(text: str) -> str:
    body = quopri.encodestring(text.encode()).decode()
    return f"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{body}"


def in_base64(text: str) -> str:
    body = base64.encodebytes(text.encode()).decode()
    return f"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}"


@pytest.mark.parametrize("wrap", [plain, quoted, in_base64])
@pytest.mark.parametrize("link", ["unsubscribe", "click"])
def test_a_link_of_ours_in_what_comes_back_is_proof(
    acme: Any, mailbox: Mailbox, message: Message, link: str, wrap: Callable[[str], str]
) -> None:
    """Servers that rewrite the Message-ID still return the text."""
    with workspace_scope(acme.pk):
        row = TrackedLink.objects.create(message=message, position=1, url="https://acme.example/")
        url = unsubscribe_url(message) if link == "unsubscribe" else click_url(row)
    part = f"--b\r\n{wrap(f'Hi Ana, may I ask? {url} Sam')}\r\n--b--"
    raw = bounce("rewritten@relay.example", ANA).replace(b"--b--", part.encode())
    answer = post_mail(mailbox, raw)
    assert answer.json()["effect"].startswith("Address suppressed, sequence stopped")
    with workspace_scope(acme.pk):
        assert InboundMail.objects.get().match_reason == "It contains a link that only our mail had."


@pytest.mark.parametrize("given", ["0100018f3c9e7a55-4bd2@email.ses.example", "0100018f3c9e7a55-4bd2"])
def test_the_id_a_sending_service_gave_is_proof(acme: Any, mailbox: Mailbox, message: Message, given: str) -> None:
    with workspace_scope(acme.pk):
        Message.objects.update(provider_id=given)
    raw = bounce("0100018f3c9e7a55-4bd2@email.ses.example", ANA)
    assert post_mail(mailbox, raw).json()["effect"].startswith("Address suppressed")


def test_a_probable_match_stops_the_sequence_and_proves_nothing(acme: Any, mailbox: Mailbox, message: Message) -> None:
    """From the address we wrote to, without any id: stopped on the safe side; whether our mail arrived is not known by it."""
    answer = post_mail(mailbox, reply(None, "Yes, please send me more details.", sender=ANA))
    assert answer.json()["effect"].startswith("Reply noted, sequence stopped")
    with workspace_scope(acme.pk):
        found = Message.objects.get()
        assert (found.state, found.replied_at) == ("unknown", None)
        assert Enrolment.objects.get().state == "stopped"
        assert not Suppression.objects.exists()
        assert InboundMail.objects.get().match_reason.startswith("Probable: ")


def test_a_probable_departure_stops_and_marks_nobody(acme: Any, mailbox: Mailbox, message: Message) -> None:
    post_mail(mailbox, reply(None, "I am no longer with the company.", sender=ANA, extra=OUT))
    with workspace_scope(acme.pk):
        assert (Enrolment.objects.get().state, Person.objects.get().email_status) == ("stopped", "unknown")


def test_a_quoted_footer_with_our_token_opts_nobody_out(acme: Any, mailbox: Mailbox, message: Message) -> None:
    quote = f"On Mon, Sam wrote:\r\n> Hi Ana\r\n> Unsubscribe: {unsubscribe_url(message)}"
    post_mail(mailbox, reply(None, f"Yes, please send me more details.\r\n\r\n{quote}", sender="ana@private.example"))
    with workspace_scope(acme.pk):
        assert InboundMail.objects.get().message_id == message.pk
        assert Enrolment.objects.get().stopped_by_type == "reply"
        assert not Suppression.objects.exists()


def test_the_same_bounce_in_two_copies_strikes_once(acme: Any, mailbox: Mailbox, message: Message) -> None:
    soft = {"status": "4.2.2", "words": "452 4.2.2 mailbox full"}
    for _ in range(3):
        answer = post_mail(mailbox, bounce(message.message_id, ANA, **soft))
    assert answer.json()["effect"] == "Soft bounce noted (1 of 3 in 60 days): 452 4.2.2 mailbox full"
    with workspace_scope(acme.pk):
        assert Person.objects.get().email_status == "unknown"
        assert Enrolment.objects.get().state == "active"
