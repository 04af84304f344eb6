"""How much a mailbox may send now: its state, its working window, caps over rolling 24 hours, the gap between two mails."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, F, Func, QuerySet, Value

from accounts.models import Workspace
from campaigns.models import Mailbox, Message
from campaigns.queries.mailboxes import state_words as state_words
from campaigns.rules import pacing

DAY = pacing.DAY
EXPLAINED = 1000  # messages a turn that are told why they wait

type MessageRows = QuerySet[Message]


class Room:
    """How many mails a mailbox may still send, counted once a batch and again whenever somebody else sent from it.

    After `left`, `reason` has the words why there is none ("Held: ..., goes Thu 09:12") and `code` the same for programs:
    mailbox, window, cap, gap or domain_cap.
    """

    def __init__(self, mailbox: Mailbox, now: datetime, *, used: int | None = None, zone: str = "") -> None:
        """`used` and the workspace's `zone`, where the caller read them already."""
        self.now = now
        self.reason = self.code = ""
        self._zone = mailbox.time_zone or zone
        self._count(mailbox, used)

    def _count(self, mailbox: Mailbox, used: int | None = None) -> None:
        self.seen = mailbox.submissions
        self.used = self._recent(mailbox).count() if used is None else used
        self._to: dict[str, int] | None = None  # by recipient domain; counted where a cap asks for it
        self._free: dict[str, datetime | None] = {}

    def _recent(self, mailbox: Mailbox) -> MessageRows:
        """What passed the point of no return in the 24 hours before `now`, whatever became of it."""
        return Message.objects.filter(mailbox=mailbox, submitted_at__gt=self.now - DAY)

    def prepare(self, mailbox: Mailbox, to_domains: Iterable[str] = ()) -> None:
        """Count by recipient domain in one query, for a batch; `left` does it by itself where nobody did."""
        domain = Func(F("to_address"), Value("@"), Value(2), function="split_part", output_field=CharField())
        rows = self._recent(mailbox).order_by().annotate(domain=domain).values_list("domain").annotate(n=Count("pk"))
        self._to = dict.fromkeys(to_domains, 0) | dict(rows)

    def left(self, mailbox: Mailbox, to_domain: str = "") -> tuple[int, datetime | None]:
        """(mails that may go now, when there is room again; None: nobody knows). `mailbox` is locked and fresh.

        With `to_domain` also whether that recipient's domain has room.
        """
        self.reason = self.code = ""
        if not mailbox.sends:
            return self._closed(mailbox)
        if mailbox.submissions != self.seen:
            self._count(mailbox)
        opens = self._opens_at(mailbox, self.now)
        if opens is not None:
            window = pacing.own_window(mailbox.window_start, mailbox.window_end, mailbox.window_weekdays)
            hours = window.words() if window else ""
            return self._none("window", f"outside {mailbox.address}’s {hours} window", mailbox, opens)
        if self.used >= mailbox.cap:
            words = f"{mailbox.address} has sent {self.used} of {mailbox.cap} in 24 hours"
            return self._none("cap", words, mailbox, self._expires(mailbox, self.used - mailbox.cap))
        free = gap_ends(mailbox)
        if free is not None and free > self.now:
            return self._none("gap", f"{mailbox.address} leaves a gap between two e-mails", mailbox, free)
        if to_domain and mailbox.domain_cap is not None:
            if self._to is None:
                self.prepare(mailbox)
            used = (self._to or {}).get(to_domain, 0)
            if used >= mailbox.domain_cap:
                words = f"{mailbox.address} has sent {used} of {mailbox.domain_cap} to {to_domain} in 24 hours"
                return self._none("domain_cap", words, mailbox, self._domain_free(mailbox, to_domain, used))
        return (1 if has_gap(mailbox) else mailbox.cap - self.used), None

    def noted(self, mailbox: Mailbox) -> None:
        """One mail passed the point of no return by a statement that counted it on the mailbox itself (actions.no_return):
        no gap, jitter or domain cap is set there. Touches no database; `mailbox` is brought up to date too."""
        self.used += 1
        mailbox.submissions += 1
        mailbox.last_submitted_at = self.now
        self.seen = mailbox.submissions

    def take(self, mailbox: Mailbox, to_domain: str = "") -> None:
        """One mail passed the point of no return, in this transaction. The gap after it is drawn now and kept."""
        self.used += 1
        self.seen = mailbox.submissions + 1
        if self._to is not None:
            if to_domain:
                self._to[to_domain] = self._to.get(to_domain, 0) + 1
            else:
                self._to = None
        free = self.now + gap_of(mailbox, mailbox.submissions) if has_gap(mailbox) else None
        Mailbox.objects.filter(pk=mailbox.pk).update(
            last_submitted_at=self.now, submissions=F("submissions") + 1, free_at=free
        )

    def explain(self, mailbox: Mailbox) -> int:
        """Write `reason` beside what is due and waits for it; returns how many rows changed. A gap is too short to tell."""
        if not self.reason or self.code == "gap":
            return 0
        return explain_waiting(mailbox, words=self.reason, now=self.now)

    def _closed(self, mailbox: Mailbox) -> tuple[int, datetime | None]:
        is_resting = mailbox.state == Mailbox.State.RESTING and mailbox.free_at is not None
        until = mailbox.free_at if is_resting and mailbox.free_at and mailbox.free_at > self.now else None
        self.code, self.reason = "mailbox", state_words(mailbox, self._until(until, mailbox))
        return 0, until

    def _none(self, code: str, words: str, mailbox: Mailbox, at: datetime | None) -> tuple[int, datetime | None]:
        """No room before `at`, or rather before the window that is open then."""
        if at is not None:
            at = self._opens_at(mailbox, at) or at
        self.code, self.reason = code, f"Held: {words}{self._until(at, mailbox)}"[:300]
        return 0, at

    def _until(self, at: datetime | None, mailbox: Mailbox) -> str:
        return f", goes {pacing.clock_words(at, now=self.now, zone=self._zone_of(mailbox))}" if at else ""

    def _opens_at(self, mailbox: Mailbox, at: datetime) -> datetime | None:
        window = pacing.own_window(mailbox.window_start, mailbox.window_end, mailbox.window_weekdays)
        return pacing.opens_at(at, window=window, zone=self._zone_of(mailbox)) if window else None

    def _zone_of(self, mailbox: Mailbox) -> str:
        if not self._zone:
            self._zone = mailbox.time_zone or Workspace.objects.get(pk=mailbox.workspace_id).time_zone
        return self._zone

    def _expires(self, mailbox: Mailbox, index: int, **filters: str) -> datetime | None:
        """When the mail at `index`, from the oldest of the last 24 hours, is 24 hours old."""
        rows = self._recent(mailbox).filter(**filters).order_by("submitted_at")
        found = rows.values_list("submitted_at", flat=True)[index : index + 1]
        return next((at + DAY for at in found if at), None)

    def _domain_free(self, mailbox: Mailbox, to_domain: str, used: int) -> datetime | None:
        if to_domain not in self._free:
            index = used - (mailbox.domain_cap or 0)
            self._free[to_domain] = self._expires(mailbox, index, to_address__endswith=f"@{to_domain}")
        return self._free[to_domain]


@dataclass(frozen=True, slots=True)
class RoomNow:
    """For pages: `used` of `cap` in the last 24 hours, `left` of them until the cap, whatever gap or window say;
    `free_at` and `reason` where none may go this moment."""

    used: int
    cap: int
    free_at: datetime | None
    code: str
    reason: str

    @property
    def left(self) -> int:
        return max(0, self.cap - self.used)


def rooms_of(mailboxes: Iterable[Mailbox], *, used: Mapping[Any, int], now: datetime) -> dict[Any, RoomNow]:
    """{mailbox id: RoomNow}; `used` per mailbox id. A query more for each whose cap is full."""
    zone = ""
    found = {}
    for mailbox in mailboxes:
        zone = zone or Workspace.objects.get(pk=mailbox.workspace_id).time_zone
        room = Room(mailbox, now, used=used[mailbox.pk], zone=zone)
        _, free_at = room.left(mailbox)
        # When stands beside it as `free_at`.
        reason = room.reason.removeprefix("Held: ").rpartition(", goes ")[0] or room.reason.removeprefix("Held: ")
        found[mailbox.pk] = RoomNow(used[mailbox.pk], mailbox.cap, free_at, room.code, reason)
    return found


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def has_gap(mailbox: Mailbox) -> bool:
    return bool(mailbox.min_gap_seconds or mailbox.gap_jitter_seconds)


def gap_of(mailbox: Mailbox, submission: int) -> timedelta:
    """The gap after the mail of this number: drawn once and for all, so that no restart draws another."""
    return pacing.gap(
        least=mailbox.min_gap_seconds, jitter=mailbox.gap_jitter_seconds, seed=f"{mailbox.pk}:{submission}"
    )


def gap_ends(mailbox: Mailbox) -> datetime | None:
    """When the gap after the last mail is over; None: no gap, or nothing was sent yet."""
    last, free = mailbox.last_submitted_at, mailbox.free_at
    if last is None or not has_gap(mailbox):
        return None
    # A free_at before the last mail is of an older one: the gap was set after it.
    return free if free is not None and free > last else last + timedelta(seconds=mailbox.min_gap_seconds)


def explain_waiting(mailbox: Mailbox, *, words: str, now: datetime) -> int:
    """Write `words` beside mail of this mailbox that is due and not being handed over. Returns how many rows changed."""
    due = Message.objects.filter(mailbox=mailbox, state=Message.State.PLANNED, due_at__lte=now)
    first = due.filter(lease_until__isnull=True).exclude(hold_reason=words[:300]).order_by("due_at").values("pk")
    return int(
        Message.objects.filter(pk__in=first[:EXPLAINED], state=Message.State.PLANNED, lease_until__isnull=True).update(
            hold_reason=words[:300]
        )
    )


def forget_reasons(mailbox: Mailbox, *, now: datetime) -> int:
    """What waited for this mailbox's state is due again, without that reason. Returns how many."""
    waits = Message.objects.filter(
        mailbox=mailbox, state=Message.State.PLANNED, hold_reason__startswith=f"Held: mailbox {mailbox.address} is "
    )
    return int(waits.update(hold_reason="", due_at=now))
