"""From a reply that lies in the mailbox to the enrolment that is stopped, over IMAP IDLE, with a real Dovecot."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator

from accounts.models import Workspace
from campaigns.actions.mailsync import mark_sync
from campaigns.actions.mailwatch import MailWatch
from campaigns.models import Enrolment, Mailbox, Message
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from prospects.models import Person
from tests.bench.figures import Figure
from tests.bench.world import fill_people, make_workspace
from tests.campaigns.inbound import reply, sent_to
from tests.campaigns.test_mailsync import imap_mailbox
from tests.dovecot import DOVECOT, MISSING, Dovecot, running_dovecot
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_sequence

PATIENCE = 60.0


def run(*, full: bool) -> Iterator[Figure]:
    if DOVECOT is None:
        raise RuntimeError(MISSING)
    count = 100 if full else 15
    workspace = make_workspace()
    fill_people(workspace, count)
    with running_dovecot() as dovecot:
        with workspace_scope(workspace.pk):
            mailbox = imap_mailbox(dovecot)
            version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
            people = list(Person.objects.all())
            messages = [sent_to(person, mailbox, version, at=clock.now()) for person in people]
            mark_sync(mailbox.pk, clock.now())
        watch = MailWatch(poll_seconds=3600)  # only IDLE can tell it of mail
        thread = threading.Thread(target=watch.run, daemon=True)
        thread.start()
        try:
            _until(lambda: _read(workspace, mailbox), "the mailbox is read")
            taken = [_stop(workspace, dovecot, mailbox, message) for message in messages]
        finally:
            watch.stop()
            thread.join(60)
    slowest = max(taken)
    yield Figure("reply_stops_enrolment", 1 / statistics.median(taken), "per second", 1 / 5, "5 seconds with IDLE", 1.0)
    yield Figure("reply_stops_enrolment_slowest", 1 / slowest, "per second", 1 / 5, f"the slowest of {count}", 1.0)


def _stop(workspace: Workspace, dovecot: Dovecot, mailbox: Mailbox, message: Message) -> float:
    """Seconds from the reply's delivery until the enrolment is stopped."""
    started = time.perf_counter()
    dovecot.deliver(mailbox.address, reply(message, "Yes, this sounds interesting. Please send me more."))
    _until(lambda: _stopped(workspace, message), "the enrolment is stopped")
    return time.perf_counter() - started


def _stopped(workspace: Workspace, message: Message) -> bool:
    with workspace_scope(workspace.pk):
        return Enrolment.objects.filter(pk=message.enrolment_id, state=Enrolment.State.STOPPED).exists()


def _read(workspace: Workspace, mailbox: Mailbox) -> bool:
    with workspace_scope(workspace.pk):
        return Mailbox.objects.filter(pk=mailbox.pk, synced_at__isnull=False).exists()


def _until(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.01)
