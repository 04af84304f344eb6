"""Door bells of campaigns: each says that something may be due; the rows say what."""

from celery import shared_task

from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.dispatch import sweep_lanes as sweep
from campaigns.actions.mailboxes import check_connection, record_check
from campaigns.models import Mailbox
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope


@shared_task(name="campaigns.dispatch")
def dispatch() -> None:
    """One dispatcher turn."""
    dispatch_once(now=clock.now())


@shared_task(name="campaigns.sweep_lanes")
def sweep_lanes() -> None:
    """Find due work whose hint was lost."""
    sweep(now=clock.now())


@shared_task(name="campaigns.check_mailbox")
def check_mailbox(workspace_id: str, mailbox_id: str) -> None:
    """Test a mailbox's connection. Between two transactions, because a server may take its time."""
    with workspace_scope(workspace_id):
        mailbox = Mailbox.objects.filter(pk=mailbox_id).first()
    if mailbox is None:
        return
    works, words = check_connection(mailbox=mailbox)
    with workspace_scope(workspace_id):
        record_check(mailbox_id=mailbox.pk, works=works, words=words, now=clock.now())
