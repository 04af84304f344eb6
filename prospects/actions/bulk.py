"""One act on many rows: counted before it happens, done in parts of a thousand, told in a report.

The rows are fixed when the act is confirmed: who comes to match the filter later is not meant, and each row is done once,
also when a worker is killed in between (a part and its mark are one transaction).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from accounts.actions.audit import Actor, write_audit
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.lanes import Lane
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import current_workspace_id, workspace_scope
from leadgen.core.visibility import as_asked
from prospects.actions.bulk_kinds import GONE, Outcome, check_params, do_part, same_as_asked, words_of
from prospects.models import BulkAct, BulkPart, Company, Person
from prospects.models.locks import lock_row
from prospects.queries.segments import TooSlow, within

PART = 1_000
AT_ONCE = 200  # rows that are done while the person waits
COUNT_MS = 20_000
LANE = "bulk"
CHANGED = "Will be changed"
TURN = timedelta(seconds=20)  # then others have their turn
MODELS: dict[str, Any] = {"people": Person, "companies": Company}


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """What an act would do now: `total` = `eligible` + `same` + all `blocked` (reason -> how many)."""

    total: int
    eligible: int
    same: int
    blocked: dict[str, int] = field(default_factory=dict)
    done: str = CHANGED

    @property
    def rows(self) -> list[tuple[str, str]]:
        """(words, number) for the page that asks, in the order they add up."""
        found = [(self.done, f"{self.eligible:,}")]
        if self.same:
            found.append(("Have it already", f"{self.same:,}"))
        return [*found, *((f"Left out: {reason}", f"{count:,}") for reason, count in sorted(self.blocked.items()))]


def plan_bulk(*, subject: str, kind: str, params: dict[str, Any], rows: QuerySet[Any]) -> BulkPlan:
    """Count exactly, before anything happens. Raises Invalid for params that cannot be used, or where counting takes too long."""
    check_params(subject, kind, params)
    plain = rows.order_by()
    try:
        with within(COUNT_MS):
            total = plain.count()
            same, blocked = same_as_asked(plain, subject, kind, params)
    except TooSlow:
        raise Invalid(
            "Counting who matches takes too long. Narrow the filter, or save it as a segment and act on that.",
            field="query",
        ) from None
    done = "Will be looked at anew" if kind == BulkAct.Kind.VERIFY else CHANGED
    return BulkPlan(total, total - same - sum(blocked.values()), same, blocked, done)


def start_bulk(
    *, by: Actor, now: datetime, subject: str, kind: str, params: dict[str, Any], rows: QuerySet[Any], query: str = "",
    expected: int | None = None,
) -> BulkAct:  # fmt: skip
    """Do it: at once for up to AT_ONCE rows, else by the worker. `expected`: how many the person was told.

    Raises Conflict (code "count_changed", `detail` has the number now) where another number matches by now, and Invalid
    for nobody. The rows are those that match at this moment.
    """
    check_params(subject, kind, params)
    act = BulkAct(
        subject=subject, kind=kind, params=params, words=words_of(subject, kind, params)[:300], query=query, total=0,
        member=by.member, source=by.source, created_at=now,
    )  # fmt: skip
    act.save()
    act.total = _fix_rows(act, rows)
    if not act.total:
        raise Invalid("Nobody matches any more. Nothing was changed.", field="query")
    if expected is not None and expected != act.total:
        raise Conflict(
            f"{act.total:,} match by now, not {expected:,}. Look again; nothing was changed.", code="count_changed",
            detail={"total": act.total},
        )  # fmt: skip
    act.save(update_fields=["total"])
    write_audit(
        by=by,
        action="bulk.asked",
        now=now,
        target=act,
        detail={"subject": subject, "kind": kind, "total": act.total, "query": query[:500]},
    )
    if act.total <= AT_ONCE:
        _run_part(act, now)
        _finish(act, now)
    else:
        lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now, key=str(act.pk))
        enqueue("prospects.run_bulk")
    return act


def cancel_bulk(*, by: Actor, now: datetime, act: BulkAct) -> BulkAct:
    """Stop before the next part; what was done stays. Raises Conflict where it is over already."""
    lock_row(act)
    if act.state not in (BulkAct.State.WAITING, BulkAct.State.RUNNING):
        raise Conflict("It is over already.")
    act.state, act.ended_at = BulkAct.State.CANCELLED, now
    act.save(update_fields=["state", "ended_at"])
    write_audit(by=by, action="bulk.cancelled", now=now, target=act, detail=_report(act))
    return act


def run_lane(lane: Lane, *, until: datetime, clock: Any) -> datetime | None:
    """Do parts of the act this lane names, each in a transaction of its own, until `until`; when it is due again."""
    while True:
        with workspace_scope(lane.workspace_id):
            act = BulkAct.objects.filter(pk=lane.key).first()
            if act is None:
                return None
            lock_row(act)
            if act.state not in (BulkAct.State.WAITING, BulkAct.State.RUNNING):
                return None
            if not _run_part(act, clock()):
                _finish(act, clock())
                return None
        if clock() >= until:
            return clock()


def _fix_rows(act: BulkAct, rows: QuerySet[Any]) -> int:
    """Write the ids down in parts, by PostgreSQL itself; how many there are."""
    sql, params = rows.order_by().values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH numbered AS (
                SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS part FROM ({sql}) AS rows(id)
            ), parts AS (
                INSERT INTO prospects_bulkpart (workspace_id, act_id, number, ids)
                SELECT %s, %s, part, array_agg(id ORDER BY id) FROM numbered GROUP BY part
                RETURNING cardinality(ids) AS size
            )
            SELECT coalesce(sum(size), 0) FROM parts
            """,  # noqa: S608  the statement is Django's own
            [PART, *params, current_workspace_id(), act.pk],
        )
        return int(cursor.fetchone()[0])


def _run_part(act: BulkAct, now: datetime) -> bool:
    """Do the next part; False where there is none left. The caller holds the act's lock, or made it in this transaction."""
    part = BulkPart.objects.filter(act=act, done_at__isnull=True).order_by("number").first()
    if part is None:
        return False
    by = Actor(member=act.member, source=act.source)
    if act.started_at is None:
        act.started_at = now
    act.state = BulkAct.State.RUNNING
    outcome = do_part(act=act, ids=part.ids, by=by, now=now)
    _add(act, outcome)
    act.save(update_fields=["state", "started_at", "changed", "same", "blocked", "examples"])
    part.done_at = now
    part.save(update_fields=["done_at"])
    return True


def _add(act: BulkAct, outcome: Outcome) -> None:
    act.changed += outcome.changed
    act.same += outcome.same
    for reason, count in outcome.blocked.items():
        act.blocked[reason] = act.blocked.get(reason, 0) + count
    act.examples = [*act.examples, *outcome.examples][:EXAMPLES]


EXAMPLES = 100


def _finish(act: BulkAct, now: datetime) -> None:
    act.state, act.ended_at = BulkAct.State.DONE, now
    act.save(update_fields=["state", "ended_at"])
    by = Actor(member=act.member, source=act.source)
    write_audit(by=by, action="bulk.done", now=now, target=act, detail=_report(act))


def _report(act: BulkAct) -> dict[str, Any]:
    return {"total": act.total, "changed": act.changed, "same": act.same, "blocked": act.blocked}


def left_of(act: BulkAct) -> int:
    """Rows that were not reached: a cancelled act leaves some."""
    return int(act.total - act.changed - act.same - sum(act.blocked.values()))


def rows_asked(subject: str, ids: Sequence[UUID]) -> QuerySet[Any]:
    """The rows of these ids."""
    return as_asked(MODELS[subject].objects.filter(pk__any=list(ids)))


__all__ = ["AT_ONCE", "GONE", "BulkPlan", "cancel_bulk", "left_of", "plan_bulk", "rows_asked", "run_lane", "start_bulk"]
