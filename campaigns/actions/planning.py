"""Begin what is due: from due enrolments to planned messages and tasks, a batch at a time.

Everything a batch needs is read with a handful of queries and written with a statement a table; per enrolment there is only
rendering. The batch is one transaction: an enrolment advances together with the message or task of its step, or not at all.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from accounts.actions.audit import SYSTEM
from accounts.models import Member, Workspace
from campaigns.actions.steps import (
    LINKEDIN_STEPS,
    TASK_KINDS,
    finish_enrolment,
    finish_step,
    mark_mailbox,
    steps_of,
    stop_enrolment,
)
from campaigns.models import Enrolment, Mailbox, Message, Step, StepRun, TrackedLink
from campaigns.queries.linkedin import wait_of
from campaigns.queries.looks import Clock, read_shared
from campaigns.queries.mail import Rendered, freeze_message, render_step, template_data, threads_of, zone_for
from campaigns.queries.verdicts import Verdict, block_of_person, held_by_sequence
from campaigns.rules import liquid, tokens
from leadgen.core.bulk import insert_rows
from leadgen.core.crash import crash_point
from leadgen.core.errors import Invalid
from leadgen.core.ids import uuid7
from leadgen.core.prepared import server_cursor
from leadgen.core.tenancy import current_workspace_id
from prospects.actions.activities import record_activity
from prospects.actions.tasks import create_task
from prospects.models import ActivityKind, Channel, Suppression


@dataclass(slots=True)
class _Batch:
    """What the enrolments of one turn share, read once; and what is written for all of them at the end."""

    workspace: Workspace
    now: datetime
    clock: Clock
    suppressed: dict[str, Suppression]
    threads: dict[uuid.UUID, list[Message]]
    begun: set[tuple[uuid.UUID, uuid.UUID]]
    messages: list[Message] = field(default_factory=list)
    links: list[TrackedLink] = field(default_factory=list)
    runs: list[StepRun] = field(default_factory=list)
    moved: list[Enrolment] = field(default_factory=list)


def begin_due_steps(*, now: datetime, limit: int = 200) -> int:
    """Begin the next step of enrolments that are due, in the caller's transaction. Returns how many were looked at.

    The locked enrolments are what makes a step begin once; the unique keys of StepRun and Message stand behind it.
    """
    due = list(
        Enrolment.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .filter(state=Enrolment.State.ACTIVE, next_at__lte=now)
        .order_by("next_at")[:limit]  # and by nothing else: the index has this order, whatever is due at one instant
    )
    if not due:
        return 0
    due.sort(key=lambda enrolment: (enrolment.next_at, enrolment.pk))  # who was enrolled first is written to first
    ids = [enrolment.pk for enrolment in due]
    shared = read_shared(due)
    _set_senders(due)
    batch = _Batch(
        workspace=shared.workspace,
        now=now,
        clock=Clock(now),
        suppressed=shared.suppressed,
        threads=threads_of(ids),
        begun=set(StepRun.objects.filter(enrolment__any=ids).values_list("enrolment_id", "step_id")),
    )
    for enrolment in due:
        _begin_next(enrolment, batch)
    insert_rows(StepRun, batch.runs)
    insert_rows(Message, batch.messages)
    crash_point("C1")
    insert_rows(TrackedLink, batch.links)
    _move(batch.moved)
    due_at: dict[uuid.UUID, datetime] = {}
    for message in batch.messages:
        due_at[message.mailbox_id] = min(message.due_at, due_at.get(message.mailbox_id, message.due_at))
    for mailbox_id, at in due_at.items():
        mark_mailbox(mailbox_id, at)
    return len(due)


def _set_senders(enrolments: list[Enrolment]) -> None:
    """Mailboxes and owners of a batch: few rows that all of it shares."""
    boxes = Mailbox.objects.in_bulk({e.mailbox_id for e in enrolments if e.mailbox_id})
    owners = Member.objects.in_bulk({e.owner_id for e in enrolments if e.owner_id})
    for enrolment in enrolments:
        enrolment.mailbox = boxes.get(enrolment.mailbox_id)
        enrolment.owner = owners.get(enrolment.owner_id)


def _move(enrolments: list[Enrolment]) -> None:
    """Write position and reason of enrolments whose step began; nothing is due for them until it is done."""
    if not enrolments:
        return
    with connection.wrap_database_errors:
        server_cursor().execute(
            """
            UPDATE campaigns_enrolment e SET position = v.position, next_at = NULL, wait_reason = v.reason
            FROM unnest(%s::uuid[], %s::int[], %s::text[]) AS v(id, position, reason)
            WHERE e.workspace_id = %s AND e.id = v.id
            """,
            [
                [e.pk for e in enrolments],
                [e.position for e in enrolments],
                [e.wait_reason for e in enrolments],
                current_workspace_id(),
            ],
            prepare=False,
        )


def _begin_next(enrolment: Enrolment, batch: _Batch) -> None:
    now = batch.now
    step = next((step for step in steps_of(enrolment.version_id) if step.position > enrolment.position), None)
    if step is None:
        finish_enrolment(enrolment=enrolment, now=now)
        return
    if not _may_go_on(enrolment, step, batch):
        return
    if step.kind == Step.Kind.WAIT:
        enrolment.position, enrolment.next_at, enrolment.wait_reason = step.position, None, ""
        enrolment.save(update_fields=["position", "next_at", "wait_reason"])
        StepRun.objects.get_or_create(enrolment=enrolment, step=step, defaults={"begun_at": now})
        finish_step(enrolment_id=enrolment.pk, step_id=step.pk, outcome="done", at=now, now=now)
        return
    if (enrolment.pk, step.pk) not in batch.begun:
        reason = _begin(step, enrolment, batch)
        if reason:
            enrolment.state, enrolment.reason, enrolment.wait_reason = Enrolment.State.PAUSED, reason, reason
            enrolment.save(update_fields=["state", "reason", "wait_reason"])
            return
    enrolment.position, enrolment.next_at = step.position, None
    batch.moved.append(enrolment)


def _may_go_on(enrolment: Enrolment, step: Step, batch: _Batch) -> bool:
    """Campaign and sequence run; the person may be written to. Otherwise the enrolment waits or stops, with the reason."""
    held = held_by_sequence(enrolment.sequence, enrolment)
    if held and held.kind == Verdict.BLOCK:
        stop_enrolment(enrolment=enrolment, reason=held.reason, by_type="campaign", now=batch.now)
        return False
    if held:
        enrolment.wait_reason, enrolment.next_at = held.reason, batch.now + timedelta(minutes=15)
        enrolment.save(update_fields=["wait_reason", "next_at"])
        return False
    blocked = block_of_person(enrolment.person, suppressed=batch.suppressed)
    # A LinkedIn touch needs no e-mail address, but somebody who objected is left alone on every channel.
    if blocked and (step.kind == Step.Kind.EMAIL or blocked.code == "suppressed"):
        if step.kind == Step.Kind.EMAIL:
            _write_blocked(enrolment, step, blocked.code, blocked.reason, batch.now)
        stop_enrolment(enrolment=enrolment, reason=blocked.reason, by_type=blocked.code, now=batch.now)
        return False
    return _linkedin_allows(enrolment, step, batch)


def _linkedin_allows(enrolment: Enrolment, step: Step, batch: _Batch) -> bool:
    """Whether nobody has to look on LinkedIn first; a message to somebody who is not connected is left out."""
    earlier = [s for s in steps_of(enrolment.version_id) if s.position < step.position and s.kind in LINKEDIN_STEPS]
    if not earlier or (enrolment.pk, step.pk) in batch.begun:
        return True
    wait, now = wait_of(enrolment, step, batch.now), batch.now
    if wait is None:
        return True
    if not wait.skip:
        # Looking, there or here, calls it back at once; by itself it comes again, because the setting may change.
        enrolment.wait_reason, enrolment.next_at = wait.reason[:300], wait.until or now + timedelta(hours=6)
        enrolment.save(update_fields=["wait_reason", "next_at"])
        return False
    enrolment.position, enrolment.next_at, enrolment.wait_reason = step.position, None, ""
    enrolment.save(update_fields=["position", "next_at", "wait_reason"])
    StepRun.objects.get_or_create(enrolment=enrolment, step=step, defaults={"begun_at": now})
    record_activity(
        kind=ActivityKind.TASK, at=now, now=now, person=enrolment.person, lead=enrolment.lead, channel=Channel.LINKEDIN,
        summary=f"Left out: {step.get_kind_display()}, step {step.position}. {wait.reason}", detail={"skipped": True},
        about=("enrolment", enrolment.pk), key=f"left_out:{enrolment.pk}:{step.pk}",
    )  # fmt: skip
    finish_step(enrolment_id=enrolment.pk, step_id=step.pk, outcome="skipped", at=now, now=now)
    return False


def _write_blocked(enrolment: Enrolment, step: Step, code: str, reason: str, now: datetime) -> None:
    """A blocked message is a row too, so that the balance of a campaign holds."""
    if enrolment.mailbox is None or Message.objects.filter(enrolment=enrolment, step=step).exists():
        return
    StepRun.objects.get_or_create(
        enrolment=enrolment, step=step, defaults={"begun_at": now, "done_at": now, "outcome": "blocked"}
    )
    Message.objects.create(
        kind=Message.Kind.STEP, state=Message.State.BLOCKED, reason=reason, reason_code=code, enrolment=enrolment,
        step=step, campaign=enrolment.sequence.campaign, person=enrolment.person, mailbox=enrolment.mailbox,
        to_address=enrolment.person.email, to_name=enrolment.person.full_name, subject=step.subject, text="",
        due_at=now, settled_at=now, created_at=now,
    )  # fmt: skip


def _begin(step: Step, enrolment: Enrolment, batch: _Batch) -> str:
    """Make the step's message or task. Returns '' or why the enrolment must be held: never send "Hi ,"."""
    data = template_data(
        person=enrolment.person, workspace=batch.workspace, mailbox=enrolment.mailbox, member=enrolment.owner
    )
    try:
        rendered = render_step(step, data)
        if step.kind == Step.Kind.EMAIL:
            _plan_message(step, enrolment, rendered, batch)
            batch.runs.append(StepRun(enrolment_id=enrolment.pk, step_id=step.pk, begun_at=batch.now))
            enrolment.wait_reason = ""
        else:
            _make_task(step, enrolment, rendered.text, batch.now)
    except liquid.MissingVariables as missing:
        names = ", ".join(missing.names)
        return f"Step {step.position} needs {names}: fill it in, or give the template a fallback."[:300]
    except Invalid as error:
        return f"Step {step.position} cannot be written: {error.message}"[:300]
    return ""


def _plan_message(step: Step, enrolment: Enrolment, rendered: Rendered, batch: _Batch) -> None:
    assert enrolment.mailbox is not None, "publishing and enrolling refuse e-mail steps without a mailbox"
    earlier = batch.threads.get(enrolment.pk, [])
    subject = rendered.subject
    if not subject and earlier:
        subject = earlier[0].subject if earlier[0].subject.startswith("Re: ") else f"Re: {earlier[0].subject}"
    person = enrolment.person
    slot = batch.clock.next_slot(
        zone=zone_for(person, batch.workspace), sequence=enrolment.sequence, name=person.first_name
    )
    key = uuid7()
    message = Message(
        id=key,
        workspace_id=batch.workspace.pk,
        kind=Message.Kind.STEP,
        enrolment_id=enrolment.pk,
        step_id=step.pk,
        campaign_id=enrolment.sequence.campaign_id,
        person_id=person.pk,
        mailbox_id=enrolment.mailbox.pk,
        to_address=person.email,
        to_name=person.full_name,
        subject=subject,
        text=rendered.text,
        message_id=tokens.message_id(
            workspace_id=batch.workspace.pk, message=key, domain=enrolment.mailbox.address.rpartition("@")[2]
        ),
        in_reply_to=earlier[-1].message_id if earlier else "",
        references=" ".join(message.message_id for message in earlier),
        due_at=slot.at,
        hold_reason=f"Held: {slot.reason}" if slot.reason else "",
        created_at=batch.now,
    )
    batch.links += freeze_message(message, workspace=batch.workspace, now=batch.now)
    batch.messages.append(message)


def _make_task(step: Step, enrolment: Enrolment, text: str, now: datetime) -> None:
    person = enrolment.person
    run = StepRun.objects.create(enrolment=enrolment, step=step, begun_at=now)
    run.task = create_task(
        kind=TASK_KINDS[Step.Kind(step.kind)],
        title=f"{step.get_kind_display()}, step {step.position}, {enrolment.sequence.name}",
        reason=_task_reason(enrolment),
        body=text,
        due_at=now,
        now=now,
        by=SYSTEM,
        person=person,
        company=person.company,
        lead=enrolment.lead,
        campaign=enrolment.sequence.campaign,
        owner=enrolment.owner,
        about=("step_run", run.pk),
    )
    run.save(update_fields=["task"])
    enrolment.wait_reason = f"Waits for {enrolment.owner or 'somebody'}: {step.get_kind_display()}"


def _task_reason(enrolment: Enrolment) -> str:
    done = (
        StepRun.objects.filter(enrolment=enrolment, done_at__isnull=False)
        .select_related("step")
        .order_by("-done_at")
        .first()
    )
    if done is None:
        return f"First touch of {enrolment.sequence.name}"
    return f"{done.step.get_kind_display()} {done.outcome} on {done.done_at:%d %b}"
