"""Find pairs that may be one person or one company: in the background, what changed against everything else.

Each row has its keys beside it (rules.duplicates). A look takes the rows whose `updated_at` is not the one their keys were
made of, makes the keys anew, and compares those rows with all that share a key. After an import of many it makes all keys
first and then finds the pairs in one pass over the whole table; the lane (kind `duplicates`, key `full`) says that this is
still to be done, so a killed worker's look is taken up where it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from accounts.actions.audit import Actor, write_audit
from leadgen.core import lanes
from leadgen.core.errors import Conflict
from leadgen.core.models import Lane
from leadgen.core.tenancy import current_workspace_id, workspace_scope
from prospects.actions.search import learn_rows
from prospects.models import CompanyPair, PersonPair
from prospects.models.duplicates import PairState
from prospects.queries.duplicates import COMPANIES, PEOPLE, Subject
from prospects.queries.merges import refuse_unseen
from prospects.rules import duplicates as rules

LANE, FULL = "duplicates", "full"
BATCH = 5_000
AT_ONCE = 25_000  # rows that changed; more, and all pairs are found in one pass
# A row is dated when its request or import began, and seen when that commits: look back this far behind the last look.
OVERLAP = timedelta(hours=12)
AGAIN = timedelta(minutes=5)


@dataclass(slots=True)
class Look:
    """What a look did."""

    keyed: int = 0
    compared: int = 0
    pairs: int = 0


def run_lane(lane: Lane, *, now: datetime) -> datetime | None:
    """One turn of a worker; when the next is due. Each batch is a transaction of its own."""
    if lane.key == FULL:
        for subject in (PEOPLE, COMPANIES):
            refresh_keys(lane.workspace_id, subject, since=None)
            with workspace_scope(lane.workspace_id):
                compare_all(subject, now=now)
        return None
    found = False
    for subject in (PEOPLE, COMPANIES):
        found = look(lane.workspace_id, subject, now=now).keyed > 0 or found
    with workspace_scope(lane.workspace_id):
        forget_pre_images(now=now)
    return now + (timedelta(minutes=1) if found else AGAIN)


def look(workspace_id: UUID, subject: Subject, *, now: datetime) -> Look:
    """Compare what changed since the last look with everything else."""
    done = Look()
    with workspace_scope(workspace_id):
        last = subject.keys.objects.aggregate(last=Max("seen_at"))["last"]
        since = last - OVERLAP if last else None
        waiting = len(_changed(subject, since, AT_ONCE + 1))
        if waiting > AT_ONCE:
            lanes.mark(workspace_id=workspace_id, kind=LANE, due=now, key=FULL)
            return done
    while True:
        with workspace_scope(workspace_id):
            ids = _changed(subject, since, BATCH)
            if not ids:
                return done
            done.keyed += write_keys(subject, ids)
            part = compare(subject, ids, now=now)
            done.compared, done.pairs = done.compared + part.compared, done.pairs + part.pairs


def refresh_keys(workspace_id: UUID, subject: Subject, *, since: datetime | None) -> int:
    """Keys of every row that changed, in batches of their own transactions; rows written."""
    written = 0
    with workspace_scope(workspace_id):
        waiting = _changed(subject, since, None)
    for ids in batched(waiting, BATCH):
        with workspace_scope(workspace_id):
            written += write_keys(subject, ids)
    return written


def write_keys(subject: Subject, ids: Sequence[UUID]) -> int:
    """Make the keys of these rows anew. A row whose keys stayed the same is only dated."""
    rows = subject.load(ids)
    if not rows:
        return 0
    # One text an array: a list of lists of unequal length is no array of PostgreSQL's.
    texts = ["{" + ",".join(map(str, subject.keys_of(row.facts))) + "}" for row in rows]
    table = subject.keys._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {table} AS old (workspace_id, {subject.column}, keys, seen_at)
            SELECT %s, given.id, given.keys::bigint[], given.at
            FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[]) AS given (id, keys, at) ORDER BY given.id
            ON CONFLICT (workspace_id, {subject.column}) DO UPDATE SET keys = excluded.keys, seen_at = excluded.seen_at
            """,  # noqa: S608  names of our own tables
            [current_workspace_id(), [row.id for row in rows], texts, [row.updated_at for row in rows]],
        )
    # The worker passes every row that changed here: its name's words enter the vocabulary of the search.
    learn_rows(subject.model, [row.id for row in rows])
    return len(rows)


def compare(subject: Subject, ids: Sequence[UUID], *, now: datetime) -> Look:
    """Compare these rows with all that share a key, and with those they were a pair with before."""
    with connection.cursor() as cursor:
        cursor.execute(_near_sql(subject), _values(subject) | {"ids": list(ids)})
        near = cursor.fetchall()
    return _judge(subject, near, now=now)


def compare_all(subject: Subject, *, now: datetime) -> Look:
    """Compare all rows of the workspace that share a key, in one pass."""
    done = Look()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '128MB'")
        # On the server's side: there may be millions.
        with connection.chunked_cursor() as near:
            near.execute(_all_sql(subject), _values(subject))
            for part in batched(near, BATCH):
                judged = _judge(subject, part, now=now)
                done.compared, done.pairs = done.compared + judged.compared, done.pairs + judged.pairs
    return done


def dismiss(*, pair: PersonPair | CompanyPair, by: Actor, now: datetime) -> None:
    """These two are not one: remembered, so that nobody is asked again. Told twice it is told once."""
    refuse_unseen([pair.first, pair.second])
    if pair.state == PairState.DISMISSED:
        return
    pair.state, pair.decided_at, pair.decided_by = PairState.DISMISSED, now, by.member
    pair.save(update_fields=["state", "decided_at", "decided_by"])
    _audit(pair, "duplicate.dismissed", by=by, now=now)


def reconsider(*, pair: PersonPair | CompanyPair, by: Actor, now: datetime) -> None:
    """Take "not a duplicate" back."""
    refuse_unseen([pair.first, pair.second])
    if pair.state == PairState.OPEN:
        raise Conflict("This pair is to be reviewed already.", code="pair_open")
    pair.state, pair.decided_at, pair.decided_by = PairState.OPEN, None, None
    pair.save(update_fields=["state", "decided_at", "decided_by"])
    _audit(pair, "duplicate.reopened", by=by, now=now)


def _audit(pair: PersonPair | CompanyPair, action: str, *, by: Actor, now: datetime) -> None:
    detail = {"score": pair.score, "ids": [str(pair.first_id), str(pair.second_id)]}
    write_audit(by=by, action=action, now=now, target=pair, label=f"{pair.first} and {pair.second}", detail=detail)


def forget_pre_images(*, now: datetime) -> int:
    """Merges that can be undone no longer keep only where the row went."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH old AS (
                UPDATE prospects_merge SET gone_before = '{}', kept_before = '{}', kept_after = '{}'
                WHERE workspace_id = %(workspace)s AND undo_until < %(now)s AND gone_before <> '{}' RETURNING id
            )
            DELETE FROM prospects_mergemove WHERE workspace_id = %(workspace)s AND merge_id IN (SELECT id FROM old)
            """,
            {"workspace": current_workspace_id(), "now": now},
        )
        return int(cursor.rowcount)


# --- which rows, which pairs


def _changed(subject: Subject, since: datetime | None, limit: int | None) -> list[UUID]:
    """Ids of rows that have no keys yet or changed since theirs were made, in the order of their ids."""
    table, keys = subject.model._meta.db_table, subject.keys._meta.db_table
    recent = "AND subject.updated_at >= %(since)s" if since else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT subject.id FROM {table} AS subject
            LEFT JOIN {keys} AS made ON made.workspace_id = %(workspace)s AND made.{subject.column} = subject.id
            WHERE subject.workspace_id = %(workspace)s {recent} AND made.seen_at IS DISTINCT FROM subject.updated_at
            ORDER BY subject.id LIMIT %(limit)s
            """,  # noqa: S608  names of our own tables; every value is a parameter
            {"workspace": current_workspace_id(), "since": since, "limit": limit},
        )
        return [row[0] for row in cursor.fetchall()]


def _values(subject: Subject) -> dict[str, Any]:
    return {"workspace": current_workspace_id(), "most_names": rules.MOST[rules.NAME], "most": rules.MOST[rules.COMMON]}


_LIMIT = f"CASE WHEN key & 7 = {rules.NAME} THEN %(most_names)s ELSE %(most)s END"


def _near_sql(subject: Subject) -> str:
    keys, pairs, column = subject.keys._meta.db_table, subject.pair._meta.db_table, subject.column
    return f"""
        WITH mine AS MATERIALIZED (
            SELECT DISTINCT unnest(keys) AS key FROM {keys}
            WHERE workspace_id = %(workspace)s AND {column} = ANY(%(ids)s)
        ), blocks AS MATERIALIZED (
            SELECT mine.key, shared.ids FROM mine, LATERAL (
                SELECT array_agg({column}) AS ids FROM (
                    SELECT {column} FROM {keys}
                    WHERE workspace_id = %(workspace)s AND keys @> ARRAY[mine.key] LIMIT %(most)s + 1
                ) AS found
            ) AS shared
            WHERE cardinality(shared.ids) BETWEEN 2 AND {_LIMIT.replace("key &", "mine.key &")}
        )
        SELECT DISTINCT a, b FROM blocks, unnest(ids) AS a, unnest(ids) AS b
        WHERE a < b AND (a = ANY(%(ids)s) OR b = ANY(%(ids)s))
        UNION SELECT first_id, second_id FROM {pairs}
        WHERE workspace_id = %(workspace)s AND (first_id = ANY(%(ids)s) OR second_id = ANY(%(ids)s))
    """  # noqa: S608  names of our own tables; every value is a parameter


def _all_sql(subject: Subject) -> str:
    keys, pairs, column = subject.keys._meta.db_table, subject.pair._meta.db_table, subject.column
    return f"""
        WITH spread AS MATERIALIZED (
            SELECT {column} AS id, unnest(keys) AS key FROM {keys} WHERE workspace_id = %(workspace)s
        ), blocks AS MATERIALIZED (
            SELECT key FROM spread GROUP BY key HAVING count(*) BETWEEN 2 AND {_LIMIT}
        ), members AS MATERIALIZED (
            SELECT spread.key, spread.id FROM spread JOIN blocks USING (key)
        )
        SELECT DISTINCT a.id, b.id FROM members a JOIN members b ON b.key = a.key AND a.id < b.id
        UNION SELECT first_id, second_id FROM {pairs} WHERE workspace_id = %(workspace)s
    """  # noqa: S608  names of our own tables; every value is a parameter


def _judge(subject: Subject, near: Iterable[tuple[UUID, UUID]], *, now: datetime) -> Look:
    """Score the pairs; keep those worth a look, drop open ones that are no longer."""
    done = Look()
    for part in batched(near, BATCH):
        facts = {row.id: row.facts for row in subject.load({key for pair in part for key in pair})}
        kept: list[tuple[UUID, UUID, int, str]] = []
        dropped: list[UUID] = []
        for first, second in part:
            if first not in facts or second not in facts:
                continue  # deleted meanwhile
            score = subject.compare(facts[first], facts[second])
            done.compared += 1
            if score.points >= rules.FLOOR:
                kept.append((first, second, score.points, "{" + ",".join(score.reasons) + "}"))
            else:
                dropped += [first, second]
        done.pairs += len(kept)
        _store(subject, kept, now=now)
        _drop(subject, dropped)
    return done


def _store(subject: Subject, kept: list[tuple[UUID, UUID, int, str]], *, now: datetime) -> None:
    if not kept:
        return
    table = subject.pair._meta.db_table
    columns = [list(column) for column in zip(*kept, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {table} AS old (workspace_id, first_id, second_id, score, reasons, state, found_at)
            SELECT %s, first, second, score, reasons::varchar[], 'open', %s
            FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[]) AS given (first, second, score, reasons)
            ORDER BY first, second
            ON CONFLICT (workspace_id, first_id, second_id) DO UPDATE SET score = excluded.score, reasons = excluded.reasons
            WHERE (old.score, old.reasons) IS DISTINCT FROM (excluded.score, excluded.reasons) AND old.state = 'open'
            """,  # noqa: S608  names of our own tables; every value is a parameter
            [current_workspace_id(), now, *columns],
        )


def _drop(subject: Subject, ids: list[UUID]) -> None:
    """`ids`: first and second of each pair in turn."""
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DELETE FROM {subject.pair._meta.db_table} AS pair
            USING unnest(%s::uuid[], %s::uuid[]) AS given (first, second)
            WHERE pair.workspace_id = %s AND pair.first_id = given.first AND pair.second_id = given.second
                AND pair.state = 'open'
            """,  # noqa: S608  names of our own tables; every value is a parameter
            [ids[::2], ids[1::2], current_workspace_id()],
        )
