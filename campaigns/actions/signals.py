"""Signals that enrol: prospects' triggers ask here (prospects.actions.signals_enrolling), with the checks every enrolment has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from campaigns.actions import signals_line
from campaigns.actions.enrolments import enrol_people, plan_enrolment
from campaigns.actions.signals_line import enrolled_today
from campaigns.models import Sequence as Steps
from campaigns.models import SequenceVersion, SignalEnrolment, SignalPlace, SignalSequence
from campaigns.rules import signals_line as rules
from leadgen.core.clock import local_date
from leadgen.core.errors import AppError, Invalid
from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import as_asked, viewing_as
from prospects.actions.signals_enrolling import Came, Enrolling, InLine, OutOfLine
from prospects.models import Person, Signal, SignalTrigger

LOOKED_AT = 1_000  # people of one company


def enrolling() -> Mapping[UUID, Enrolling]:
    """The triggers that enrol, by id."""
    places = SignalPlace.objects.filter(trigger=OuterRef("trigger"), state=SignalPlace.State.WAITING)
    waiting = places.order_by().values("trigger").annotate(n=Count("person", distinct=True)).values("n")
    return {
        row.trigger_id: Enrolling(
            row.sequence_id, row.sequence.name, row.per_day, row.enrolled, row.note, row.x_waiting
        )
        for row in SignalSequence.objects.select_related("sequence").annotate(x_waiting=Coalesce(Subquery(waiting), 0))
    }


def choices(kept: UUID | None) -> Sequence[tuple[str, str]]:
    """Sequences that take people now, and the one chosen before whatever became of it."""
    published = SequenceVersion.objects.filter(published_at__isnull=False).values("sequence_id")
    rows = Steps.objects.filter(pk__in=published).exclude(state=Steps.State.ARCHIVED)
    found = {row.pk: row for row in rows}
    if kept is not None and kept not in found:
        found |= {row.pk: row for row in Steps.objects.filter(pk=kept)}
    return [(str(row.pk), row.name) for row in sorted(found.values(), key=lambda row: row.name.casefold())]


def choose(*, trigger: SignalTrigger, sequence: UUID | None, per_day: int) -> None:
    """Enrol into this sequence from now on; None: no longer. Raises Invalid naming `sequence`."""
    if sequence is None:
        SignalSequence.objects.filter(trigger=trigger).delete()
        return
    held = SignalSequence.objects.filter(trigger=trigger).first()
    if (held is None or held.sequence_id != sequence) and str(sequence) not in dict(choices(None)):
        raise Invalid("Choose a sequence that is published and not archived.", field="sequence")
    SignalSequence.objects.update_or_create(
        trigger=trigger, defaults={"sequence_id": sequence, "per_day": per_day, "note": ""}
    )


def hold() -> None:
    """Two that enrol by signals wait for each other here."""
    signals_line.hold()


def enrol(*, trigger: SignalTrigger, signal: Signal, people: QuerySet[Person], cause: str, now: datetime) -> int:
    """Enrol who of these may be, those known longest first, up to today's rest of the cap; who is left over waits in
    line, and where somebody waits already everybody goes behind them. How many in both; a second time for the same signal
    nobody more, and the answer stays. A sequence that takes nobody is a note beside the trigger, never a signal that is refused."""
    setting = SignalSequence.objects.select_related("sequence").get(trigger=trigger)
    before = SignalEnrolment.objects.filter(signal=signal, trigger=trigger).first()
    if before is not None:
        return (
            before.enrolled
            + SignalPlace.objects.filter(
                signal=signal, trigger=trigger, state__in=[SignalPlace.State.WAITING, SignalPlace.State.ENROLLED]
            ).count()
        )
    ids = list(people.order_by("pk").values_list("pk", flat=True)[:LOOKED_AT])
    if not ids:
        return 0
    made, waits, note = 0, 0, ""
    blocked: dict[str, int] = {}
    # It acts for the workspace, whoever happened to tell the news.
    with viewing_as(None):
        try:
            with transaction.atomic():
                plan = plan_enrolment(sequence=setting.sequence, people=ids)
                blocked = plan.by_reason
                rest = max(setting.per_day - enrolled_today(trigger, now), 0)
                if SignalPlace.objects.filter(trigger=trigger, state=SignalPlace.State.WAITING).exists():
                    rest = 0  # who waits goes first
                chosen, later = plan.eligible[:rest], plan.eligible[rest:]
                if chosen:
                    detail = {"signal": str(signal.pk), "trigger": str(trigger.pk), "cause": cause}
                    rows = enrol_people(
                        sequence=setting.sequence, people=[row.pk for row in chosen], by=SYSTEM, now=now, cause=cause, detail=detail
                    )  # fmt: skip
                    made = len(rows)
                signals_line.join(trigger=trigger, signal=signal, people=later, now=now)
                waits = len(later)
        except AppError as error:
            note = f"{setting.sequence.name} took nobody: {error.message}"[:300]
    SignalEnrolment.objects.create(signal=signal, trigger=trigger, at=now, enrolled=made, blocked=blocked)
    SignalSequence.objects.filter(pk=setting.pk).update(enrolled=F("enrolled") + made, note=note)
    return made + waits


def came_of(trigger: SignalTrigger, limit: int) -> Sequence[Came]:
    """The last signals it looked at people for, of those that whoever asked may see."""
    rows = (
        as_asked(SignalEnrolment.objects.filter(trigger=trigger))
        .select_related("signal__company")
        .order_by("-at", "-pk")
    )
    found = list(rows[:limit])
    line = signals_line.left_of(trigger, [row.signal_id for row in found])
    came = []
    for row in found:
        since, waiting, left = line[row.signal_id]
        came.append(
            Came(row.signal, row.at, row.enrolled + since, sorted((left + Counter(row.blocked)).items()), waiting)
        )
    return came


def changed(*, trigger: SignalTrigger, now: datetime) -> None:
    """Something of it is another: its line may go on, or ends where it enrols nobody any more."""
    if SignalPlace.objects.filter(trigger=trigger, state=SignalPlace.State.WAITING).exists():
        signals_line.wake(now)


def line(trigger: SignalTrigger) -> QuerySet[SignalPlace]:
    """Places in its line that whoever asked may see, to be paged by (signal_at, id)."""
    return as_asked(signals_line.line_of(trigger.pk)).select_related("person__company", "signal__company")


def told(trigger: SignalTrigger, places: Sequence[SignalPlace], now: datetime) -> Sequence[InLine]:
    """Of a page of these: who, which place among all, why they wait, and the day of their turn as things are."""
    setting = SignalSequence.objects.filter(trigger=trigger).first()
    if setting is None or not places:
        return []
    number = {key: at for at, key in enumerate(signals_line.line_of(trigger.pk).values_list("pk", flat=True), 1)}
    left, today = setting.per_day - enrolled_today(trigger, now), _today(now)
    moves = trigger.is_active and not setting.note
    return [
        InLine(
            row.pk, place, row.person, row.signal, row.joined_at,
            rules.reason(place=place, per_day=setting.per_day, active=trigger.is_active, note=setting.note),
            rules.turn(place=place, left_today=left, per_day=setting.per_day, today=today) if moves else None,
        )
        for row in places
        if (place := number.get(row.pk))
    ]  # fmt: skip


def out_of_line(trigger: SignalTrigger, limit: int) -> Sequence[OutOfLine]:
    """The last whose turn came, of those that whoever asked may see: enrolled, or why not."""
    rows = as_asked(SignalPlace.objects.filter(trigger=trigger).exclude(state=SignalPlace.State.WAITING))
    found = rows.select_related("person__company", "signal__company").order_by("-ended_at", "-pk")[:limit]
    ended = SignalPlace.State.ENROLLED
    return [
        OutOfLine(row.pk, row.person, row.signal, row.ended_at or row.joined_at, row.state == ended, row.reason)
        for row in found
    ]


def _today(now: datetime) -> date:
    zone: str = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    return local_date(now, zone)
