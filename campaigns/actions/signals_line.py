"""People whom a trigger may not enrol today because its cap is reached: they wait in line, the oldest signal first.

Each day the line goes on by the cap. Whose turn it is is looked at again as if the news came now: suppressed, in a sequence
already, not in the segment any more, news too old: said, and not enrolled. A turn of a trigger is one transaction behind
the lock that enrolling by signals has (`hold`), so that a worker that dies leaves all of it or nothing.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from campaigns.actions.enrolments import BLOCKS, enrol_people, plan_enrolment
from campaigns.models import SignalEnrolment, SignalPlace, SignalSequence
from campaigns.rules.signals_line import LEFT
from leadgen.core import lanes
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.errors import AppError
from leadgen.core.tasks import ring
from leadgen.core.tenancy import bulk_insert, current_workspace_id, workspace_scope
from leadgen.core.visibility import viewing_as
from prospects.actions.signals_triggers import cause_of, still_meant, suggest
from prospects.models import Person, Signal, SignalTrigger
from prospects.queries.segments import members_of
from prospects.rules.signals import STALE, freshness

LANE = "signal_line"
PART = 500  # looked at in one transaction
State = SignalPlace.State


def hold() -> None:
    """Two that enrol by signals wait for each other here, in one order; so the cap holds, and nobody waits crosswise."""
    list(SignalSequence.objects.select_for_update().order_by("pk"))


def line_of(trigger: UUID) -> QuerySet[SignalPlace]:
    """Who waits, each once, in the order in which their turn comes. Sees all: narrow it by `as_asked` for a person."""
    rows = SignalPlace.objects.filter(trigger=trigger, state=State.WAITING)
    earlier = SignalPlace.objects.filter(
        Q(signal_at__lt=OuterRef("signal_at")) | Q(signal_at=OuterRef("signal_at"), pk__lt=OuterRef("pk")),
        trigger=OuterRef("trigger"), person=OuterRef("person"), state=State.WAITING,
    )  # fmt: skip
    return rows.filter(~Exists(earlier)).order_by("signal_at", "pk")


def join(*, trigger: SignalTrigger, signal: Signal, people: Sequence[Person], now: datetime) -> None:
    """Put people at their place in the line; it goes on at midnight of the workspace, or now where something is left of today."""
    if not people:
        return
    rows = [
        SignalPlace(trigger=trigger, signal=signal, person=row, signal_at=signal.at, joined_at=now) for row in people
    ]
    bulk_insert(SignalPlace, rows, ignore_conflicts=True)
    wake(now)


def wake(now: datetime) -> None:
    """Look at the workspace's lines: their trigger, its cap or its sequence is another, or somebody came."""
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now)
    ring("campaigns.enrol_from_line")


def enrolled_today(trigger: SignalTrigger, now: datetime) -> int:
    """By its signals and from its line, since midnight of the workspace."""
    midnight = _midnight(now)
    at_once = SignalEnrolment.objects.filter(trigger=trigger, at__gte=midnight).aggregate(n=Sum("enrolled"))["n"]
    later = SignalPlace.objects.filter(trigger=trigger, state=State.ENROLLED, ended_at__gte=midnight).count()
    return int(at_once or 0) + later


def run_lane(workspace_id: UUID, *, now: datetime) -> datetime | None:
    """Let every line of a workspace go on by what is left of the day; when to look again (None: nobody waits)."""
    with workspace_scope(workspace_id):
        triggers = list(SignalPlace.objects.filter(state=State.WAITING).values_list("trigger_id", flat=True).distinct())
    for trigger in sorted(triggers):
        more = True
        while more:
            with viewing_as(None), workspace_scope(workspace_id):
                more = serve(trigger, now=now)
    with workspace_scope(workspace_id):
        waits = SignalPlace.objects.filter(state=State.WAITING, trigger__is_active=True).exists()
        return _midnight(now, days=1) if waits else None


def serve(trigger_id: UUID, *, now: datetime) -> bool:
    """Enrol the next of a trigger's line, up to today's rest of its cap; whether there is more to do at once."""
    hold()
    waiting = SignalPlace.objects.filter(trigger=trigger_id, state=State.WAITING)
    found = SignalSequence.objects.select_related("sequence", "trigger__segment", "trigger__owner")
    setting = found.filter(trigger=trigger_id).first()
    if setting is None:
        _leave(list(waiting), "off", LEFT["off"], now)
        return False
    trigger = setting.trigger
    rest = setting.per_day - enrolled_today(trigger, now)
    if not trigger.is_active or rest <= 0:
        return False
    rows = list(waiting.select_related("signal", "person").order_by("signal_at", "pk")[:PART])
    if not rows:
        return False
    try:
        with transaction.atomic():
            out = _refused(trigger, rows, now)
            plan = plan_enrolment(
                sequence=setting.sequence, people=[row.person_id for row in rows if row.pk not in out]
            )
            for row in rows:
                if row.pk not in out and row.person_id in plan.blocked:
                    out[row.pk] = plan.blocked[row.person_id]
            made = _enrol(setting, [row for row in rows if row.pk not in out], rest, now)
    except AppError as error:
        # Nobody is passed over for what is not theirs: the line stands, and says why, until the sequence takes people again.
        _note(setting, error)
        return False
    why: dict[tuple[str, str], list[SignalPlace]] = {}
    for row in rows:
        if row.pk in out:
            why.setdefault(out[row.pk], []).append(row)
    for (code, reason), left in why.items():
        _leave(left, code, reason, now)
    again = list(SignalPlace.objects.filter(trigger=trigger, state=State.WAITING, person__in=made))
    _leave(again, "already", "Enrolled by an earlier signal of this trigger", now)
    SignalSequence.objects.filter(pk=setting.pk).update(enrolled=F("enrolled") + len(made), note="")
    if made:
        SignalTrigger.objects.filter(pk=trigger.pk).update(fired_at=now)
    _tell_of_nobody(trigger, [row.signal for row in rows if row.pk in out], now)
    return bool(out or made) and len(made) < rest and waiting.exists()


def _refused(trigger: SignalTrigger, rows: Sequence[SignalPlace], now: datetime) -> dict[UUID, tuple[str, str]]:
    """Whom the trigger does not mean any more: place -> (code, reason). Raises Invalid where its segment cannot be read."""
    assert trigger.segment is not None, "a trigger that enrols has a segment of people (_choose)"
    people = {row.person_id for row in rows}
    inside = set(members_of(trigger.segment, now=now).order_by().filter(pk__in=people).values_list("pk", flat=True))
    fresh = {row.signal for row in rows if freshness(row.signal.kind, row.signal.at, now) >= STALE}
    meant = still_meant(trigger, list(fresh), now)
    found: dict[UUID, tuple[str, str]] = {}
    for row in rows:
        signal = row.signal
        if signal.state != Signal.State.MATCHED:
            found[row.pk] = ("dismissed", LEFT["dismissed"])
        elif signal not in fresh:
            found[row.pk] = ("stale", f"The news of {signal.at:%d %b %Y} was too old when their turn came")
        elif row.person_id not in inside:
            found[row.pk] = ("segment", LEFT["segment"])
        elif signal.pk not in meant:
            found[row.pk] = ("unasked", LEFT["unasked"])
        elif signal.person_id != row.person_id and signal.company_id != row.person.company_id:
            found[row.pk] = ("moved", LEFT["moved"])
    return found


def _enrol(setting: SignalSequence, rows: Sequence[SignalPlace], rest: int, now: datetime) -> set[UUID]:
    """Enrol the first of these, each by the signal that put them in line; the people who are inside now."""
    chosen: dict[UUID, SignalPlace] = {}
    for row in rows:
        if len(chosen) < rest:
            chosen.setdefault(row.person_id, row)
    made: set[UUID] = set()
    for signal in dict.fromkeys(row.signal for row in chosen.values()):
        theirs = [row for row in chosen.values() if row.signal_id == signal.pk]
        cause = cause_of(setting.trigger, signal)
        detail = {"signal": str(signal.pk), "trigger": str(setting.trigger_id), "cause": cause}
        enrolled = enrol_people(
            sequence=setting.sequence, people=[row.person_id for row in theirs], by=SYSTEM, now=now, cause=cause, detail=detail
        )  # fmt: skip
        inside = {row.person_id for row in enrolled}
        places = [row.pk for row in theirs if row.person_id in inside]
        SignalPlace.objects.filter(pk__in=places).update(state=State.ENROLLED, ended_at=now)
        made |= inside
    return made


def _leave(rows: Sequence[SignalPlace], code: str, reason: str, now: datetime) -> None:
    SignalPlace.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.LEFT, code=code, reason=reason[:300], ended_at=now
    )


def _tell_of_nobody(trigger: SignalTrigger, signals: Sequence[Signal], now: datetime) -> None:
    """News that is fresh and of which in the end nobody was enrolled makes its to-do after all, so that it is not lost."""
    asked = {row.pk: row for row in signals if row.state == Signal.State.MATCHED}
    busy = SignalPlace.objects.filter(trigger=trigger, signal__in=asked).filter(
        ~Q(state=State.LEFT) | Q(code="already")
    )
    at_once = SignalEnrolment.objects.filter(trigger=trigger, signal__in=asked, enrolled__gt=0)
    done = set(busy.values_list("signal_id", flat=True)) | set(at_once.values_list("signal_id", flat=True))
    fresh = [row for key, row in asked.items() if key not in done and freshness(row.kind, row.at, now) >= STALE]
    meant = still_meant(trigger, fresh, now) if fresh else set()
    for row in fresh:
        if row.pk in meant:
            suggest(trigger, row, now)


def left_of(trigger: SignalTrigger, signals: Sequence[UUID]) -> dict[UUID, tuple[int, int, Counter[str]]]:
    """What became of those who waited for these signals: signal -> (enrolled since, waiting, reason -> how many)."""
    found: dict[UUID, tuple[int, int, Counter[str]]] = {key: (0, 0, Counter()) for key in signals}
    rows = SignalPlace.objects.filter(trigger=trigger, signal__in=signals)
    for key, state, code in rows.values_list("signal_id", "state", "code"):
        enrolled, waiting, left = found[key]
        if state == State.LEFT:
            left[LEFT.get(code) or BLOCKS.get(code, code)] += 1
        found[key] = (enrolled + (state == State.ENROLLED), waiting + (state == State.WAITING), left)
    return found


def _note(setting: SignalSequence, error: AppError) -> None:
    SignalSequence.objects.filter(pk=setting.pk).update(
        note=f"{setting.sequence.name} took nobody: {error.message}"[:300]
    )


def _midnight(now: datetime, days: int = 0) -> datetime:
    zone: Any = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    return start_of_day(local_date(now, zone) + timedelta(days=days), zone)
