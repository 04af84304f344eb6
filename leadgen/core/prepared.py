"""Short transactions of a few prepared statements, for paths whose share of the machine is counted in tenths of a
millisecond.

Four things cost more than the work itself when a mail takes one transaction: planning the same statement again, a round trip
for each statement, adapting each value, and a savepoint. Here BEGIN, the workspace's settings, the statements and, if nobody
has to look in between, COMMIT go to the server in one message (libpq's pipeline mode); statements are planned once a
connection; values travel as text. Row-level security holds as in `workspace_scope`; managers are not told, so no ORM query
belongs inside.
"""

import re
import select
import uuid
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import errors
from psycopg.pq import ExecStatus, TransactionStatus

from leadgen.core.tenancy import workspace_scope

_NAME = re.compile(r"%\((\w+)\)s")
_OK = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}
_ready: "weakref.WeakKeyDictionary[psycopg.Connection[Any], set[bytes]]" = weakref.WeakKeyDictionary()
type Row = tuple[str | None, ...]


class Statement:
    """SQL with %(name)s values, each cast where PostgreSQL cannot know its type. One name is one parameter."""

    def __init__(self, name: str, sql: str) -> None:
        self.names = tuple(dict.fromkeys(_NAME.findall(sql)))
        place = {found: f"${number}" for number, found in enumerate(self.names, start=1)}
        self.sql = _NAME.sub(lambda match: place[match.group(1)], sql).encode()
        self.name = f"leadgen_{name}".encode()

    def texts(self, values: Mapping[str, Any]) -> list[bytes | None]:
        return [_text(values[name]) for name in self.names]


def _text(value: Any) -> bytes | None:
    """A value as PostgreSQL reads it: texts, numbers, keys, times, spans, booleans, and lists of plain words."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, uuid.UUID):
        return b"%032x" % value.int  # as good to PostgreSQL as with dashes, and half the time
    if isinstance(value, int):
        return str(value).encode()
    if isinstance(value, datetime):
        return value.isoformat().encode()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} seconds".encode()
    if isinstance(value, list):
        assert all(isinstance(word, str) and word.isalnum() for word in value), "lists of plain words only"
        return ("{" + ",".join(value) + "}").encode()
    raise TypeError(f"no text for {type(value).__name__}")


class Sent:
    """A transaction that is on its way. `result` waits for it; until then the connection may be used for nothing else."""

    def __init__(self, answers: Callable[[], list[list[Row]]]) -> None:
        self._answers = answers

    def result(self) -> list[Row]:
        """Rows of its last statement. Raises django.db errors."""
        return self._answers()[-1]


def run(
    workspace_id: uuid.UUID,
    *steps: tuple[Statement, Mapping[str, Any]],
    before_commit: Callable[[], None] | None = None,
) -> list[Row]:
    """One durable transaction of one workspace; returns the rows (texts) of the last statement.

    With `before_commit` the commit is a message of its own, written after that was called: the server has the statements
    then, and their rows are not known yet. Inside a transaction (a test's) it is a savepoint of it. Raises django.db errors.
    """
    if connection.in_atomic_block:
        with workspace_scope(workspace_id):
            rows = _collect(_send([], steps))[-1]
            if before_commit:
                before_commit()
            return rows
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return _finish(_send(_begin(workspace_id), steps, commit=True, before_commit=before_commit))[-1]


def send(workspace_id: uuid.UUID, *steps: tuple[Statement, Mapping[str, Any]]) -> Sent:
    """As `run`, but neither waits for the answer nor lets the commit wait for the disk: a crash of the database may forget
    it; a crash of ours cannot, because the server has the whole transaction when this returns."""
    if connection.in_atomic_block:
        with workspace_scope(workspace_id):
            answers = _collect(_send([], steps))
        return Sent(lambda: answers)
    connection.ensure_connection()
    with connection.wrap_database_errors:
        begin = [*_begin(workspace_id), b"SET LOCAL synchronous_commit = off"]
        count = _send(begin, steps, commit=True, flush=True)

    def wait() -> list[list[Row]]:
        with connection.wrap_database_errors:
            return _finish(count)

    return Sent(wait)


def server_cursor() -> "psycopg.Cursor[tuple[object, ...]]":
    """A cursor of Django's connection whose values travel beside the statement, not inside it."""
    raw = connection.connection
    assert isinstance(raw, psycopg.Connection)
    return psycopg.Cursor(raw)


def _begin(workspace_id: uuid.UUID) -> list[bytes]:
    return [
        b"BEGIN",
        f"SET LOCAL leadgen.workspace = '{uuid.UUID(str(workspace_id))}'".encode(),
        # Every look-up here is by key. A plan made while a table was small must not scan it once it has grown.
        b"SET LOCAL enable_seqscan = off",
    ]


def _send(
    before: list[bytes],
    steps: tuple[tuple[Statement, Mapping[str, Any]], ...],
    *,
    commit: bool = False,
    flush: bool = False,
    before_commit: Callable[[], None] | None = None,
) -> tuple[int, int, bool]:
    """Queue everything and a sync. Returns (answers before the statements, statements, whether the last is a commit)."""
    raw = connection.connection
    conn = raw.pgconn
    prepares = settings.DATABASE_PREPARES
    ready = _ready.setdefault(raw, set())
    for statement, _ in steps:
        if prepares and statement.name not in ready:
            if not ready and not connection.in_atomic_block:
                _simple("SET plan_cache_mode = force_generic_plan")  # of prepared statements, and only we prepare any
            result = conn.prepare(statement.name, statement.sql)
            if result.status != ExecStatus.COMMAND_OK:
                raise errors.error_from_result(result)
            ready.add(statement.name)
    conn.enter_pipeline_mode()
    try:
        for command in before:
            conn.send_query_params(command, None)
        for statement, values in steps:
            if prepares:
                conn.send_query_prepared(statement.name, statement.texts(values))
            else:
                conn.send_query_params(statement.sql, statement.texts(values))
        if before_commit is not None:
            _flush(conn)
            before_commit()
        if commit:
            conn.send_query_params(b"COMMIT", None)
        conn.pipeline_sync()
    except BaseException:
        raw.close()  # half a message cannot be taken back; without a commit the server forgets it
        if not connection.in_atomic_block:
            connection.close()  # the next user gets another
        raise
    if flush:
        _flush(conn)
    return len(before), len(steps) + commit, commit


def _flush(conn: Any) -> None:
    """Until the kernel has everything."""
    while conn.flush():
        select.select([], [conn.socket], [])


def _next(conn: Any) -> Any:
    """The next result. Waited for outside of libpq, which would keep all other threads waiting too."""
    while conn.is_busy():
        select.select([conn.socket], [], [])
        conn.consume_input()
    return conn.get_result()


def _collect(counts: tuple[int, int, bool]) -> list[list[Row]]:
    """Answers of a pipeline, up to its sync. Raises the first error."""
    before, count, commits = counts
    raw = connection.connection
    conn = raw.pgconn
    found: list[list[Row]] = []
    failed, tag = None, b""
    for number in range(before + count):
        result = _next(conn)
        if result is None:
            raise psycopg.OperationalError("the connection is gone")
        tag = result.command_status or b""
        if result.status not in _OK and failed is None:
            failed = result
        elif failed is None and number >= before and result.status == ExecStatus.TUPLES_OK:
            found.append(
                [tuple(_read(result, row, column) for column in range(result.nfields)) for row in range(result.ntuples)]
            )
        while _next(conn) is not None:
            pass
    synced = _next(conn)
    if synced is None or synced.status != ExecStatus.PIPELINE_SYNC:
        raw.close()
        raise psycopg.OperationalError("the connection is gone")
    conn.exit_pipeline_mode()
    if failed is not None:
        raise errors.error_from_result(failed)
    if commits and tag != b"COMMIT":
        raise psycopg.InternalError("the transaction had failed and was rolled back")
    return found or [[]]


def _finish(counts: tuple[int, int, bool]) -> list[list[Row]]:
    try:
        return _collect(counts)
    except BaseException:
        _roll_back()
        raise


def _read(result: Any, row: int, column: int) -> str | None:
    value = result.get_value(row, column)
    return None if value is None else value.decode()


def _roll_back() -> None:
    raw = connection.connection
    if not raw.closed and raw.pgconn.transaction_status not in {TransactionStatus.IDLE, TransactionStatus.UNKNOWN}:
        _simple("ROLLBACK")


def _simple(statement: str) -> bytes:
    """A statement without values. Returns its command tag."""
    result = connection.connection.pgconn.exec_(statement.encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise errors.error_from_result(result)
    return result.command_status or b""
