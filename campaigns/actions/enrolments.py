"""Enrol people: first who is eligible and who is blocked and why, then the act itself; and the same act on many."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member, Workspace
from accounts.permissions import refuse_owner
from campaigns.actions.sequences import published_version
from campaigns.actions.steps import mark_enrolments, owner_of, pause_enrolment, resume_enrolment, stop_enrolment
from campaigns.models import Enrolment, Mailbox, Sequence, SequenceMailbox, Step
from campaigns.queries.mail import template_data, window_of, zone_for
from campaigns.queries.pace import usable_of
from campaigns.rules import liquid, schedule
from campaigns.rules.rotation import next_in_turn
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.ids import uuid7
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from leadgen.core.visibility import as_asked
from prospects.actions.activities import append_facts
from prospects.models import Activity, ActivityKind, Lead, Person
from prospects.models.choices import OPEN_STAGES
from prospects.queries.suppressions import suppressions_of

MAX_PEOPLE = 10_000
# code -> words; the order is that of the checks.
BLOCKS = {
    "suppressed": "suppressed",
    "address_bad": "address does not work",
    "no_address": "no e-mail address",
    "no_linkedin": "no LinkedIn address",
    "no_phone": "no phone number",
    "already": "is or was in this sequence",
    "elsewhere": "in another sequence now",
    "missing": "a template variable has no value",
}


@dataclass(slots=True)
class EnrolmentPlan:
    """Who can be enrolled now (`eligible`) and who not: `blocked` maps person id to (code, reason in words)."""

    eligible: list[Person] = field(default_factory=list)
    blocked: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    people: dict[UUID, Person] = field(default_factory=dict)
    unknown: list[UUID] = field(default_factory=list)  # asked for, and nobody here

    @property
    def by_reason(self) -> dict[str, int]:
        """Words -> how many, most first."""
        counts = Counter(BLOCKS[code] for code, _ in self.blocked.values())
        return dict(counts.most_common())


def plan_enrolment(*, sequence: Sequence, people: Iterable[UUID]) -> EnrolmentPlan:
    """Look at every person once. Raises Refused where the sequence cannot take anybody, Invalid above 10,000 people."""
    ids = list(dict.fromkeys(people))
    if len(ids) > MAX_PEOPLE:
        raise Invalid(f"{len(ids):,} people at once are too many. Enrol at most {MAX_PEOPLE:,}.", field="people")
    version = published_version(sequence)
    if version is None:
        raise Refused("Publish the sequence first.", code="not_published")
    if sequence.state == Sequence.State.ARCHIVED:
        raise Refused("This sequence is archived.", code="archived")
    steps = list(Step.objects.filter(version=version).order_by("position"))
    kinds = {step.kind for step in steps}
    workspace = Workspace.objects.get(pk=current_workspace_id())
    mailbox = Mailbox.objects.filter(pk__in=_pool(sequence)).first()
    rows = list(as_asked(Person.objects.select_related("company", "owner").filter(pk__in=ids)).order_by("pk"))
    suppressed = suppressions_of([person.email for person in rows])
    inside = _inside(ids, sequence)
    plan = EnrolmentPlan()
    for person in rows:
        plan.people[person.pk] = person
        verdict = None
        if person.email in suppressed:
            row = suppressed[person.email]
            verdict = ("suppressed", f"Suppressed: {row.get_reason_display().lower()} on {row.at:%d %b %Y}")
        elif Step.Kind.EMAIL in kinds and not person.email:
            verdict = ("no_address", "No e-mail address")
        elif Step.Kind.EMAIL in kinds and person.email_status in {"bounced", "invalid"}:
            verdict = ("address_bad", person.email_status_reason or "The address does not work")
        elif (
            not person.email
            and not person.linkedin_url
            and kinds & {Step.Kind.LINKEDIN_REQUEST, Step.Kind.LINKEDIN_MESSAGE}
        ):
            verdict = ("no_linkedin", "No LinkedIn address")
        elif Step.Kind.CALL in kinds and not person.phone and not person.email:
            verdict = ("no_phone", "No phone number")
        elif person.pk in inside:
            verdict = inside[person.pk]
        else:
            missing = _missing(steps, person, workspace, mailbox)
            if missing:
                verdict = ("missing", f"No value for {', '.join(missing)}")
        if verdict:
            plan.blocked[person.pk] = verdict
        else:
            plan.eligible.append(person)
    plan.unknown = [pk for pk in ids if pk not in plan.people]
    return plan


def first_touches(
    *, sequence: Sequence, people: Iterable[Person], now: datetime
) -> dict[UUID, tuple[schedule.Slot, str]]:
    """When each person's first step would be due, and in which zone: its delay, then the window on their clock."""
    version = published_version(sequence)
    first = Step.objects.filter(version=version).order_by("position").first() if version else None
    if first is None:
        raise Refused("Publish the sequence first.", code="not_published")
    workspace = Workspace.objects.get(pk=current_workspace_id())
    window = window_of(sequence)
    found = {}
    for person in people:
        zone = zone_for(person, workspace)
        slot = schedule.plan(
            now, zone=zone, window=window, days=first.delay_days, hours=first.delay_hours,
            business_days=first.business_days, name=person.first_name,
        )  # fmt: skip
        found[person.pk] = (slot, zone)
    return found


def enrol_people(
    *,
    sequence: Sequence,
    people: Iterable[UUID],
    by: Actor,
    now: datetime,
    owner: Member | None = None,
    external_id: str = "",
    cause: str = "",
    detail: dict[str, Any] | None = None,
) -> list[Enrolment]:
    """Enrol those who are eligible at this moment; the first step is due in the sending window. A double click enrols once.

    `external_id` names the one enrolment of one person. `cause`: what did it, in words, where no person did; with `detail` it
    stands on the timeline. Raises as `plan_enrolment`, and Conflict where the id is taken.
    """
    refuse_owner(owner)
    # A second click waits here, and then finds everybody enrolled; archiving waits too.
    Sequence.objects.select_for_update(of=("self",)).get(pk=sequence.pk)
    sequence.refresh_from_db()
    if external_id and Enrolment.objects.filter(external_id=external_id).exists():
        raise Conflict("Another enrolment has this external id.", field="external_id")
    plan = plan_enrolment(sequence=sequence, people=people)
    version = published_version(sequence)
    assert version is not None, "plan_enrolment refuses a sequence without a published version"
    slots = first_touches(sequence=sequence, people=plan.eligible, now=now)
    turns = _Rotation(sequence)
    leads = dict(
        Lead.objects.filter(person__in=[person.pk for person in plan.eligible], stage__in=OPEN_STAGES).values_list(
            "person_id", "pk"
        )
    )
    summary = f"Enrolled in {sequence.name} v{version.number}"
    rows = []
    for person in plan.eligible:
        slot, _ = slots[person.pk]
        rows.append(
            Enrolment(
                id=uuid7(),
                sequence=sequence,
                version=version,
                person=person,
                lead_id=leads.get(person.pk),
                mailbox=turns.next(),
                owner=owner or owner_of(person.owner, sequence.owner or by.member),
                next_at=slot.at,
                wait_reason=f"Waits: {slot.reason}" if slot.reason else "",
                external_id=external_id,
                cause=cause[:300],
                enrolled_at=now,
                enrolled_by=by.member,
            )
        )
    with transaction.atomic():
        # A rival enrolment of the same person wins by the unique keys; this one then simply does not exist.
        bulk_insert(Enrolment, rows, ignore_conflicts=True)
        # Its id is its own: what is found under it is what was written.
        made = list(Enrolment.objects.select_related("person").filter(pk__in=[row.pk for row in rows]))
        append_facts(
            [
                Activity(
                    kind=ActivityKind.ENROLLED, at=now, recorded_at=now, member=by.member, person=enrolment.person,
                    company_id=enrolment.person.company_id, lead_id=enrolment.lead_id, campaign_id=sequence.campaign_id,
                    summary=f"{summary}. {cause}"[:300] if cause else summary[:300], about_type="enrolment",
                    about_id=enrolment.pk, key=f"enrolled:{enrolment.pk}", detail=detail or {},
                )
                for enrolment in made
            ]
        )  # fmt: skip
        if made:
            write_audit(
                by=by, action="sequence.enrolled", now=now, target=sequence,
                detail={"people": len(made), "blocked": plan.by_reason, "version": version.number} | ({"cause": cause} if cause else {}),
            )  # fmt: skip
            mark_enrolments(min(enrolment.next_at or now for enrolment in made))
    return made


def change_enrolments(*, enrolments: Iterable[Enrolment], act: str, by: Actor, now: datetime, reason: str = "") -> int:
    """Pause, resume or stop many; returns how many changed. One audit row a sequence. Raises Invalid, the field named.

    Load `sequence`, `person` and `lead` with them.
    """
    acts: dict[str, Callable[[Enrolment], bool]] = {
        "pause": lambda row: pause_enrolment(enrolment=row, reason=reason, by=by, now=now),
        "resume": lambda row: resume_enrolment(enrolment=row, by=by, now=now),
        "stop": lambda row: stop_enrolment(enrolment=row, reason=reason.strip(), by_type="person", by=by, now=now),
    }
    if act not in acts:
        raise Invalid(f"Choose one of {', '.join(acts)}.", field="action")
    if act in {"pause", "stop"} and not reason.strip():
        raise Invalid("Say why; it stands beside each person.", field="reason")
    changed: Counter[Sequence] = Counter()
    for enrolment in sorted(enrolments, key=lambda row: row.pk):
        if acts[act](enrolment):
            changed[enrolment.sequence] += 1
    for sequence, count in changed.items():
        write_audit(
            by=by, action=f"sequence.people_{PAST[act]}", now=now, target=sequence,
            detail={"people": count} | ({"reason": reason.strip()} if reason.strip() else {}),
        )  # fmt: skip
    return changed.total()


PAST = {"pause": "paused", "resume": "resumed", "stop": "stopped"}


class _Rotation:
    """Mailboxes of the pool in turn: each its share of those who are inside, by weight and today's cap.

    Whoever gets a mailbox keeps it for the whole enrolment. Mailboxes that do not send now get nobody new, unless none of
    the pool sends: then those who come wait with the others.
    """

    def __init__(self, sequence: Sequence) -> None:
        pool = list(Mailbox.objects.filter(pk__in=_pool(sequence)).order_by("address"))
        self.shares = {mailbox: mailbox.weight * mailbox.cap for mailbox in usable_of(pool)}
        inside = Enrolment.objects.filter(mailbox__in=pool, state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED])
        counts = dict(inside.order_by().values_list("mailbox_id").annotate(n=Count("id")))
        self.given = {mailbox: counts.get(mailbox.pk, 0) for mailbox in self.shares}

    def next(self) -> Mailbox | None:
        chosen = next_in_turn(given=self.given, shares=self.shares)
        if chosen is not None:
            self.given[chosen] += 1
        return chosen


def _pool(sequence: Sequence) -> list[UUID]:
    return list(SequenceMailbox.objects.filter(sequence=sequence).values_list("mailbox_id", flat=True))


def _inside(ids: list[UUID], sequence: Sequence) -> dict[UUID, tuple[str, str]]:
    """People who went through this sequence or are in one now: once per sequence, one sequence at a time."""
    found: dict[UUID, tuple[str, str]] = {}
    rows = Enrolment.objects.select_related("sequence").filter(person__in=ids)
    for enrolment in rows:
        if enrolment.sequence_id == sequence.pk:
            found[enrolment.person_id] = ("already", f"Enrolled on {enrolment.enrolled_at:%d %b %Y}: {enrolment.state}")
        elif enrolment.state in {"active", "paused"}:
            found.setdefault(enrolment.person_id, ("elsewhere", f"In {enrolment.sequence.name}"))
    return found


def _missing(steps: list[Step], person: Person, workspace: Workspace, mailbox: Mailbox | None) -> list[str]:
    """Variables the steps print that this person has no value for and the template no fallback."""
    data = template_data(person=person, workspace=workspace, mailbox=mailbox, member=person.owner)
    found: dict[str, None] = {}
    for step in steps:
        for source in (step.subject, step.body):
            try:
                liquid.render(source, data)
            except liquid.MissingVariables as missing:
                found.update(dict.fromkeys(missing.names))
    return list(found)
