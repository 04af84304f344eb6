"""LinkedIn touches that went out and what became of them, as far as somebody looked. LinkedIn tells no program."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Member
from campaigns.models import Enrolment, Step, StepRun
from prospects.models import Person, Task

type RunQuery = QuerySet[StepRun]

KINDS = (Step.Kind.LINKEDIN_REQUEST, Step.Kind.LINKEDIN_MESSAGE)
TASKS = (Task.Kind.LINKEDIN_REQUEST, Task.Kind.LINKEDIN_MESSAGE)
INSIDE = (Enrolment.State.ACTIVE, Enrolment.State.PAUSED)
# Touches older than this are looked at no more, unless they hold a sequence: those are never older.
HORIZON = timedelta(days=180)
MOST = 500


@dataclass(frozen=True, slots=True)
class Wait:
    """Why the next touch does not go yet (`hold`, until `until` or a look), or never (`skip`)."""

    reason: str
    until: datetime | None = None
    skip: bool = False


def unanswered() -> Q:
    """Touches that went out and nothing is known of: a request neither accepted nor answered, a message not answered."""
    # Somebody may have said that they are connected before the request's task was closed.
    open_to = ["", "requested"]
    request = Q(
        step__kind=Step.Kind.LINKEDIN_REQUEST, accepted_at__isnull=True, enrolment__person__linkedin_status__in=open_to
    )
    message = Q(step__kind=Step.Kind.LINKEDIN_MESSAGE)
    return (request | message) & Q(outcome="sent", done_at__isnull=False, answered_at__isnull=True)


def unchecked_reason(enrolment: Enrolment, now: datetime) -> str:
    """Why the next touch of this enrolment is held: nobody looked for N days whether they answered. '' where it may go.

    N is the sequence's `linkedin_check_days`; 0 holds nothing.
    """
    days = enrolment.sequence.linkedin_check_days
    if not days:
        return ""
    for run in StepRun.objects.filter(unanswered(), enrolment=enrolment).select_related("step").order_by("done_at"):
        looked = last_look(run)
        if now - looked >= timedelta(days=days):
            name = enrolment.person.first_name or str(enrolment.person)
            return f"Held: nobody looked whether {name} answered on LinkedIn since {looked.day} {looked:%b}; check it"
    return ""


def wait_of(enrolment: Enrolment, step: Step, now: datetime) -> Wait | None:
    """Why `step`, the next of this enrolment, must wait for LinkedIn or be left out; None: it may begin.

    Ask only where an earlier step of the version is a LinkedIn one (it reads the step runs).
    """
    if step.kind == Step.Kind.WAIT:
        return None
    reason = unchecked_reason(enrolment, now)
    if reason:
        return Wait(reason)
    if step.kind != Step.Kind.LINKEDIN_MESSAGE or enrolment.person.linkedin_status == "connected":
        return None
    days = enrolment.sequence.linkedin_check_days
    request = (
        StepRun.objects.filter(unanswered(), enrolment=enrolment, step__kind=Step.Kind.LINKEDIN_REQUEST)
        .order_by("-done_at")
        .first()
    )
    if request is None or request.done_at is None or not days:
        return None
    name = enrolment.person.first_name or str(enrolment.person)
    sent = f"{request.done_at.day} {request.done_at:%b}"
    until = request.done_at + timedelta(days=days)
    if now < until:
        words = (
            f"Held: {name} has not accepted the LinkedIn request of {sent} yet; left out from {until.day} {until:%b}"
        )
        return Wait(words, until)
    return Wait(f"Not connected: {name} did not accept the LinkedIn request of {sent}", skip=True)


def last_look(run: StepRun) -> datetime:
    """When somebody last knew how it stands: the last look, else the touch itself."""
    assert run.done_at is not None
    return max(run.checked_at, run.done_at) if run.checked_at else run.done_at


def open_touches(people: Iterable[UUID]) -> RunQuery:
    """Sent touches of these people that nothing is known of."""
    rows: RunQuery = StepRun.objects.filter(unanswered(), enrolment__person__in=list(people))
    return rows


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the page: a touch that waits for a look, whose it is, and what it holds up (words, or '')."""

    run: StepRun
    person: Person
    enrolment: Enrolment
    sent_at: datetime
    looked_at: datetime
    owner: Member | None
    holds: str

    @property
    def is_request(self) -> bool:
        return self.run.step.kind == Step.Kind.LINKEDIN_REQUEST


@dataclass(frozen=True, slots=True)
class Checks:
    """What waits for a look; `cut` where there is more than is read at once."""

    rows: list[Check]
    cut: bool


def checks_of(
    *, member: Member | None, now: datetime, who: str = "", sequence: UUID | None = None, everything: bool = False
) -> Checks:
    """Touches to look at: mine first (only mine: `who` "mine"), what holds a sequence before the rest, the oldest first.

    One that was looked at within a day is left out, unless `everything`. Two queries, whatever their number.
    """
    # Named one by one, members are what the index of closed tasks is led by.
    people = [member.pk] if who == "mine" and member is not None else list(Member.objects.values_list("pk", flat=True))
    done = Task.objects.filter(
        closed_by__in=people, closed_at__gte=now - HORIZON, kind__in=TASKS, state=Task.State.DONE, outcome="sent",
        about_type="step_run",
    )  # fmt: skip
    rows = StepRun.objects.filter(unanswered(), pk__in=done.values("about_id"), enrolment__state__in=INSIDE)
    if sequence is not None:
        rows = rows.filter(enrolment__sequence=sequence)
    if not everything:
        rows = rows.exclude(checked_at__gt=now - timedelta(days=1))
    related = ("step", "task__closed_by", "enrolment__sequence", "enrolment__owner", "enrolment__person__company")
    found = [_check(run, now) for run in rows.select_related(*related).order_by("done_at", "pk")[: MOST + 1]]
    mine = member.pk if member is not None else None

    def place(check: Check) -> tuple[bool, bool, datetime]:
        return (check.owner is None or check.owner.pk != mine, not check.holds, check.looked_at)

    return Checks(sorted(found[:MOST], key=place), len(found) > MOST)


def _check(run: StepRun, now: datetime) -> Check:
    enrolment = run.enrolment
    days = enrolment.sequence.linkedin_check_days
    looked = last_look(run)
    holds = "holds the next touch" if days and now - looked >= timedelta(days=days) else ""
    closer = run.task.closed_by if run.task is not None else None
    assert run.done_at is not None
    return Check(run, enrolment.person, enrolment, run.done_at, looked, closer or enrolment.owner, holds)
