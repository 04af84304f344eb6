"""Read a mailbox over IMAP: its folders, what is new in each, each mail stored with its effects, then how far we are.

Fetched at least once, effective exactly once: a mail and its effects are one transaction, the folder's checkpoint moves in
a later one, and a mail that comes again is known by its digest. No transaction is open while the network is used.

When every folder was read without an error, the mailbox is "complete to" the instant the reading began.
"""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.connections import imap_account, token_for
from campaigns.actions.freshness import record_sync_failure, vouch_read
from campaigns.actions.mailsync_folder import FolderReader, TakenOver
from campaigns.actions.reconcile import copy_to_sent, reconcile_unknown
from campaigns.actions.settlement import skip_overdue
from campaigns.models import Mailbox, MailFolder
from campaigns.queries.mailsync import SYNC_LANE as SYNC_LANE
from campaigns.transports.imap import Folder, ImapConversation, ImapError
from campaigns.transports.imap_folders import display_name
from campaigns.transports.smtp import TransportError
from leadgen.core import lanes, secrets
from leadgen.core.errors import Invalid
from leadgen.core.logging import log
from leadgen.core.models import Lane
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import bulk_insert, current_workspace_id, workspace_scope

# Without the process sync_mail the workers read every mailbox so often.
SAFETY_POLL = timedelta(minutes=5)
RETRY_FAILED = timedelta(minutes=2)
RETRY_REFUSED = timedelta(minutes=30)  # a password that is refused again and again gets an account locked
NEVER_READ = {"drafts", "trash"}
ALWAYS_READ = {MailFolder.Role.INBOX, MailFolder.Role.ALL, MailFolder.Role.SENT}
MOST_FOLDERS = 200
# A change of these is worth another try at once.
READING = {
    "sync", "auth", "imap_host", "imap_port", "imap_security", "imap_username", "imap_password", "username", "password",
}  # fmt: skip
# In this order: what was sent is known before All Mail is looked at, and answers come first of all.
ROLE_ORDER = ("inbox", "sent", "all", "junk", "other")


@dataclass(slots=True)
class SyncReport:
    """What one reading did. `problem` is why it did not succeed, in words; `busy`: somebody else reads it right now."""

    new: int = 0  # mails stored
    folders: int = 0
    settled: int = 0  # unknown messages proven by the Sent folder
    copied: int = 0  # copies put into Sent
    inbox_next: int = 0  # the UID the next mail in the inbox is expected to have
    problem: str = ""
    permanent: bool = False
    busy: bool = False

    @property
    def ok(self) -> bool:
        return not self.problem and not self.busy


def mark_sync(mailbox_id: uuid.UUID, due: datetime) -> None:
    """Ring the lane of a mailbox's reading, in the active workspace."""
    lanes.mark(workspace_id=current_workspace_id(), kind=SYNC_LANE, key=str(mailbox_id), due=due)


def ask_sync(*, mailbox: Mailbox, now: datetime) -> None:
    """Let a worker read it as soon as it can. Raises Invalid where it is not read over IMAP."""
    if mailbox.sync != Mailbox.Sync.IMAP:
        raise Invalid("This mailbox is not read over IMAP. Edit it to set that up.", field="sync")
    mark_sync(mailbox.pk, now)
    enqueue("campaigns.read_mailbox", mailbox.pk)


def reading_changed(*, mailbox: Mailbox, changed: set[str], now: datetime) -> None:
    """After a mailbox was made or changed: another mailbox or another way of reading makes what was read worth nothing."""
    if changed & {"sync", "imap_host", "imap_username", "username"}:
        MailFolder.objects.filter(mailbox=mailbox).delete()
        Mailbox.objects.filter(pk=mailbox.pk).update(synced_at=None, sync_error="", sync_failed_at=None)
        mailbox.synced_at, mailbox.sync_error, mailbox.sync_failed_at = None, "", None
    if mailbox.sync == Mailbox.Sync.IMAP and (not changed or changed & READING):
        mark_sync(mailbox.pk, now)


def open_line(*, workspace_id: uuid.UUID, mailbox_id: uuid.UUID, now: datetime) -> ImapConversation | None:
    """Connect to a mailbox, logged in; None where it is not read over IMAP. Raises ImapError. Call outside transactions."""
    with workspace_scope(workspace_id):
        mailbox = Mailbox.objects.filter(pk=mailbox_id, sync=Mailbox.Sync.IMAP).first()
    if mailbox is None:
        return None
    try:
        account = imap_account(mailbox, token=token_for(mailbox, now=now))
    except TransportError as error:
        raise ImapError(error.message, permanent=error.permanent) from error
    except secrets.SealedElsewhere as error:
        raise ImapError(
            "The stored password cannot be opened with the server's keys. Type it again.", permanent=True
        ) from error
    line = ImapConversation(account)
    line.connect()
    return line


def sync_mailbox(
    *, workspace_id: uuid.UUID, mailbox_id: uuid.UUID, now: datetime, line: ImapConversation | None = None
) -> SyncReport:
    """Read a mailbox once, by one reader at a time. Opens its own transactions: call it outside of any.

    The lease is short, so that a reader that was killed soon makes way, and renewed before each mail and search, so that
    a long reading keeps it. Who lost it stops there: nothing more is read, proven, copied or vouched for.

    `line` is a connection that is kept open by the caller; without it one is made. Never raises for what a server does:
    the report and the mailbox say what is wrong.
    """
    report = SyncReport()
    lane = lanes.take_key(
        workspace_id=workspace_id, kind=SYNC_LANE, key=str(mailbox_id), lease_seconds=settings.MAIL_SYNC_LEASE_SECONDS
    )
    if lane is None:
        report.busy = True
        return report
    own = None
    try:
        if line is None:
            own = line = open_line(workspace_id=workspace_id, mailbox_id=mailbox_id, now=now)
        if line is not None:
            _read(workspace_id, mailbox_id, line, lane, now, report)
    except TakenOver:
        report.busy = True
        log.warning("mailbox_reader_taken_over", mailbox=str(mailbox_id))
    except ImapError as error:
        report.problem, report.permanent = error.message, error.permanent
        with workspace_scope(workspace_id):
            record_sync_failure(mailbox_id=mailbox_id, words=error.message, now=now)
        log.warning("mailbox_not_read", mailbox=str(mailbox_id), permanent=error.permanent)
    except DatabaseError:
        raise
    except Exception as error:
        # A fault of ours: it goes on to the log, and whoever waits for this mailbox is told too.
        report.problem = (
            f"Leadgen failed while reading the mailbox ({type(error).__name__}); the server's log has more."
        )
        with workspace_scope(workspace_id):
            record_sync_failure(mailbox_id=mailbox_id, words=report.problem, now=now)
        raise
    finally:
        if own is not None:
            own.close()
        if report.problem:
            after: timedelta | None = RETRY_REFUSED if report.permanent else RETRY_FAILED
        else:
            after = None if line is None else SAFETY_POLL
        lanes.settle_key(lane, next_due=now + after if after else None)
    return report


def _read(
    workspace_id: uuid.UUID,
    mailbox_id: uuid.UUID,
    line: ImapConversation,
    lane: Lane,
    now: datetime,
    report: SyncReport,
) -> None:
    """Every folder, then what the Sent folder proves and lacks, then "complete to". Raises TakenOver."""

    def hold() -> None:
        if not lanes.prolong(lane, lease_seconds=settings.MAIL_SYNC_LEASE_SECONDS):
            raise TakenOver

    hold()
    listed = line.folders()
    with workspace_scope(workspace_id):
        mailbox = Mailbox.objects.get(pk=mailbox_id)
        folders = remember_folders(mailbox=mailbox, listed=listed)
    problems = []
    sent: set[str] = set()
    for folder in folders:
        if not folder.is_read:
            continue
        hold()
        reader = FolderReader(
            workspace_id=workspace_id, mailbox=mailbox, folder=folder, line=line, now=now, sent=sent, hold=hold
        )
        try:
            report.new += reader.read()
        except ImapError as error:
            with workspace_scope(workspace_id):
                MailFolder.objects.filter(pk=folder.pk).update(error=error.message[:500])
            if not line.connected:
                raise
            problems.append(f"{display_name(folder.name)}: {error.message}")
        report.folders += 1
        if folder.role == MailFolder.Role.INBOX:
            report.inbox_next = folder.last_uid + 1
    hold()
    if not problems:
        with workspace_scope(workspace_id):
            vouch_read(mailbox_id=mailbox_id, complete_to=now, now=now)
    report.settled = reconcile_unknown(
        workspace_id=workspace_id, mailbox=mailbox, folders=folders, line=line, now=now, hold=hold
    )
    report.copied = copy_to_sent(
        workspace_id=workspace_id, mailbox=mailbox, folders=folders, line=line, now=now, hold=hold
    )
    if problems:
        raise ImapError(" ".join(problems))


def remember_folders(*, mailbox: Mailbox, listed: list[Folder]) -> list[MailFolder]:
    """Bring the rows in line with what the server has; new ones are read, except drafts and the bin.

    With Gmail's All Mail its labels are not read one by one: all but junk lies there too.
    """
    has_all = any(folder.role == "all" for folder in listed)
    wanted = {folder.name: folder.role for folder in listed[: MOST_FOLDERS * 5] if folder.role not in NEVER_READ}
    known = {row.name: row for row in MailFolder.objects.filter(mailbox=mailbox)}
    gone = [row.pk for name, row in known.items() if name not in wanted]
    if gone:
        MailFolder.objects.filter(pk__in=gone).delete()
    for name, role in wanted.items():
        row = known.get(name)
        if row is not None and row.role != role:
            MailFolder.objects.filter(pk=row.pk).update(role=role)
            row.role = role
    read_others = sum(role == "other" for role in wanted.values()) <= MOST_FOLDERS and not has_all
    new = [
        MailFolder(
            mailbox=mailbox, name=name[:500], role=role, uidvalidity=None, is_read=role != "other" or read_others
        )
        for name, role in wanted.items()
        if name not in known
    ]
    if new:
        bulk_insert(MailFolder, new, ignore_conflicts=True)
    rows = list(MailFolder.objects.filter(mailbox=mailbox))
    return sorted(rows, key=lambda row: (ROLE_ORDER.index(row.role), row.name))


def choose_folder(*, folder: MailFolder, is_read: bool, by: Actor, now: datetime) -> None:
    """Read a folder or leave it out. The inbox and what proves sending are always read. Raises Invalid."""
    if not is_read and folder.role in ALWAYS_READ:
        raise Invalid(f"{display_name(folder.name)} is always read.", field="is_read")
    if not MailFolder.objects.filter(pk=folder.pk).exclude(is_read=is_read).update(is_read=is_read, error=""):
        return
    write_audit(
        by=by, action="mailbox.folder", now=now, target=folder.mailbox,
        detail={"folder": display_name(folder.name), "read": is_read},
    )  # fmt: skip
    ask_sync(mailbox=folder.mailbox, now=now)


def sync_due(*, now: datetime, max_lanes: int = 50, seconds: float = 120) -> int:
    """The workers' safety poll: read mailboxes that nobody read for five minutes, for two minutes at most. Returns how many."""
    read, end = 0, time.monotonic() + seconds
    for _ in range(max_lanes):
        lane = lanes.take(kind=SYNC_LANE, now=now, lease_seconds=5)
        if lane is None or time.monotonic() > end:
            break
        # Pushed ahead first: a mailbox that cannot be read must not stand in front of the others.
        lanes.settle_key(lane, next_due=now + SAFETY_POLL)
        read += sync_mailbox(workspace_id=lane.workspace_id, mailbox_id=uuid.UUID(lane.key), now=now).ok
    return read


def sweep_mail(*, now: datetime) -> int:
    """For every workspace: mark lost lanes of mailboxes, skip what is unknown for a day. Returns how many were skipped."""
    skipped = 0
    for workspace_id in Lane.objects.values_list("workspace_id", flat=True).distinct():
        with workspace_scope(workspace_id):
            sweep_syncs(now=now)
            skipped += skip_overdue(now=now)
    return skipped


def sweep_syncs(*, now: datetime) -> int:
    """Mark the lane of every IMAP mailbox of the active workspace, for hints that were lost. Returns lanes marked."""
    marked = 0
    rows = Mailbox.objects.filter(sync=Mailbox.Sync.IMAP).values_list("pk", "synced_at", "sync_failed_at")
    for pk, synced_at, failed_at in rows:
        last = max((at for at in (synced_at, failed_at) if at is not None), default=None)
        mark_sync(pk, last + SAFETY_POLL if last else now)
        marked += 1
    return marked
