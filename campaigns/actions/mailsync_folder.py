"""One folder of a mailbox: what is new in it since the checkpoint, read and stored mail by mail, then counted."""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import DataError

from campaigns.actions.inbound import receive_mail
from campaigns.models import InboundMail, Mailbox, MailFolder, Message
from campaigns.rules.mail_text import addresses, header, message_ids, parse
from campaigns.transports.imap import Head, ImapConversation
from leadgen.core.crash import crash_point
from leadgen.core.errors import AppError
from leadgen.core.logging import log
from leadgen.core.tenancy import workspace_scope

BATCH = 100
COUNT_EVERY = timedelta(hours=1)
COUNT_AGAIN = timedelta(minutes=10)  # in a large folder, after new mail
COUNT_DAYS = timedelta(days=30)
COUNT_MOST = 5000
SMALL = 500


class TakenOver(Exception):
    """This reader stood still for longer than its lease and another reads on: it must not do anything more."""


def unwatched() -> None:
    """Nobody else can read: no lease has to be held on to."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail by its headers: its Message-ID ('' if it has none), whether it is ours, and whether it is stored."""

    uid: int
    message_id: str
    is_own: bool
    is_stored: bool


def digest_of(message_id: str) -> str:
    """As receive_mail knows a mail that has a Message-ID."""
    return hashlib.sha256(message_id.encode()).hexdigest()


@dataclass(slots=True)
class FolderReader:
    """`sent` collects the Message-IDs of the Sent folder, so that All Mail does not take our own mail for answers.

    `hold` renews the lease on the mailbox, before each thing that may take long; it raises TakenOver.
    """

    workspace_id: uuid.UUID
    mailbox: Mailbox
    folder: MailFolder
    line: ImapConversation
    now: datetime
    sent: set[str] = field(default_factory=set)
    hold: Callable[[], None] = unwatched

    @property
    def since(self) -> date:
        """Older mail is none of ours: nobody could have answered."""
        return (self.mailbox.created_at - timedelta(days=1)).date()

    @property
    def is_sent(self) -> bool:
        return self.folder.role == MailFolder.Role.SENT

    def read(self) -> int:
        """Read what is new; returns how many mails were stored. Raises ImapError."""
        state = self.line.status(self.folder.name)
        same = state.uidvalidity == self.folder.uidvalidity
        stored = 0
        if not same or not state.uidnext or state.uidnext > self.folder.last_uid + 1:
            stored = self._read_new()
        elif self._count_is_due(False):
            self.line.select(self.folder.name)
        if self._count_is_due(bool(stored)):
            stored += self._count()
        with workspace_scope(self.workspace_id):
            MailFolder.objects.filter(pk=self.folder.pk).update(read_at=self.now, error="")
        return stored

    def _read_new(self) -> int:
        opened = self.line.select(self.folder.name)
        if opened.uidvalidity != self.folder.uidvalidity:
            # The server numbers its mails anew: look at everything since the mailbox is ours; what is known is not stored twice.
            self._checkpoint(0, uidvalidity=opened.uidvalidity)
        uids = self.line.uids_after(self.folder.last_uid, since=self.since)
        stored = 0
        for start in range(0, len(uids), BATCH):
            self.hold()
            batch = uids[start : start + BATCH]
            seen = self._look(self.line.heads(batch))
            stored += self._store([mail.uid for mail in seen if not mail.is_own and not mail.is_stored])
            self._checkpoint(batch[-1])
        if opened.uidnext:
            self._checkpoint(opened.uidnext - 1)
        return stored

    def _look(self, heads: Sequence[Head]) -> list[Seen]:
        """Which of these are ours, and which are stored already."""
        ids, own = {}, set()
        for head in heads:
            mail = parse(head.raw)
            ids[head.uid] = next(iter(message_ids(header(mail, "Message-ID"))), "")
            from_us = any(address == self.mailbox.address for _, address in addresses(mail, "From"))
            if self.is_sent:
                self.sent.add(ids[head.uid])
            if self.is_sent or (from_us and self.folder.role == MailFolder.Role.ALL):
                own.add(head.uid)
        with workspace_scope(self.workspace_id):
            named = [found for found in ids.values() if found]
            ours = set(Message.objects.filter(message_id__in=named).values_list("message_id", flat=True))
            digests = {digest_of(found): found for found in named}
            known = {
                digests[digest]
                for digest in InboundMail.objects.filter(mailbox=self.mailbox, digest__in=list(digests)).values_list(
                    "digest", flat=True
                )
            }
        ours |= self.sent - {""}
        return [Seen(uid, found, uid in own or found in ours, found in known) for uid, found in ids.items()]

    def _store(self, uids: Sequence[int]) -> int:
        stored = 0
        for uid, raw in self.line.mails(uids):
            self.hold()
            crash_point("C13")
            stored += self._receive(uid, raw)
            crash_point("C14")
            self._checkpoint(uid)
        return stored

    def _receive(self, uid: int, raw: bytes) -> bool:
        """One mail and what it means, in one transaction. A mail we cannot digest is noted, for it must not stop the others."""
        try:
            with workspace_scope(self.workspace_id):
                row, is_new = receive_mail(mailbox=self.mailbox, raw=raw, now=self.now, folder=self.folder, uid=uid)
                if is_new:
                    forget_foreign(row, now=self.now)
                return is_new
        except (DataError, ValueError, TypeError, LookupError, AttributeError, AppError) as error:
            log.error("mail_not_digested", mailbox=str(self.mailbox.pk), uid=uid, error=type(error).__name__)
        with workspace_scope(self.workspace_id):
            _, is_new = InboundMail.objects.get_or_create(
                mailbox=self.mailbox,
                digest=hashlib.sha256(raw).hexdigest(),
                defaults={
                    "folder": self.folder, "uid": uid, "kind": InboundMail.Kind.OTHER, "received_at": self.now,
                    "subject": "A mail that Leadgen could not read", "why": "Leadgen could not read it.",
                    "effect": "Nothing changed: look at it in the mailbox itself.",
                },
            )  # fmt: skip
            return is_new

    def _checkpoint(self, uid: int, *, uidvalidity: int | None = None) -> None:
        """Everything up to `uid` was dealt with, in a transaction of its own."""
        values: dict[str, int] = {"last_uid": uid}
        if uidvalidity is not None:
            values["uidvalidity"] = uidvalidity
            self.folder.uidvalidity = uidvalidity
        elif uid <= self.folder.last_uid:
            return
        with workspace_scope(self.workspace_id):
            MailFolder.objects.filter(pk=self.folder.pk).update(**values)
        self.folder.last_uid = uid

    # --- is everything here? ------------------------------------------------------------------------------------------
    def _count_is_due(self, got_mail: bool) -> bool:
        counted = self.folder.counted_at
        if counted is None or self.now - counted >= COUNT_EVERY:
            return True
        return got_mail and (self.folder.total <= SMALL or self.now - counted >= COUNT_AGAIN)

    def _count(self) -> int:
        """Message-IDs of the last 30 days against what is stored; what is missing is read at once. Returns how many were.

        For the Sent folder: our own mails there, against those recorded as sent.
        """
        since = max(self.since, (self.now - COUNT_DAYS).date())
        uids = [uid for uid in self.line.uids_after(0, since=since) if uid <= self.folder.last_uid][-COUNT_MOST:]
        seen: list[Seen] = []
        for start in range(0, len(uids), 500):
            self.hold()
            seen += self._look(self.line.heads(uids[start : start + 500]))
        read = 0
        if self.is_sent:
            total, stored = self._count_sent([mail.message_id for mail in seen if mail.message_id])
        else:
            foreign = [mail for mail in seen if mail.message_id and not mail.is_own]
            missing = [mail.uid for mail in foreign if not mail.is_stored]
            for uid, raw in self.line.mails(missing):
                self.hold()
                read += self._receive(uid, raw)
            total, stored = len(foreign), len(foreign) - len(missing) + read
        with workspace_scope(self.workspace_id):
            MailFolder.objects.filter(pk=self.folder.pk).update(
                total=total, stored=min(stored, total), counted_at=self.now
            )
        return read

    def _count_sent(self, ids: list[str]) -> tuple[int, int]:
        with workspace_scope(self.workspace_id):
            states = list(
                Message.objects.filter(mailbox=self.mailbox, message_id__in=ids).values_list("state", flat=True)
            )
        return len(states), sum(state == Message.State.SENT for state in states)


def forget_foreign(row: InboundMail, *, now: datetime) -> None:
    """Of mail that has nothing to do with anybody here, keep only that it was there: a mailbox is somebody's own.

    In the transaction that stored it, so its text is never committed.
    """
    if row.message_id or row.person_id or row.enrolment_id or row.kind == InboundMail.Kind.LINKEDIN:
        return
    host = row.from_address.rpartition("@")[2]
    InboundMail.objects.filter(pk=row.pk).update(
        from_address=f"@{host}"[:254],  # how such rows are told from others
        from_name="",
        subject="",
        text="",
        why="",
        intent="",
        confidence=None,
        suggested=[],
        detail={},
        back_on=None,
        done_at=now,
    )
