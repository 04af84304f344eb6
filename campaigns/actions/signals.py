"""Signals that enrol: prospects' triggers ask here (prospects.actions.signals_enrolling), with the checks every enrolment has."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, QuerySet, Sum

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from campaigns.actions.enrolments import enrol_people, plan_enrolment
from campaigns.models import Sequence as Steps
from campaigns.models import SequenceVersion, SignalEnrolment, SignalSequence
from leadgen.core.errors import AppError, Invalid
from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import as_asked, viewing_as
from prospects.actions.signals_enrolling import Came, Enrolling
from prospects.models import Person, Signal, SignalTrigger

LOOKED_AT = 1_000  # people of one company
OVER = "the trigger’s cap of the day was reached"


def enrolling() -> Mapping[UUID, Enrolling]:
    """The triggers that enrol, by id."""
    return {
        row.trigger_id: Enrolling(row.sequence_id, row.sequence.name, row.per_day, row.enrolled, row.note)
        for row in SignalSequence.objects.select_related("sequence")
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
    """Two that enrol wait for each other here, in one order; so the cap holds, and nobody waits crosswise for sequences."""
    list(SignalSequence.objects.select_for_update().order_by("pk"))


def enrol(*, trigger: SignalTrigger, signal: Signal, people: QuerySet[Person], cause: str, now: datetime) -> int:
    """Enrol who of these may be, those known longest first, up to today's rest of the cap; how many. A second time
    for the same signal nobody is, and the answer stays. A sequence that takes nobody is a note beside the trigger, never a signal that is refused."""
    setting = SignalSequence.objects.select_related("sequence").get(trigger=trigger)
    before = SignalEnrolment.objects.filter(signal=signal, trigger=trigger).first()
    if before is not None:
        return before.enrolled
    ids = list(people.order_by("pk").values_list("pk", flat=True)[:LOOKED_AT])
    if not ids:
        return 0
    made, note = 0, ""
    blocked: dict[str, int] = {}
    # It acts for the workspace, whoever happened to tell the news.
    with viewing_as(None):
        try:
            with transaction.atomic():
                plan = plan_enrolment(sequence=setting.sequence, people=ids)
                blocked = plan.by_reason
                chosen = plan.eligible[: max(setting.per_day - _today(trigger, now), 0)]
                if len(plan.eligible) > len(chosen):
                    blocked[OVER] = len(plan.eligible) - len(chosen)
                if chosen:
                    detail = {"signal": str(signal.pk), "trigger": str(trigger.pk), "cause": cause}
                    rows = enrol_people(
                        sequence=setting.sequence, people=[row.pk for row in chosen], by=SYSTEM, now=now, cause=cause, detail=detail
                    )  # fmt: skip
                    made = len(rows)
        except AppError as error:
            note = f"{setting.sequence.name} took nobody: {error.message}"[:300]
    SignalEnrolment.objects.create(signal=signal, trigger=trigger, at=now, enrolled=made, blocked=blocked)
    SignalSequence.objects.filter(pk=setting.pk).update(enrolled=F("enrolled") + made, note=note)
    return made


def came_of(trigger: SignalTrigger, limit: int) -> Sequence[Came]:
    """The last signals it looked at people for, of those that whoever asked may see."""
    rows = (
        as_asked(SignalEnrolment.objects.filter(trigger=trigger))
        .select_related("signal__company")
        .order_by("-at", "-pk")
    )
    return [Came(row.signal, row.at, row.enrolled, sorted(row.blocked.items())) for row in rows[:limit]]


def _today(trigger: SignalTrigger, now: datetime) -> int:
    zone = ZoneInfo(Workspace.objects.get(pk=current_workspace_id()).time_zone)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    total = SignalEnrolment.objects.filter(trigger=trigger, at__gte=midnight).aggregate(n=Sum("enrolled"))["n"]
    return int(total or 0)
