"""The worker's look at a segment: who is in it now, who came and went, and the snapshot of the day."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from accounts.models import Workspace
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Segment, SegmentChange, SegmentSnapshot
from prospects.queries.segments import know_everybody, matching, rows_of

KEPT_DAYS = 90  # of who entered and left; the numbers of each day stay
CHEAP_SECONDS = 3.0  # a rule that takes less is looked at every hour, others once a day


def refresh_segment(*, segment_id: UUID | str, now: datetime) -> tuple[Segment | None, datetime | None]:
    """Look at everybody once, write who came and went, and the day's snapshot. Returns when to look again.

    One statement: members are what they were, or what the rule says now, never half of it. Two runs of one segment wait
    for each other; edits of it do not wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 4))", [str(segment_id)])
    segment = Segment.objects.filter(pk=segment_id, is_archived=False).first()
    if segment is None:
        return None, None
    started = time.perf_counter()
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    today = local_date(now, zone)
    again = start_of_day(today + timedelta(days=1), zone)
    if segment.is_dynamic:
        try:
            count, came, left, changed = _write(segment, now)
        except Invalid:
            # A field is gone from the language. The page says so; nobody is moved by a rule that cannot be read.
            return segment, again
        # The rule may have been changed meanwhile; then its own bell rings, and this count is not its.
        Segment.objects.filter(pk=segment.pk, rule=segment.rule).update(count=count, counted_at=now)
    else:
        changed = False
        came, left, count = _moved_on_list(segment, start_of_day(today, zone))
        Segment.objects.filter(pk=segment.pk).update(count=count)
    _snapshot(segment, today, now, count, came, left, changed)
    SegmentChange.objects.filter(segment=segment, at__lt=now - timedelta(days=KEPT_DAYS)).delete()
    segment.refresh_from_db()
    if segment.is_dynamic:
        know_everybody(rows_of(segment.subject).model)
    if segment.is_dynamic and time.perf_counter() - started < CHEAP_SECONDS:
        again = min(again, now + timedelta(hours=1))
    return segment, again


def _write(segment: Segment, now: datetime) -> tuple[int, int, int, bool]:
    """(members, came, left, whether the rule was another before). What a new rule moves is no news of anybody."""
    column = "person_id" if segment.of_people else "company_id"
    found, params = matching(segment.subject, segment.rule, now=now).order_by().values("id").query.sql_with_params()
    changed = segment.counted_at is None
    told = ""
    if not changed:
        told = f"""
        , told AS (
            INSERT INTO prospects_segmentchange (workspace_id, segment_id, {column}, at, entered)
            SELECT %s, %s, id, %s, true FROM came UNION ALL SELECT %s, %s, id, %s, false FROM gone
        )"""  # noqa: S608  the column's name is ours
    workspace, key = current_workspace_id(), segment.pk
    values = [*params, workspace, key, now, workspace, key, workspace, key]
    values += [] if changed else [workspace, key, now, workspace, key, now]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH found AS MATERIALIZED ({found}),
            came AS (
                INSERT INTO prospects_segmentmember (workspace_id, segment_id, {column}, added_at)
                SELECT %s, %s, found.id, %s FROM found
                WHERE NOT EXISTS (
                    SELECT FROM prospects_segmentmember AS old
                    WHERE old.workspace_id = %s AND old.segment_id = %s AND old.{column} = found.id
                )
                RETURNING {column} AS id
            ), gone AS (
                DELETE FROM prospects_segmentmember AS old
                WHERE old.workspace_id = %s AND old.segment_id = %s AND old.{column} IS NOT NULL
                    AND NOT EXISTS (SELECT FROM found WHERE found.id = old.{column})
                RETURNING {column} AS id
            ){told}
            SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM came), (SELECT count(*) FROM gone)
            """,  # noqa: S608  Django's SQL and our names; values are parameters
            values,
        )
        count, came, gone = cursor.fetchone()
    return (count, 0, 0, True) if changed else (count, came, gone, False)


def _moved_on_list(segment: Segment, since: datetime) -> tuple[int, int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE entered), count(*) FILTER (WHERE NOT entered),
                (SELECT count(*) FROM prospects_segmentmember WHERE workspace_id = %s AND segment_id = %s)
            FROM prospects_segmentchange WHERE workspace_id = %s AND segment_id = %s AND at >= %s
            """,
            [current_workspace_id(), segment.pk, current_workspace_id(), segment.pk, since],
        )
        return tuple(cursor.fetchone())


def _snapshot(
    segment: Segment, on: object, now: datetime, count: int, came: int, left: int, changed: bool
) -> None:  # fmt: skip
    """The day's row: later looks of the day add to it. A list's moves are counted from midnight, so they replace."""
    adds = segment.is_dynamic
    row, made = SegmentSnapshot.objects.get_or_create(
        segment=segment, on=on,
        defaults={"at": now, "count": count, "entered": came, "left": left, "rule_changed": changed},
    )  # fmt: skip
    if made:
        return
    row.at, row.count, row.rule_changed = now, count, row.rule_changed or changed
    row.entered = row.entered + came if adds else came
    row.left = row.left + left if adds else left
    row.save()
