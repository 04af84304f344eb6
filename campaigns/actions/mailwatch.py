"""Watch mailboxes over IMAP for as long as the process lives: one thread and one connection a mailbox, waiting in IDLE.

A turn reads every folder; between two the thread waits for the server to tell of mail in the inbox, at most
MAIL_POLL_SECONDS, so that the other folders are looked at too and IDLE is asked for anew long before a server ends it
(RFC 2177 says 29 minutes). Threads hold no database connection while they wait.
"""

import contextlib
import os
import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from campaigns.actions.freshness import record_sync_failure
from campaigns.actions.mailsync import RETRY_REFUSED, SYNC_LANE, SyncReport, open_line, sync_mailbox
from campaigns.models import Mailbox
from campaigns.transports.imap import ImapConversation, ImapError
from leadgen.core import clock
from leadgen.core.health import beat
from leadgen.core.logging import log
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope

type Key = tuple[uuid.UUID, uuid.UUID]  # workspace, mailbox

LOOK_EVERY = 5.0  # seconds until a new or changed mailbox is noticed
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0  # after a failure; doubled each time
AT_ONCE = 8  # turns at the same time; the others wait, so that the database sees few connections
# A change of any of these ends the connection and makes another.
CONNECTION = (
    "auth", "imap_host", "imap_port", "imap_security", "imap_username", "imap_password_sealed", "username",
    "password_sealed", "address",
)  # fmt: skip


def imap_mailboxes() -> dict[Key, tuple[Any, ...]]:
    """Every mailbox that is read over IMAP, with what its connection is made of. Found by lanes, as all work is."""
    by_workspace: dict[uuid.UUID, list[str]] = {}
    for workspace_id, key in Lane.objects.filter(kind=SYNC_LANE).values_list("workspace_id", "key"):
        by_workspace.setdefault(workspace_id, []).append(key)
    found: dict[Key, tuple[Any, ...]] = {}
    for workspace_id, keys in by_workspace.items():
        with workspace_scope(workspace_id):
            rows = Mailbox.objects.filter(pk__in=keys, sync=Mailbox.Sync.IMAP).values_list("pk", *CONNECTION)
            found |= {(workspace_id, row[0]): tuple(row[1:]) for row in rows}
    return found


def read_all_once() -> dict[Key, SyncReport]:
    """Read every mailbox once, one after another."""
    return {
        (workspace_id, mailbox_id): sync_mailbox(workspace_id=workspace_id, mailbox_id=mailbox_id, now=clock.now())
        for workspace_id, mailbox_id in imap_mailboxes()
    }


class Watch:
    """One mailbox's thread."""

    def __init__(self, key: Key, made_of: tuple[Any, ...], turns: threading.BoundedSemaphore, poll: float) -> None:
        self.key, self.made_of, self._turns, self._poll = key, made_of, turns, poll
        self._failures = 0
        self._stopped = threading.Event()
        # Closing the writing end wakes whoever waits for the reading one.
        self._wake, self._waker = os.pipe()
        self.thread = threading.Thread(target=self._run, name=f"mail-{key[1]}", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End soon; a turn in progress ends first."""
        if not self._stopped.is_set():
            self._stopped.set()
            os.close(self._waker)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                pause = 0.0
                try:
                    if not self._talk():
                        return  # it is not read over IMAP any more
                except ImapError as error:
                    pause = RETRY_REFUSED.total_seconds() if error.permanent else self._next_pause()
                    log.warning("mail_line_lost", mailbox=str(self.key[1]), permanent=error.permanent)
                except (OperationalError, InterfaceError) as error:
                    pause = self._next_pause()
                    log.warning("mail_database_lost", mailbox=str(self.key[1]), error=type(error).__name__)
                finally:
                    connection.close()
                self._stopped.wait(pause * random.uniform(0.8, 1.2))
        finally:
            connection.close()
            os.close(self._wake)

    def _next_pause(self) -> float:
        """Seconds until the next try: doubled with each failure since the last good turn."""
        self._failures += 1
        return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10)))

    def _talk(self) -> bool:
        """One connection, until it breaks (ImapError) or we are told to stop. False: the mailbox is not ours to read."""
        workspace_id, mailbox_id = self.key
        try:
            line = open_line(workspace_id=workspace_id, mailbox_id=mailbox_id, now=clock.now())
        except ImapError as error:
            with workspace_scope(workspace_id):
                record_sync_failure(mailbox_id=mailbox_id, words=error.message, now=clock.now())
            raise
        if line is None:
            return False
        with contextlib.closing(line):
            while not self._stopped.is_set():
                with self._turns:
                    report = sync_mailbox(workspace_id=workspace_id, mailbox_id=mailbox_id, now=clock.now(), line=line)
                    connection.close()
                if report.problem:
                    raise ImapError(report.problem, permanent=report.permanent)
                self._failures = 0
                self._wait(line, report)
        return True

    def _wait(self, line: ImapConversation, report: SyncReport) -> None:
        """Until there may be mail."""
        if report.busy:  # a worker reads it at this moment
            self._stopped.wait(1)
            return
        opened = line.select("INBOX")
        if report.inbox_next and opened.uidnext > report.inbox_next:
            return  # it came between the turn and now: nobody would tell
        if line.can_idle:
            line.idle(seconds=self._poll, wake=self._wake)
        else:
            self._stopped.wait(self._poll)


class MailWatch:
    """All mailboxes: `run` returns after `stop`, with every thread ended."""

    def __init__(self, *, poll_seconds: float | None = None, say: Callable[[str], Any] = lambda words: None) -> None:
        self._poll = float(poll_seconds or settings.MAIL_POLL_SECONDS)
        self._say = say
        self._stopping = threading.Event()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self.watches: dict[Key, Watch] = {}
        self._ending: list[Watch] = []  # told to stop, perhaps still in their last turn

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """Watch until told to stop; a database that goes away is waited for."""
        while not self._stopping.is_set():
            try:
                self._look()
                beat("mail")
            except (OperationalError, InterfaceError) as error:
                log.warning("mail_database_lost", error=type(error).__name__)
            connection.close()
            self._stopping.wait(LOOK_EVERY)
        for watch in self.watches.values():
            watch.stop()
        deadline = time.monotonic() + 30
        for watch in (*self.watches.values(), *self._ending):
            watch.thread.join(max(0.0, deadline - time.monotonic()))
        connection.close()

    def _look(self) -> None:
        """Start, stop and replace threads by what the rows say."""
        wanted = imap_mailboxes()
        self._ending = [watch for watch in self._ending if watch.thread.is_alive()]
        for key, watch in list(self.watches.items()):
            if wanted.get(key) != watch.made_of or not watch.thread.is_alive():
                watch.stop()
                self._ending.append(self.watches.pop(key))
        for key, made_of in wanted.items():
            if key not in self.watches:
                self.watches[key] = Watch(key, made_of, self._turns, self._poll)
                self._say(f"Watching {len(self.watches)} mailbox{'es' if len(self.watches) != 1 else ''}.")
