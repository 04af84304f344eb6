"""Tasks: make, claim, do, skip, snooze, hand over. What follows in a sequence is the upper app's, which calls these."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member
from accounts.permissions import may_own, refuse_owner
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import bulk_insert
from prospects.actions.activities import record_activity
from prospects.models import ActivityKind, Campaign, Company, Deal, Handoff, Lead, Person, Task

CLAIM_MINUTES = 3
# The fact a done task leaves in the ledger; the first four are touches (activities.TOUCHES).
DONE_KINDS = {
    Task.Kind.CALL: ActivityKind.CALLED,
    Task.Kind.LINKEDIN_REQUEST: ActivityKind.LINKEDIN_REQUESTED,
    Task.Kind.LINKEDIN_MESSAGE: ActivityKind.LINKEDIN_SENT,
}
CHANNELS = {
    Task.Kind.CALL: "phone",
    Task.Kind.LINKEDIN_REQUEST: "linkedin",
    Task.Kind.LINKEDIN_MESSAGE: "linkedin",
    Task.Kind.MANUAL_EMAIL: "email",
}


def create_task(
    *,
    by: Actor,
    now: datetime,
    kind: str,
    title: str,
    due_at: datetime,
    reason: str = "",
    person: Person | None = None,
    company: Company | None = None,
    lead: Lead | None = None,
    deal: Deal | None = None,
    handoff: Handoff | None = None,
    campaign: Campaign | None = None,
    owner: Member | None = None,
    sla_due_at: datetime | None = None,
    about: tuple[str, uuid.UUID] | None = None,
    body: str = "",
    external_id: str = "",
) -> Task:
    """A task for `owner` (None: anybody). Told twice (same `about` and kind, or same external id) it is one row.

    The company defaults to the person's, the campaign to the lead's. `reason` says in words why it is there.
    """
    if kind not in Task.Kind.values:
        raise Invalid(f"“{kind}” is none of: {', '.join(Task.Kind.values)}.", field="kind")
    if not title.strip():
        raise Invalid("Say what is to be done.", field="title")
    if owner is not None and not owner.is_active:
        raise Invalid(f"{owner} is not active in this workspace. Choose somebody else.", field="owner")
    if not may_own(owner):
        owner = None  # theirs was the record; a viewer cannot work, so whoever takes it first does
    if company is None and person is not None and person.company_id:
        company = person.company
    if campaign is None and lead is not None and lead.campaign_id:
        campaign = lead.campaign
    task = Task(
        kind=kind, title=title.strip()[:200], reason=reason[:300], person=person, company=company, lead=lead, deal=deal,
        handoff=handoff, campaign=campaign, owner=owner, due_at=due_at, sla_due_at=sla_due_at,
        about_type=about[0] if about else "", about_id=about[1] if about else None, body=body, created_at=now,
        external_id=external_id,
    )  # fmt: skip
    same = _same(task)
    if same is None:
        task.save()
        return task
    known = Task.objects.filter(same).first()
    if known is None:
        # Two workers may ring for the same step: the unique key decides, without breaking the transaction.
        bulk_insert(Task, [task], ignore_conflicts=True)
        known = Task.objects.get(same)
    return known


def complete_task(
    *,
    by: Actor,
    now: datetime,
    task: Task,
    outcome: str = "",
    note: str = "",
    kind: str = "",
    summary: str = "",
    detail: dict[str, Any] | None = None,
) -> Task:
    """Done. Writes one Activity: a call, a LinkedIn touch, else "task done"; `kind` and `summary` override it.

    A manual e-mail's own fact is the sent message (campaigns), so it leaves only "task done" here. Raises Conflict where
    somebody closed it first. The fact it left stands in `task.fact`, for `leads.note_interest` (which builds on this module).
    """
    if len(outcome) > 24:
        raise Invalid("An outcome has at most 24 characters.", field="outcome")
    _close(task, by=by, now=now, state=Task.State.DONE, outcome=outcome, note=note)
    words = summary or f"{task.title}{f': {outcome.replace("_", " ")}' if outcome else ''}"
    fact = record_activity(
        kind=kind or DONE_KINDS.get(Task.Kind(task.kind), ActivityKind.TASK), at=now, now=now, by=by, summary=words,
        person=task.person, company=task.company, lead=task.lead, deal=task.deal, campaign=task.campaign,
        channel=CHANNELS.get(Task.Kind(task.kind), ""), about=(task.about_type, task.about_id) if task.about_id else None,
        detail={"task": str(task.pk), "outcome": outcome, "text": note} | (detail or {}),
    )  # fmt: skip
    done: Any = task
    done.fact = fact
    return task


def skip_task(*, by: Actor, now: datetime, task: Task, note: str = "") -> Task:
    """Not done, and not to be done; the timeline says so."""
    _close(task, by=by, now=now, state=Task.State.SKIPPED, outcome="skipped", note=note)
    record_activity(
        kind=ActivityKind.TASK, at=now, now=now, by=by, summary=f"Skipped: {task.title}", person=task.person,
        company=task.company, lead=task.lead, deal=task.deal, campaign=task.campaign,
        detail={"task": str(task.pk), "skipped": True, "text": note},
    )  # fmt: skip
    return task


def cancel_tasks(*, by: Actor, now: datetime, tasks: Any, reason: str) -> int:
    """Close open tasks of a queryset because their cause is gone (a reply came, an enrolment stopped); returns how many."""
    return int(
        tasks.filter(state=Task.State.OPEN).update(
            state=Task.State.CANCELLED, closed_at=now, closed_by=by.member, note=reason
        )
    )


def snooze_task(*, by: Actor, now: datetime, task: Task, until: datetime) -> Task:
    """Out of the queue until `until`; the SLA clock, if one runs, does not stop."""
    if until <= now:
        raise Invalid("Choose a time in the future.", field="until")
    if until > now + timedelta(days=366):
        raise Invalid("Choose a time within a year.", field="until")
    _update_open(task, snoozed_until=until, claimed_by=None, claimed_until=None)
    return task


def unsnooze_task(*, by: Actor, now: datetime, task: Task) -> Task:
    """Back into the queue at once."""
    _update_open(task, snoozed_until=None)
    return task


def claim_task(*, by: Actor, now: datetime, task: Task, minutes: int = CLAIM_MINUTES) -> Task:
    """Show others that `by` works on it. Raises Conflict naming who does; a claim runs out by itself."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now) | Q(claimed_by=by.member)
    until = now + timedelta(minutes=minutes)
    taken = Task.objects.filter(free, pk=task.pk, state=Task.State.OPEN).update(
        claimed_by=by.member, claimed_until=until
    )
    if not taken:
        _refuse_closed(task)
        other = Task.objects.select_related("claimed_by").get(pk=task.pk)
        raise Conflict(f"{other.claimed_by} is working on this right now.", code="claimed")
    task.claimed_by, task.claimed_until = by.member, until
    return task


def release_task(*, by: Actor, now: datetime, task: Task) -> None:
    """Let go of one's own claim."""
    Task.objects.filter(pk=task.pk, claimed_by=by.member).update(claimed_by=None, claimed_until=None)


def reassign(*, by: Actor, now: datetime, task: Task, owner: Member | None) -> Task:
    """Give an open task to somebody else (None: anybody)."""
    refuse_owner(owner, had=task.owner_id)
    was = task.owner
    if was == owner:
        return task
    _update_open(task, owner=owner, claimed_by=None, claimed_until=None)
    write_audit(
        by=by, action="task.reassigned", now=now, target=task, label=task.title,
        detail={"from": str(was) if was else None, "to": str(owner) if owner else None},
    )  # fmt: skip
    return task


def _same(task: Task) -> Q | None:
    """What makes another row the same task, as the unique keys have it."""
    if task.external_id:
        return Q(external_id=task.external_id)
    if task.about_id:
        return Q(about_type=task.about_type, about_id=task.about_id, kind=task.kind)
    return None


def _close(task: Task, *, by: Actor, now: datetime, state: str, outcome: str, note: str) -> None:
    _update_open(
        task, state=state, outcome=outcome, note=note.strip(), closed_at=now, closed_by=by.member,
        claimed_by=None, claimed_until=None,
    )  # fmt: skip
    if task.about_type == "step_run":
        # A sequence waits for this: its app lies above, so it is rung by its lane, not called.
        lanes.mark(workspace_id=task.workspace_id, kind="enrolments", due=now)


def _update_open(task: Task, **values: Any) -> None:
    """Write to an open task; 0 rows changed means somebody closed it first."""
    if not Task.objects.filter(pk=task.pk, state=Task.State.OPEN).update(**values):
        _refuse_closed(task)
    for name, value in values.items():
        setattr(task, name, value)


def _refuse_closed(task: Task) -> None:
    found = Task.objects.select_related("closed_by").filter(pk=task.pk).first()
    if found is None:
        raise Conflict("This task is gone.", code="closed")
    if found.state != Task.State.OPEN:
        who = f" by {found.closed_by}" if found.closed_by else ""
        raise Conflict(f"This task was {found.get_state_display().lower()}{who} already.", code="closed")
