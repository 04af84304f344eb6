"""The work queue of a member: lanes with counts, one ranked list, today's progress. A constant number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.models import Member, Workspace
from accounts.permissions import allows
from campaigns.models import InboundMail
from campaigns.rules import queue as rules
from leadgen.core.clock import local_date, start_of_day
from prospects.models import Person, PersonFit, Task
from prospects.queries.agreements import signed_agreement
from prospects.queries.companies import primary_icp
from prospects.queries.engagement import scores_of
from prospects.queries.people import containing
from prospects.rules.sla import Hours, add_working_minutes, is_working

K = Task.Kind
PAGE = 100
# How many open tasks are ranked; beyond it the list says so and the rest follows as these are done.
MOST = 2000
CLOSED = (Task.State.DONE, Task.State.SKIPPED)

# key, label, icon, kinds. Shown in this order; those in QUIET only while they hold something.
LANES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("all", "All due", "list-checks", ()),
    ("now", "Now, SLA running", "timer", ()),
    ("replies", "Replies", "reply", (K.REPLY,)),
    ("calls", "Calls due", "phone", (K.CALL,)),
    ("linkedin", "LinkedIn tasks", "link", (K.LINKEDIN_REQUEST, K.LINKEDIN_MESSAGE)),
    ("emails", "Manual e-mails", "pencil", (K.MANUAL_EMAIL,)),
    ("handoffs", "Hand-offs", "handshake", (K.HANDOFF,)),
    ("inbound", "Inbound", "magnet", (K.INBOUND,)),
    ("todos", "To-dos", "list-todo", (K.TODO,)),
    ("overdue", "Overdue", "circle-alert", ()),
    ("later", "Later", "calendar-clock", ()),
    ("snoozed", "Snoozed", "moon", ()),
    ("done", "Done today", "check", ()),
)
QUIET = {"inbound", "todos", "later"}
LANE_LABELS = {key: label for key, label, _, _ in LANES}
KINDS = {key: kinds for key, _, _, kinds in LANES if kinds}
# "": mine and nobody's, which is what I can work on.
MINE, UNOWNED, EVERYBODY = "mine", "none", "all"


@dataclass(frozen=True, slots=True)
class State:
    """What the URL says about the list; the same words are its parameters."""

    lane: str = "all"
    sort: str = ""
    q: str = ""
    who: str = ""
    campaign: str = ""
    shown: int = PAGE


@dataclass(slots=True)
class Row:
    """One line of the list."""

    task: Task
    why: str
    badge: str
    tone: str
    clock: datetime | None
    sla: timedelta | None
    paused: str


@dataclass(frozen=True, slots=True)
class Progress:
    """ "17 of 42, started 09:02, about 55 min left"; `minutes` is None where today says too little."""

    done: int
    total: int
    started: datetime | None
    minutes: int | None


@dataclass(slots=True)
class Queue:
    """Everything the page shows around the open item."""

    rows: list[Row]
    total: int
    cut: bool
    lanes: list[dict[str, Any]]
    progress: Progress
    following: UUID | None = None
    counts: dict[str, int] = field(default_factory=dict)


def asleep(now: datetime) -> Q:
    return Q(snoozed_until__gt=now)


def running(now: datetime) -> Q:
    """Tasks of the Now lane: a clock runs, that no human touch has stopped. Mirrors rules.clock_is_urgent."""
    untouched = ~Q(kind=K.INBOUND) | Q(lead__first_touch_at__isnull=True)
    near = ~Q(kind=K.HANDOFF) | Q(sla_due_at__lte=now + rules.HANDOFF_URGENT)
    return Q(sla_due_at__isnull=False) & untouched & near


def in_scope(member: Member, who: str) -> Q:
    """Whose tasks: '' mine and nobody's, `mine`, `none`, `all`, or a member's id. An id of nobody matches nothing."""
    if who == MINE:
        return Q(owner=member.pk)
    if who == UNOWNED:
        return Q(owner__isnull=True)
    if who == EVERYBODY:
        return Q()
    if who:
        try:
            return Q(owner=UUID(who))
        except ValueError:
            return Q(pk__in=[])
    return Q(owner=member.pk) | Q(owner__isnull=True)


def badge_count(member: Member, now: datetime) -> int:
    """Clocks that run for this member: the number on the rail. One query over their open tasks."""
    if not allows(member.role, "tasks.work"):
        return 0
    mine = Task.objects.filter(in_scope(member, ""), running(now), state=Task.State.OPEN)
    return int(mine.exclude(asleep(now)).count())


def build_queue(
    *, member: Member, workspace: Workspace, state: State, now: datetime, after: Task | None = None
) -> Queue:
    """The queue as `state` asks for it. `after` is the task just closed: `following` is what stands where it stood."""
    day_start = start_of_day(local_date(now, workspace.time_zone), workspace.time_zone)
    day_end = start_of_day(local_date(now, workspace.time_zone) + timedelta(days=1), workspace.time_zone)
    scope = _filtered(Task.objects.filter(in_scope(member, state.who)), state)
    counts = _counts(scope, now, day_start, day_end)
    finished = list(
        Task.objects.filter(closed_by=member, closed_at__gte=day_start, state__in=CLOSED)
        .order_by("closed_at")
        .values_list("closed_at", flat=True)
    )
    counts["done"] = len(finished)
    progress = Progress(
        len(finished), len(finished) + counts["all"], finished[0] if finished else None,
        rules.minutes_left(finished, counts["all"]),
    )  # fmt: skip
    chosen = _lane(scope, state.lane, now, day_start, day_end, member)
    if state.lane in ("done", "snoozed", "later"):
        order = {"done": "-closed_at", "snoozed": "snoozed_until", "later": "due_at"}[state.lane]
        page = list(chosen.order_by(order, "pk").values_list("pk", flat=True)[: state.shown])
        ranked: list[tuple[rules.Facts, rules.Rank]] = []
        rows = _plain_rows(page, state.lane, workspace)
        place = None
    else:
        ranked = _ranked(chosen, state, now, day_start, after)
        place = next((number for number, (facts, _) in enumerate(ranked) if after and facts.id == after.pk), None)
        if place is not None:
            ranked.pop(place)
        rows = _rows(ranked[: state.shown], workspace, now)
    following = None
    if rows:
        following = ranked[min(place, len(ranked) - 1)][0].id if place is not None else rows[0].task.pk
    return Queue(
        rows=rows,
        total=counts[state.lane],
        cut=counts[state.lane] > len(rows),
        lanes=[
            {"key": key, "label": label, "icon": icon, "count": counts[key], "on": key == state.lane}
            for key, label, icon, _ in LANES
            if counts[key] or key not in QUIET or key == state.lane
        ],
        progress=progress,
        following=following,
        counts=counts,
    )


def _filtered(tasks: "QuerySet[Task]", state: State) -> "QuerySet[Task]":
    if state.q:
        people = containing(Person.objects.all(), state.q).values("pk")
        tasks = tasks.filter(Q(title__icontains=state.q) | Q(person__in=people))
    if state.campaign:
        try:
            tasks = tasks.filter(campaign=UUID(state.campaign))
        except ValueError:
            return tasks.none()
    return tasks


def _due(day_end: datetime, now: datetime) -> Q:
    """Work of today: due before the day is over, a clock that runs, or somebody who answered."""
    return Q(due_at__lt=day_end) | running(now) | Q(kind__in=[K.REPLY, K.HANDOFF, K.INBOUND])


def _counts(scope: "QuerySet[Task]", now: datetime, day_start: datetime, day_end: datetime) -> dict[str, int]:
    awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
    due = awake & _due(day_end, now)
    lanes = {
        "all": due,
        "now": awake & running(now),
        "overdue": due & Q(due_at__lt=day_start),
        "later": awake & ~_due(day_end, now),
        "snoozed": asleep(now),
    } | {key: due & Q(kind__in=kinds) for key, kinds in KINDS.items()}
    found = scope.filter(state=Task.State.OPEN).aggregate(
        **{f"n_{key}": Count("pk", filter=where) for key, where in lanes.items()}
    )
    return {key: found[f"n_{key}"] for key in lanes}


def _lane(
    scope: "QuerySet[Task]", lane: str, now: datetime, day_start: datetime, day_end: datetime, member: Member
) -> "QuerySet[Task]":
    if lane == "done":
        return Task.objects.filter(closed_by=member, closed_at__gte=day_start, state__in=CLOSED)
    rows = scope.filter(state=Task.State.OPEN)
    if lane == "snoozed":
        return rows.filter(asleep(now))
    rows = rows.filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))
    if lane == "later":
        return rows.exclude(_due(day_end, now))
    if lane == "now":
        return rows.filter(running(now))
    rows = rows.filter(_due(day_end, now))
    if lane == "overdue":
        return rows.filter(due_at__lt=day_start)
    return rows.filter(kind__in=KINDS[lane]) if lane in KINDS else rows


COLUMNS = (
    "pk", "kind", "due_at", "sla_due_at", "reason", "about_id", "person_id", "person__time_zone",
    "person__company__time_zone", "lead__first_touch_at",
)  # fmt: skip


def _ranked(
    chosen: "QuerySet[Task]", state: State, now: datetime, day_start: datetime, after: Task | None
) -> list[tuple[rules.Facts, rules.Rank]]:
    """Narrow rows of every candidate, ranked. The closed task `after` is ranked too, so that its place is known."""
    raw = list(chosen.order_by("sla_due_at", "due_at", "pk").values_list(*COLUMNS)[:MOST])
    if after is not None and all(row[0] != after.pk for row in raw):
        raw += list(Task.objects.filter(pk=after.pk).values_list(*COLUMNS))
    people = {row[6] for row in raw if row[6]}
    grades, scores = _worth(people, now)
    mails = [row[5] for row in raw if row[1] == K.REPLY and row[5]]
    intents = dict(InboundMail.objects.filter(pk__in=mails).values_list("pk", "intent")) if mails else {}
    order = rules.by_due if state.sort == "due" else rules.rank
    found = []
    for pk, kind, due_at, sla, reason, about, person, zone, company_zone, touched in raw:
        facts = rules.Facts(
            id=pk, kind=kind, due_at=due_at, day_start=day_start, clock=None if kind == K.INBOUND and touched else sla,
            intent=intents.get(about, ""), grade=grades.get(person, ""), engagement=scores.get(person),
            zone=zone or company_zone or "", reason=_lower_first(reason, kind),
        )  # fmt: skip
        found.append((facts, order(facts, now)))
    return sorted(found, key=lambda pair: pair[1].key)


def _lower_first(reason: str, kind: str) -> str:
    """What follows the reason for the rank: a reply's own reason begins with the same word, which is not said twice."""
    if kind == K.REPLY and ": " in reason:
        return reason.partition(": ")[2]
    return reason.rstrip(".")


def _worth(people: Iterable[UUID], now: datetime) -> tuple[dict[UUID, str], dict[UUID, float]]:
    """Fit grade under the primary ICP and engagement score, by person; asked for all at once."""
    ids = list(people)
    if not ids:
        return {}, {}
    icp = primary_icp()
    grades = dict(PersonFit.objects.filter(icp=icp, person__in=ids).values_list("person_id", "grade")) if icp else {}
    return grades, scores_of(ids, signed_agreement(), now)


def _shown(ids: list[UUID]) -> dict[UUID, Task]:
    related = ("person", "company", "owner", "claimed_by", "lead")
    return dict(Task.objects.select_related(*related).in_bulk(ids))


def _rows(ranked: list[tuple[rules.Facts, rules.Rank]], workspace: Workspace, now: datetime) -> list[Row]:
    tasks = _shown([facts.id for facts, _ in ranked])
    pause = pause_words(workspace, now)
    rows = []
    for facts, ranked_as in ranked:
        task = tasks.get(facts.id)
        if task is None:  # closed between the two reads
            continue
        words, tone = rules.badge(facts, now, workspace.time_zone)
        clock = facts.clock
        paused = pause if clock is not None and clock > now else ""
        why = ranked_as.why.replace("Clock running", f"Clock paused, {paused}") if paused else ranked_as.why
        rows.append(Row(task, why, words, tone, clock, sla_of(task), paused))
    return rows


def _plain_rows(ids: list[UUID], lane: str, workspace: Workspace) -> list[Row]:
    """Rows of the lanes that are not ranked: what is done, asleep, or due another day."""
    tasks = _shown(ids)
    rows = []
    for pk in ids:
        task = tasks[pk]
        if lane == "done":
            said = task.outcome.replace("_", " ") or task.get_state_display().lower()
            rows.append(Row(task, f"{said.capitalize()}{f': {task.note}' if task.note else ''}", "done", "neutral", None, None, ""))  # fmt: skip
            continue
        at = task.snoozed_until if lane == "snoozed" else task.due_at
        assert at is not None
        day_start = start_of_day(local_date(at, workspace.time_zone), workspace.time_zone) - timedelta(days=1)
        words, _ = rules.badge(rules.Facts(pk, K.TODO, at, day_start), at, workspace.time_zone)
        words = words.replace("due", "until") if lane == "snoozed" else words
        rows.append(Row(task, task.reason, words, "neutral", None, None, ""))
    return rows


def sla_of(task: Task) -> timedelta | None:
    """The length of a task's clock, for its colours: from its making to its end."""
    return task.sla_due_at - task.created_at if task.sla_due_at and task.sla_due_at > task.created_at else None


def pause_words(workspace: Workspace, now: datetime) -> str:
    """ "out of hours until Thu 09:00" while clocks stand still; '' in working hours."""
    hours = Hours(workspace.time_zone, workspace.work_start, workspace.work_end)
    if is_working(now, hours):
        return ""
    opens = add_working_minutes(now, 0, hours)
    there = opens.astimezone(rules.ZoneInfo(workspace.time_zone))
    today = local_date(now, workspace.time_zone) == there.date()
    return f"out of hours until {there:%H:%M}" if today else f"out of hours until {there:%a %H:%M}"
