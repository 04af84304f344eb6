"""Rows of an import in memory: looked up in one query a batch, changed here, written by COPY.

A COPY into a table under row-level security is refused, so rows go into a temporary table first and on from there.
"""

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from django.db import connection, models
from django.db.models import QuerySet
from psycopg.types.json import Jsonb

from leadgen.core.tenancy import TenantModel, current_workspace_id

type Row = dict[str, Any]


class RowRefused(Exception):
    """This row cannot be imported; the others can. Raised before anything of the row was changed."""

    def __init__(self, message: str, remedy: str = "", *, column: str = "", value: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy, self.column, self.value = message, remedy, column, value


def uuid7() -> UUID:
    """A time-ordered key, as PostgreSQL's uuidv7() makes them: rows must know their ids before they are copied."""
    moment = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    number = (moment << 80) | (0x7 << 76) | ((random >> 68) << 64) | (0b10 << 62) | (random & ((1 << 62) - 1))
    return UUID(int=number)


class Unit:
    """One batch: which row of the file touched which row of the database.

    `keep`: a dry run. Nothing is written and nothing forgotten, so that a later batch meets what an earlier one made.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self.keep = keep
        self.tables: list[Rows] = []
        self.touched: list[tuple[Rows, UUID]] = []

    def begin_row(self) -> None:
        self.touched = []

    def flush(self, now: Any) -> dict[type[TenantModel], list[UUID]]:
        """Write what is new or really changed, tables in the order they were declared; the ids written, by model."""
        if self.keep:
            return {}
        return {table.model: table.write(now) for table in self.tables}

    def settle(self) -> None:
        """After a batch: a dry run takes what it made as known, a run forgets it (the database has it now)."""
        for table in self.tables:
            table.settle(keep=self.keep)

    def reset(self) -> None:
        """After a batch that was rolled back: nothing of it happened."""
        for table in self.tables:
            table.settle(keep=False)


class Rows:
    """Rows of one tenant table as plain dicts by column (`company_id`, not `company`). `keys`: columns to look up by,
    each naming at most one row."""

    def __init__(self, model: type[TenantModel], unit: Unit, keys: tuple[str, ...] = ()) -> None:
        self.model = model
        self.unit = unit
        self._keys = keys
        fields = [f for f in model._meta.concrete_fields if f.attname != "workspace_id"]
        self.columns = [f.attname for f in fields]
        self._json = {f.attname for f in fields if isinstance(f, models.JSONField)}
        self._blank = {f.attname: (f.get_default if callable(f.default) else f.get_default()) for f in fields}
        self._fresh = [name for name, value in self._blank.items() if callable(value)]
        self._dated = "updated_at" in self.columns
        self._by_id: dict[UUID, Row] = {}
        self._index: dict[str, dict[Any, Row]] = {}
        self._asked: dict[str, set[Any]] = {}
        self._new: dict[UUID, Row] = {}
        self._before: dict[UUID, Row] = {}
        self.settle(keep=False)
        unit.tables.append(self)

    def settle(self, *, keep: bool) -> None:
        self._new, self._before = {}, {}
        if keep:
            return
        self._by_id = {}
        self._index = {key: {} for key in self._keys}
        self._asked = {key: set() for key in self._keys}

    # Look up

    def fetch(self, key: str, values: Iterable[Any]) -> None:
        """Look up, in one query, every row whose `key` is among `values`, so that `by` finds them."""
        asked = self._asked[key]
        wanted = [value for value in dict.fromkeys(values) if value not in ("", None) and value not in asked]
        if wanted:
            asked.update(wanted)
            self.load(self.model.objects.filter(**{f"{key}__in": wanted}))

    def load(self, rows: "QuerySet[Any]") -> list[Row]:
        """Bring in the rows of a queryset; one that is known already stays as it is in memory."""
        found = []
        for record in rows.values_list(*self.columns):
            row = dict(zip(self.columns, record, strict=True))
            known = self._by_id.get(row["id"])
            if known is None:
                self._by_id[row["id"]] = known = row
                for key, index in self._index.items():
                    if row[key] not in ("", None):
                        index[row[key]] = row
            found.append(known)
        return found

    def by(self, key: str, value: Any) -> Row | None:
        """The row with this key, if it was fetched or made."""
        return self._index[key].get(value) if value not in ("", None) else None

    def get(self, pk: UUID | None) -> Row | None:
        return self._by_id.get(pk) if pk is not None else None

    def known(self) -> Iterable[Row]:
        return self._by_id.values()

    # Change

    def add(self, **values: Any) -> Row:
        """A new row; what is not said has the column's default."""
        row = {**self._blank, **values}
        for name in self._fresh:
            if name not in values:
                row[name] = self._blank[name]()
        row["id"] = key = uuid7()
        self._by_id[key] = self._new[key] = row
        for name, index in self._index.items():
            if row[name] not in ("", None):
                index[row[name]] = row
        self.unit.touched.append((self, key))
        return row

    def put(self, row: Row, values: Mapping[str, Any]) -> bool:
        """Set columns of a row; whether anything changed."""
        changed = {name: value for name, value in values.items() if row[name] != value}
        if not changed:
            return False
        key = row["id"]
        if key not in self._new and key not in self._before:
            self._before[key] = dict(row)
        for name, value in changed.items():
            index = self._index.get(name)
            if index is not None:
                if index.get(row[name]) is row:
                    del index[row[name]]
                if value not in ("", None):
                    index[value] = row
            row[name] = value
        self.unit.touched.append((self, key))
        return True

    def is_new(self, row: Row) -> bool:
        return row["id"] in self._new

    def written(self, key: UUID) -> bool:
        """Whether this row is new, or differs from what the database holds."""
        before = self._before.get(key)
        return key in self._new or (before is not None and before != self._by_id[key])

    # Write

    def write(self, now: Any) -> list[UUID]:
        """Update what differs from the database, then insert what is new; the ids of both."""
        groups: dict[tuple[bool, tuple[str, ...]], list[Row]] = {}
        for key, before in self._before.items():
            row = self._by_id[key]
            changed = tuple(name for name in self.columns if row[name] != before[name])
            if changed:
                if self._dated:
                    row["updated_at"] = now
                    changed = tuple(dict.fromkeys((*changed, "updated_at")))
                fills = all(row[name] not in ("", None) for name in changed)
                groups.setdefault((fills, changed), []).append(row)
        # Only what changed is written: somebody may have edited another column meanwhile. What gives a unique value up
        # goes before what takes it.
        for (_, columns), rows in sorted(groups.items()):
            self._update(columns, rows)
        if self._new:
            self._insert(list(self._new.values()))
        return [row["id"] for rows in groups.values() for row in rows] + list(self._new)

    def _insert(self, rows: list[Row]) -> None:
        columns = ", ".join(f'"{name}"' for name in self.columns)
        with self._copied(self.columns, rows) as table:
            self._execute(
                f'INSERT INTO "{self.model._meta.db_table}" (workspace_id, {columns})'  # noqa: S608  names of our columns
                f" SELECT workspace_id, {columns} FROM {table}"
            )

    def _update(self, columns: tuple[str, ...], rows: list[Row]) -> None:
        assignments = ", ".join(f'"{name}" = s."{name}"' for name in columns)
        with self._copied(["id", *columns], rows) as table:
            self._execute(
                f'UPDATE "{self.model._meta.db_table}" t SET {assignments} FROM {table} s'  # noqa: S608  names of our columns
                " WHERE t.workspace_id = s.workspace_id AND t.id = s.id"
            )

    def _copied(self, columns: list[str], rows: list[Row]) -> "_Copied":
        return _Copied(self.model._meta.db_table, columns, rows, self._json)

    def _execute(self, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)


class _Copied:
    """A temporary table holding the rows, for the statement inside the block."""

    def __init__(self, table: str, columns: list[str], rows: list[Row], json: set[str]) -> None:
        self._table, self._columns, self._rows, self._json = table, columns, rows, json
        self._name = f"import_{table}"

    def __enter__(self) -> str:
        workspace = current_workspace_id()
        names = ["workspace_id", *self._columns]
        quoted = ", ".join(f'"{name}"' for name in names)
        with connection.cursor() as cursor:
            cursor.execute(
                f'CREATE TEMPORARY TABLE "{self._name}" ON COMMIT DROP AS'  # noqa: S608  names of our columns
                f' SELECT {quoted} FROM "{self._table}" WITH NO DATA'
            )
            # COPY is psycopg's own: Django would not know its errors.
            with (
                connection.wrap_database_errors,
                cast(Any, cursor).copy(f'COPY "{self._name}" ({quoted}) FROM STDIN') as copy,
            ):
                for row in self._rows:
                    copy.write_row(
                        (
                            workspace,
                            *(
                                Jsonb(row[name]) if name in self._json and row[name] is not None else row[name]
                                for name in self._columns
                            ),
                        )
                    )
        return f'"{self._name}"'

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            with connection.cursor() as cursor:
                cursor.execute(f'DROP TABLE "{self._name}"')
