"""Hand out owners by territory: to what is new or changed within a minute, to everything that is there by a run.

A run counts first and changes only when somebody says so; both go through the same decisions, companies before people, a
batch a transaction. A batch writes its rows and how far the run is together: killed anywhere, each row is done once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Min

from accounts.actions.audit import SYSTEM, Actor, write_audit
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.models import Lane
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import current_workspace_id, workspace_scope
from prospects.actions.territories_give import Row, decide, give, open_work
from prospects.models import Import, TerritoryLook, TerritoryRun
from prospects.models.locks import lock, lock_row
from prospects.queries.territories import COMPANIES, MODELS, PEOPLE, Place, plan_of, setup_in_force
from prospects.rules.territories import GAIN, MOVES, fresh_counts

LANE = "territories"
LEASE = 300
BATCH = 1_000
AT_ONCE = 3_000  # rows a request may count itself
TURN = timedelta(minutes=4)
# A row is dated when its request began, and seen when that commits.
OVERLAP = timedelta(minutes=2)
MOST_EDITS = 200_000  # edited rows of one look
AGAIN = timedelta(seconds=30)


def start_run(*, by: Actor, now: datetime, policy: str = "unowned", moves_open: bool = False) -> TerritoryRun:
    """Count what would change, at once where that is quick. Raises Invalid without a territory, Conflict while one is under way."""
    if policy not in TerritoryRun.Policy.values:
        raise Invalid(f"Choose one of: {', '.join(TerritoryRun.Policy.values)}.", field="policy")
    setup = setup_in_force()
    if not setup:
        raise Invalid("There is no active territory yet. Make one first.", field="policy")
    total = sum(model.objects.order_by().count() for model in MODELS.values())
    run = TerritoryRun(
        policy=policy, moves_open=moves_open, setup=setup, counts=fresh_counts(), total=total, member=by.member,
        created_at=now,
    )  # fmt: skip
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        raise Conflict("Another run is under way. Wait for it, or stop it.", code="busy") from None
    if total > AT_ONCE:
        _ring(now)
    else:
        while run.is_open:
            _advance(run, now)
    return run


def apply_run(*, run: TerritoryRun, by: Actor, now: datetime) -> TerritoryRun:
    """Change what was counted, in the background. Raises Conflict where it is not counted, or territories are others now."""
    lock_row(run)
    if run.state != TerritoryRun.State.COUNTED:
        raise Conflict(f"It is {run.get_state_display().lower()}. Count anew to change something.")
    if run.setup != setup_in_force():
        raise Conflict("Territories were changed since this was counted. Count anew.", code="changed")
    run.state, run.step, run.after, run.seen = TerritoryRun.State.APPLYING, COMPANIES, None, 0
    run.done, run.started_at, run.member = fresh_counts(), now, by.member or run.member
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        raise Conflict("Another run is under way. Wait for it, or stop it.", code="busy") from None
    write_audit(
        by=by, action="territory.run_started", now=now, target=run,
        detail={"policy": run.policy, "moves_open": run.moves_open, "counts": run.counts},
    )  # fmt: skip
    _ring(now)
    return run


def cancel_run(*, run: TerritoryRun, by: Actor, now: datetime) -> TerritoryRun:
    """Stop here; what was changed stays. Raises Conflict where it is over."""
    lock_row(run)
    if run.state in (TerritoryRun.State.DONE, TerritoryRun.State.CANCELLED):
        raise Conflict("It is over already.")
    run.state, run.ended_at = TerritoryRun.State.CANCELLED, now
    run.save(update_fields=["state", "ended_at"])
    write_audit(by=by, action="territory.run_stopped", now=now, target=run, detail={"done": run.done})
    return run


# --- the worker


def run_lane(lane: Lane, *, clock: Callable[[], datetime]) -> datetime | None:
    """One turn: the run under way, batch by batch, then what is new or changed; when the next is due."""
    until, workspace = clock() + TURN, lane.workspace_id
    while clock() < until and lanes.prolong(lane, lease_seconds=LEASE):
        with workspace_scope(workspace):
            open_ones = TerritoryRun.objects.filter(state__in=["counting", "applying"])
            run = lock(open_ones).first()
            if run is None:
                break
            _advance(run, clock())
    else:
        return clock()
    return clock() + AGAIN if look(workspace, now=clock()) else None


def look(workspace: UUID, *, now: datetime) -> bool:
    """Owners for what is new or changed and has none; whether there was any such row."""
    seen, given = 0, fresh_counts()
    firms: list[UUID] = []  # companies that got an owner: their people follow
    with workspace_scope(workspace):
        setup = setup_in_force()
        known = TerritoryLook.objects.values_list("at", flat=True).first()
    if setup and known:
        for kind in (COMPANIES, PEOPLE):
            for keys in _fresh(workspace, kind, known, firms):
                with workspace_scope(workspace):
                    rows = _rows(kind, MODELS[kind].objects.filter(pk__any=keys, owner__isnull=True), None)
                    moved = _batch(kind, rows, plan_of(setup), given, now=now, change=False, write=True)
                seen += len(rows)
                if kind == COMPANIES:
                    firms += moved
    with workspace_scope(workspace):
        TerritoryLook.objects.filter(at__lt=now).update(at=now)
        if any(given[kind][GAIN] for kind in MODELS):
            write_audit(
                by=SYSTEM, action="territory.assigned", now=now, target_type="territory", label="New and changed records",
                detail={kind: given[kind][GAIN] for kind in MODELS} | {"territories": given["territories"]},
            )  # fmt: skip
    return bool(seen)


def _fresh(workspace: UUID, kind: str, known: datetime, firms: Sequence[UUID]) -> Iterator[list[UUID]]:
    """Keys of what has no owner and is new, was edited, or (people) is of these companies; in batches.

    New rows are found by their keys, which are made when they are written; edits by their date. What an import edited is
    dated when that began: where one ended since, from there.
    """
    least = UUID(int=int((known - OVERLAP).timestamp() * 1000) << 80)  # of all UUIDv7 of that millisecond
    after: UUID | None = None
    while True:
        with workspace_scope(workspace):
            rows = MODELS[kind].objects.filter(owner__isnull=True)
            new = rows.filter(pk__gt=after) if after else rows.filter(pk__gte=least)
            keys = list(new.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if keys:
            yield keys
            after = keys[-1]
        if len(keys) < BATCH:
            break
    with workspace_scope(workspace):
        ended = Import.objects.filter(finished_at__gte=known - OVERLAP).aggregate(first=Min("started_at"))["first"]
        old = MODELS[kind].objects.filter(owner__isnull=True, pk__lt=least).order_by()
        edited = old.filter(updated_at__gte=min(known, ended or known) - OVERLAP)
        found = list(edited.values_list("pk", flat=True)[:MOST_EDITS])
        if kind == PEOPLE and firms:
            found += old.filter(company__any=list(firms)).values_list("pk", flat=True)
    for part in batched(dict.fromkeys(found), BATCH):
        yield list(part)


def _ring(now: datetime) -> None:
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now)
    enqueue("prospects.run_territories")


def _advance(run: TerritoryRun, now: datetime) -> None:
    """The next batch of a run that is locked, or made in this transaction, and how far it is then."""
    applying = run.state == TerritoryRun.State.APPLYING
    rows = _rows(run.step, MODELS[run.step].objects.all(), run.after)
    _batch(
        run.step, rows, plan_of(run.setup), run.done if applying else run.counts, now=now,
        change=run.policy == TerritoryRun.Policy.CHANGE, write=applying, moves_open=run.moves_open,
        by=Actor(member=run.member) if run.member else SYSTEM,
    )  # fmt: skip
    run.seen += len(rows)
    if len(rows) == BATCH:
        run.after = rows[-1][0]
    elif run.step == COMPANIES:
        run.step, run.after = PEOPLE, None
    elif applying:
        run.state, run.ended_at = TerritoryRun.State.DONE, now
        write_audit(
            by=Actor(member=run.member) if run.member else SYSTEM, action="territory.run_done", now=now, target=run,
            detail={"done": run.done},
        )  # fmt: skip
    else:
        run.state = TerritoryRun.State.COUNTED
    run.save()


def _rows(kind: str, rows: Any, after: UUID | None) -> list[Row]:
    found = rows.filter(pk__gt=after) if after else rows
    columns = ("pk", "owner_id") if kind == COMPANIES else ("pk", "owner_id", "company_id")
    return [(*row, None)[:3] for row in found.order_by("pk").values_list(*columns)[:BATCH]]


def _batch(
    kind: str, rows: Sequence[Row], plan: Sequence[Place], counts: dict[str, Any], *, now: datetime, change: bool,
    write: bool, moves_open: bool = False, by: Actor = SYSTEM,
) -> list[UUID]:  # fmt: skip
    """Decide on these rows, count, and (`write`) do it; keys of those that change hands."""
    if not rows:
        return []
    decisions = decide(kind, rows, plan, now=now, change=change)
    moving = [item for item in decisions if item.outcome in MOVES]
    work = open_work(kind, moving) if moves_open else {}
    if write:
        taken = give(kind, moving, work, by, now)
        moving = [item for item in moving if item.key in taken]
        work = {key: value for key, value in work.items() if key in taken}
        decisions = [item for item in decisions if item.outcome not in MOVES or item.key in taken]
    for name, number in Counter(item.outcome for item in decisions).items():
        counts[kind][name] += number
    for place, number in Counter(item.target.key for item in moving if item.target).items():
        pair = counts["territories"].setdefault(place, [0, 0])
        pair[kind == PEOPLE] += number
    counts["leads"] += sum(len(leads) for leads, _ in work.values())
    counts["deals"] += sum(len(deals) for _, deals in work.values())
    return [item.key for item in moving]


__all__ = ["LANE", "apply_run", "cancel_run", "look", "run_lane", "start_run"]
