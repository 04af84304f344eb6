"""Lanes: a worker finds due work without entering every workspace, and no tenant starves another.

take a lane (SKIP LOCKED, lease) -> enter its workspace -> do a batch there -> move the lane on. A lane is a hint: `mark`
may be told too early or twice; a sweep re-derives lanes from the due rows every minute.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from leadgen.core.models import Lane


def mark(*, workspace_id: uuid.UUID, kind: str, due: datetime, key: str = "") -> None:
    """Say that this workspace has work of `kind` at `due`; an earlier due time wins.

    A lane that somebody works on just now is set a microsecond earlier than it was taken at: `move_on` sees by it that work
    came in after the last look, also where that is due at the very same instant.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_lane AS lane (workspace_id, kind, key, next_due) VALUES (%s, %s, %s, %s)
            ON CONFLICT (workspace_id, kind, key) DO UPDATE SET next_due = least(lane.next_due, excluded.next_due)
                - CASE WHEN lane.lease_until > clock_timestamp() THEN interval '1 microsecond' ELSE interval '0' END
            WHERE lane.next_due IS NULL OR lane.next_due > excluded.next_due OR lane.lease_until > clock_timestamp()
            """,
            [workspace_id, kind, key, due],
        )


def mark_soon(*, workspace_id: uuid.UUID, kinds: Mapping[str, datetime]) -> None:
    """Say that this workspace has work of each of `kinds` at its time, where nobody said so for that time or before: one look,
    and no lock where all is said."""
    waiting = dict(
        Lane.objects.filter(workspace_id=workspace_id, kind__in=kinds, key="").values_list("kind", "next_due")
    )
    for kind, due in kinds.items():
        said = waiting.get(kind)
        if said is None or said > due:
            mark(workspace_id=workspace_id, kind=kind, due=due)


def count_due(*, kinds: Sequence[str], now: datetime, limit: int) -> int:
    """How many lanes of `kinds` `take` would find, counted up to `limit`: one look in place of a try at each kind."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM (
                SELECT FROM core_lane
                WHERE kind = ANY(%s) AND next_due <= %s AND (lease_until IS NULL OR lease_until < clock_timestamp())
                LIMIT %s
            ) AS due
            """,
            [list(kinds), now, limit],
        )
        return int(cursor.fetchone()[0])


def take(*, kind: str, now: datetime, lease_seconds: int = 120) -> Lane | None:
    """Lease the lane that has been due longest, in a transaction of its own; None where nothing is due."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_lane SET lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE id = (
                SELECT id FROM core_lane
                WHERE kind = %s AND next_due <= %s AND (lease_until IS NULL OR lease_until < clock_timestamp())
                ORDER BY next_due FOR UPDATE SKIP LOCKED LIMIT 1
            )
            RETURNING id, workspace_id, kind, key, next_due, lease_until
            """,
            [lease_seconds, kind, now],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    names = ("id", "workspace_id", "kind", "key", "next_due", "lease_until")
    return Lane(**dict(zip(names, row, strict=True)))


def move_on(lane: Lane, *, next_due: datetime | None) -> None:
    """Release a lane. Work marked meanwhile is kept: an earlier due time than the one we took wins over `next_due`."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_lane SET lease_until = NULL,
                next_due = CASE WHEN next_due < %s THEN next_due ELSE %s END
            WHERE id = %s AND lease_until = %s
            """,
            [lane.next_due, next_due, lane.id, lane.lease_until],
        )


def take_key(*, workspace_id: uuid.UUID, kind: str, key: str, lease_seconds: int) -> Lane | None:
    """Lease one lane by its key, due or not, and make it if it is not there; None where somebody else holds it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_lane AS lane (workspace_id, kind, key, lease_until)
            VALUES (%s, %s, %s, clock_timestamp() + make_interval(secs => %s))
            ON CONFLICT (workspace_id, kind, key) DO UPDATE SET lease_until = excluded.lease_until
            WHERE lane.lease_until IS NULL OR lane.lease_until < clock_timestamp()
            RETURNING id, workspace_id, kind, key, next_due, lease_until
            """,
            [workspace_id, kind, key, lease_seconds],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    names = ("id", "workspace_id", "kind", "key", "next_due", "lease_until")
    return Lane(**dict(zip(names, row, strict=True)))


def prolong(lane: Lane, *, lease_seconds: int) -> bool:
    """Hold a lane longer; False where the lease was lost to somebody else. `lane` carries the new lease."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_lane SET lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE id = %s AND lease_until = %s RETURNING lease_until
            """,
            [lease_seconds, lane.id, lane.lease_until],
        )
        row = cursor.fetchone()
    if row is None:
        return False
    lane.lease_until = row[0]
    return True


def settle_key(lane: Lane, *, next_due: datetime | None) -> None:
    """Release a lane whose work was done whole: what was due by then is done, and the next turn is at `next_due`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_lane SET lease_until = NULL, next_due = %s WHERE id = %s AND lease_until = %s",
            [next_due, lane.id, lane.lease_until],
        )
