"""Enrolment and outbox against a small model: whatever happens in whatever order, a step is accepted at most once.

The rules of the machine are what people, servers and crashes do; the model remembers what the mail server really accepted.
The conversation is scripted at the transport's border, everything behind it is real, the database too. test_machine runs it;
test_machine_mutants breaks what it guards, one thing at a time, and asks it to find that.
"""

import itertools
import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.db.models import Q
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from campaigns.actions import outcomes, sending
from campaigns.actions.dispatch import dispatch_once, sweep_lanes
from campaigns.actions.enrolments import change_enrolments
from campaigns.actions.freshness import vouch_read
from campaigns.actions.health import hold_mailbox, release_mailbox
from campaigns.actions.inbound import receive_mail
from campaigns.actions.sequences import pause_sequence, resume_sequence
from campaigns.actions.settlement import send_again, skip_overdue
from campaigns.actions.steps import mark_enrolments, mark_mailbox
from campaigns.actions.unsubscribes import unsubscribe
from campaigns.models import Enrolment, Mailbox, Message, Sequence, Step
from campaigns.queries.books import books_of_workspace
from leadgen.core.errors import AppError
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions.campaigns import pause_campaign, resume_campaign
from prospects.actions.suppressions import suppress
from prospects.models import Campaign, Person, Suppression
from tests.campaigns.inbound import bounce, keyed_mailbox, reply
from tests.campaigns.outbox_server import FATES, Died, Server
from tests.conftest import NOW
from tests.factories.accounts import make_workspace
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_sequence

STEPS: list[dict[str, Any]] = [EMAIL, FOLLOW_UP, {"kind": Step.Kind.WAIT, "delay_days": 1}, FOLLOW_UP]
# What proof stands above: a person's skip, and a second copy that a person asked for and that is not out.
OVERRULED = Q(reason_code="skipped") | Q(first_submitted_at__isnull=False, state__in=["planned", "blocked", "failed"])
EVENTS = (
    "nothing", "nothing", "enrol", "replies", "bounces", "is_away", "unsubscribes", "is_suppressed", "pause", "resume",
    "stop", "close_sequence", "close_campaign", "close_mailbox", "sent_folder", "skip", "again", "person",
)  # fmt: skip


class Outbox(RuleBasedStateMachine):
    """Up to five people in one sequence; three were written to when an example begins. `over` names enrolments that ended.

    One rule, in which an event, time and a turn of the dispatcher follow each other: with a rule for each, Hypothesis
    leaves most of them out of an example, and in nearly all examples nothing was ever sent.
    """

    events: ClassVar[tuple[str, ...]] = EVENTS
    fates: ClassVar[tuple[str, ...]] = FATES

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.accepted: Counter[str] = Counter()
        self.again: Counter[str] = Counter()
        self.given: dict[str, datetime] = {}  # when each mail was last accepted
        self.over: dict[uuid.UUID, str] = {}
        self.suppressed: set[uuid.UUID] = set()
        self.asleep: set[uuid.UUID] = set()
        self.closed: set[str] = set()  # sequence, campaign, mailbox
        self.fresh = True
        self.unknown: set[uuid.UUID] = set()
        self.back: dict[uuid.UUID, datetime] = {}
        self.everybody: list[uuid.UUID] = []
        self.savepoint = transaction.savepoint_create()
        key = uuid.uuid4()
        self.workspace: Workspace = make_workspace(f"m-{key.hex[:10]}", postal_address="1 Test Street")
        with workspace_scope(self.workspace.pk):
            self.mailbox = keyed_mailbox()
            self.version = make_sequence(STEPS, mailbox=self.mailbox)
        self.server = Server(self)
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(sending, "conversation_for", lambda mailbox, now: self.server)

    @initialize(data=st.data(), cap=st.sampled_from([1000, 1000, 2]), domain_cap=st.sampled_from([None, 1000]))
    def begins(self, data: st.DataObject, cap: int, domain_cap: int | None) -> None:
        """A cap that is felt, or not; with a cap for each domain every mail takes the long way through the point of no return."""
        self.cap = cap
        with workspace_scope(self.workspace.pk):
            Mailbox.objects.filter(pk=self.mailbox.pk).update(daily_cap=cap, domain_cap=domain_cap)
        for _ in range(3):
            self.enrol()
        self.turn(["ok", *data.draw(st.lists(st.sampled_from(self.fates), max_size=2), "fates")], read=True)

    def teardown(self) -> None:
        self.patch.undo()
        transaction.savepoint_rollback(self.savepoint)

    # --- what the server tells the model ------------------------------------------------------------------------------
    def was_accepted(self, message_id: str) -> None:
        with workspace_scope(self.workspace.pk):  # no transaction of the sender's is open here
            message = Message.objects.get(message_id=message_id)
        self.accepted[message_id] += 1
        assert self.accepted[message_id] <= 1 + self.again[message_id], "accepted twice"
        assert message.state == "unknown", "handed over without a committed point of no return"
        enrolment = message.enrolment_id
        assert enrolment is not None
        assert enrolment not in self.over, f"sent after {self.over.get(enrolment)}"
        assert enrolment not in self.asleep, "sent while this person was paused"
        assert not self.closed, f"sent while paused: {self.closed}"
        assert self.fresh or not message.in_reply_to, "a follow-up although the mailbox was not read"
        assert self.back.get(enrolment, self.now) <= self.now, "sent to somebody who is away"
        assert enrolment not in self.suppressed, "sent to an address that must not be written to"
        self.given[message_id] = self.now
        recent = sum(at > self.now - timedelta(hours=24) for at in self.given.values())
        assert recent <= self.cap, f"{recent} mails in 24 hours, the cap is {self.cap}"

    # --- what happens ------------------------------------------------------------------------------------------------
    @rule(
        data=st.data(),
        pick=st.integers(0, 4),
        minutes=st.sampled_from([0, 5, 20, 60 * 20, 60 * 49, 60 * 49]),
        read=st.sampled_from([True, True, False]),
    )
    def something_happens(self, data: st.DataObject, pick: int, minutes: int, read: bool) -> None:
        """What was closed is opened again at the next event: else most examples end in a long silence."""
        event = data.draw(st.sampled_from(self.events), "event")
        fates = data.draw(st.lists(st.sampled_from(self.fates), min_size=1, max_size=4), "fates")
        who = self.everybody[pick % len(self.everybody)]
        with workspace_scope(self.workspace.pk):
            if not Mailbox.objects.get(pk=self.mailbox.pk).sends:
                self.closed.add("mailbox")  # it may have been held by itself
        for what in sorted(self.closed):
            self.turn_key(what, opening=True)
        if event in {"pause", "resume", "stop"}:
            self.act(who, event)
        elif event in {"close_sequence", "close_campaign", "close_mailbox"}:
            self.turn_key(event.removeprefix("close_"), opening=False)
        elif event in {"sent_folder", "skip", "again", "person"}:
            self.settles(event, pick)
        elif event == "enrol":
            self.enrol()
        elif event != "nothing":
            getattr(self, event)(who)
        self.time_passes(minutes)
        self.turn(fates, read)

    def enrol(self) -> None:
        number = len(self.everybody) + 1
        if number > 5:
            return
        with workspace_scope(self.workspace.pk):
            person = Person.objects.create(
                first_name="Ana", full_name="Ana", email=f"p{number}@lumen.example", created_at=NOW, updated_at=NOW
            )
            self.everybody.append(make_enrolment(self.version, person, mailbox=self.mailbox, at=self.now).pk)
            mark_enrolments(self.now)

    def turn(self, fates: list[str], read: bool) -> None:
        """One turn of the dispatcher; somebody read the mailbox just before, or not."""
        with workspace_scope(self.workspace.pk):
            if read:
                vouch_read(mailbox_id=self.mailbox.pk, complete_to=self.now, now=self.now)
            synced = Mailbox.objects.get(pk=self.mailbox.pk).synced_at
            self.fresh = synced is not None and self.now - synced <= timedelta(minutes=15)
        self.server.fates = itertools.chain(fates, itertools.repeat("ok"))
        sweep_lanes(now=self.now)
        try:
            dispatch_once(now=self.now)
        except Died:
            self.server.connected = False

    def time_passes(self, minutes: int) -> None:
        """Leases of the dead run out by the database's clock, so they are moved."""
        self.now += timedelta(minutes=minutes)
        Lane.objects.update(lease_until=None)
        with workspace_scope(self.workspace.pk):
            if minutes >= 20:
                Message.objects.filter(lease_until__isnull=False).update(lease_until=NOW)
                outcomes.settle_dead()
            skip_overdue(now=self.now)

    def bounces(self, who: uuid.UUID) -> None:
        message = self._delivered(who)
        if message:
            self._receive(bounce(message.message_id, message.to_address), proves=message)
            self._ends(who, "a bounce")

    def is_away(self, who: uuid.UUID) -> None:
        message = self._delivered(who)
        if message is None or who in self.over or who in self.asleep:
            return
        with workspace_scope(self.workspace.pk):
            before = Enrolment.objects.get(pk=who).state  # a refused step may have stopped it
        back = self.now + timedelta(days=4)
        words = f"I am out of the office until {back:%d %B %Y}."
        self._receive(reply(message, words, extra=("Auto-Submitted: auto-replied",)))
        with workspace_scope(self.workspace.pk):
            state = Enrolment.objects.get(pk=who).state
        assert state in {before, "finished"}, "an automatic reply is no reply"
        # The day after they are back has not begun anywhere on earth.
        self.back[who] = back.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=10)

    def unsubscribes(self, who: uuid.UUID) -> None:
        message = self._delivered(who)
        if message:
            with workspace_scope(self.workspace.pk):
                unsubscribe(message=message, how="one click", now=self.now)
            self._ends(who, "an unsubscribe")

    def settles(self, way: str, pick: int) -> None:
        """Somebody, or the Sent folder, decides about an unknown message."""
        with workspace_scope(self.workspace.pk):
            proof = way == "sent_folder"  # it stands above what a person guessed
            rows = list(
                Message.objects.filter(Q(state="unknown") | (OVERRULED if proof else Q()))
                .select_related("person", "enrolment__lead", "campaign")
                .order_by("pk")
            )
            if not rows:
                return
            message = rows[pick % len(rows)]
            in_folder = bool(self.accepted[message.message_id])
            try:
                with transaction.atomic():
                    if proof:
                        if in_folder:
                            assert outcomes.record_sent(
                                message=message, response="Found.", by="sent_folder", now=self.now
                            )
                            self._proven(message)
                    elif way == "again":
                        send_again(message=message, by=SYSTEM, now=self.now)
                        self.again[message.message_id] += 1
                        self.unknown.discard(message.pk)
                        self.back.pop(message.enrolment_id, None)  # a person wants it now
                        mark_mailbox(self.mailbox.pk, self.now)
                    else:
                        outcomes.settle_unknown(message=message, sent=way == "person", by=SYSTEM, now=self.now)
            except AppError:
                return  # refused in words: a worker may still be at it, or it was settled

    # --- what must hold ----------------------------------------------------------------------------------------------
    @invariant()
    def the_books_hold(self) -> None:
        with workspace_scope(self.workspace.pk):
            for books in books_of_workspace():
                assert books.problems == [], f"the books do not hold: {books.problems}"
                assert books.all == sum(books.states.values())

    @invariant()
    def unknown_is_never_planned_by_itself(self) -> None:
        with workspace_scope(self.workspace.pk):
            states = dict(Message.objects.values_list("pk", "state"))
        for key in self.unknown:
            assert states[key] != "planned", "an unknown message was put back in line"
        self.unknown = {key for key, state in states.items() if state == "unknown"}

    @invariant()
    def what_was_accepted_is_never_forgotten(self) -> None:
        with workspace_scope(self.workspace.pk):
            rows = Message.objects.filter(message_id__in=list(self.accepted))
            for message in rows:
                allowed = {"sent", "unknown"} | (
                    {"planned", "failed", "blocked"} if self.again[message.message_id] > 0 else set()
                )
                if message.reason_code == "skipped":
                    continue  # a person said so
                assert message.state in allowed, f"accepted, and said to be {message.state}: {message.reason}"

    @invariant()
    def whoever_ended_stays_so(self) -> None:
        with workspace_scope(self.workspace.pk):
            states = dict(Enrolment.objects.filter(pk__in=self.over).values_list("pk", "state"))
            waiting = Message.objects.filter(enrolment__in=list(self.over), state="planned").count()
        assert set(states.values()) <= {"stopped", "finished"}, "somebody who ended goes on"
        assert waiting == 0, "mail is planned for somebody who ended"

    # --- what rules do, and what happens while a worker is between claim and point of no return --------------------------
    def who_has(self, address: str) -> uuid.UUID:
        with workspace_scope(self.workspace.pk):
            found: uuid.UUID = Enrolment.objects.values_list("pk", flat=True).get(person__email=address)
        return found

    def replies(self, who: uuid.UUID) -> None:
        message = self._delivered(who)
        if message:
            self._receive(reply(message, "Yes, please send me more details."), proves=message)
            self._ends(who, "a reply")

    def is_suppressed(self, who: uuid.UUID) -> None:
        """Somebody puts the address on the list. That stops no sequence by itself, so the last look must find it."""
        with workspace_scope(self.workspace.pk):
            address = Enrolment.objects.values_list("person__email", flat=True).get(pk=who)
            suppress(
                by=SYSTEM, now=self.now, kind=Suppression.Kind.EMAIL, value=address,
                reason=Suppression.Reason.OBJECTED, note="by telephone",
            )  # fmt: skip
        self.suppressed.add(who)

    def act(self, who: uuid.UUID, act: str) -> None:
        with workspace_scope(self.workspace.pk):
            rows = Enrolment.objects.select_related("sequence__campaign", "person", "lead").filter(pk=who)
            change_enrolments(
                enrolments=rows, act=act, by=SYSTEM, now=self.now, reason="" if act == "resume" else "because"
            )
            state = Enrolment.objects.get(pk=who).state
        self.asleep.discard(who)
        if state == "paused":
            self.asleep.add(who)
        if state == "stopped":
            self._ends(who, "a person's stop")

    def turn_key(self, what: str, *, opening: bool) -> None:
        with workspace_scope(self.workspace.pk):
            sequence = Sequence.objects.get(pk=self.version.sequence_id)
            campaign = Campaign.objects.get(pk=sequence.campaign_id)
            mailbox = Mailbox.objects.get(pk=self.mailbox.pk)
            if what == "sequence":
                (resume_sequence(sequence=sequence, by=SYSTEM, now=self.now) if opening
                 else pause_sequence(sequence=sequence, reason="a look", by=SYSTEM, now=self.now))  # fmt: skip
            elif what == "campaign":
                (resume_campaign(campaign=campaign, by=SYSTEM, now=self.now) if opening
                 else pause_campaign(campaign=campaign, reason="a look", by=SYSTEM, now=self.now))  # fmt: skip
            elif opening:
                release_mailbox(mailbox=mailbox, by=SYSTEM, now=self.now)
            else:
                hold_mailbox(mailbox=mailbox, reason="a look", by=SYSTEM, now=self.now)
        self.closed = self.closed - {what} if opening else self.closed | {what}

    def another_takes_over(self) -> None:
        """This worker is frozen past its leases; another one does all there is to do, then this one goes on."""
        mine = self.server.fates
        Lane.objects.update(lease_until=None)
        with workspace_scope(self.workspace.pk):
            Message.objects.filter(lease_until__isnull=False).update(lease_until=NOW)
        self.server.fates = itertools.repeat("ok")
        sweep_lanes(now=self.now)
        dispatch_once(now=self.now)
        self.server.fates, self.server.fate, self.server.connected = mine, "ok", True

    # --- help --------------------------------------------------------------------------------------------------------
    def _delivered(self, who: uuid.UUID) -> Message | None:
        """The last mail this person really has."""
        with workspace_scope(self.workspace.pk):
            rows = Message.objects.select_related("person", "enrolment__lead", "campaign").filter(
                enrolment=who, message_id__in=[key for key, count in self.accepted.items() if count]
            )
            found: Message | None = rows.order_by("-created_at").first()
        return found

    def _receive(self, raw: bytes, *, proves: Message | None = None) -> None:
        with workspace_scope(self.workspace.pk):
            receive_mail(mailbox=Mailbox.objects.get(pk=self.mailbox.pk), raw=raw, now=self.now)
            if proves is not None:
                assert Message.objects.get(pk=proves.pk).state == "sent", "they answered, and it is not said to be sent"
                self._proven(proves)

    def _proven(self, message: Message) -> None:
        """No copy of it goes out any more, whatever a person had asked for."""
        self.again[message.message_id] = self.accepted[message.message_id] - 1

    def _ends(self, who: uuid.UUID, why: str) -> None:
        self.over.setdefault(who, why)
        self.asleep.discard(who)
