"""After a restore: what the Sent folders prove is written back, and nothing that went out goes out again."""

import json
import uuid
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry, Workspace
from campaigns.actions.dispatch import dispatch_once, sweep_lanes
from campaigns.actions.planning import begin_due_steps
from campaigns.actions.restored import compare_all
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, Message, StepRun
from campaigns.queries.books import books_of_workspace
from campaigns.rules import tokens
from leadgen.core import restore
from leadgen.core.models import Installation
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.sink import Sink, running_sink
from tests.campaigns.test_mailsync import dovecot, imap_mailbox
from tests.conftest import NOW
from tests.dovecot import DOVECOT, MISSING, Dovecot
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_company, make_person

__all__ = ["dovecot"]
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(DOVECOT is None, reason=MISSING)]
LATER = NOW + timedelta(hours=3)


@pytest.fixture
def sink() -> Any:
    with running_sink() as found:
        yield found


@pytest.fixture
def held(acme: Workspace, dovecot: Dovecot, sink: Sink) -> Mailbox:
    """Ana's first step is planned and Bo's not begun; the database came out of a backup."""
    with workspace_scope(acme.pk):
        mailbox = imap_mailbox(dovecot)
        Mailbox.objects.update(host="127.0.0.1", port=sink.port, security="none", username="", min_gap_seconds=0)
        version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
        company = make_company("Lumen")
        for name in ("ana", "bo"):
            person = make_person(name.title(), company, email=f"{name}@lumen.example")
            enrolment = make_enrolment(version, person, mailbox=mailbox)
            if name == "bo":
                Enrolment.objects.filter(pk=enrolment.pk).update(next_at=NOW + timedelta(hours=1))
        begin_due_steps(now=NOW)
        mark_enrolments(NOW)
    restore.check(now=NOW)
    Installation.objects.update(timeline=99)
    assert "restored from a backup" in restore.check(now=NOW + timedelta(minutes=1))
    return mailbox


def copy(mailbox: Mailbox, to: str, key: uuid.UUID, *, own: str = "", workspace: uuid.UUID | None = None) -> bytes:
    """A mail of ours as it stands in the Sent folder."""
    token = tokens.public_token("unsubscribe", workspace_id=workspace or mailbox.workspace_id, row=key)
    own = own or tokens.message_id(workspace_id=mailbox.workspace_id, message=key, domain="acme.example")
    return (
        f"From: sam@acme.example\r\nTo: Someone <{to}>\r\nSubject: A question\r\nMessage-ID: <{own}>\r\n"
        f"Date: Wed, 04 Mar 2026 11:00:00 +0000\r\nList-Unsubscribe: <http://localhost:8000/p/u/{token}/>\r\n\r\nHi\r\n"
    ).encode()


def release(*arguments: str) -> str:
    out = StringIO()
    call_command("restore_guard", "release", *arguments, stdout=out)
    return out.getvalue()


def test_nothing_that_went_out_goes_out_again(acme: Workspace, held: Mailbox, dovecot: Dovecot, sink: Sink) -> None:
    turn = dispatch_once(now=LATER)
    assert (turn.sent, turn.begun) == (0, 0)
    assert "restored from a backup" in turn.reasons[0]
    with workspace_scope(acme.pk):
        planned = Message.objects.get()
    bos = uuid.uuid4()  # the id that Bo's first mail had before the database was lost
    dovecot.deliver(held.address, copy(held, "ana@lumen.example", planned.pk, own=planned.message_id), "Sent")
    dovecot.deliver(held.address, copy(held, "bo@lumen.example", bos), "Sent")
    text = release("--by", "Olga", "--since", "2026-03-03T00:00:00+00:00")
    assert "2 mails in Sent; 0 recorded, 1 proven sent, 1 written back, 0 without a place" in text
    assert restore.sending_held() == ""
    with workspace_scope(acme.pk):
        found = {message.to_address: message for message in Message.objects.all()}
        assert {message.state for message in found.values()} == {"sent"}
        assert {message.settled_by for message in found.values()} == {"sent_folder"}
        assert found["bo@lumen.example"].pk == bos
        assert found["bo@lumen.example"].sent_at == datetime.fromisoformat("2026-03-04T11:00:00+00:00")
        assert StepRun.objects.filter(outcome="sent").count() == 2
        assert [books.problems for books in books_of_workspace()] == [[]]
        entry = AuditEntry.objects.get(action="sending.released")
        assert (entry.target_label, entry.detail["proven"], entry.detail["rebuilt"]) == ("Olga", 1, 1)
    sweep_lanes(now=LATER)
    dispatch_once(now=LATER)
    assert sink.accepted == []
    with workspace_scope(acme.pk):
        Mailbox.objects.update(synced_at=LATER + timedelta(days=2))
    sweep_lanes(now=LATER + timedelta(days=2))
    assert dispatch_once(now=LATER + timedelta(days=2)).sent == 2, "the follow-ups, two days after the first mails"
    assert sorted(sink.recipients) == ["ana@lumen.example", "bo@lumen.example"]


@pytest.mark.parametrize("forged", ["id", "workspace", "unknown person"])
def test_only_mail_that_proves_itself_counts(acme: Workspace, held: Mailbox, dovecot: Dovecot, forged: str) -> None:
    key = uuid.uuid4()
    mails = {
        "id": copy(held, "bo@lumen.example", key, own="made-up@acme.example"),
        "workspace": copy(held, "bo@lumen.example", key, workspace=uuid.uuid4()),
        "unknown person": copy(held, "eve@elsewhere.example", key),
    }
    dovecot.deliver(held.address, mails[forged], "Sent")
    (found,) = compare_all(now=LATER, since=NOW - timedelta(days=1))
    assert (found.seen, found.proven, found.rebuilt, found.unplaced) == (1, 0, 0, int(forged == "unknown person"))
    with workspace_scope(acme.pk):
        assert not Message.objects.filter(to_address="bo@lumen.example").exists()


def test_comparing_twice_changes_nothing(acme: Workspace, held: Mailbox, dovecot: Dovecot) -> None:
    dovecot.deliver(held.address, copy(held, "bo@lumen.example", uuid.uuid4()), "Sent")
    since = NOW - timedelta(days=1)
    assert [entry.rebuilt for entry in compare_all(now=LATER, since=since)] == [1]
    (again,) = compare_all(now=LATER, since=since)
    assert (again.rebuilt, again.proven, again.known) == (0, 0, 1)


def test_a_mailbox_that_cannot_be_compared_keeps_the_hold(acme: Workspace, held: Mailbox) -> None:
    with workspace_scope(acme.pk):
        make_mailbox(address="push@acme.example")
    with pytest.raises(CommandError, match="1 of 2 mailboxes could not be compared"):
        release()
    assert restore.sending_held()
    assert "push@acme.example: It is not read over IMAP" in release("--without-comparison")
    assert restore.sending_held() == ""
    with pytest.raises(CommandError, match="Sending is not held"):
        release()


def test_status_and_hold_by_hand(acme: Workspace) -> None:
    out = StringIO()
    with workspace_scope(acme.pk):
        mark_enrolments(NOW)
    call_command("restore_guard", "status", stdout=out)
    assert "Sending is not held." in out.getvalue()
    call_command("restore_guard", "hold", "--reason", "the folder was copied", stdout=out)
    assert restore.sending_held() == "Held by the operator: the folder was copied"
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.get(action="sending.held").target_label == "the folder was copied"
    with pytest.raises(CommandError, match="held already"):
        call_command("restore_guard", "hold")
    told = StringIO()
    call_command("restore_guard", "status", "--json", stdout=told)
    assert json.loads(told.getvalue())["held"] is True
