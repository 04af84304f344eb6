"""Counts for lists: exact up to 10,000, above that PostgreSQL's own estimate, and shown as one."""

import json
import math
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import QuerySet

EXACT_UP_TO = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows match. Where not `exact`, `value` is an estimate, rounded to two digits and never below 10,000."""

    value: int
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.value:,}" if self.exact else f"about {self.value:,}"


def count_up_to(queryset: QuerySet[Any], limit: int = EXACT_UP_TO) -> Count:
    """Count at most `limit` + 1 rows, so that a list of a million costs what one of 10,000 costs (ground.md section 1)."""
    plain = queryset.order_by()
    found = plain[: limit + 1].count()
    if found <= limit:
        return Count(found)
    return Count(_two_digits(max(planned_rows(plain), limit)), exact=False)


def planned_rows(queryset: QuerySet[Any]) -> int:
    """The planner's number of rows; it knows them from ANALYZE, row-level security included."""
    sql, params = queryset.values("pk").query.sql_with_params()
    with connections[queryset.db].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)  # the SQL is Django's own
        plan = cursor.fetchone()[0]
    parsed = json.loads(plan) if isinstance(plan, str) else plan
    return int(parsed[0]["Plan"]["Plan Rows"])


def _two_digits(value: int) -> int:
    step = 10 ** max(int(math.log10(value)) - 1, 0)
    return round(value / step) * step
