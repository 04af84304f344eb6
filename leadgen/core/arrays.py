"""Columns of many rows as PostgreSQL array literals, one parameter a column. psycopg writes lists value by value, in Python;
a literal for each value of each row costs more than the database does; and COPY is refused under row-level security.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from django.db import connection, models


def array_text(values: Sequence[str | None]) -> str:
    """Texts as one PostgreSQL array, written at the speed of C: as a parameter `%s::text[]`, unnested and cast there."""
    if not values:
        return "{}"
    if None not in values:
        joined = "\x1f".join(values)  # type: ignore[arg-type]  # none is None
        if joined.count("\x1f") == len(values) - 1:
            if "\\" in joined:
                joined = joined.replace("\\", "\\\\")
            if '"' in joined:
                joined = joined.replace('"', '\\"')
            return '{"' + joined.replace("\x1f", '","') + '"}'
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Source(NamedTuple):
    """Rows to select from: `expressions` one a column, `origin` what stands after FROM, `params` for both in that order."""

    expressions: list[str]
    origin: str
    params: list[Any]


def source_of(columns: Sequence[tuple[str, Sequence[str | None]]]) -> Source:
    """Columns as (type, texts), all as long as there are rows: what all rows share travels as one value, the rest as
    arrays unnested together."""
    expressions: list[str] = []
    single: list[Any] = []
    arrays: list[str] = []
    for kind, texts in columns:
        first = texts[0]
        if texts.count(first) == len(texts):
            expressions.append(f"%s::{kind}")
            single.append(first)
        else:
            expressions.append(f"v.a{len(arrays)}::{kind}")
            arrays.append(array_text(texts))
    if not arrays:
        return Source(expressions, "generate_series(1, %s) v", [*single, len(columns[0][1])])
    unnest = ", ".join(["%s::text[]"] * len(arrays))
    names = ", ".join(f"a{number}" for number in range(len(arrays)))
    return Source(expressions, f"unnest({unnest}) v({names})", [*single, *arrays])


def column_type(field: Any) -> str:
    """The type a text is cast to for a model's field. Not varchar(12), which would cut what its own check refuses."""
    kind = str(field.rel_db_type(connection) if isinstance(field, models.ForeignKey) else field.db_type(connection))
    if not kind.startswith("varchar"):
        return kind
    return "varchar[]" if kind.endswith("[]") else "text"


def text_of(value: Any) -> str | None:
    """A value as PostgreSQL reads it: texts, numbers, keys, dates and times, booleans, lists of them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return array_text([text_of(part) for part in value])
    return value.isoformat() if isinstance(value, date) else str(value)
