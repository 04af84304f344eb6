"""Many rows in one INSERT: columns travel as arrays (leadgen.core.arrays), which for a batch of messages costs less than
the statement of literals that bulk_create composes."""

from collections.abc import Sequence

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

from leadgen.core.arrays import column_type, source_of, text_of
from leadgen.core.prepared import server_cursor
from leadgen.core.tenancy import TenantModel, stamp

_PLAIN = (
    models.CharField, models.TextField, models.UUIDField, models.DateTimeField, models.IntegerField,
    models.PositiveSmallIntegerField, models.BooleanField, models.ForeignKey,
)  # fmt: skip


def insert_rows[M: TenantModel](model: type[M], rows: Sequence[M]) -> None:
    """Insert new rows, stamped with the workspace of the scope, in its transaction. Raises django.db errors.

    For models of texts, numbers, times and keys; a primary key the database makes is not read back.
    """
    if not rows:
        return
    for row in rows:
        stamp(row)
    names, columns = [], []
    for field in model._meta.concrete_fields:
        values = [getattr(row, field.attname) for row in rows]
        if isinstance(values[0], DatabaseDefault):
            continue
        if not isinstance(field, _PLAIN):
            raise TypeError(f"{model.__name__}.{field.name} is no plain column")
        names.append(connection.ops.quote_name(str(field.column)))
        columns.append((column_type(field), [text_of(value) for value in values]))
    source = source_of(columns)
    table = connection.ops.quote_name(model._meta.db_table)
    sql = f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(source.expressions)} FROM {source.origin}"  # noqa: S608  names of our own columns
    with connection.wrap_database_errors:
        server_cursor().execute(sql, source.params, prepare=False)
