"""The part of a mailbox's page about its answers, in a browser: read now, wait for it, leave a folder out."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from accounts.models import Workspace
from campaigns.actions.mailsync import sync_mailbox
from campaigns.models import Mailbox, MailFolder
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import reply, sent_to
from tests.campaigns.test_mailsync import dovecot, imap_mailbox
from tests.dovecot import DOVECOT, MISSING, Dovecot
from tests.factories.accounts import Someone
from tests.factories.prospects import make_company, make_person

__all__ = ["dovecot"]
pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.skipif(DOVECOT is None, reason=MISSING),
]  # fmt: skip


def test_read_now_polls_until_a_worker_did_and_a_folder_is_left_out(
    seat: Callable[..., Any], acme: Workspace, alice: Someone, dovecot: Dovecot
) -> None:
    with workspace_scope(acme.pk):
        mailbox: Mailbox = imap_mailbox(dovecot)
        message = sent_to(make_person("Ana Ferreira", make_company("Lumen"), email="ana@lumen.example"), mailbox)
    dovecot.deliver(mailbox.address, reply(message, "What does it cost?"))
    window = seat(alice)
    page = window.open(f"/w/acme/settings/mailboxes/{mailbox.pk}/")
    answers = page.locator("#folders")
    answers.get_by_text("Never read yet").wait_for()
    answers.get_by_role("button", name="Read now").click()
    answers.get_by_text("Reading the mailbox…").wait_for()

    # The worker of this test: it takes up what was asked for while the page waits.
    def read() -> None:
        try:
            sync_mailbox(workspace_id=acme.pk, mailbox_id=mailbox.pk, now=clock.now())
        finally:
            connections.close_all()  # of this thread: nobody else will

    worker = threading.Thread(target=read)
    worker.start()
    answers.get_by_text("Complete to").wait_for()
    worker.join()
    answers.get_by_text("1 of 1 mails of the last 30 days are stored").wait_for()
    junk = answers.get_by_role("listitem").filter(has_text="Spam")
    junk.get_by_role("button", name="Leave out").click()
    junk.get_by_text("left out").wait_for()
    assert window.complaints == []
    with workspace_scope(acme.pk):
        assert MailFolder.objects.get(role="junk").is_read is False
