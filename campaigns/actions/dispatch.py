"""The dispatcher: take a lane, enter its workspace, do a batch there, move the lane on (design.md idea 6 and section 5)."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Min, OuterRef, Subquery

from campaigns.actions.clicks import sweep_hits
from campaigns.actions.domains import sweep_domains
from campaigns.actions.health import look_after_mailboxes
from campaigns.actions.outcomes import settle_dead
from campaigns.actions.planning import begin_due_steps
from campaigns.actions.sending import send_due
from campaigns.actions.sequences import wake_sequence
from campaigns.actions.steps import (
    CAMPAIGN_LANE,
    ENROLMENTS_LANE,
    MAILBOX_LANE,
    settle_closed_tasks,
    stop_enrolment,
)
from campaigns.models import Enrolment, Mailbox, Message, Sequence, StepRun
from campaigns.models.mailboxes import SENDING_STATES
from leadgen.core import lanes, restore
from leadgen.core.crash import crash_point
from leadgen.core.logging import log
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from leadgen.core.threads import side_by_side
from prospects.models import Campaign, Task

BATCH = 200


@dataclass(slots=True)
class Turn:
    """What one dispatcher turn did, over all lanes it took."""

    begun: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    held: int = 0
    lanes: int = 0
    unfinished: bool = False  # its time was over before the work was
    reasons: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def add(self, other: "Turn") -> None:
        """What another thread of the same turn did."""
        for name in ("begun", "sent", "blocked", "failed", "unknown", "held", "lanes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unfinished = self.unfinished or other.unfinished
        self.reasons = list(dict.fromkeys([*self.reasons, *other.reasons]))[:20]


type Work = Callable[[Lane, datetime, Turn, float | None], datetime | None]


# How long a turn goes on with one `now`: windows, gaps and freshness are judged by it, so it must not grow old.
TURN_SECONDS = 30.0


def dispatch_once(
    *, now: datetime, max_lanes: int = 1000, workspace_id: uuid.UUID | None = None, seconds: float | None = None
) -> Turn:
    """Everything that is due at `now`, once. Call outside of any transaction.

    With `seconds` it stops between two batches once they are over, and says so (`unfinished`). A lane that raises is pushed a minute
    ahead before the error goes on, so that a poison row cannot stop the others.
    """
    turn = Turn()
    until = None if seconds is None else time.monotonic() + seconds
    held = restore.check(now=now)
    if held:
        # Not even steps are begun: what a restored database thinks is due may have been done before the restore.
        turn.reasons.append(held)
        return turn
    # Each kind may make the next one due: steps that are begun make mail.
    if not lanes.count_due(kinds=list(WORKS), now=now, limit=1):
        return turn
    for kind, work in WORKS.items():
        _drain(kind, work, turn, now, until, max_lanes)
        if turn.unfinished:
            break
    return turn


def _drain(kind: str, work: Work, turn: Turn, now: datetime, until: float | None, max_lanes: int) -> None:
    """Take lanes of one kind until none is due. Several at once: a mailbox's server and the disk are waited for, and
    another mailbox can be served meanwhile. Who takes a lane is settled by its lease, as between two processes."""
    places = iter(range(max_lanes))
    merging = threading.Lock()

    def drain() -> None:
        mine = Turn()
        try:
            while next(places, None) is not None:
                if _over(until):
                    mine.unfinished = True
                    return
                if not _one_lane(kind, work, mine, now, until):
                    return
        finally:
            with merging:
                turn.add(mine)

    due = lanes.count_due(kinds=[kind], now=now, limit=settings.DISPATCH_THREADS)
    if due:
        side_by_side(drain, due)


def _one_lane(kind: str, work: Work, turn: Turn, now: datetime, until: float | None) -> bool:
    """Take one lane and do its work; False where none is due."""
    lane = lanes.take(kind=kind, now=now, lease_seconds=settings.LANE_LEASE_SECONDS)
    if lane is None:
        return False
    turn.lanes += 1
    try:
        next_due = work(lane, now, turn, until)
    except Exception:
        lanes.move_on(lane, next_due=now + timedelta(minutes=1))
        log.error("lane_failed", kind=kind, workspace=str(lane.workspace_id))
        raise
    # Work at or before `now` that is left gets another turn at once; the same instant would loop for ever.
    lanes.move_on(lane, next_due=next_due)
    return True


def _over(until: float | None) -> bool:
    return until is not None and time.monotonic() > until


def _goes_on(lane: Lane, turn: Turn, until: float | None) -> bool:
    """After a batch: hold the lane for the next one. False: time is over, or somebody else took the lane."""
    if _over(until):
        turn.unfinished = True
        return False
    return lanes.prolong(lane, lease_seconds=settings.LANE_LEASE_SECONDS)


def _campaign(lane: Lane, now: datetime, turn: Turn, until: float | None) -> datetime | None:
    """A campaign changed below us: wake what it held, or stop everybody where it is over."""
    with workspace_scope(lane.workspace_id):
        campaign = Campaign.objects.filter(pk=lane.key).first()
        if campaign is None:
            return None
        if campaign.state == Campaign.State.ACTIVE:
            for sequence in Sequence.objects.filter(campaign=campaign, state=Sequence.State.ACTIVE):
                wake_sequence(sequence=sequence, now=now)
            return None
        if campaign.state != Campaign.State.ENDED:
            return None
    while True:
        with workspace_scope(lane.workspace_id):
            inside = Enrolment.objects.select_related("sequence", "person__company", "lead").filter(
                sequence__campaign=campaign, state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED]
            )[:BATCH]
            stopped = [
                stop_enrolment(
                    enrolment=enrolment, reason=f"Campaign {campaign.name} has ended.", by_type="campaign", now=now
                )
                for enrolment in inside
            ]
        if len(stopped) < BATCH:
            return None


def _enrolments(lane: Lane, now: datetime, turn: Turn, until: float | None) -> datetime | None:
    while True:
        with workspace_scope(lane.workspace_id):
            settle_closed_tasks(now=now)
            begun = begin_due_steps(now=now, limit=BATCH)
            turn.begun += begun
            if begun == 0:
                return Enrolment.objects.filter(
                    state=Enrolment.State.ACTIVE, next_at__isnull=False, next_at__gt=now
                ).aggregate(due=Min("next_at"))["due"]
        crash_point("C2")
        if not _goes_on(lane, turn, until):
            return now


def _mailbox(lane: Lane, now: datetime, turn: Turn, until: float | None) -> datetime | None:
    mailbox_id = uuid.UUID(lane.key)
    with workspace_scope(lane.workspace_id):
        if not Mailbox.objects.filter(pk=mailbox_id).exists():
            return None
    room = None
    while True:
        report = send_due(workspace_id=lane.workspace_id, mailbox_id=mailbox_id, now=now, room=room)
        room = report.room
        for name in ("sent", "blocked", "failed", "unknown", "held"):
            setattr(turn, name, getattr(turn, name) + getattr(report, name))
        turn.reasons = list(dict.fromkeys([*turn.reasons, *report.reasons]))[:20]
        if report.next_due is None or report.next_due > now or report.attempted == 0:
            # Nothing more now. What is still due but leased elsewhere comes back by the sweep.
            return report.next_due if report.next_due is None or report.next_due > now else now + timedelta(minutes=1)
        if not _goes_on(lane, turn, until):
            return now


# In this order: a campaign that ended stops its enrolments before they begin a step, and steps make the mail.
WORKS: dict[str, Work] = {CAMPAIGN_LANE: _campaign, ENROLMENTS_LANE: _enrolments, MAILBOX_LANE: _mailbox}


def sweep_lanes(*, now: datetime) -> int:
    """Re-derive the lanes of all workspaces from their due rows: a lane is a hint, and hints may be lost. Returns lanes marked.

    Also says of mail whose sender died while handing it over that it did.
    """
    marked = 0
    for workspace_id in Lane.objects.values_list("workspace_id", flat=True).distinct():
        with workspace_scope(workspace_id):
            marked += sweep_domains(now=now) + sweep_hits(now=now)
            due = Enrolment.objects.filter(state=Enrolment.State.ACTIVE).aggregate(due=Min("next_at"))["due"]
            if (
                StepRun.objects.filter(done_at__isnull=True)
                .exclude(task__state=Task.State.OPEN)
                .filter(task__isnull=False)
                .exists()
            ):
                due = min(due, now) if due else now
            if due:
                lanes.mark(workspace_id=workspace_id, kind=ENROLMENTS_LANE, due=due)
                marked += 1
            look_after_mailboxes(now=now)
            settle_dead()
            # The first due of each mailbox by the index; grouping would read everything that is planned.
            first = Message.objects.filter(mailbox=OuterRef("pk"), state=Message.State.PLANNED).order_by("due_at")
            boxes = Mailbox.objects.filter(state__in=SENDING_STATES).annotate(due=Subquery(first.values("due_at")[:1]))
            for mailbox_id, due_at in boxes.filter(due__isnull=False).values_list("pk", "due"):
                lanes.mark(workspace_id=workspace_id, kind=MAILBOX_LANE, key=str(mailbox_id), due=due_at)
                marked += 1
    return marked
