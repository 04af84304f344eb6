"""Reading a mailbox over IMAP, against a real Dovecot: what arrives there takes effect here, once, and nothing is missed."""

import hashlib
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from campaigns.actions import mailsync_folder
from campaigns.actions.mailsync import SYNC_LANE, SyncReport, sync_due, sync_mailbox
from campaigns.models import Enrolment, InboundMail, Mailbox, MailFolder, Message
from campaigns.queries.inbox import folder_counts
from campaigns.transports.imap import ImapConversation
from leadgen.core import lanes, secrets
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import bounce, reply, sent_to
from tests.conftest import NOW
from tests.dovecot import DOVECOT, MISSING, PASSWORD, Dovecot, running_dovecot
from tests.factories.campaigns import make_mailbox
from tests.factories.prospects import make_company, make_person

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(DOVECOT is None, reason=MISSING)]

LATER = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def mailbox(acme: Any, dovecot: Dovecot) -> Mailbox:
    """A mailbox of a user that no other test has."""
    with workspace_scope(acme.pk):
        return imap_mailbox(dovecot)


def imap_mailbox(dovecot: Dovecot, **fields: Any) -> Mailbox:
    """Call inside a scope."""
    user = f"{uuid.uuid4().hex}@acme.example"
    mailbox = make_mailbox(
        address=user, sync="imap", imap_host="127.0.0.1", imap_port=dovecot.port, imap_security="none",
        imap_username=user, **fields,
    )  # fmt: skip
    purpose = f"mailbox:{mailbox.workspace_id}:{mailbox.pk}:imap_password"
    mailbox.imap_password_sealed = secrets.seal(PASSWORD, purpose=purpose)
    mailbox.save(update_fields=["imap_password_sealed"])
    return mailbox


@pytest.fixture
def message(acme: Any, mailbox: Mailbox) -> Message:
    with workspace_scope(acme.pk):
        return sent_to(make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example"), mailbox)


def sync(mailbox: Mailbox, at: Any = NOW) -> SyncReport:
    return sync_mailbox(workspace_id=mailbox.workspace_id, mailbox_id=mailbox.pk, now=at)


def test_a_reply_in_the_mailbox_stops_the_sequence(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message
) -> None:
    dovecot.deliver(mailbox.address, reply(message, "Yes, this sounds interesting. Please send me more details."))
    report = sync(mailbox)
    assert (report.problem, report.new, report.folders) == ("", 1, 3)  # Inbox, Sent, Spam; drafts are nobody's answer
    with workspace_scope(acme.pk):
        enrolment = Enrolment.objects.get()
        assert (enrolment.state, enrolment.reason) == ("stopped", "They replied.")
        mail = InboundMail.objects.get()
        assert (mail.message, mail.uid, mail.folder.role) == (message, 1, "inbox")
        mailbox.refresh_from_db()
        assert (mailbox.synced_at, mailbox.sync_error) == (NOW, "")
    # The person's own mark stays: the mail is still unread in the mailbox.
    assert [path.name for path in (dovecot.maildir(mailbox.address) / "cur").iterdir()] == [] or not any(
        "S" in path.name.partition(":2,")[2] for path in (dovecot.maildir(mailbox.address) / "cur").iterdir()
    )


def test_every_folder_is_read_and_a_mail_in_two_of_them_is_one(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message
) -> None:
    answer = reply(message, "What does it cost?", own="twice")
    dovecot.deliver(mailbox.address, answer)
    dovecot.deliver(mailbox.address, answer, "Customers & <friends>".replace("&", "&-"))
    dovecot.deliver(mailbox.address, bounce(message.message_id, "ana@lumen.example"), "Spam")
    assert sync(mailbox).new == 2
    with workspace_scope(acme.pk):
        assert sorted(InboundMail.objects.values_list("kind", "folder__role")) == [
            ("bounce", "junk"),
            ("reply", "inbox"),
        ]
        assert set(MailFolder.objects.values_list("name", "role", "last_uid", "total", "stored")) == {
            ("INBOX", "inbox", 1, 1, 1), ("Sent", "sent", 0, 0, 0), ("Spam", "junk", 1, 1, 1),
            ("Customers &- <friends>", "other", 1, 1, 1),
        }  # fmt: skip
    assert sync(mailbox, LATER).new == 0


def test_only_what_is_new_is_fetched_the_second_time(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(mailbox.address, reply(message, "Who are you?"))
    sync(mailbox)
    fetched: list[int] = []
    whole = ImapConversation.mails

    def watched(line: ImapConversation, uids: Any) -> Any:
        fetched.extend(uids)
        return whole(line, uids)

    monkeypatch.setattr(ImapConversation, "mails", watched)
    dovecot.deliver(mailbox.address, reply(message, "And what does it cost?"))
    assert sync(mailbox, LATER).new == 1
    assert fetched == [2]


def test_a_new_uidvalidity_is_read_anew_and_nothing_happens_twice(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message
) -> None:
    for number in range(3):
        dovecot.deliver(mailbox.address, reply(message, f"Question {number}?"))
    assert sync(mailbox).new == 3
    with workspace_scope(acme.pk):
        before = MailFolder.objects.get(role="inbox").uidvalidity
    dovecot.change_uidvalidity(mailbox.address)
    dovecot.deliver(mailbox.address, reply(message, "One more?"))
    assert sync(mailbox, LATER).new == 1
    with workspace_scope(acme.pk):
        inbox = MailFolder.objects.get(role="inbox")
        assert (inbox.uidvalidity != before, inbox.last_uid, inbox.total, inbox.stored) == (True, 4, 4, 4)
        assert InboundMail.objects.count() == 4


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_line_that_drops_in_the_middle_loses_nothing_and_repeats_nothing(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    for number in range(3):
        dovecot.deliver(mailbox.address, reply(message, f"Question {number}?"))
    whole, seen = ImapConversation._fetch, []

    def breaking(line: ImapConversation, uids: Any, parts: str) -> Any:
        if "<0." in parts:
            seen.append(uids)
            if len(seen) == after + 1:
                line._need().sock.close()
        return whole(line, uids, parts)

    monkeypatch.setattr(ImapConversation, "_fetch", breaking)
    report = sync(mailbox)
    assert (report.ok, report.new) == (False, 0)
    assert report.problem.startswith("The connection to 127.0.0.1 broke while reading INBOX")
    with workspace_scope(acme.pk):
        assert InboundMail.objects.count() == after
        mailbox.refresh_from_db()
        # Not everything was read: nobody may say so.
        assert (mailbox.synced_at, mailbox.sync_error) == (None, report.problem)
    assert sync(mailbox, LATER).new == 3 - after
    with workspace_scope(acme.pk):
        assert InboundMail.objects.count() == 3
        mailbox.refresh_from_db()
        assert (mailbox.synced_at, mailbox.sync_error) == (LATER, "")


def test_killed_between_the_mail_and_its_checkpoint_it_is_known_the_next_time(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crash point C14, without the kill: the checkpoint is not moved."""
    dovecot.deliver(mailbox.address, reply(message, "What does it cost?"))

    class Killed(BaseException):
        pass

    def kill(name: str) -> None:
        if name == "C14":
            raise Killed

    monkeypatch.setattr(mailsync_folder, "crash_point", kill)
    with pytest.raises(Killed):
        sync(mailbox)
    monkeypatch.setattr(mailsync_folder, "crash_point", lambda name: None)
    with workspace_scope(acme.pk):
        assert (InboundMail.objects.count(), MailFolder.objects.get(role="inbox").last_uid) == (1, 0)
        before = (Enrolment.objects.get().state, Message.objects.get().replied_at)
    Lane.objects.update(lease_until=None)
    assert sync(mailbox, LATER).new == 0
    with workspace_scope(acme.pk):
        assert (InboundMail.objects.count(), MailFolder.objects.get(role="inbox").last_uid) == (1, 1)
        assert (Enrolment.objects.get().state, Message.objects.get().replied_at) == before


def test_what_the_count_finds_missing_is_read(acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message) -> None:
    dovecot.deliver(mailbox.address, reply(message, "What does it cost?"))
    sync(mailbox)
    with workspace_scope(acme.pk):
        InboundMail.objects.all().delete()
    report = sync(mailbox, NOW + timedelta(hours=1))
    assert report.new == 1
    with workspace_scope(acme.pk):
        inbox = MailFolder.objects.get(role="inbox")
        assert (inbox.total, inbox.stored, inbox.counted_at) == (1, 1, NOW + timedelta(hours=1))


def test_of_foreign_mail_only_its_presence_is_kept(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message, alice: Any, api: Any
) -> None:
    private = b"From: Eve <eve@bank.example>\r\nTo: x\r\nSubject: Your account\r\nMessage-ID: <p1@bank.example>\r\n\r\nPrivate.\r\n"
    dovecot.deliver(mailbox.address, private)
    assert sync(mailbox).new == 1
    with workspace_scope(acme.pk):
        row = InboundMail.objects.get()
        assert (row.from_address, row.from_name, row.subject, row.text) == ("@bank.example", "", "", "")
        assert row.digest == hashlib.sha256(b"p1@bank.example").hexdigest()
        assert row.done_at == NOW
        # Nor does it stand in anybody's inbox.
        assert sum(folder_counts().values()) == 0
    assert api(alice).get("/api/v1/inbox/").json()["results"] == []


def test_our_own_mail_in_sent_and_all_mail_is_no_answer(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message
) -> None:
    ours = (
        f"From: {mailbox.address}\r\nTo: ana@lumen.example\r\nMessage-ID: <{message.message_id}>\r\n\r\nHi\r\n".encode()
    )
    by_hand = f"From: {mailbox.address}\r\nTo: ana@lumen.example\r\nMessage-ID: <h@x.example>\r\nIn-Reply-To: <{message.message_id}>\r\n\r\nHi\r\n"
    dovecot.deliver(mailbox.address, ours, "Sent")
    dovecot.deliver(mailbox.address, by_hand.encode(), "Sent")
    dovecot.deliver(mailbox.address, ours)  # sent to herself
    assert sync(mailbox).new == 0
    with workspace_scope(acme.pk):
        assert InboundMail.objects.count() == 0
        assert Enrolment.objects.get().state == "active"
        assert set(MailFolder.objects.exclude(role="junk").values_list("role", "total", "stored")) == {
            ("inbox", 0, 0), ("sent", 1, 1),
        }  # fmt: skip


def test_a_refused_log_in_is_said_on_the_mailbox(acme: Any, dovecot: Dovecot, mailbox: Mailbox) -> None:
    with workspace_scope(acme.pk):
        purpose = f"mailbox:{mailbox.workspace_id}:{mailbox.pk}:imap_password"
        Mailbox.objects.update(imap_password_sealed=secrets.seal("wrong", purpose=purpose))
    report = sync(mailbox)
    assert report.permanent
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        assert mailbox.sync_failed_at == NOW
        assert mailbox.sync_error.startswith(f"127.0.0.1:{dovecot.port} refused user name or password: ")


def test_a_fault_of_ours_is_said_too_and_goes_on_to_the_log(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise KeyError("x")

    monkeypatch.setattr(mailsync_folder.FolderReader, "read", broken)
    with pytest.raises(KeyError):
        sync(mailbox)
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        assert mailbox.sync_error == "Leadgen failed while reading the mailbox (KeyError); the server's log has more."
        assert mailbox.synced_at is None
    assert sync_due(now=LATER) == 0  # not at once again
    assert Lane.objects.get(kind=SYNC_LANE).lease_until is None


def test_a_mail_nobody_can_digest_stops_no_other(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mailsync_folder.receive_mail

    def chokes(*, raw: bytes, **kwargs: Any) -> Any:
        if b"poison" in raw:
            raise ValueError("cannot")
        return whole(raw=raw, **kwargs)

    monkeypatch.setattr(mailsync_folder, "receive_mail", chokes)
    dovecot.deliver(mailbox.address, b"From: eve@x.example\r\nSubject: poison\r\n\r\nHi\r\n")
    dovecot.deliver(mailbox.address, reply(message, "What does it cost?"))
    assert sync(mailbox).new == 2
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().state == "stopped"
        noted = InboundMail.objects.get(kind="other")
        assert (noted.subject, noted.effect) == (
            "A mail that Leadgen could not read", "Nothing changed: look at it in the mailbox itself.",
        )  # fmt: skip


def test_one_reader_at_a_time(acme: Any, dovecot: Dovecot, mailbox: Mailbox) -> None:
    held = lanes.take_key(workspace_id=acme.pk, kind=SYNC_LANE, key=str(mailbox.pk), lease_seconds=60)
    assert held is not None
    assert sync(mailbox).busy
    lanes.settle_key(held, next_due=None)
    assert sync(mailbox).ok


def lease(mailbox: Mailbox) -> float:
    """Seconds left by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM lease_until - clock_timestamp()) FROM core_lane WHERE kind = %s AND key = %s",
            [SYNC_LANE, str(mailbox.pk)],
        )
        return float(cursor.fetchone()[0])


def test_a_reader_holds_on_with_each_mail_and_makes_way_soon_when_it_is_killed(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        dovecot.deliver(mailbox.address, reply(message, f"Question {number}?"))
    until: list[datetime] = []
    left: list[float] = []

    def look(name: str) -> None:
        if name == "C13":
            held = Lane.objects.get(kind=SYNC_LANE, key=str(mailbox.pk)).lease_until
            assert held is not None
            until.append(held)
            left.append(lease(mailbox))

    monkeypatch.setattr(mailsync_folder, "crash_point", look)
    assert sync(mailbox).new == 3
    assert len(until) == 3
    assert until[0] < until[1] < until[2], "renewed before each mail"
    assert max(left) <= settings.MAIL_SYNC_LEASE_SECONDS <= 90, "and never for long"
    # Killed: its lease stays. Nobody reads until it is over, then the next one does at once.
    held = lanes.take_key(
        workspace_id=acme.pk, kind=SYNC_LANE, key=str(mailbox.pk), lease_seconds=settings.MAIL_SYNC_LEASE_SECONDS
    )
    assert held is not None
    assert sync(mailbox, LATER).busy
    Lane.objects.filter(kind=SYNC_LANE).update(lease_until=NOW)
    assert sync(mailbox, LATER).ok
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        assert mailbox.synced_at == LATER


@pytest.mark.parametrize("after", [0, 1])
def test_a_reader_that_was_frozen_past_its_lease_stops_where_it_is(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, message: Message, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    for number in range(3):
        dovecot.deliver(mailbox.address, reply(message, f"Question {number}?"))
    seen, others = [], []

    def freeze(name: str) -> None:
        if name == "C14":
            seen.append(name)
            if len(seen) == after + 1:
                Lane.objects.filter(kind=SYNC_LANE).update(lease_until=NOW)
                others.append(
                    lanes.take_key(workspace_id=acme.pk, kind=SYNC_LANE, key=str(mailbox.pk), lease_seconds=60)
                )

    monkeypatch.setattr(mailsync_folder, "crash_point", freeze)
    report = sync(mailbox)
    assert (report.busy, report.ok, report.problem) == (True, False, "")
    assert others[0] is not None
    with workspace_scope(acme.pk):
        assert InboundMail.objects.count() == after + 1, "nothing is read after it lost the mailbox"
        mailbox.refresh_from_db()
        assert (mailbox.synced_at, mailbox.sync_error) == (None, ""), "it vouches for nothing and blames nobody"
    assert Lane.objects.get(kind=SYNC_LANE, key=str(mailbox.pk)).lease_until == others[0].lease_until
    lanes.settle_key(others[0], next_due=None)
    monkeypatch.setattr(mailsync_folder, "crash_point", lambda name: None)
    assert sync(mailbox, LATER).new == 2 - after


def test_workers_read_what_nobody_read_for_five_minutes(acme: Any, dovecot: Dovecot, mailbox: Mailbox) -> None:
    sync(mailbox)
    assert sync_due(now=NOW + timedelta(minutes=4)) == 0
    assert sync_due(now=NOW + timedelta(minutes=5)) == 1
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        assert mailbox.synced_at == NOW + timedelta(minutes=5)
        assert not InboundMail.objects.exists()
