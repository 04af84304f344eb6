"""The process that waits for mail: IDLE, new and changed mailboxes, lines that break, an orderly end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Workspace
from campaigns.actions import mailwatch
from campaigns.actions.mailsync import mark_sync
from campaigns.actions.mailwatch import MailWatch
from campaigns.models import Enrolment, Mailbox
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import reply, sent_to
from tests.campaigns.test_mailsync import dovecot, imap_mailbox
from tests.dovecot import DOVECOT, MISSING, Dovecot
from tests.factories.prospects import make_company, make_person

__all__ = ["dovecot"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.skipif(DOVECOT is None, reason=MISSING)]


def until(ready: Callable[[], bool], seconds: float = 30) -> None:
    """Poll; fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        threading.Event().wait(0.05)


@contextmanager
def watching(**options: Any) -> Iterator[MailWatch]:
    """A watch in a thread, whose turns between polls are an hour apart: only IDLE can tell it of mail."""
    watch = MailWatch(poll_seconds=3600, **options)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join(timeout=40)
        assert not thread.is_alive()
        assert not [one for one in threading.enumerate() if one.name.startswith("mail-")]


def synced(acme: Workspace, mailbox: Mailbox) -> bool:
    with workspace_scope(acme.pk):
        return Mailbox.objects.get(pk=mailbox.pk).synced_at is not None


def make(acme: Workspace, dovecot: Dovecot) -> Mailbox:
    with workspace_scope(acme.pk):
        mailbox = imap_mailbox(dovecot)
        mark_sync(mailbox.pk, clock.now())
    return mailbox


def test_idle_a_reply_stops_the_sequence_without_waiting_for_the_next_poll(acme: Workspace, dovecot: Dovecot) -> None:
    mailbox = make(acme, dovecot)
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example")
        message = sent_to(ana, mailbox)

    def state() -> str:
        with workspace_scope(acme.pk):
            return str(Enrolment.objects.get().state)

    with watching() as watch:
        until(lambda: synced(acme, mailbox))
        assert (state(), len(watch.watches)) == ("active", 1)
        dovecot.deliver(mailbox.address, reply(message, "Yes, this sounds interesting."))
        until(lambda: state() == "stopped")


def test_it_notices_new_and_removed_mailboxes_and_comes_back_after_a_broken_line(
    acme: Workspace, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailwatch, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(mailwatch, "FIRST_PAUSE", 0.05)
    with watching() as watch:
        mailbox = make(acme, dovecot)
        until(lambda: synced(acme, mailbox))
        with workspace_scope(acme.pk):
            Mailbox.objects.update(synced_at=None, imap_port=9)
        until(lambda: "refused the connection" in error(acme))
        with workspace_scope(acme.pk):
            assert Mailbox.objects.get().synced_at is None
            Mailbox.objects.update(imap_port=dovecot.port)
        until(lambda: synced(acme, mailbox))
        assert error(acme) == ""
        with workspace_scope(acme.pk):
            Mailbox.objects.update(sync="none")
        until(lambda: not watch.watches)


def error(acme: Workspace) -> str:
    with workspace_scope(acme.pk):
        return str(Mailbox.objects.get().sync_error)


def test_once_reads_each_mailbox_and_fails_where_one_cannot_be_read(
    acme: Workspace, dovecot: Dovecot, capsys: pytest.CaptureFixture[str]
) -> None:
    mailbox = make(acme, dovecot)
    call_command("sync_mail", "--once")
    assert capsys.readouterr().out == (f"{mailbox.pk}: 0 new, 3 folders, 0 settled, 0 copied\n1 mailboxes read.\n")
    with workspace_scope(acme.pk):
        Mailbox.objects.update(imap_port=9)
    with pytest.raises(CommandError, match="1 of 1 mailboxes could not be read"):
        call_command("sync_mail", "--once")


@pytest.mark.slow
def test_the_process_ends_in_order_when_told_to(acme: Workspace, dovecot: Dovecot) -> None:
    mailbox = make(acme, dovecot)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sync_mail"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(lambda: synced(acme, mailbox) or process.poll() is not None, 60)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=40)
    finally:
        process.kill()
    assert (process.returncode, said.splitlines()[0]) == (0, "Watching 1 mailbox.")
