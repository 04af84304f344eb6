"""How far a mailbox was read, on its page, in the API and in the dot: as its users see it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from campaigns.actions.mailsync import reading_changed
from campaigns.models import Mailbox, MailFolder, Message
from campaigns.queries.mailboxes import mailbox_health
from campaigns.tasks import read_mailbox
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import reply, sent_to
from tests.campaigns.test_mailsync import dovecot, imap_mailbox, sync
from tests.conftest import NOW
from tests.dovecot import DOVECOT, MISSING, Dovecot
from tests.factories.campaigns import make_mailbox, vouch
from tests.factories.prospects import make_company, make_person

__all__ = ["dovecot"]
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(DOVECOT is None, reason=MISSING)]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def mailbox(acme: Any, dovecot: Dovecot) -> Mailbox:
    with workspace_scope(acme.pk):
        return imap_mailbox(dovecot)


def page(client: Any, mailbox: Mailbox, **headers: str) -> str:
    answer = client.get(f"/w/acme/settings/mailboxes/{mailbox.pk}/", headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_read_now_is_done_by_a_worker_and_the_page_tells_how_far(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, alice: Any, as_: Any
) -> None:
    client = as_(alice)
    assert "Never read yet" in page(client, mailbox)
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example"), mailbox)
    dovecot.deliver(mailbox.address, reply(message, "What does it cost?"))
    url = f"/w/acme/settings/mailboxes/{mailbox.pk}/sync/"
    answer = client.post(url, headers={"HX-Request": "true", "HX-Target": "folders"})
    assert "Reading the mailbox…" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    read_mailbox(str(acme.pk), str(mailbox.pk))  # what the worker does
    part = page(client, mailbox, **{"HX-Request": "true", "HX-Target": "folders"})
    assert "Reading the mailbox…" not in part
    assert "Complete to 11:00" in client.get("/w/acme/settings/mailboxes/").content.decode()
    for words in ("Complete to 11:00", "1 of 1 mails", "INBOX", "Sent", "Spam"):  # Berlin
        assert words in part


def test_a_log_in_that_is_refused_comes_with_what_to_do(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, alice: Any, as_: Any
) -> None:
    with workspace_scope(acme.pk):
        Mailbox.objects.update(imap_password_sealed="")
    sync(mailbox)
    text = page(as_(alice), mailbox)
    assert "refused user name or password" in text
    assert "app password" in text


def test_follow_ups_that_wait_for_it_are_told(acme: Any, mailbox: Mailbox, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana", make_company("Lumen"), email="ana@lumen.example"), mailbox)
        Message.objects.filter(pk=message.pk).update(
            state="planned", submitted_at=None, hold_reason="Held: the answers in x were never read; …"
        )
    text = page(as_(alice), mailbox)
    assert "1 follow-up waits until the replies were read" in text


def test_a_folder_is_left_out_and_read_again_and_it_is_audited(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, alice: Any, bob: Any, as_: Any, api: Any
) -> None:
    sync(mailbox)
    with workspace_scope(acme.pk):
        junk, inbox = MailFolder.objects.get(role="junk"), MailFolder.objects.get(role="inbox")
    url = f"/w/acme/settings/mailboxes/{mailbox.pk}/folders/"
    assert as_(bob).post(f"{url}{junk.pk}/", {"is_read": "no"}).status_code == 403
    assert as_(alice).post(f"{url}{junk.pk}/", {"is_read": "no"}).status_code == 302
    assert as_(alice).post(f"{url}{inbox.pk}/", {"is_read": "no"}).status_code == 400
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.get(action="mailbox.folder").detail == {"folder": "Spam", "read": False}
    dovecot.deliver(mailbox.address, b"From: eve@elsewhere.example\r\nMessage-ID: <1@x.example>\r\n\r\nHi\r\n", "Spam")
    assert sync(mailbox).new == 0
    client = api(alice)
    body = {"folder": str(junk.pk), "is_read": True}
    rows = client.post(f"/api/v1/mailboxes/{mailbox.pk}/folders/", body, "application/json").json()
    assert [(row["name"], row["is_read"]) for row in rows] == [("INBOX", True), ("Sent", True), ("Spam", True)]
    assert sync(mailbox).new == 1


def test_the_api_reads_now_and_lists_folders(
    acme: Any, dovecot: Dovecot, mailbox: Mailbox, alice: Any, api: Any, globex: Any, charlie: Any
) -> None:
    client = api(alice)
    answer = client.post(f"/api/v1/mailboxes/{mailbox.pk}/sync/")
    assert (answer.status_code, answer.json()["synced_at"]) == (202, None)
    assert Lane.objects.get(kind="mailsync", key=str(mailbox.pk)).next_due == NOW
    sync(mailbox)
    assert client.get(f"/api/v1/mailboxes/{mailbox.pk}/").json()["synced_at"] == "2026-03-04T10:00:00Z"
    rows = client.get(f"/api/v1/mailboxes/{mailbox.pk}/folders/").json()
    assert rows[0] | {"id": ""} == {
        "id": "", "name": "INBOX", "role": "inbox", "is_read": True, "read_at": "2026-03-04T10:00:00Z", "total": 0,
        "stored": 0, "counted_at": "2026-03-04T10:00:00Z", "error": "",
    }  # fmt: skip
    outsider = api(charlie)
    assert outsider.post(f"/api/v1/mailboxes/{mailbox.pk}/sync/").status_code == 404
    assert outsider.get(f"/api/v1/mailboxes/{mailbox.pk}/folders/").status_code == 404


def test_a_mailbox_that_is_not_read_over_imap_says_so(acme: Any, alice: Any, api: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox(sync="none")
    assert "Nobody reads what comes into this mailbox" in page(as_(alice), mailbox)
    answer = api(alice).post(f"/api/v1/mailboxes/{mailbox.pk}/sync/")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "sync")


def test_another_mailbox_begins_anew(acme: Any, dovecot: Dovecot, mailbox: Mailbox) -> None:
    sync(mailbox)
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        reading_changed(mailbox=mailbox, changed={"imap_port"}, now=NOW)
        assert Mailbox.objects.get().synced_at == NOW
        reading_changed(mailbox=mailbox, changed={"imap_username"}, now=NOW)
        assert (Mailbox.objects.get().synced_at, MailFolder.objects.count()) == (None, 0)


def test_the_dot_tells_of_the_mailbox_read_longest_ago(acme: Any) -> None:
    with workspace_scope(acme.pk):
        ana = make_mailbox(address="ana@acme.example")
        ben = make_mailbox(address="ben@acme.example")
        assert mailbox_health(acme)["label"] == "The answers in ana@acme.example were never read"  # type: ignore[index]
        vouch(NOW, ana)
        vouch(NOW - timedelta(minutes=15), ben)
        assert mailbox_health(acme) | {"url": ""} == {  # type: ignore[operator]
            "tone": "success", "label": "2 mailboxes, complete to 09:45", "url": "",
        }  # fmt: skip
        Mailbox.objects.filter(pk=ben.pk).update(synced_at=NOW - timedelta(minutes=16))
        assert mailbox_health(acme) | {"url": ""} == {  # type: ignore[operator]
            "tone": "warning", "label": "The answers in ben@acme.example were last read at 09:44", "url": "",
        }  # fmt: skip
        Mailbox.objects.filter(pk=ben.pk).update(sync="none")
        assert mailbox_health(acme)["label"] == "Nobody reads the answers of ben@acme.example"  # type: ignore[index]
