"""What the sender saw of everything a mail depends on, and at which version of each row it saw it.

A look is taken for a whole batch with a handful of queries. At the point of no return, with enrolment and mailbox locked,
one statement asks whether every row still is the version that was seen (PostgreSQL's ctid and xmin: they differ after any
change whatever) and whether the address is still on no suppression list. If so, what was decided by the look holds now;
if not, everything is read again under the locks. So no change can slip through because nobody thought of comparing it.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import Workspace
from campaigns.models import Enrolment, Mailbox, Message, Sequence, Step
from campaigns.queries.freshness import is_stale
from campaigns.queries.mail import window_of, zone_for
from campaigns.rules import schedule
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Campaign, Company, Person, Suppression
from prospects.queries.suppressions import suppression_digests, suppressions_of

# Of a person, what a verdict, a template or a window asks for.
PERSON_FIELDS = (
    "id", "workspace", "first_name", "last_name", "full_name", "email", "email_status", "email_status_reason", "title",
    "department", "city", "country", "time_zone", "company", "last_touch_at",
)  # fmt: skip
COMPANY_FIELDS = ("id", "workspace", "name", "domain", "industry", "city", "country", "employees", "time_zone")


@dataclass(slots=True)
class Clock:
    """Slots of one turn: people share few zones and windows, and an open window is open for all of them alike."""

    now: datetime
    _windows: dict[uuid.UUID, schedule.Window] = field(default_factory=dict)
    _open: dict[Any, schedule.Slot] = field(default_factory=dict)

    def window(self, sequence: Sequence) -> schedule.Window:
        found = self._windows.get(sequence.pk)
        if found is None:
            found = self._windows[sequence.pk] = window_of(sequence)
        return found

    def next_slot(self, *, zone: str, sequence: Sequence, name: str) -> schedule.Slot:
        """When a mail may go that is due now."""
        window = self.window(sequence)
        return self._shared(
            (zone, window), lambda who: schedule.next_slot(self.now, zone=zone, window=window, name=who), name
        )

    def after(self, step: Step, *, zone: str, sequence: Sequence, name: str) -> schedule.Slot:
        """When `step` goes if the one before it is done now."""
        window = self.window(sequence)

        def plan(who: str) -> schedule.Slot:
            return schedule.plan(
                self.now, zone=zone, window=window, days=step.delay_days, hours=step.delay_hours,
                business_days=step.business_days, name=who,
            )  # fmt: skip

        return self._shared((zone, window, step.pk), plan, name)

    def _shared(self, key: Any, plan: Callable[[str], schedule.Slot], name: str) -> schedule.Slot:
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = plan("")
        return plan(name) if found.reason and name else found  # whose window it is stands in the reason


@dataclass(slots=True)
class Look:
    """One message of a batch with what it depends on. `versions` is empty where it was not looked at in the batch
    (mail written by hand): its point of no return reads everything anew."""

    message: Message
    enrolment: Enrolment | None = None
    versions: tuple[str, ...] = ()  # ctid and xmin of enrolment, person, sequence, campaign
    digests: list[str] = field(default_factory=list)
    tid: str = ""  # where the message's row lies, as far as this sender knows
    following: Step | None = None  # the step after this one
    follow_up: bool = False  # this person was, or may have been, written to in this enrolment
    refused: bool = False  # by what was seen it may not go now


@dataclass(slots=True)
class Shared:
    """Rows that many enrolments have in common, read once a batch; they carry `row_version`."""

    workspace: Workspace
    people: dict[uuid.UUID, Person]
    sequences: dict[uuid.UUID, Sequence]
    suppressed: dict[str, Suppression]


def versioned[Q: QuerySet[Any]](rows: Q) -> Q:
    """`rows` with `row_version`: ctid and xmin, which together differ after any change of the row."""
    table = connection.ops.quote_name(rows.model._meta.db_table)
    return rows.annotate(row_version=RawSQL(f"{table}.ctid::text || ' ' || {table}.xmin::text", []))  # noqa: S611  a table's name


def read_shared(enrolments: Iterable[Enrolment]) -> Shared:
    """People (with companies), sequences (with campaigns) and suppressions of `enrolments`, set on them too."""
    listed = list(enrolments)
    people: dict[uuid.UUID, Person] = {
        person.pk: person
        for person in versioned(Person.objects.only(*PERSON_FIELDS)).filter(pk__any={e.person_id for e in listed})
    }
    wanted = {person.company_id for person in people.values() if person.company_id}
    companies = {company.pk: company for company in Company.objects.only(*COMPANY_FIELDS).filter(pk__any=wanted)}
    for person in people.values():
        if person.company_id in companies:
            person.company = companies[person.company_id]
    sequences = {s.pk: s for s in versioned(Sequence.objects.all()).filter(pk__any={e.sequence_id for e in listed})}
    campaigns = {
        c.pk: c for c in versioned(Campaign.objects.all()).filter(pk__any={s.campaign_id for s in sequences.values()})
    }
    for sequence in sequences.values():
        sequence.campaign = campaigns[sequence.campaign_id]
    workspace = Workspace.objects.get(pk=current_workspace_id())
    for enrolment in listed:
        enrolment.sequence = sequences[enrolment.sequence_id]
        enrolment.workspace = workspace
        if enrolment.person_id in people:  # else deleted between two of these queries
            enrolment.person = people[enrolment.person_id]
    return Shared(workspace, people, sequences, suppressions_of(person.email for person in people.values()))


def look_at(messages: list[Message], mailbox: Mailbox, now: datetime) -> tuple[list[Look], Shared | None]:
    """Looks at claimed messages, in their order; every message is given `mailbox` itself. About six queries."""
    ids = {message.enrolment_id for message in messages if message.enrolment_id and message.step_id}
    enrolments = {e.pk: e for e in versioned(Enrolment.objects.all()).filter(pk__any=ids)} if ids else {}
    shared = read_shared(enrolments.values()) if enrolments else None
    people = shared.people if shared else {}
    written: set[Any] = set()
    if ids and is_stale(mailbox, now):  # else nobody asks
        states = [Message.State.SENT, Message.State.UNKNOWN]
        written = set(Message.objects.filter(enrolment__any=ids, state__in=states).values_list("enrolment", flat=True))
    looks = []
    for message in messages:
        message.mailbox = mailbox
        look = Look(message, tid=getattr(message, "tid", ""))
        enrolment = enrolments.get(message.enrolment_id) if message.enrolment_id else None
        if enrolment is not None and message.person_id == enrolment.person_id and message.person_id in people:
            message.enrolment, message.person = enrolment, enrolment.person
            look.enrolment = enrolment
            rows: tuple[Any, ...] = (enrolment, enrolment.person, enrolment.sequence, enrolment.sequence.campaign)
            look.versions = tuple(part for row in rows for part in row.row_version.split(" "))
            look.follow_up = bool(message.in_reply_to) or enrolment.pk in written
            look.digests = suppression_digests(enrolment.person.email)
        looks.append(look)
    return looks, shared


def zone_of(look: Look) -> str:
    assert look.enrolment is not None
    return zone_for(look.enrolment.person, look.enrolment.workspace)


def version_of(mailbox: Mailbox) -> tuple[str, str]:
    """ctid and xmin of the mailbox's row now."""
    ctid, xmin = versioned(Mailbox.objects.filter(pk=mailbox.pk)).values_list("row_version", flat=True)[0].split(" ")
    return ctid, xmin
