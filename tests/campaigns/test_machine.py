"""Enrolment and outbox against a small model: whatever happens in whatever order, a step is accepted at most once.

The rules of the machine are what people, servers and crashes do; the model remembers what the mail server really accepted.
The conversation is scripted at the transport's border, everything behind it is real, the database too.
HYPOTHESIS_PROFILE=long runs twenty times as many.
"""

import itertools
import os
import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

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
from campaigns.transports.smtp import Accepted, OutcomeUnknown, TransportError
from leadgen.core.errors import AppError
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions.campaigns import pause_campaign, resume_campaign
from prospects.models import Campaign, Person
from tests.campaigns.inbound import bounce, keyed_mailbox, reply
from tests.conftest import NOW
from tests.factories.accounts import make_workspace
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_sequence

pytestmark = pytest.mark.django_db
STEPS: list[dict[str, Any]] = [EMAIL, FOLLOW_UP, {"kind": Step.Kind.WAIT, "delay_days": 1}, FOLLOW_UP]
# What the server (or death) does to one hand-over. Most mail is plainly accepted.
FATES = (
    "ok", "ok", "ok", "later", "refused", "lost_accepted", "lost_not_accepted", "dead_before", "dead_after_return",
    "dead_accepted", "broken_in_body", "rcpt_refused", "rcpt_later",
)  # fmt: skip
DEADLY = {"dead_before", "dead_after_return", "dead_accepted"}


class Died(BaseException):
    """The worker is gone: nothing after it runs."""


class Server:
    """The mail server as the machine scripts it, and the model's memory of what it accepted."""

    def __init__(self, machine: "Outbox") -> None:
        self.machine = machine
        self.fates: Any = itertools.repeat("ok")
        self.fate, self.recipient, self.connected = "ok", "", False

    def connect(self) -> None:
        self.connected = True

    def prepare(self, *, sender: str, recipient: str) -> None:
        self.fate, self.recipient = next(self.fates), recipient
        if self.fate == "dead_before":
            raise Died
        if self.fate == "rcpt_refused":
            raise TransportError("The server refused the recipient: 550 5.1.1 no such user", permanent=True, code=550)
        if self.fate == "rcpt_later":
            raise TransportError("The server refused the recipient: 451 4.7.1 later", permanent=False, code=451)

    def hand_over(self, content: bytes) -> Accepted:
        message_id = content.split(b"Message-ID: <", 1)[1].split(b">", 1)[0].decode()
        if self.fate in {"ok", "lost_accepted", "dead_accepted"}:
            self.machine.was_accepted(message_id)
        if self.fate in DEADLY:
            raise Died
        if self.fate in {"lost_accepted", "lost_not_accepted"}:
            self.connected = False
            raise OutcomeUnknown("No answer after the mail was handed over: timed out")
        if self.fate == "broken_in_body":
            self.connected = False
            raise TransportError("The connection broke inside the mail", permanent=False, whole_server=True)
        if self.fate == "later":
            raise TransportError("The server refused the mail: 451 4.3.2 later", permanent=False, code=451)
        if self.fate == "refused":
            raise TransportError("The server refused the mail: 554 5.6.0 no", permanent=True, code=554)
        return Accepted(250, "250 ok")

    def abort(self) -> None:
        pass

    def close(self) -> None:
        self.connected = False


class Outbox(RuleBasedStateMachine):
    """Up to five people in one sequence. `sends` limits what may be accepted; `over` names enrolments that have ended."""

    enrolled = Bundle("enrolled")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.accepted: Counter[str] = Counter()
        self.again: Counter[str] = Counter()
        self.over: dict[uuid.UUID, str] = {}
        self.asleep: set[uuid.UUID] = set()
        self.closed: set[str] = set()  # sequence, campaign, mailbox
        self.fresh = True
        self.unknown: set[uuid.UUID] = set()
        self.back: dict[uuid.UUID, datetime] = {}
        self.people = 0
        self.savepoint = transaction.savepoint()
        key = uuid.uuid4()
        self.workspace: Workspace = make_workspace(f"m-{key.hex[:10]}", postal_address="1 Test Street")
        with workspace_scope(self.workspace.pk):
            self.mailbox = keyed_mailbox()
            self.version = make_sequence(STEPS, mailbox=self.mailbox)
        self.server = Server(self)
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(sending, "conversation_for", lambda mailbox, now: self.server)

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

    # --- what happens ------------------------------------------------------------------------------------------------
    @rule(target=enrolled)
    @precondition(lambda self: self.people < 5)
    def enrol(self) -> uuid.UUID:
        self.people += 1
        with workspace_scope(self.workspace.pk):
            person = Person.objects.create(
                first_name="Ana", full_name="Ana", email=f"p{self.people}@lumen.example", created_at=NOW, updated_at=NOW
            )
            enrolment = make_enrolment(self.version, person, mailbox=self.mailbox, at=self.now)
            mark_enrolments(self.now)
        return enrolment.pk

    @rule(
        fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=6), read=st.sampled_from([True, True, True, False])
    )
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

    @rule(minutes=st.sampled_from([1, 5, 20, 60, 60 * 26, 60 * 49]))
    def time_passes(self, minutes: int) -> None:
        """Leases of the dead run out by the database's clock, so they are moved."""
        self.now += timedelta(minutes=minutes)
        Lane.objects.update(lease_until=None)
        with workspace_scope(self.workspace.pk):
            if minutes >= 20:
                Message.objects.filter(lease_until__isnull=False).update(lease_until=NOW)
                outcomes.settle_dead()
            skip_overdue(now=self.now)

    @rule(who=enrolled)
    def replies(self, who: uuid.UUID) -> None:
        message = self._delivered(who)
        if message:
            self._receive(reply(message, "Yes, please send me more details."))
            self._ends(who, "a reply")

    @rule(who=enrolled)
    def bounces(self, who: uuid.UUID) -> None:
        message = self._delivered(who)
        if message:
            self._receive(bounce(message.message_id, message.to_address))
            self._ends(who, "a bounce")

    @rule(who=enrolled)
    def is_away(self, who: uuid.UUID) -> None:
        message = self._delivered(who)
        if message is None or who in self.over or who in self.asleep:
            return
        words = f"I am out of the office until {self.now + timedelta(days=4):%d %B %Y}."
        self._receive(reply(message, words, extra=("Auto-Submitted: auto-replied",)))
        with workspace_scope(self.workspace.pk):
            row = Enrolment.objects.get(pk=who)
            assert row.state in {"active", "finished"}, "an automatic reply is no reply"
            if row.next_at and row.next_at > self.now + timedelta(days=3):
                self.back[who] = row.next_at - timedelta(hours=24)

    @rule(who=enrolled)
    def unsubscribes(self, who: uuid.UUID) -> None:
        message = self._delivered(who)
        if message:
            with workspace_scope(self.workspace.pk):
                unsubscribe(message=message, how="one click", now=self.now)
            self._ends(who, "an unsubscribe")

    @rule(who=enrolled, act=st.sampled_from(["pause", "resume", "stop"]))
    def person_acts(self, who: uuid.UUID, act: str) -> None:
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

    @rule(what=st.sampled_from(["sequence", "campaign", "mailbox"]))
    def close_or_open(self, what: str) -> None:
        with workspace_scope(self.workspace.pk):
            sequence = Sequence.objects.get(pk=self.version.sequence_id)
            campaign = Campaign.objects.get(pk=sequence.campaign_id)
            mailbox = Mailbox.objects.get(pk=self.mailbox.pk)
            opening = what in self.closed
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
        self.closed ^= {what}

    @rule(way=st.sampled_from(["sent_folder", "skip", "again", "person"]), pick=st.integers(0, 9))
    def settles(self, way: str, pick: int) -> None:
        """Somebody, or the Sent folder, decides about an unknown message."""
        with workspace_scope(self.workspace.pk):
            rows = list(
                Message.objects.filter(state="unknown")
                .select_related("person", "enrolment__lead", "campaign")
                .order_by("pk")
            )
            if not rows:
                return
            message = rows[pick % len(rows)]
            in_folder = bool(self.accepted[message.message_id])
            try:
                with transaction.atomic():
                    if way == "sent_folder":
                        if in_folder:
                            assert outcomes.record_sent(
                                message=message, response="Found.", by="sent_folder", now=self.now
                            )
                    elif way == "again":
                        send_again(message=message, by=SYSTEM, now=self.now)
                        self.again[message.message_id] += 1
                        self.unknown.discard(message.pk)
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
                assert books.problems == []
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
                    {"planned", "failed", "blocked"} if self.again[message.message_id] else set()
                )
                if message.reason_code == "skipped":
                    continue  # a person said so
                assert message.state in allowed, f"accepted, and said to be {message.state}: {message.reason}"

    @invariant()
    def whoever_ended_stays_so(self) -> None:
        with workspace_scope(self.workspace.pk):
            states = dict(Enrolment.objects.filter(pk__in=self.over).values_list("pk", "state"))
            waiting = Message.objects.filter(enrolment__in=list(self.over), state="planned").count()
        assert set(states.values()) <= {"stopped", "finished"}
        assert waiting == 0

    # --- help --------------------------------------------------------------------------------------------------------
    def _delivered(self, who: uuid.UUID) -> Message | None:
        """The last mail this person really has."""
        with workspace_scope(self.workspace.pk):
            rows = Message.objects.select_related("person", "enrolment__lead", "campaign").filter(
                enrolment=who, message_id__in=[key for key, count in self.accepted.items() if count]
            )
            found: Message | None = rows.order_by("-created_at").first()
        return found

    def _receive(self, raw: bytes) -> None:
        with workspace_scope(self.workspace.pk):
            receive_mail(mailbox=Mailbox.objects.get(pk=self.mailbox.pk), raw=raw, now=self.now)

    def _ends(self, who: uuid.UUID, why: str) -> None:
        self.over.setdefault(who, why)
        self.asleep.discard(who)


@pytest.mark.slow
@pytest.mark.timeout(400)  # on a busy machine; alone it takes a tenth of it
def test_whatever_happens_in_whatever_order(db: Any) -> None:
    examples = 8 * (20 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 1)
    run_state_machine_as_test(
        Outbox,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
