"""Walk enrolments through their steps: begin what is due, and plan the next when one is done.

A step is begun at most once (unique StepRun). An e-mail step makes a planned Message, LinkedIn and call steps make a Task
for a person, a wait only delays. The next step waits for the outcome of the one before: `unknown` stalls the enrolment.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import Member, Workspace
from campaigns.models import Enrolment, Message, Step, StepRun, TrackedLink
from campaigns.models.locks import lock_enrolment
from campaigns.queries.linkedin import wait_of
from campaigns.queries.mail import Rendered, freeze_message, render_step, template_data, threads_of, window_of, zone_for
from campaigns.queries.verdicts import Verdict, block_of_person, held_by_sequence
from campaigns.rules import liquid, schedule, tokens
from leadgen.core import lanes
from leadgen.core.crash import crash_point
from leadgen.core.errors import Invalid
from leadgen.core.ids import uuid7
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from prospects.actions.activities import record_activity
from prospects.actions.tasks import cancel_tasks, create_task
from prospects.models import ActivityKind, Campaign, Channel, Suppression, Task
from prospects.queries.suppressions import suppressions_of

ENROLMENTS_LANE = "enrolments"
MAILBOX_LANE = "mailbox"
ALL_DONE = "All steps done."
CAMPAIGN_LANE = "campaign"  # marked by prospects.actions.campaigns: a campaign came back to life, or ended
TASK_KINDS = {
    Step.Kind.LINKEDIN_REQUEST: Task.Kind.LINKEDIN_REQUEST,
    Step.Kind.LINKEDIN_MESSAGE: Task.Kind.LINKEDIN_MESSAGE,
    Step.Kind.CALL: Task.Kind.CALL,
}
LINKEDIN_STEPS = (Step.Kind.LINKEDIN_REQUEST, Step.Kind.LINKEDIN_MESSAGE)


def mark_enrolments(due: datetime) -> None:
    """Ring the lane of this workspace's enrolments."""
    lanes.mark(workspace_id=current_workspace_id(), kind=ENROLMENTS_LANE, due=due)


def mark_mailbox(mailbox_id: uuid.UUID, due: datetime) -> None:
    lanes.mark(workspace_id=current_workspace_id(), kind=MAILBOX_LANE, key=str(mailbox_id), due=due)


def settle_closed_tasks(*, now: datetime, limit: int = 500) -> int:
    """Move enrolments on whose task a person closed, wherever they closed it. Returns how many."""
    runs = list(
        StepRun.objects.select_related("task", "step")
        .filter(done_at__isnull=True, task__isnull=False)
        .exclude(task__state=Task.State.OPEN)
        .order_by("pk")[:limit]
    )
    for run in runs:
        assert run.task is not None
        finish_step(
            enrolment_id=run.enrolment_id,
            step_id=run.step_id,
            outcome=run.task.outcome or run.task.state,
            at=run.task.closed_at or now,
            now=now,
        )
    return len(runs)


@dataclass(slots=True)
class _Batch:
    """What the enrolments of one turn share, read once; and what is written for all of them at the end."""

    workspace: Workspace
    now: datetime
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
        Enrolment.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(state=Enrolment.State.ACTIVE, next_at__lte=now)
        .select_related("sequence", "sequence__campaign", "person", "person__company", "mailbox", "owner", "lead")
        .order_by("next_at", "pk")[:limit]
    )
    if not due:
        return 0
    ids = [enrolment.pk for enrolment in due]
    batch = _Batch(
        workspace=Workspace.objects.get(pk=current_workspace_id()),
        now=now,
        suppressed=suppressions_of([enrolment.person.email for enrolment in due]),
        threads=threads_of(ids),
        begun=set(StepRun.objects.filter(enrolment__in=ids).values_list("enrolment_id", "step_id")),
    )
    for enrolment in due:
        _begin_next(enrolment, batch)
    bulk_insert(StepRun, batch.runs)
    bulk_insert(Message, batch.messages)
    crash_point("C1")
    bulk_insert(TrackedLink, batch.links)
    Enrolment.objects.bulk_update(batch.moved, ["position", "next_at", "wait_reason"])
    for mailbox_id in {message.mailbox_id for message in batch.messages}:
        mark_mailbox(mailbox_id, min(m.due_at for m in batch.messages if m.mailbox_id == mailbox_id))
    return len(due)


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
            batch.runs.append(StepRun(enrolment=enrolment, step=step, begun_at=batch.now))
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
    slot = schedule.next_slot(
        batch.now,
        zone=zone_for(enrolment.person, batch.workspace),
        window=window_of(enrolment.sequence),
        name=enrolment.person.first_name,
    )
    key = uuid7()
    message = Message(
        id=key,
        workspace_id=batch.workspace.pk,
        kind=Message.Kind.STEP,
        enrolment=enrolment,
        step=step,
        campaign=enrolment.sequence.campaign,
        person=enrolment.person,
        mailbox=enrolment.mailbox,
        to_address=enrolment.person.email,
        to_name=enrolment.person.full_name,
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


def finish_step(*, enrolment_id: uuid.UUID, step_id: uuid.UUID, outcome: str, at: datetime, now: datetime) -> None:
    """The step came to its end; plan the next one from the moment it did. Idempotent."""
    done = StepRun.objects.filter(enrolment_id=enrolment_id, step_id=step_id, done_at__isnull=True).update(
        done_at=at, outcome=outcome[:24]
    )
    if not done:
        return
    enrolment = lock_enrolment(enrolment_id)
    if enrolment.state not in {Enrolment.State.ACTIVE, Enrolment.State.PAUSED}:
        return
    following = next((s for s in steps_of(enrolment.version_id) if s.position > enrolment.position), None)
    if following is None:
        finish_enrolment(enrolment=enrolment, now=now)
        return
    slot = schedule.plan(
        at,
        zone=zone_for(enrolment.person, enrolment.workspace),
        window=window_of(enrolment.sequence),
        days=following.delay_days,
        hours=following.delay_hours,
        business_days=following.business_days,
        name=enrolment.person.first_name,
    )
    enrolment.next_at, enrolment.wait_reason = slot.at, f"Waits: {slot.reason}" if slot.reason else ""
    enrolment.save(update_fields=["next_at", "wait_reason"])
    mark_enrolments(slot.at)


@lru_cache(maxsize=512)
def _published_steps(version_id: uuid.UUID) -> tuple[Step, ...]:
    # A UUID names one version of one workspace, and published versions never change.
    return tuple(Step.objects.filter(version_id=version_id).order_by("position"))


def steps_of(version_id: uuid.UUID) -> tuple[Step, ...]:
    """The steps of a published version, in order; cached, because it is immutable. The caller's scope is checked anew."""
    steps = _published_steps(version_id)
    if not steps or steps[0].workspace_id != current_workspace_id():
        return tuple(Step.objects.filter(version_id=version_id).order_by("position"))
    return steps


def finish_enrolment(*, enrolment: Enrolment, now: datetime) -> None:
    """All steps are done."""
    enrolment.state, enrolment.reason = Enrolment.State.FINISHED, ALL_DONE
    enrolment.next_at, enrolment.ended_at, enrolment.wait_reason = None, now, ""
    enrolment.save(update_fields=["state", "reason", "next_at", "ended_at", "wait_reason"])


def stop_enrolment(*, enrolment: Enrolment, reason: str, by_type: str, now: datetime, by: Actor = SYSTEM) -> bool:
    """End an enrolment early and say why: planned mail is blocked, open tasks are cancelled. False: it had ended already.

    Mail past the point of no return is not touched: it may be delivered.
    """
    changed = Enrolment.objects.filter(
        pk=enrolment.pk, state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED]
    ).update(
        state=Enrolment.State.STOPPED,
        reason=reason[:300],
        stopped_by_type=by_type[:20],
        next_at=None,
        wait_reason="",
        ended_at=now,
    )
    if not changed:
        return False
    enrolment.refresh_from_db()
    Message.objects.filter(enrolment=enrolment, state=Message.State.PLANNED).update(
        state=Message.State.BLOCKED,
        reason=f"The sequence was stopped: {reason}"[:500],
        reason_code="stopped",
        settled_at=now,
        hold_reason="",
    )
    runs = StepRun.objects.filter(enrolment=enrolment, done_at__isnull=True, task__isnull=False).values("task_id")
    cancel_tasks(tasks=Task.objects.filter(pk__in=runs), reason=f"The sequence was stopped: {reason}", by=by, now=now)
    record_activity(
        kind=ActivityKind.STOPPED,
        at=now,
        now=now,
        by=by,
        person=enrolment.person,
        lead=enrolment.lead,
        campaign=Campaign.objects.filter(pk=enrolment.sequence.campaign_id).first(),
        channel=Channel.EMAIL,
        summary=f"{enrolment.sequence.name} stopped: {reason}",
        about=("enrolment", enrolment.pk),
        key=f"stopped:{enrolment.pk}",
    )
    return True


def pause_enrolment(*, enrolment: Enrolment, reason: str, by: Actor, now: datetime) -> bool:
    """Hold an enrolment until somebody resumes it. False: it does not run. Raises Invalid without a reason."""
    words = reason.strip()[:300]
    if not words:
        raise Invalid("Say why; it stands beside the person.", field="reason")
    changed = Enrolment.objects.filter(pk=enrolment.pk, state=Enrolment.State.ACTIVE).update(
        state=Enrolment.State.PAUSED, reason=words, wait_reason=words
    )
    enrolment.refresh_from_db()
    return bool(changed)


def resume_enrolment(*, enrolment: Enrolment, by: Actor, now: datetime) -> bool:
    """Go on where it was held. False: it is not paused.

    Mail that waits for another reason (a window, somebody's absence) waits on.
    """
    locked = Enrolment.objects.select_for_update(of=("self",)).get(pk=enrolment.pk)
    if locked.state != Enrolment.State.PAUSED:
        return False
    locked.state, locked.reason, locked.wait_reason = Enrolment.State.ACTIVE, "", ""
    waiting = StepRun.objects.filter(enrolment=locked, done_at__isnull=True).exists()
    locked.next_at = locked.next_at if waiting else (locked.next_at or now)
    locked.save(update_fields=["state", "reason", "wait_reason", "next_at"])
    Message.objects.filter(
        enrolment=locked, state=Message.State.PLANNED, hold_reason__startswith="Held: this person is paused"
    ).update(due_at=now, hold_reason="")
    mark_enrolments(now)
    if locked.mailbox_id:
        mark_mailbox(locked.mailbox_id, now)
    enrolment.refresh_from_db()
    return True


def owner_of(person_owner: Member | None, fallback: Member | None) -> Member | None:
    """Whose tasks a person's steps become."""
    return person_owner if person_owner is not None and person_owner.is_active else fallback
