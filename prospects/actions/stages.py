"""The one door of every move of a lead: writes the transition, the ledger, the audit row, and tidies what hangs on it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Max

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict
from prospects.actions.activities import record_activity
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.routing import lead_label
from prospects.models import ActivityKind, AgreementVersion, Handoff, Lead, Stage, StageTransition, Task
from prospects.models.choices import EXITS, OPEN_STAGES
from prospects.models.locks import lock, lock_row
from prospects.rules.stages import may_move

CLOSED = (*EXITS, Stage.CUSTOMER)


def lock_lead(lead: Lead) -> Lead:
    """The passed lead as it is now, locked until the transaction ends."""
    return lock_row(lead, "person", "company", "owner", "campaign")


def move_stage(
    *,
    lead: Lead,
    to: str,
    now: datetime,
    by: Actor,
    at: datetime | None = None,
    reason: str = "",
    note: str = "",
    facts: Mapping[str, Any] | None = None,
    until: date | None = None,
    version: AgreementVersion | None = None,
) -> StageTransition | None:
    """Move a lead to a stage; None where it stands there already, so a double click is one move.

    Raises Conflict for a move the funnel does not know. `facts` say what met the clause; `at` defaults to `now`. The
    passed `lead` carries the new state afterwards.
    """
    row = lock_lead(lead)
    if row.stage == to:
        return None
    if not may_move(row.stage, to):
        raise Conflict(
            f"{lead_label(row)} is {row.get_stage_display()} and cannot become {Stage(to).label}.", code="no_such_move",
            detail={"from": row.stage, "to": to},
        )  # fmt: skip
    at = at or now
    transition = write_transition(
        lead=row, from_stage=row.stage, to=to, at=at, now=now, by=by, reason=reason, note=note, facts=facts,
        version=version,
    )  # fmt: skip
    before = row.stage
    row.stage, row.stage_at, row.reason = to, at, reason if to in EXITS else ""
    row.recycled_until = until if to == Stage.RECYCLED else None
    row.closed_at = at if to in CLOSED else None
    row.save(update_fields=["stage", "stage_at", "reason", "recycled_until", "closed_at"])
    words = f"{Stage(before).label} to {Stage(to).label}"
    record_activity(
        kind=ActivityKind.STAGE, at=at, now=now, by=by, person=row.person, company=row.company, lead=row,
        campaign=row.campaign, summary=words, key=f"stage:{row.pk}:{transition.position}",
        detail={"from": before, "to": to, "reason": reason, "why": (facts or {}).get("words", "")},
    )  # fmt: skip
    write_audit(
        by=by, action="lead.stage", now=now, target=row, label=lead_label(row),
        detail={"from": before, "to": to, "reason": reason},
    )  # fmt: skip
    if to in CLOSED:
        withdraw_handoffs(lead=row, by=by, now=now)
    return transition


def write_transition(
    *,
    lead: Lead,
    from_stage: str,
    to: str,
    at: datetime | None,
    now: datetime,
    by: Actor,
    reason: str = "",
    note: str = "",
    facts: Mapping[str, Any] | None = None,
    version: AgreementVersion | None = None,
) -> StageTransition:
    """Append one move under the agreement in force. The lead is locked (or new), so positions have no gap."""
    last = StageTransition.objects.filter(lead=lead.pk).aggregate(last=Max("position"))["last"] or 0
    transition = StageTransition(
        lead=lead, from_stage=from_stage, to_stage=to, at=at, recorded_at=now, facts=dict(facts or {}), reason=reason[:120],
        version=version or ensure_first_agreement(now), note=note, member=by.member, source=by.source, position=last + 1,
    )  # fmt: skip
    transition.save()
    return transition


def withdraw_handoffs(*, lead: Lead, by: Actor, now: datetime, kind: str = "") -> None:
    """Take back what is still waiting to be accepted, with its task: the lead left, or moved on without it."""
    waiting = Handoff.objects.filter(lead=lead, state=Handoff.State.PENDING)
    for handoff in lock(waiting.filter(kind=kind) if kind else waiting):
        handoff.state, handoff.decided_at, handoff.decided_by = Handoff.State.WITHDRAWN, now, by.member
        handoff.save(update_fields=["state", "decided_at", "decided_by"])
        close_handoff_tasks(handoff=handoff, by=by, now=now, state=Task.State.CANCELLED, outcome="withdrawn")


def close_handoff_tasks(*, handoff: Handoff, by: Actor, now: datetime, state: str, outcome: str) -> None:
    """The hand-off was decided: its task leaves the queue, whoever held it."""
    Task.objects.filter(handoff=handoff, state=Task.State.OPEN).update(
        state=state, outcome=outcome, closed_at=now, closed_by=by.member
    )


def is_open(lead: Lead) -> bool:
    return lead.stage in OPEN_STAGES


def record_decision(
    *, handoff: Handoff, state: str, by: Actor, now: datetime, reason: str = "", note: str = ""
) -> Handoff:
    """Write a hand-off's acceptance or rejection: the row (locked by the caller), its task, the ledger, the audit."""
    handoff.state, handoff.decided_at, handoff.decided_by = state, now, by.member
    handoff.reason, handoff.decision_note = reason, note
    handoff.save(update_fields=["state", "decided_at", "decided_by", "reason", "decision_note", "to_member"])
    close_handoff_tasks(handoff=handoff, by=by, now=now, state=Task.State.DONE, outcome=state)
    lead = handoff.lead
    words = f"{handoff.get_kind_display()}: {handoff.get_state_display().lower()}"
    record_activity(
        kind=ActivityKind.HANDOFF_DECIDED, at=now, now=now, by=by, person=lead.person, company=lead.company, lead=lead,
        summary=words, about=("handoff", handoff.pk), key=f"handoff:{handoff.pk}:decided",
        detail={"kind": handoff.kind, "state": state, "reason": reason},
    )  # fmt: skip
    write_audit(
        by=by, action=f"handoff.{state}", now=now, target=handoff, label=lead_label(lead),
        detail={"kind": handoff.kind, "reason": reason},
    )  # fmt: skip
    return handoff


def accept_waiting(*, lead: Lead, kind: str, by: Actor, now: datetime) -> None:
    """Whoever does the next team's work on a lead (opens its deal) has accepted the hand-off that waits for it."""
    for handoff in lock(
        Handoff.objects.select_related("lead").filter(lead=lead, kind=kind, state=Handoff.State.PENDING)
    ):
        handoff.to_member = by.member or handoff.to_member
        record_decision(handoff=handoff, state=Handoff.State.ACCEPTED, by=by, now=now)
