"""Many rows in one INSERT, without a literal a value: columns travel as arrays, what all rows share as one value.

bulk_create composes a statement of rows times columns literals on the client, which for a batch of messages costs more than
the database does. COPY would be faster still, but PostgreSQL refuses it under row-level security.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

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
    names, sources, values = [], [], []
    for row in rows:
        stamp(row)
    arrays: list[str] = []
    for field in model._meta.concrete_fields:
        column = [getattr(row, field.attname) for row in rows]
        first = column[0]
        if isinstance(first, DatabaseDefault):
            continue
        if not isinstance(field, _PLAIN):
            raise TypeError(f"{model.__name__}.{field.name} is no plain column")
        names.append(connection.ops.quote_name(str(field.column)))
        kind = _type(field)
        if all(value == first for value in column):
            sources.append(f"%s::{kind}")
            values.append((1, first))
        else:
            arrays.append(f"a{len(arrays)}")
            sources.append(f"v.{arrays[-1]}")
            values.append((0, (kind, column)))
    listed = [value for single, value in values if not single]
    constants = [value for single, value in values if single]
    table = connection.ops.quote_name(model._meta.db_table)
    if listed:
        unnest = ", ".join(f"%s::{kind}[]" for kind, _ in listed)
        origin = f"FROM unnest({unnest}) AS v({', '.join(arrays)})"
    else:
        origin, constants = "FROM generate_series(1, %s)", [*constants, len(rows)]
    sql = f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(sources)} {origin}"
    with connection.wrap_database_errors:
        server_cursor().execute(sql, [*constants, *(column for _, column in listed)], prepare=False)


def _type(field: Any) -> str:
    kind = str(field.rel_db_type(connection) if isinstance(field, models.ForeignKey) else field.db_type(connection))
    return "text" if kind.startswith("varchar") else kind
