"""Walk enrolments through their steps: begin what is due, and plan the next when one is done.

A step is begun at most once (unique StepRun). An e-mail step makes a planned Message, LinkedIn and call steps make a Task
for a person, a wait only delays. The next step waits for the outcome of the one before: `unknown` stalls the enrolment.
"""

import uuid
from datetime import datetime
from functools import lru_cache

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import Member
from accounts.permissions import may_own
from campaigns.models import Enrolment, Message, Step, StepRun
from campaigns.models.locks import lock_enrolment
from campaigns.queries.mail import window_of, zone_for
from campaigns.rules import schedule
from leadgen.core import lanes
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.actions.activities import record_activity
from prospects.actions.tasks import cancel_tasks
from prospects.models import ActivityKind, Campaign, Channel, Task

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
    locked = Enrolment.objects.select_for_update(of=("self",), no_key=True).get(pk=enrolment.pk)
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
    return person_owner if may_own(person_owner) else fallback
