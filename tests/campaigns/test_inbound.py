"""Mail that comes in, handed to the signed endpoint as a mail server does: what it may change, and what not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from campaigns.models import Enrolment, InboundMail, Mailbox, Message
from campaigns.rules.tokens import public_token
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Lead, Person, Task
from prospects.queries.suppressions import is_suppressed
from tests.campaigns.inbound import bounce, keyed_mailbox, post_mail, reply, sent_to
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_sequence
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db


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
    """Ana of Lumen got the first e-mail of Bob's sequence an hour ago."""
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example")
        return sent_to(ana, mailbox, owner=bob.member)


def state(acme: Any) -> tuple[Any, ...]:
    """Everything incoming mail could change."""
    with workspace_scope(acme.pk):
        return (
            list(Enrolment.objects.values_list("state", "reason", "next_at")),
            list(Person.objects.values_list("email_status", flat=True)),
            Activity.objects.count(), Lead.objects.count(), Task.objects.count(),
            list(Message.objects.values_list("state", "bounced_at", "replied_at")),
            list(Mailbox.objects.values_list("state", flat=True)),
            is_suppressed(["ana@lumen.example"]),
        )  # fmt: skip


def test_a_reply_stops_the_sequence_opens_a_lead_and_stands_in_the_queue(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any
) -> None:
    answer = post_mail(mailbox, reply(message, "Yes, this sounds interesting. Please send me more details."))
    assert answer.status_code == 201
    assert answer.json()["effect"] == "Reply noted, sequence stopped by this message, lead open."
    with workspace_scope(acme.pk):
        enrolment = Enrolment.objects.get()
        assert (enrolment.state, enrolment.reason, enrolment.stopped_by_type) == ("stopped", "They replied.", "reply")
        lead = Lead.objects.get()
        assert (lead.stage, lead.origin, lead.owner) == ("mql", "outbound", bob.member)
        task = Task.objects.get(kind="reply")
        assert (task.owner, task.lead, task.due_at) == (bob.member, lead, NOW)
        assert task.reason.startswith("Positive: “Yes, this sounds interesting.")
        mail = InboundMail.objects.get()
        assert (mail.intent, mail.message, mail.match_reason) == (
            "positive",
            message,
            "It names the Message-ID of our mail.",
        )
        assert Message.objects.get().replied_at == NOW


def test_the_same_mail_twice_is_one(acme: Any, mailbox: Mailbox, message: Message) -> None:
    raw = reply(message, "Yes, please send me more details.")
    first, second = post_mail(mailbox, raw), post_mail(mailbox, raw)
    assert (first.status_code, second.status_code, second.json()["duplicate"]) == (201, 200, True)
    assert first.json()["id"] == second.json()["id"]
    with workspace_scope(acme.pk):
        assert (InboundMail.objects.count(), Task.objects.filter(kind="reply").count()) == (1, 1)
        assert Activity.objects.filter(kind="replied").count() == 1


@pytest.mark.parametrize("signature", ["nothing", "t=1,v1=" + "0" * 64, f"t={int(NOW.timestamp())},v1=" + "0" * 64])
def test_a_wrong_signature_is_refused_and_changes_nothing(
    acme: Any, mailbox: Mailbox, message: Message, signature: str
) -> None:
    before = state(acme)
    answer = post_mail(mailbox, reply(message, "Yes, send me more details."), signature=signature)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] in {"signature", "signature_old"}
    assert state(acme) == before
    with workspace_scope(acme.pk):
        assert not InboundMail.objects.exists()


def test_a_signature_is_good_for_ten_minutes(mailbox: Mailbox, message: Message) -> None:
    late = post_mail(mailbox, reply(message, "Yes"), at=NOW - timedelta(minutes=11))
    assert (late.status_code, late.json()["error"]["code"]) == (403, "signature_old")
    assert post_mail(mailbox, reply(message, "Yes"), at=NOW - timedelta(minutes=9)).status_code == 201


def test_another_workspace_or_mailbox_has_no_such_address(acme: Any, globex: Any, mailbox: Mailbox) -> None:
    foreign = public_token("inbound", workspace_id=globex.pk, row=mailbox.pk)
    other_kind = public_token("unsubscribe", workspace_id=acme.pk, row=mailbox.pk)
    for token in (foreign, other_kind, "nonsense"):
        assert Client().post(f"/p/in/{token}/", b"x", content_type="message/rfc822").status_code == 404


def test_a_mail_signed_with_another_mailboxs_key_is_refused(acme: Any, mailbox: Mailbox, message: Message) -> None:
    from campaigns.actions.inbound import inbound_key, sign

    with workspace_scope(acme.pk):
        other = keyed_mailbox(address="tom@acme.example")
        raw = reply(message, "Yes, send me more")
        forged = sign(key=inbound_key(other), raw=raw, at=int(NOW.timestamp()))
    assert post_mail(mailbox, raw, signature=forged).status_code == 403


def test_a_forged_bounce_changes_nothing(acme: Any, mailbox: Mailbox, message: Message) -> None:
    before = state(acme)
    answer = post_mail(mailbox, bounce("made-up@acme.example", "ana@lumen.example"))
    assert answer.json()["effect"] == "Nothing changed: a bounce without a Message-ID of ours proves nothing."
    assert state(acme) == before


def test_a_bounce_of_our_mail_suppresses_the_address(acme: Any, mailbox: Mailbox, message: Message) -> None:
    answer = post_mail(mailbox, bounce(message.message_id, "ana@lumen.example"))
    assert answer.json()["effect"].startswith("Address suppressed, sequence stopped")
    with workspace_scope(acme.pk):
        person = Person.objects.get()
        assert (person.email_status, is_suppressed([person.email])) == ("bounced", {"ana@lumen.example"})
        assert Enrolment.objects.get().stopped_by_type == "bounce"
        assert Message.objects.get().bounce_type == "hard"


def test_a_bounce_for_our_reputation_holds_the_mailbox_not_the_person(
    acme: Any, mailbox: Mailbox, message: Message
) -> None:
    post_mail(
        mailbox, bounce(message.message_id, "ana@lumen.example", status="5.7.1", words="550 5.7.1 blocked as spam")
    )
    with workspace_scope(acme.pk):
        assert Mailbox.objects.get().state == "held"
        assert (Person.objects.get().email_status, is_suppressed(["ana@lumen.example"])) == ("unknown", set())


def test_a_bounce_of_another_mailboxs_mail_changes_nothing(acme: Any, mailbox: Mailbox, message: Message) -> None:
    with workspace_scope(acme.pk):
        other = keyed_mailbox(address="tom@acme.example")
    before = state(acme)[:6]
    post_mail(other, bounce(message.message_id, "ana@lumen.example"))
    assert state(acme)[:6] == before


@pytest.mark.parametrize("words", ["Please stop writing to me.", "Unsubscribe", "Remove me from your list"])
def test_an_opt_out_in_words_is_obeyed(acme: Any, mailbox: Mailbox, message: Message, words: str) -> None:
    answer = post_mail(mailbox, reply(message, words))
    assert answer.json()["kind"] == "unsubscribe"
    with workspace_scope(acme.pk):
        assert is_suppressed(["ana@lumen.example"]) == {"ana@lumen.example"}
        assert Enrolment.objects.get().state == "stopped"
        assert (Lead.objects.count(), Task.objects.count()) == (0, 0)


def test_an_opt_out_without_our_id_counts_for_the_writers_own_address_only(
    acme: Any, mailbox: Mailbox, message: Message
) -> None:
    post_mail(mailbox, reply(None, "Please stop writing to me.", sender="ana@lumen.example"))
    post_mail(mailbox, reply(None, "Please stop writing to me.", sender="eve@elsewhere.example"))
    with workspace_scope(acme.pk):
        both = ["ana@lumen.example", "eve@elsewhere.example"]
        assert is_suppressed(both) == {"ana@lumen.example"}


def test_out_of_office_delays_to_the_day_after_the_return(acme: Any, mailbox: Mailbox, message: Message) -> None:
    raw = reply(
        message, "I am out of the office and will be back on 9 March 2026.", extra=("Auto-Submitted: auto-replied",)
    )
    answer = post_mail(mailbox, raw)
    assert answer.json() == answer.json() | {"kind": "auto_reply", "effect": "Waits: away until 09 Mar, resumes 10 Mar"}
    with workspace_scope(acme.pk):
        enrolment = Enrolment.objects.get()
        assert (enrolment.state, enrolment.next_at.date().isoformat()) == ("active", "2026-03-10")
        assert Activity.objects.get(kind="auto_replied").hit_class == "automated"
        assert not Task.objects.exists()


def test_a_refusal_opens_no_lead_and_yet_is_answered_for(acme: Any, mailbox: Mailbox, message: Message) -> None:
    post_mail(mailbox, reply(message, "Thanks, but we are not interested."))
    with workspace_scope(acme.pk):
        assert (Lead.objects.count(), Enrolment.objects.get().state) == (0, "stopped")
        assert Task.objects.get(kind="reply").reason.startswith("Not interested")


def test_a_reply_stops_the_colleagues_where_the_sequence_says_so(acme: Any, mailbox: Mailbox) -> None:
    with workspace_scope(acme.pk):
        lumen, other = make_company("Lumen"), make_company("Kite")
        version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox, stop_on_company_reply=True)
        ana = sent_to(make_person("Ana Ferreira", lumen), mailbox, version)
        sent_to(make_person("Tom Okafor", lumen), mailbox, version)
        sent_to(make_person("Mei Tanaka", other), mailbox, version)
    answer = post_mail(mailbox, reply(ana, "Let's have a call on Thursday."))
    assert answer.json()["effect"] == "Reply noted, sequence stopped by this message, 1 colleague stopped, lead open."
    with workspace_scope(acme.pk):
        found = dict(Enrolment.objects.values_list("person__full_name", "reason"))
        assert found == {
            "Ana Ferreira": "They replied.",
            "Tom Okafor": "Ana Ferreira of the same company replied.",
            "Mei Tanaka": "",
        }


def test_a_reply_to_an_old_mail_stops_what_runs_now(acme: Any, mailbox: Mailbox, message: Message) -> None:
    with workspace_scope(acme.pk):
        Enrolment.objects.update(state="finished", next_at=None)
        version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
        sent_to(Person.objects.get(), mailbox, version)
    post_mail(mailbox, reply(message, "Yes, please send me more details."))
    with workspace_scope(acme.pk):
        assert sorted(Enrolment.objects.values_list("state", "reason")) == [
            ("finished", ""),
            ("stopped", "They replied."),
        ]


def test_a_reply_for_somebody_who_left_waits_for_anybody(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any
) -> None:
    with workspace_scope(acme.pk):
        Person.objects.update(owner=bob.member)
        type(bob.member).objects.filter(pk=bob.member.pk).update(is_active=False)
    assert post_mail(mailbox, reply(message, "What does it cost?")).status_code == 201
    with workspace_scope(acme.pk):
        assert Task.objects.get(kind="reply").owner is None


def test_a_strangers_mail_is_kept_and_changes_nothing(acme: Any, mailbox: Mailbox, message: Message) -> None:
    before = state(acme)
    answer = post_mail(mailbox, reply(None, "Do you also sell to bakeries?"))
    assert answer.json()["effect"] == "Nothing changed: it belongs to nobody we know."
    assert state(acme) == before
    with workspace_scope(acme.pk):
        assert InboundMail.objects.get().from_address == "eve@elsewhere.example"


@pytest.mark.parametrize(
    "raw", [b"\r\n", b"\x00\xff\xfe", b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 50]
)
def test_rubbish_is_stored_and_never_raises(acme: Any, mailbox: Mailbox, raw: bytes) -> None:
    assert post_mail(mailbox, raw).status_code == 201
    with workspace_scope(acme.pk):
        assert InboundMail.objects.get().effect == "Nothing changed: it belongs to nobody we know."


def test_classify_mail_prints_a_line_a_file(tmp_path: Any, capsys: Any, message: Message) -> None:
    import json

    from django.core.management import call_command

    (tmp_path / "a.eml").write_bytes(reply(message, "Not right now, maybe next quarter."))
    (tmp_path / "b.eml").write_bytes(bounce("x@y.example", "ana@lumen.example"))
    call_command("classify_mail", str(tmp_path / "a.eml"), str(tmp_path / "b.eml"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["kind"], line["intent"]) for line in lines] == [("reply", "not_now"), ("bounce", None)]
    assert lines[1]["recipients"][0]["type"] == "hard"
    assert set(lines[0]) >= {"file", "kind", "recipients", "text", "intent", "confidence", "why"}
