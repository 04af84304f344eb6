"""What is unknown: proven by the Sent folder, sent again by a person, skipped after a day; copies put into Sent once."""

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.actions.audit import Actor
from accounts.models import AuditEntry
from campaigns.actions import reconcile
from campaigns.actions.mailsync import sweep_mail, sync_mailbox
from campaigns.actions.settlement import WAIT_FOR_EVIDENCE, send_again
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, Message, StepRun
from campaigns.queries.books import books_of_workspace
from campaigns.queries.messages import balance
from campaigns.transports.imap import ImapConversation
from leadgen.core.errors import AppError
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity
from tests.campaigns.inbound import sent_to
from tests.campaigns.test_mailsync import dovecot, imap_mailbox, sync
from tests.conftest import NOW
from tests.dovecot import DOVECOT, MISSING, Dovecot
from tests.factories.prospects import make_company, make_person

__all__ = ["dovecot"]
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(DOVECOT is None, reason=MISSING)]
LATER = NOW + timedelta(minutes=31)  # after the first hour the Sent folder is searched every half hour


@pytest.fixture
def mailbox(acme: Any, dovecot: Dovecot) -> Mailbox:
    with workspace_scope(acme.pk):
        return imap_mailbox(dovecot)


@pytest.fixture
def unknown(acme: Any, mailbox: Mailbox) -> Message:
    """The first mail of a sequence whose answer was lost an hour ago; the enrolment waits for it."""
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example"), mailbox)
        Message.objects.filter(pk=message.pk).update(
            state="unknown", sent_at=None, settled_at=None, reason="No answer. It may have been accepted.",
            reason_code="no_answer", attempt=1,
        )  # fmt: skip
        StepRun.objects.create(enrolment=message.enrolment, step=message.step, begun_at=NOW)
        Enrolment.objects.update(next_at=None)
        mark_enrolments(NOW)
        message.refresh_from_db()
    return message


def copy_of(message: Message, *, message_id: str = "", subject: str = "A question") -> bytes:
    return (
        f"From: sam@acme.example\r\nTo: Ana <{message.to_address}>\r\nSubject: {subject}\r\n"
        f"Date: Wed, 04 Mar 2026 09:00:00 +0000\r\nMessage-ID: <{message_id or message.message_id}>\r\n\r\nHi\r\n"
    ).encode()


def test_found_in_the_sent_folder_it_was_sent_and_the_sequence_goes_on(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, unknown: Message
) -> None:
    assert sync(mailbox).settled == 0
    with workspace_scope(acme.pk):
        assert Message.objects.get().state == "unknown"  # absence proves nothing
        assert Enrolment.objects.get().next_at is None
    dovecot.deliver(mailbox.address, copy_of(unknown), "Sent")
    assert sync(mailbox, LATER).settled == 1
    with workspace_scope(acme.pk):
        message = Message.objects.get()
        assert (message.state, message.settled_by, message.settled_at) == ("sent", "sent_folder", LATER)
        assert message.sent_at == unknown.submitted_at
        assert message.response == "Found by its Message-ID in the folder Sent."
        assert Enrolment.objects.get().next_at is not None
        assert Activity.objects.filter(kind="sent").count() == 1
        assert balance() == {"planned": 0, "sent": 1, "blocked": 0, "failed": 0, "unknown": 0, "all": 1}


def test_while_a_worker_may_still_hear_the_answer_nobody_decides(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, unknown: Message, by_alice: Actor
) -> None:
    dovecot.deliver(mailbox.address, copy_of(unknown), "Sent")
    with workspace_scope(acme.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE campaigns_message SET lease_until = clock_timestamp() + interval '1 minute'")
    assert sync(mailbox).settled == 0
    with workspace_scope(acme.pk):
        with pytest.raises(AppError, match="being handed over right now"):
            send_again(message=unknown, by=by_alice, now=NOW)
        assert Message.objects.get().state == "unknown"
    assert sweep_mail(now=NOW + timedelta(days=2)) == 0


def test_a_look_alike_is_told_and_proves_nothing(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, unknown: Message
) -> None:
    dovecot.deliver(mailbox.address, copy_of(unknown, message_id="other@x.example", subject="Something else"), "Sent")
    sync(mailbox)
    with workspace_scope(acme.pk):
        assert Message.objects.get().provider_id == ""
    dovecot.deliver(mailbox.address, copy_of(unknown, message_id="rewritten@provider.example"), "Sent")
    sync(mailbox, LATER)
    with workspace_scope(acme.pk):
        message = Message.objects.get()
        assert (message.state, message.provider_id) == ("unknown", "rewritten@provider.example")
        assert message.reason.endswith("under another Message-ID; that is no proof.")


def test_after_a_day_it_is_skipped_and_later_evidence_still_counts(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, unknown: Message
) -> None:
    assert unknown.submitted_at is not None
    due = unknown.submitted_at + WAIT_FOR_EVIDENCE
    assert sweep_mail(now=due - timedelta(seconds=1)) == 0
    assert sweep_mail(now=due) == 1
    assert sweep_mail(now=due + timedelta(minutes=1)) == 0
    with workspace_scope(acme.pk):
        message = Message.objects.get()
        assert (message.state, message.settled_by, message.settled_at) == ("unknown", "time", due)
        assert message.reason == (
            "Nobody knows whether it was delivered: no evidence came in 24 hours and nobody decided. "
            "Skipped on 05 Mar 2026."
        )
        enrolment, run = Enrolment.objects.get(), StepRun.objects.get()
        assert (enrolment.state, run.outcome) == ("active", "unknown")
        assert enrolment.next_at is not None
        goes_on = enrolment.next_at
        assert balance() == {"planned": 0, "sent": 0, "blocked": 0, "failed": 0, "unknown": 1, "all": 1}
    dovecot.deliver(mailbox.address, copy_of(unknown), "Sent")
    assert sync(mailbox, due + timedelta(hours=1)).settled == 1
    with workspace_scope(acme.pk):
        assert (Message.objects.get().state, Enrolment.objects.get().next_at) == ("sent", goes_on)


def test_what_a_person_skipped_was_sent_if_the_folder_says_so(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, unknown: Message, alice: Any, api: Any
) -> None:
    answer = api(alice).post(f"/api/v1/messages/{unknown.pk}/settle/", {"outcome": "skip"}, "application/json")
    assert answer.status_code == 200
    with workspace_scope(acme.pk):
        skipped, run, goes_on = Message.objects.get(), StepRun.objects.get(), Enrolment.objects.get().next_at
        assert (skipped.state, skipped.reason_code, run.outcome) == ("failed", "skipped", "failed")
        assert goes_on is not None, "the sequence goes on"
    assert sync(mailbox, LATER).settled == 0, "absence proves nothing"
    dovecot.deliver(mailbox.address, copy_of(unknown), "Sent")
    later = LATER + timedelta(hours=1)
    assert sync(mailbox, later).settled == 1
    assert sync(mailbox, later + timedelta(hours=1)).settled == 0
    with workspace_scope(acme.pk):
        message, run = Message.objects.get(), StepRun.objects.get()
        assert (message.state, message.settled_by, message.settled_at, message.reason) == (
            "sent", "sent_folder", later, "",
        )  # fmt: skip
        assert message.response.startswith("Found by its Message-ID")
        assert message.sent_at == unknown.submitted_at
        assert run.outcome == "sent", "the step's count follows"
        assert Enrolment.objects.get().next_at == goes_on, "nothing is planned anew"
        assert balance() == {"planned": 0, "sent": 1, "blocked": 0, "failed": 0, "unknown": 0, "all": 1}
        assert [books.problems for books in books_of_workspace()] == [[]]
        assert Activity.objects.filter(kind="sent", about_id=message.pk).count() == 1
        settled = AuditEntry.objects.filter(action="message.settled")
        guess, proof = settled.get(member__isnull=False), settled.get(source="system")
        assert guess.detail == {"sent": False}
        assert proof.detail["sent"] is True
        assert (proof.detail["by"], proof.detail["was"], proof.detail["skipped_by"]) == (
            "sent_folder",
            "failed",
            "person",
        )
        assert proof.member_id is None


def test_a_person_sends_it_again_with_the_same_message_id(
    acme: Any, unknown: Message, alice: Any, as_: Any, mailbox: Mailbox
) -> None:
    client: Client = as_(alice)
    page = client.get(f"/w/acme/messages/{unknown.pk}/")
    assert b"Send it again" in page.content
    answer = client.post(f"/w/acme/messages/{unknown.pk}/settle/", {"outcome": "again"})
    assert answer.status_code == 302
    with workspace_scope(acme.pk):
        message = Message.objects.get()
        assert (message.state, message.submitted_at, message.message_id) == ("planned", None, unknown.message_id)
        assert AuditEntry.objects.get(action="message.settled").detail == {
            "sent": "again",
            "handed_over": unknown.submitted_at.isoformat(),
        }
        assert Lane.objects.filter(kind="mailbox", key=str(mailbox.pk)).exists()
    client.post(f"/w/acme/messages/{unknown.pk}/settle/", {"outcome": "again"})
    with workspace_scope(acme.pk):
        assert Message.objects.get().attempt == 1
        assert AuditEntry.objects.filter(action="message.settled").count() == 1


def test_the_first_copy_in_the_sent_folder_stops_the_second(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, unknown: Message, by_alice: Actor
) -> None:
    with workspace_scope(acme.pk):
        send_again(message=unknown, by=by_alice, now=NOW)
    assert sync(mailbox).settled == 0, "absence proves nothing"
    dovecot.deliver(mailbox.address, copy_of(unknown), "Sent")
    assert sync(mailbox, LATER).settled == 1
    with workspace_scope(acme.pk):
        message = Message.objects.get()
        assert (message.state, message.reason_code, message.sent_at) == ("sent", "second_stopped", unknown.submitted_at)
        assert Enrolment.objects.get().next_at is not None
        assert balance() == {"planned": 0, "sent": 1, "blocked": 0, "failed": 0, "unknown": 0, "all": 1}
        assert [books.problems for books in books_of_workspace()] == [[]]


def test_two_copies_in_the_sent_folder_are_told_apart_by_their_date(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, unknown: Message, by_alice: Actor
) -> None:
    """The second was taken by the server: its own copy proves nothing of the first, an older one does."""
    assert unknown.submitted_at is not None
    with workspace_scope(acme.pk):
        send_again(message=unknown, by=by_alice, now=NOW)
        Message.objects.update(state="sent", submitted_at=NOW, sent_at=NOW, settled_at=NOW, settled_by="server")

    def made(at: datetime) -> bytes:
        return copy_of(unknown).replace(b"Wed, 04 Mar 2026 09:00:00 +0000", format_datetime(at).encode())

    dovecot.deliver(mailbox.address, made(NOW), "Sent")
    assert sync(mailbox).settled == 0
    with workspace_scope(acme.pk):
        assert Message.objects.get().reason_code == ""
    dovecot.deliver(mailbox.address, made(unknown.submitted_at), "Sent")
    assert sync(mailbox, LATER).settled == 1
    assert sync(mailbox, LATER + timedelta(hours=1)).settled == 0, "once"
    with workspace_scope(acme.pk):
        message = Message.objects.get()
        assert (message.state, message.reason_code, message.settled_by) == ("sent", "sent_twice", "server")
        assert "Found by its Message-ID in the folder Sent." in message.reason


def test_who_may_not_settle_may_not_send_again(acme: Any, unknown: Message, bob: Any, api: Any) -> None:
    answer = api(bob).post(f"/api/v1/messages/{unknown.pk}/settle/", {"outcome": "again"}, "application/json")
    assert answer.status_code == 403
    with workspace_scope(acme.pk):
        assert Message.objects.get().state == "unknown"


def test_what_was_skipped_is_not_sent_again(acme: Any, unknown: Message, alice: Any, api: Any) -> None:
    sweep_mail(now=NOW + timedelta(days=1))
    answer = api(alice).post(f"/api/v1/messages/{unknown.pk}/settle/", {"outcome": "again"}, "application/json")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        409, "It was skipped on 05 Mar, and the sequence went on.",
    )  # fmt: skip


class Killed(BaseException):
    """As SIGKILL: nothing catches it."""


@pytest.fixture
def sent(acme: Any, mailbox: Mailbox) -> Message:
    with workspace_scope(acme.pk):
        Mailbox.objects.update(copy_to_sent=True)
        message = sent_to(make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example"), mailbox)
    return message


def test_a_copy_is_put_into_sent_once(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, sent: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ImapConversation.append

    def dies_after(line: ImapConversation, *args: Any, **kwargs: Any) -> None:
        put(line, *args, **kwargs)
        raise Killed

    monkeypatch.setattr(ImapConversation, "append", dies_after)
    with pytest.raises(Killed):
        sync(mailbox)
    monkeypatch.setattr(ImapConversation, "append", put)
    Lane.objects.update(lease_until=None)
    with workspace_scope(acme.pk):
        assert Message.objects.get().copied_at is None
    assert sync(mailbox, LATER).copied == 0
    with workspace_scope(acme.pk):
        assert Message.objects.get().copied_at == LATER
    (copy,) = dovecot.mails(mailbox.address, "Sent")
    assert f"Message-ID: <{sent.message_id}>".encode() in copy
    assert sync(mailbox, LATER + timedelta(minutes=1)).copied == 0
    assert len(dovecot.mails(mailbox.address, "Sent")) == 1


def test_killed_between_the_search_and_the_copy_it_is_put_there_the_next_time(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, sent: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(name: str) -> None:
        if name == "C12":
            raise Killed

    monkeypatch.setattr(reconcile, "crash_point", kill)
    with pytest.raises(Killed):
        sync(mailbox)
    monkeypatch.setattr(reconcile, "crash_point", lambda name: None)
    Lane.objects.update(lease_until=None)
    assert dovecot.mails(mailbox.address, "Sent") == []
    report = sync_mailbox(workspace_id=acme.pk, mailbox_id=mailbox.pk, now=LATER)
    assert (report.copied, len(dovecot.mails(mailbox.address, "Sent"))) == (1, 1)
