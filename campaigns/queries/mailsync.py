"""How far a mailbox's answers were read: "Complete to 10:42, 118 of 118", folder by folder, and what is in the way."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from campaigns.models import Mailbox, MailFolder, Message
from campaigns.queries.freshness import NOBODY_READS, NOT_READ_SINCE, clock_words, freshness_limit, is_stale
from campaigns.rules.remedies import remedy
from campaigns.transports.imap_folders import display_name
from leadgen.core.models import Lane

SYNC_LANE = "mailsync"
REFUSED = re.compile(r"refused (user name or password|the OAuth log-in)")
# A request to read that no worker took up for so long will not be taken up.
PATIENCE = timedelta(seconds=90)
ROLE_ORDER = {role: place for place, role in enumerate(("inbox", "sent", "all", "junk", "other"))}


@dataclass(frozen=True, slots=True)
class FolderLine:
    """One folder as the page and the API show it."""

    row: MailFolder
    name: str
    count: str  # "118 of 118", '' where nothing was counted

    @property
    def missing(self) -> int:
        return self.row.total - self.row.stored if self.row.counted_at else 0


@dataclass(frozen=True, slots=True)
class Reading:
    """`words` says how far; `tone` success, warning or danger; `remedy` what to do about `problem`; `waiting` follow-ups
    that wait for it; `running`: it is being read, or a worker was asked to."""

    words: str
    tone: str
    count: str
    problem: str
    remedy: str
    waiting: int
    running: bool
    folders: list[FolderLine]


def reading_of(mailbox: Mailbox, now: datetime) -> Reading:
    """Everything about how `mailbox` is read, in three small queries."""
    stale = is_stale(mailbox, now)
    folders = folder_lines(mailbox) if mailbox.sync == Mailbox.Sync.IMAP else []
    counted = [line.row for line in folders if line.row.is_read and line.row.counted_at and line.row.role != "sent"]
    total, stored = sum(row.total for row in counted), sum(row.stored for row in counted)
    waiting = 0
    if stale:
        rows = Message.objects.filter(mailbox=mailbox, state=Message.State.PLANNED)
        waiting = sum(rows.filter(hold_reason__startswith=words).count() for words in (NOBODY_READS, NOT_READ_SINCE))
    return Reading(
        words=complete_words(mailbox, now),
        tone="danger" if mailbox.sync_error else "warning" if stale else "success",
        count=f"{stored:,} of {total:,}" if counted else "",
        problem=mailbox.sync_error,
        remedy=_remedy(mailbox),
        waiting=waiting,
        running=_running(mailbox, now),
        folders=folders,
    )


def _remedy(mailbox: Mailbox) -> str:
    """What to do about a refused log-in; what else can fail says so itself."""
    if not REFUSED.search(mailbox.sync_error):
        return ""
    by_token = mailbox.auth != Mailbox.Auth.PASSWORD
    return remedy(step="login", words=mailbox.sync_error, host=mailbox.imap_host, by_token=by_token)


def complete_words(mailbox: Mailbox, now: datetime) -> str:
    """Complete to 10:42."""
    if mailbox.sync == Mailbox.Sync.NONE:
        return "Nobody reads its answers"
    if mailbox.synced_at is None:
        return "Never read yet"
    return f"Complete to {clock_words(mailbox.synced_at, now)}"


def folder_lines(mailbox: Mailbox) -> list[FolderLine]:
    """Its folders, the inbox first."""
    rows = sorted(MailFolder.objects.filter(mailbox=mailbox), key=lambda row: (ROLE_ORDER[row.role], row.name))
    return [
        FolderLine(row, display_name(row.name), f"{row.stored:,} of {row.total:,}" if row.counted_at else "")
        for row in rows
    ]


def _running(mailbox: Mailbox, now: datetime) -> bool:
    if mailbox.sync != Mailbox.Sync.IMAP:
        return False
    lane = Lane.objects.filter(
        workspace_id=mailbox.workspace_id, kind=SYNC_LANE, key=str(mailbox.pk), next_due__lte=now
    ).first()
    return lane is not None and lane.next_due is not None and now - lane.next_due < PATIENCE


def worst_reading(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of rows {address, sync, synced_at}, at least one: the one read longest ago; never and nobody come first."""

    def rank(row: Mapping[str, Any]) -> tuple[int, float, str]:
        if row["sync"] == Mailbox.Sync.NONE or row["synced_at"] is None:
            return (0 if row["sync"] == Mailbox.Sync.NONE else 1, 0.0, row["address"])
        return (2, row["synced_at"].timestamp(), row["address"])

    return min(rows, key=rank)


def unread_words(row: Mapping[str, Any], now: datetime) -> str:
    """Why follow-ups of a row of `worst_reading` wait, in a line."""
    if row["sync"] == Mailbox.Sync.NONE:
        return f"Nobody reads the answers of {row['address']}"
    if row["synced_at"] is None:
        return f"The answers in {row['address']} were never read"
    return f"The answers in {row['address']} were last read at {clock_words(row['synced_at'], now)}"


def is_fresh(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether a row of `worst_reading` was read lately enough for follow-ups."""
    at = row["synced_at"]
    return row["sync"] != Mailbox.Sync.NONE and at is not None and now - at <= freshness_limit()
