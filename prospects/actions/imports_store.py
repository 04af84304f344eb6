"""Rows of an import in memory: looked up in one query a batch, changed here, written by one statement a table.

COPY into a table under row-level security is refused, and a temporary table a batch fills the catalogue with dead rows:
columns travel as arrays.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.db.models import QuerySet

from leadgen.core.arrays import Source, column_type, source_of, text_of
from leadgen.core.ids import uuid7
from leadgen.core.prepared import server_cursor
from leadgen.core.tenancy import TenantModel, current_workspace_id
from prospects.models import Company, Person
from prospects.queries.duplicates import COMPANIES, PEOPLE, Subject
from prospects.queries.merges import former

_UNREAD = object()
_MERGED: dict[type[TenantModel], Subject] = {Person: PEOPLE, Company: COMPANIES}
# `fields_at` of a record: column -> when (seconds) an import last changed it, as of the day its file counts for; beside it
# when that was written, and how old the row was that made the record, where its file said so.
WRITTEN, MADE = "", "*"
_UNDATED = frozenset(
    {"updated_at", "full_name", "email_status", "email_status_at", "email_status_reason", "industry_code"}
)

type Row = dict[str, Any]
# What one batch did to one table: the ids it made; of rows it changed the id, the columns before and after.
type Entry = tuple[type[TenantModel], list[UUID], list[tuple[UUID, Row, Row]]]


class RowRefused(Exception):
    """This row cannot be imported; the others can. Raised before anything of the row was changed."""

    def __init__(
        self, message: str, remedy: str = "", *, column: str = "", value: str = "", conflict: bool = False
    ) -> None:
        super().__init__(message)
        self.conflict = conflict  # its keys name two records
        self.message, self.remedy, self.column, self.value = message, remedy, column, value


def as_json(value: Any) -> Any:
    """A column's value as JSON keeps it: times, amounts and keys as texts."""
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def _nothing() -> None:
    pass


class Unit:
    """One batch: which row of the file touched which row of the database.

    `keep`: a dry run. Nothing is written and nothing forgotten, so that a later batch meets what an earlier one made.
    """

    def __init__(self, *, keep: bool = False, undoable: Collection[type[TenantModel]] = ()) -> None:
        self.keep = keep
        self.undoable = undoable
        self.tables: list[Rows] = []
        self.touched: list[tuple[Rows, UUID]] = []
        self.journal: list[Entry] | None = [] if undoable and not keep else None
        # Called before the database gets something that takes a while.
        self.while_waiting: Callable[[], None] = _nothing

    def begin_row(self) -> None:
        self.touched = []

    def flush(self, now: Any) -> dict[type[TenantModel], list[UUID]]:
        """Write what is new or really changed, tables in the order they were declared; the ids written, by model."""
        if self.keep:
            return {}
        return {table.model: table.write(now) for table in self.tables}

    def settle(self) -> None:
        """After a batch: a dry run takes what it made as known, a run forgets it (the database has it now) but for what
        an undo needs."""
        for table in self.tables:
            made = table.made()
            if self.journal is not None and table.model in self.undoable and (made or table.changes):
                self.journal.append((table.model, made, table.changes))
            table.settle(keep=self.keep)

    def reset(self) -> None:
        """After a batch that was rolled back: nothing of it happened."""
        for table in self.tables:
            table.settle(keep=False)


class Rows:
    """Rows of one tenant table as plain dicts by column (`company_id`, not `company`). `keys`: columns to look up by,
    each naming at most one row. `unread`: columns that are written and never asked for."""

    def __init__(
        self, model: type[TenantModel], unit: Unit, keys: tuple[str, ...] = (), unread: Collection[str] = ()
    ) -> None:
        self.model = model
        self.unit = unit
        self._keys = keys
        fields = [f for f in model._meta.concrete_fields if f.attname != "workspace_id"]
        self.columns = [f.attname for f in fields]
        self._read = [name for name in self.columns if name not in unread]
        self._json = {f.attname for f in fields if isinstance(f, models.JSONField)}
        self._texts = {f.attname for f in fields if isinstance(f, models.CharField | models.TextField) and not f.null}
        self._types = {f.attname: column_type(f) for f in fields}
        # A list or dict of its own for each row; all other defaults are one value for all.
        own: dict[str, Any] = {f.attname: f.default for f in fields if f.has_default() and callable(f.default)}
        self._blank = {f.attname: own.get(f.attname) or f.get_default() for f in fields}
        self._fresh = list(own)
        self._dated = "updated_at" in self.columns
        self._stamped = "fields_at" in self.columns
        self.said_at: dict[UUID, dict[str, int]] = {}  # row -> column -> how old the value is, where the file says so
        self._by_id: dict[UUID, Row] = {}
        self._index: dict[str, dict[Any, Row]] = {}
        self._asked: dict[str, set[Any]] = {}
        self._new: dict[UUID, Row] = {}
        self._before: dict[UUID, Row] = {}
        self.settle(keep=False)
        unit.tables.append(self)

    def settle(self, *, keep: bool) -> None:
        self._new, self._before = {}, {}
        self.said_at = {}
        self.changes: list[tuple[UUID, Row, Row]] = []
        if keep:
            return
        self._by_id = {}
        self._former: dict[tuple[str, Any], tuple[Row, datetime]] = {}
        self._index = {key: {} for key in self._keys}
        self._asked = {key: set() for key in self._keys}

    # Look up

    def look_up_by(self, key: str) -> None:
        """Know one more column as a key, for this run: what a record had of it before a merge leads to it, too."""
        self._keys = (*self._keys, key)
        self._index.setdefault(key, {})
        self._asked.setdefault(key, set())

    def fetch(self, key: str, values: Iterable[Any]) -> None:
        """Look up, in one query, every row whose `key` is among `values`, so that `by` finds them."""
        asked = self._asked[key]
        wanted = [value for value in dict.fromkeys(values) if value not in ("", None) and value not in asked]
        if wanted:
            asked.update(wanted)
            # A set: of a list Django resolves each value, which for a batch takes longer than the query.
            self.load(self.model.objects.filter(**{f"{key}__any": set(wanted)}))
            self.fetch_former(key, [value for value in wanted if value not in self._index[key]])

    def fetch_former(self, key: str, values: list[Any]) -> None:
        """Records that were known by these before a merge: whoever names them still means them."""
        subject = _MERGED.get(self.model)
        found = former(subject, key, values) if subject is not None and values else {}
        if found:
            rows = {
                row["id"]: row for row in self.load(self.model.objects.filter(pk__any={pk for pk, _ in found.values()}))
            }
            self._former |= {(key, value): (rows[pk], at) for value, (pk, at) in found.items() if pk in rows}

    def former(self, key: str, value: Any) -> tuple[Row, datetime] | None:
        """The record that was known by this before a merge, and when that was; None where one has it today."""
        return None if value in self._index.get(key, ()) else self._former.get((key, value))

    def load(self, rows: "QuerySet[Any]") -> list[Row]:
        """Bring in the rows of a queryset; one that is known already stays as it is in memory."""
        found = []
        names = self._read
        for record in rows.values_list(*names):
            row = dict(zip(names, record, strict=True))
            known = self._by_id.get(row["id"])
            if known is None:
                self._by_id[row["id"]] = known = row
                for key, index in self._index.items():
                    if row[key] not in ("", None):
                        index[row[key]] = row
            found.append(known)
        return found

    def by(self, key: str, value: Any) -> Row | None:
        """The row with this key, if it was fetched or made; else the one that had it before a merge."""
        if value in ("", None):
            return None
        found = self._index[key].get(value)
        if found is None and self._former and (before := self._former.get((key, value))):
            found = before[0]
        return found

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
        for name, value in values.items():
            if row.get(name, _UNREAD) != value:
                break
        else:
            return False  # what nearly every row of a file says that was imported before
        changed = {name: value for name, value in values.items() if row.get(name, _UNREAD) != value}
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

    def without_former(self, row: Row, values: dict[str, Any]) -> dict[str, Any]:
        """The values without keys that this record had before a merge: it keeps those it has now. A caller asks before `put`."""
        if not self._former:
            return values
        told = {name: self.former(name, value) for name, value in values.items() if name in self._keys}
        return {name: value for name, value in values.items() if not ((at := told.get(name)) and at[0] is row)}

    def is_new(self, row: Row) -> bool:
        return row["id"] in self._new

    def written(self, key: UUID) -> bool:
        """Whether this row is new, or differs from what the database holds."""
        before = self._before.get(key)
        return key in self._new or (before is not None and before != self._by_id[key])

    def made(self) -> list[UUID]:
        return list(self._new)

    # Write

    def write(self, now: Any) -> list[UUID]:
        """Update what differs from the database, then insert what is new; the ids of both."""
        groups: dict[tuple[bool, tuple[str, ...]], list[Row]] = {}
        for key, before in self._before.items():
            row = self._by_id[key]
            changed = tuple(
                name
                for name in self.columns
                if row.get(name, _UNREAD) != before.get(name, _UNREAD) and name != "fields_at"
            )
            if changed:
                if self._dated:
                    row["updated_at"] = now
                    changed = tuple(dict.fromkeys((*changed, "updated_at")))
                fills = all(row[name] not in ("", None) for name in changed)
                groups.setdefault((fills, changed), []).append(row)
        # Only what changed is written: somebody may have edited another column meanwhile. What gives a unique value up
        # goes before what takes it.
        for (_, columns), rows in sorted(groups.items()):
            self._change(columns, rows, now)
        if self._new:
            self._insert(list(self._new.values()))
        return [row["id"] for rows in groups.values() for row in rows] + list(self._new)

    def _insert(self, rows: list[Row]) -> None:
        source = self._source(self.columns, rows)
        self.unit.while_waiting()
        columns = ", ".join(f'"{name}"' for name in self.columns)
        self._execute(
            f'INSERT INTO "{self.model._meta.db_table}" (workspace_id, {columns})'  # noqa: S608  names of our columns
            f" SELECT %s, {', '.join(source.expressions)} FROM {source.origin}",
            [current_workspace_id(), *source.params],
        )

    def update(
        self, columns: tuple[str, ...], rows: list[Row], stamps: Sequence[Mapping[str, int]] | None = None
    ) -> list[tuple[Any, ...]]:
        """Write these columns of these rows; what the database held in them a moment ago, each row led by its id.
        `stamps`: what joins `fields_at` of each."""
        source = self._source(("id", *columns), rows, stamps)
        named = ", ".join(
            f'{value} AS "{name}"'
            for name, value in zip(("id", *columns, *(("stamp",) if stamps else ())), source.expressions, strict=True)
        )
        assignments = ", ".join(f'"{name}" = s."{name}"' for name in columns)
        if stamps:
            assignments += ", fields_at = coalesce(t.fields_at, '{}') || s.stamp"
        # What the database held a moment ago, not what was read before: it is what an undo gives back.
        before = ", ".join(f'old."{name}"' for name in columns)
        return self._execute(
            f'UPDATE "{self.model._meta.db_table}" t SET {assignments} FROM (SELECT {named} FROM {source.origin}) s'  # noqa: S608
            f" WHERE t.workspace_id = %s AND t.id = s.id RETURNING t.id, {before}",
            [*source.params, current_workspace_id()],
        )

    def _change(self, columns: tuple[str, ...], rows: list[Row], now: Any) -> None:
        found = self.update(columns, rows, [self._stamp(row, columns, now) for row in rows] if self._stamped else None)
        if self.unit.journal is None or self.model not in self.unit.undoable:
            return
        for key, *values in found:
            row = self._by_id[key]
            self.changes.append((key, dict(zip(columns, values, strict=True)), {name: row[name] for name in columns}))

    def _stamp(self, row: Row, columns: tuple[str, ...], now: Any) -> dict[str, int]:
        """When each column that changes changed."""
        at, said, before = int(now.timestamp()), self.said_at.get(row["id"], {}), self._before[row["id"]]
        names = [name for name in columns if name not in _UNDATED and name != "custom"]
        if "custom" in columns:
            old, new = before.get("custom") or {}, row["custom"]
            names += [f"custom.{key}" for key in {*old, *new} if old.get(key) != new.get(key)]
        return {WRITTEN: at, **{name: said.get(name, at) for name in names}}

    def _source(
        self, columns: Sequence[str], rows: list[Row], stamps: Sequence[Mapping[str, int]] | None = None
    ) -> Source:
        found = []
        for name in columns:
            values = [row[name] for row in rows]
            if name in self._texts:
                texts = values
            elif values.count(values[0]) == len(values):  # most columns of a file's rows hold their default
                texts = [self._text(name, values[0])] * len(values)
            else:
                texts = [self._text(name, value) for value in values]
            found.append((self._types[name], texts))
        if stamps:
            found.append(("jsonb", [json.dumps(stamp) for stamp in stamps]))
        return source_of(found)

    def _text(self, name: str, value: Any) -> str | None:
        if name in self._json:  # also a text is JSON there
            return None if value is None else json.dumps(value, cls=DjangoJSONEncoder)
        return text_of(value)

    def _execute(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        with connection.wrap_database_errors:
            cursor = server_cursor().execute(sql, params, prepare=False)
            return cursor.fetchall() if cursor.description else []
