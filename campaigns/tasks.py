"""Door bells of campaigns: each says that something may be due; the rows say what."""

import time
from uuid import UUID

from celery import shared_task

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import Member
from campaigns.actions import signals_line
from campaigns.actions.clicks import classify_due_hits, reclassify_hits
from campaigns.actions.dispatch import TURN_SECONDS, dispatch_once
from campaigns.actions.dispatch import sweep_lanes as sweep
from campaigns.actions.domains import check_due_domains
from campaigns.actions.mailbox_checks import check_connection, record_check
from campaigns.actions.mailsync import sweep_mail, sync_due, sync_mailbox
from campaigns.actions.seeds import send_seed
from campaigns.models import Mailbox
from leadgen.core import clock, lanes
from leadgen.core.tenancy import workspace_scope


@shared_task(name="campaigns.dispatch")
def dispatch() -> None:
    """Dispatcher turns, each with its own instant, until nothing due is left or a quarter of an hour is over."""
    end = time.monotonic() + 900
    while dispatch_once(now=clock.now(), seconds=TURN_SECONDS).unfinished and time.monotonic() < end:
        pass


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
    found = check_connection(mailbox=mailbox, now=clock.now())
    with workspace_scope(workspace_id):
        record_check(mailbox_id=mailbox.pk, found=found, now=clock.now())


@shared_task(name="campaigns.check_domains")
def check_domains() -> None:
    """Ask name servers about every domain that is due: each day, and whenever somebody asks."""
    check_due_domains(now=clock.now())


@shared_task(name="campaigns.send_seed")
def send_seed_mail(workspace_id: str, mailbox_id: str, to_id: str) -> None:
    """Send one seed mail; what it shows is read when it comes back."""
    send_seed(workspace_id=UUID(workspace_id), mailbox_id=UUID(mailbox_id), to_id=UUID(to_id), now=clock.now())


@shared_task(name="campaigns.classify_hits")
def classify_hits() -> None:
    """Class the hits whose burst is over."""
    classify_due_hits(now=clock.now())


@shared_task(name="campaigns.reclassify_hits")
def reclassify_all_hits(workspace_id: str, member_id: str = "") -> None:
    """Class a workspace's whole history anew; `member_id` is who asked."""
    with workspace_scope(workspace_id):
        member = Member.objects.filter(pk=member_id).first() if member_id else None
    by = Actor(member=member, source="user") if member else SYSTEM
    reclassify_hits(workspace_id=UUID(workspace_id), now=clock.now(), by=by)


@shared_task(name="campaigns.read_mailbox")
def read_mailbox(workspace_id: str, mailbox_id: str) -> None:
    """Somebody asked to read a mailbox now."""
    sync_mailbox(workspace_id=UUID(workspace_id), mailbox_id=UUID(mailbox_id), now=clock.now())


@shared_task(name="campaigns.read_due_mailboxes")
def read_due_mailboxes() -> None:
    """Read what the process sync_mail has not read for five minutes."""
    sync_due(now=clock.now())


@shared_task(name="campaigns.sweep_mail")
def sweep_all_mail() -> None:
    """Find mailboxes whose hint was lost; skip what is unknown for a day."""
    sweep_mail(now=clock.now())


@shared_task(name="campaigns.enrol_from_line")
def enrol_from_line() -> None:
    """Let the lines of triggers that reached their cap go on, workspace by workspace; each part is a transaction of its own."""
    while lane := lanes.take(kind=signals_line.LANE, now=clock.now(), lease_seconds=900):
        again = signals_line.run_lane(lane.workspace_id, now=clock.now())
        lanes.move_on(lane, next_due=again)
