"""Finding duplicates among people: keys of everybody, every pair that shares one, scored and stored; then one change.

The reference writes one narrow row a person into the same table by the same role; the value also reads every person, makes
its keys in Python, indexes them, finds all pairs and scores them. One person in thirty has a copy.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from leadgen.core.tenancy import workspace_scope
from prospects.actions.duplicates import compare_all, look, refresh_keys
from prospects.models import PersonKeys, PersonPair
from prospects.queries.duplicates import PEOPLE
from tests.bench.figures import Figure, rate
from tests.bench.world import analyze, fill_people, make_workspace

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
FIRST = "Robert William Michael James Anna Maria Jennifer Daniel Susan Klaus Giovanni Jose Sophie Olga Piotr Lars Mehmet Priya Wei Omar"


def run(*, full: bool) -> Iterator[Figure]:
    count = 1_000_000 if full else 30_000
    workspace = make_workspace()
    fill_people(workspace, count)
    analyze("prospects_company", "prospects_person")
    with workspace_scope(workspace.pk), connection.cursor() as cursor:
        # Twenty first names, 8,000 last names: many share a name, few a name and a company. Each thirtieth is a copy of
        # the one before, whose address is written without the dot.
        cursor.execute(
            """
            UPDATE prospects_person p SET first_name = made.first, last_name = made.last, email = made.email,
                company_id = made.company_id, full_name = made.first || ' ' || made.last
            FROM (
                SELECT id, first, last, company_id, CASE WHEN copy THEN first || last || n ELSE first || '.' || last || (n + 1) END
                    || '@' || domain AS email
                FROM (
                    SELECT p.id, n, n %% 30 = 0 AS copy, (string_to_array(%s, ' '))[1 + (k * 7919) %% 20] AS first,
                        'L' || chr(97 + k %% 20) || 'r' || chr(97 + (k / 20) %% 20) || 'm' || chr(97 + (k / 400) %% 20) AS last,
                        c.id AS company_id, c.domain
                    FROM (SELECT id, workspace_id, row_number() OVER (ORDER BY id) AS n FROM prospects_person WHERE workspace_id = %s) p
                    CROSS JOIN LATERAL (SELECT (CASE WHEN n %% 30 = 0 THEN n - 1 ELSE n END)::int AS k) AS source
                    JOIN prospects_company c ON c.workspace_id = p.workspace_id AND c.domain = 'c' || (1 + k %% %s) || '.example'
                ) AS named
            ) AS made
            WHERE p.workspace_id = %s AND p.id = made.id
            """,
            [FIRST, workspace.pk, max(count // 10, 1), workspace.pk],
        )
    analyze("prospects_company", "prospects_person")
    reference = rate(count, lambda: _narrow(workspace.pk))
    with workspace_scope(workspace.pk):
        PersonKeys.objects.all()._raw_delete("default")
    seconds: dict[str, float] = {}
    seconds["keys"] = _took(lambda: refresh_keys(workspace.pk, PEOPLE, since=None))
    analyze("prospects_personkeys")
    seconds["pairs"] = _took(lambda: _pairs(workspace.pk))
    total = sum(seconds.values())
    yield Figure("duplicates_all_people", count / total, "people/s", reference, "one narrow row a person")
    yield Figure("duplicates_all_people_seconds", total, "s", seconds["keys"], "of it, making the keys")
    with workspace_scope(workspace.pk):
        found = PersonPair.objects.filter(score__gte=85).count()
        yield Figure("duplicates_found", found, "pairs of 85+", count // 30, "copies in the data")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE prospects_person SET updated_at = now() WHERE workspace_id = %s AND id IN (SELECT id FROM prospects_person"
                " WHERE workspace_id = %s LIMIT 1000)",
                [workspace.pk, workspace.pk],
            )
    changed = rate(1000, lambda: look(workspace.pk, PEOPLE, now=NOW))
    yield Figure("duplicates_after_1000_changes", changed, "people/s", count / total, "per person in the full pass")


def _took(act: Any) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _pairs(workspace_id: Any) -> None:
    with workspace_scope(workspace_id):
        compare_all(PEOPLE, now=NOW)


def _narrow(workspace_id: Any) -> None:
    with workspace_scope(workspace_id), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO prospects_personkeys (workspace_id, person_id, keys, seen_at) SELECT workspace_id, id, '{}', updated_at"
            " FROM prospects_person WHERE workspace_id = %s",
            [workspace_id],
        )
