"""Short transactions of a few prepared statements, for paths whose share of the machine is counted in tenths of a
millisecond.

Three things cost more than the work itself when a mail takes one transaction: planning the same statement again, a round
trip for each setting, and a savepoint. Here a transaction opens with one message to the server, its statements are planned
once a connection, and it ends with one message. Row-level security holds as in `workspace_scope`; managers are not told, so
no ORM query belongs inside.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import connection, transaction
from psycopg.pq import ExecStatus

from leadgen.core.tenancy import workspace_scope


@contextmanager
def short_transaction(
    workspace_id: uuid.UUID, *, durable: bool = True
) -> Iterator["psycopg.Cursor[tuple[object, ...]]"]:
    """One transaction of one workspace; yields a cursor whose statements are prepared on the server.

    `durable=False` commits without waiting for the disk: a crash of the database may forget it, a crash of ours cannot.
    Inside a transaction (a test's) it is a savepoint of it. Raises django.db errors.
    """
    if connection.in_atomic_block:
        with workspace_scope(workspace_id):
            yield server_cursor()
        return
    connection.ensure_connection()
    # Every look-up here is by key. A plan made while a table was small must not scan it once it has grown.
    begin = f"BEGIN; SET LOCAL leadgen.workspace = '{uuid.UUID(str(workspace_id))}'; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan"
    with connection.wrap_database_errors:
        cursor = server_cursor()
        _simple(begin if durable else f"{begin}; SET LOCAL synchronous_commit = off")
        try:
            yield cursor
        except BaseException:
            if not cursor.connection.closed:
                cursor.connection.rollback()
            raise
        if _simple("COMMIT") != b"COMMIT":
            raise transaction.TransactionManagementError("the transaction had failed and was rolled back")


def server_cursor() -> "psycopg.Cursor[tuple[object, ...]]":
    """A cursor of Django's connection whose values travel beside the statement, not inside it."""
    raw = connection.connection
    assert isinstance(raw, psycopg.Connection)
    # Of server-side cursors only: Django's own bind on the client and never prepare.
    raw.prepare_threshold = 0 if settings.DATABASE_PREPARES else None
    return psycopg.Cursor(raw)


def _simple(statements: str) -> bytes:
    """Statements without parameters in one message. Returns the last one's command tag."""
    result = connection.connection.pgconn.exec_(statements.encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise psycopg.OperationalError(result.error_message.decode("utf-8", "replace") or "the connection is gone")
    return result.command_status or b""
