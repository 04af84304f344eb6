"""Keyset pages: the next page starts after the last row seen, so page 10,000 costs what page 1 costs.

One engine for HTML lists and the API. A cursor is opaque, bound to its order, and carries no more than the row's sort keys.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from leadgen.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Order:
    """A list's order: one column and the id. `nullable` columns put their NULLs last in either direction."""

    field: str
    descending: bool = False
    nullable: bool = False

    @classmethod
    def parse(cls, text: str, *, allowed: Sequence[str], nullable: Sequence[str] = ()) -> "Order":
        """`name` or `-name`; raises Invalid for a column the list cannot be sorted by."""
        field = text.removeprefix("-")
        if field not in allowed:
            raise Invalid(f"Cannot sort by “{field}”. Use one of: {', '.join(allowed)}.", field="sort")
        return cls(field, descending=text.startswith("-"), nullable=field in nullable)

    def __str__(self) -> str:
        return ("-" if self.descending else "") + self.field


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page and the cursors around it ('' where there is nothing)."""

    rows: list[Any]
    next: str
    previous: str
    size: int

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class _RowCompare(Func):
    """`(a, b) > (x, y)`: PostgreSQL walks a same-direction index for it, unlike for the OR form."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, columns: Sequence[Any], values: Sequence[Any], operator: str) -> None:
        self.operator, self.half = operator, len(columns)
        super().__init__(*columns, *values)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        parts, params = [], []
        for expression in self.source_expressions:
            sql, values = compiler.compile(expression)
            parts.append(sql)
            params.extend(values)
        left, right = ", ".join(parts[: self.half]), ", ".join(parts[self.half :])
        return f"({left}) {self.operator} ({right})", params


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    return value


def _encode(order: Order, row: Any, *, back: bool) -> str:
    value: Any = row
    for part in order.field.split("__"):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part)
    key = row["id"] if isinstance(row, dict) else row.pk
    text = json.dumps([str(order), _plain(value), str(key), int(back)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(order: Order, cursor: str) -> tuple[Any, str, bool]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        name, value, key, back = json.loads(raw)
        UUID(key)
        if name != str(order):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError) as error:
        raise Invalid(
            "This page link belongs to another order of the list. Start from the first page.", field="cursor"
        ) from error
    return value, key, bool(back)


def keyset(queryset: QuerySet[Any], *, order: Order, cursor: str = "", size: int = 50) -> Page:
    """One page of `queryset` in `order`. Raises Invalid for a cursor that is broken or belongs to another order."""
    value, key, back = _decode(order, cursor) if cursor else (None, "", False)
    descending = order.descending != back
    column = F(order.field)
    if order.nullable:
        # NULLs last going forward, first going back.
        primary = (
            column.desc(nulls_last=not back or None, nulls_first=back or None)
            if descending
            else column.asc(nulls_last=not back or None, nulls_first=back or None)
        )
    else:
        primary = column.desc() if descending else column.asc()
    queryset = queryset.order_by(primary, F("pk").desc() if descending else F("pk").asc())
    if cursor:
        operator, lookup = ("<", "lt") if descending else (">", "gt")
        if not order.nullable:
            field = queryset.model._meta.get_field(order.field) if "__" not in order.field else None
            typed = field.to_python(value) if field is not None else value
            queryset = queryset.filter(_RowCompare([column, F("pk")], [Value(typed), Value(UUID(key))], operator))
        elif value is None:
            after = Q(**{f"{order.field}__isnull": True, f"pk__{lookup}": key})
            queryset = queryset.filter(after | Q(**{f"{order.field}__isnull": False}) if back else after)
        else:
            after = Q(**{f"{order.field}__{lookup}": value}) | Q(**{order.field: value, f"pk__{lookup}": key})
            queryset = queryset.filter(after if back else after | Q(**{f"{order.field}__isnull": True}))
    rows = list(queryset[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if back:
        rows.reverse()
    has_next, has_previous = (True, more) if back else (more, bool(cursor))
    return Page(
        rows=rows,
        next=_encode(order, rows[-1], back=False) if rows and has_next else "",
        previous=_encode(order, rows[0], back=True) if rows and has_previous else "",
        size=size,
    )


def neighbours(queryset: QuerySet[Any], *, order: Order, row: Any) -> tuple[Any | None, Any | None]:
    """The rows before and after `row` in `order` (None at an end). `row` carries the order's column, so annotate it alike."""
    after = keyset(queryset, order=order, cursor=cursor_after(order, row), size=1).rows
    before = keyset(queryset, order=order, cursor=_encode(order, row, back=True), size=1).rows
    return (before[0] if before else None), (after[0] if after else None)


def cursor_after(order: Order, row: Any) -> str:
    """The cursor of the page that starts after `row`, which carries the order's column."""
    return _encode(order, row, back=False)


class KeysetPagination(BasePagination):
    """API pages: `{results, next, previous}` with opaque cursors. The viewset names `orders`, `default_order`, `nullable_orders`."""

    max_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        text = request.query_params.get("limit", "")
        if text and not (text.isdigit() and 1 <= int(text) <= self.max_size):
            raise Invalid(f"limit must be a whole number from 1 to {self.max_size}.", field="limit")
        size = int(text) if text else int(api_settings.PAGE_SIZE or 50)
        default = getattr(view, "default_order", "-id")
        allowed = getattr(view, "orders", (default.removeprefix("-"),))
        order = Order.parse(
            request.query_params.get("sort") or default,
            allowed=allowed,
            nullable=getattr(view, "nullable_orders", ()),
        )
        self.page = keyset(queryset, order=order, cursor=request.query_params.get("cursor", ""), size=size)
        self.request = request
        return self.page.rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.page.next or None, "previous": self.page.previous or None})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        cursor = {"type": "string", "nullable": True, "description": "Pass as `cursor` to get that page."}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": cursor, "previous": cursor},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        text = {"type": "string"}
        orders = getattr(view, "orders", ())
        return [
            {"name": "cursor", "required": False, "in": "query", "description": "Cursor of a page.", "schema": text},
            {
                "name": "limit",
                "required": False,
                "in": "query",
                "description": f"Rows a page, 1 to {self.max_size}.",
                "schema": {"type": "integer", "minimum": 1, "maximum": self.max_size},
            },
            {
                "name": "sort",
                "required": False,
                "in": "query",
                "description": f"One of {', '.join(orders) or 'id'}; a leading - reverses.",
                "schema": text,
            },
        ]
