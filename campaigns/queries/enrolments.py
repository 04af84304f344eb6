"""Enrolments as pages show them: what comes next for each person, when on their clock, and why it waits."""

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.models import Workspace
from campaigns.models import Enrolment, Mailbox, Message, Step, StepRun
from campaigns.queries.mail import zone_for
from campaigns.queries.mailboxes import state_words
from campaigns.queries.verdicts import held_by_sequence
from campaigns.rules.schedule import zone_of
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Person, Task
from prospects.queries.people import containing as people_containing

ORDERS = ("enrolled_at", "next_at")
NULLABLE = ("next_at",)
TONES: dict[str, str] = {
    Enrolment.State.ACTIVE: "primary",
    Enrolment.State.PAUSED: "neutral",
    Enrolment.State.FINISHED: "success",
    Enrolment.State.STOPPED: "neutral",
}
# What ended an enrolment early, in words; other types say it in their reason.
STOPPED_BY = {
    "reply": "replied", "company_reply": "a colleague replied", "bounce": "bounced", "unsubscribe": "unsubscribed",
    "suppressed": "suppressed", "person": "stopped by hand", "left_company": "left the company", "failed": "mail failed",
    "campaign": "campaign ended",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NextAction:
    """`what` comes next ("Step 2, E-mail"), `at` and on the person's clock `local` ("Thu 09:10 their time"), `why` it waits."""

    what: str = ""
    at: datetime | None = None
    local: str = ""
    why: str = ""
    message_id: UUID | None = None
    mailbox: str = ""

    @property
    def words(self) -> str:
        """ "Thu 09:10 their time, step 4, from sam@acme.example"."""
        parts = [self.local, self.what[:1].lower() + self.what[1:] if self.local else self.what]
        return ", ".join(filter(None, [*parts, f"from {self.mailbox}" if self.mailbox else ""]))


def with_related(queryset: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    return queryset.select_related(
        "person__company", "person__owner", "sequence__campaign", "version", "mailbox", "owner", "lead", "enrolled_by"
    )


def containing(queryset: QuerySet[Enrolment], text: str) -> QuerySet[Enrolment]:
    """Enrolments of people whose name, address or company has the words."""
    return queryset.filter(person__in=people_containing(Person.objects.all(), text).values("pk"))


def next_actions(enrolments: SequenceOf[Enrolment], now: datetime) -> dict[UUID, NextAction]:
    """What comes next for each, by id; load them `with_related`. Four queries however many."""
    running = [row for row in enrolments if row.state in {Enrolment.State.ACTIVE, Enrolment.State.PAUSED}]
    ids = [row.pk for row in running]
    found = {row.pk: NextAction() for row in enrolments}
    if not running:
        return found
    workspace = Workspace.objects.get(pk=current_workspace_id())
    open_states = [Message.State.PLANNED, Message.State.UNKNOWN]
    messages = {
        message.enrolment_id: message
        for message in Message.objects.filter(enrolment__in=ids, state__in=open_states)
        .select_related("step", "mailbox")
        .order_by("created_at")
    }
    tasks = {
        run.enrolment_id: run
        for run in StepRun.objects.filter(enrolment__in=ids, done_at__isnull=True, task__state=Task.State.OPEN)
        .select_related("step", "task__owner")
        .order_by("begun_at")
    }
    steps: dict[UUID, list[Step]] = {}
    for step in Step.objects.filter(version__in={row.version_id for row in running}).order_by("position"):
        steps.setdefault(step.version_id, []).append(step)
    for row in running:
        zone = zone_for(row.person, workspace)
        found[row.pk] = _next_of(row, messages.get(row.pk), tasks.get(row.pk), steps.get(row.version_id, []), zone, now)
    return found


def local_words(at: datetime, zone: str, now: datetime) -> str:
    """ "Thu 09:10 their time", or with the date where it is a week or more away."""
    try:
        there, today = at.astimezone(zone_of(zone)), now.astimezone(zone_of(zone))
    except Invalid:
        # An import may have brought a word that is no zone.
        return f"{at:%a %-d %b %H:%M} UTC"
    far = abs((there.date() - today.date()).days) > 6
    return f"{there:%a %-d %b %H:%M} their time" if far else f"{there:%a %H:%M} their time"


def _next_of(
    row: Enrolment, message: Message | None, run: StepRun | None, steps: list[Step], zone: str, now: datetime
) -> NextAction:
    held = held_by_sequence(row.sequence, None)
    above = held.reason if held else ""
    if message is not None:
        what = _step_words(message.step, message.subject)
        if message.state == Message.State.UNKNOWN:
            why = "Waits: it is not known whether this e-mail was delivered. Settle it, or wait for evidence."
            return NextAction(what, None, "", message.reason if row.state != "active" else why, message.pk)
        above = above or ("" if message.mailbox.sends else state_words(message.mailbox))
        why = row.reason if row.state == Enrolment.State.PAUSED else above or message.hold_reason
        waits = row.state == Enrolment.State.PAUSED or bool(above)
        if waits:
            return NextAction(what, None, "", why, message.pk, message.mailbox.address)
        local = local_words(message.due_at, zone, now) if message.due_at > now else "now"
        return NextAction(
            what, message.due_at, local, why or "Goes out at its time.", message.pk, message.mailbox.address
        )
    if run is not None and run.task is not None:
        whose = run.task.owner or "somebody"
        why = f"Waits for {whose} to do it."
        return NextAction(_step_words(run.step, ""), run.task.due_at, "", row.reason if row.state == "paused" else why)
    step = next((step for step in steps if step.position > row.position), None)
    what = _step_words(step, "") if step else "The end"
    if row.state == Enrolment.State.PAUSED:
        return NextAction(what, None, "", row.reason)
    if above:
        return NextAction(what, None, "", above)
    if row.next_at is None:
        return NextAction(what, None, "", row.wait_reason or "Waits for the step before.")
    box = row.mailbox if step and step.kind == Step.Kind.EMAIL else None
    mailbox = box.address if box else ""
    if box is not None and not box.sends and row.next_at <= now + timedelta(hours=24):
        return NextAction(what, None, "", state_words(box), None, mailbox)
    if row.next_at <= now:
        return NextAction(what, now, "now", "Due: it begins with the next turn of the worker.", None, mailbox)
    return NextAction(
        what, row.next_at, local_words(row.next_at, zone, now), row.wait_reason or "Waits for its time.", None, mailbox
    )


def _step_words(step: Step | None, subject: str) -> str:
    if step is None:
        return subject
    return f"Step {step.position}, {step.get_kind_display()}"


def state_counts(**filters: object) -> dict[str, int]:
    """Enrolments by state, every state named."""
    counts = dict.fromkeys(Enrolment.State.values, 0)
    for row in Enrolment.objects.filter(**filters).order_by().values("state").annotate(n=Count("id")):
        counts[row["state"]] = row["n"]
    return counts


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step of an enrolment: what became of it, with its message or task if it made one."""

    step: Step
    run: StepRun | None
    message: Message | None

    @property
    def words(self) -> str:
        """The outcome in words: a message's state, a task's outcome, or what it waits for."""
        if self.message is not None:
            return str(self.message.get_state_display())
        if self.run is None:
            return "Not begun"
        if self.run.done_at is None:
            return "Waits"
        return self.run.outcome.replace("_", " ").capitalize() or "Done"

    @property
    def why(self) -> str:
        if self.message is not None:
            return self.message.reason or self.message.hold_reason
        return self.run.task.note if self.run and self.run.task else ""


def steps_of(enrolment: Enrolment) -> list[StepDone]:
    """Every step of the enrolment's version with what became of it; three queries."""
    runs = {
        run.step_id: run
        for run in StepRun.objects.filter(enrolment=enrolment).select_related("task__owner", "task__closed_by")
    }
    messages = {
        message.step_id: message for message in Message.objects.filter(enrolment=enrolment).select_related("mailbox")
    }
    steps = Step.objects.filter(version_id=enrolment.version_id).order_by("position")
    return [StepDone(step, runs.get(step.pk), messages.get(step.pk)) for step in steps]


def current_of(person: Person) -> Enrolment | None:
    """The enrolment a person is in, else the last they were in."""
    rows = with_related(Enrolment.objects.filter(person=person))
    inside = Q(state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED])
    return rows.filter(inside).first() or rows.order_by("-enrolled_at", "-id").first()


def daily_capacity(mailboxes: SequenceOf[Mailbox]) -> int:
    """First e-mails a day the pool can carry at most: mailboxes on hold carry none."""
    return sum(mailbox.cap for mailbox in mailboxes if mailbox.sends)
