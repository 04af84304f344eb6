"""Fit scoring against a narrow rebuild: the same rows written into the same table, by the same role, with a constant score.

The reference does what scoring cannot avoid (read every person, write a row under the table's indexes, keys and row-level
security); the value computes the whole profile besides.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from accounts.actions.audit import SYSTEM
from leadgen.core.tenancy import workspace_scope
from prospects.actions.fit import score_icp
from prospects.actions.icps import create_icp, edit_draft, publish_version
from prospects.actions.icps import draft_of as draft_icp
from prospects.models import Icp, PersonFit
from tests.bench.figures import Figure, rate
from tests.bench.world import analyze, fill_people, make_workspace

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
PROFILE: dict[str, Any] = {
    "criteria": [
        {"key": "industry", "label": "Industry", "weight": 30,
         "rule": {"field": "company.industry", "op": "in", "value": ["Industrials", "Information Technology"]}},
        {"key": "size", "label": "Size", "weight": 20, "rule": {"field": "company.employees", "op": "between", "value": [200, 3000]}},
        {"key": "country", "label": "Country", "weight": 15, "rule": {"field": "company.country", "op": "in", "value": ["DE", "FR"]}},
        {"key": "sap", "label": "SAP", "weight": 15, "rule": {"field": "company.technologies", "op": "has_any", "value": ["SAP"]}},
    ],
    "personas": [{"name": "Operations", "weight": 20, "pains": [], "rule": {"field": "person.department", "op": "is", "value": "operations"}}],
    "grades": {"A": 75, "B": 55, "C": 35},
}  # fmt: skip


def run(*, full: bool) -> Iterator[Figure]:
    count = 1_000_000 if full else 50_000
    workspace = make_workspace()
    fill_people(workspace, count)
    analyze("prospects_company", "prospects_person")
    with workspace_scope(workspace.pk):
        version = create_icp(by=SYSTEM, now=NOW, name="Bench", content=PROFILE)
        publish_version(version=version, by=SYSTEM, now=NOW)
        icp = Icp.objects.get(pk=version.icp_id)
    reference = _rebuild(workspace.pk, icp, count)
    _clear(workspace.pk)
    first = rate(count, lambda: _score(workspace.pk, icp))
    yield Figure("fit_every_row_new", first, "people/s", reference, "narrow rebuild, same table and role", 0.2)
    analyze("prospects_personfit", "prospects_companyfit")
    same = rate(count, lambda: _score(workspace.pk, icp))
    yield Figure("fit_nothing_changed", same, "people/s", reference, "narrow rebuild, same table and role", 1.0)
    # A wider range: about one in a hundred people is judged otherwise.
    wider = {**PROFILE["criteria"][1], "rule": {"field": "company.employees", "op": "between", "value": [200, 3058]}}
    parts = PROFILE["criteria"]
    seconds, written = _after(workspace.pk, icp, {"criteria": [parts[0], wider, *parts[2:]]})
    assert 0.005 < written / (count * 1.1) < 0.015, written
    yield Figure("fit_one_percent_changed", count / seconds, "people/s", 250_000, "a million in 4 s", 1.0)
    # One more part: the marks of everybody are longer.
    more = {"key": "known", "label": "Known", "weight": 5, "rule": {"field": "company.name", "op": "known"}}
    seconds, written = _after(workspace.pk, icp, {"criteria": [*parts, more]})
    assert written >= count, written
    changed = count / seconds
    yield Figure("fit_every_row_changed", changed, "people/s", reference, "narrow rebuild, same table and role", 0.2)
    yield Figure("fit_every_row_changed_in_20_s", changed, "people/s", 50_000, "a million in 20 s", 1.0)


def _after(workspace_id: object, icp: Icp, content: dict[str, object]) -> tuple[float, int]:
    """(seconds, rows written) of the run after an edit of the profile is published."""
    with workspace_scope(str(workspace_id)):
        draft = draft_icp(icp=icp, by=SYSTEM, now=NOW)
        edit_draft(version=draft, content=content, by=SYSTEM, now=NOW)
        # As a worker would score it: publishing itself only marks the version.
        type(draft).objects.filter(pk=draft.pk).update(published_at=NOW)
        run = score_icp(icp=icp, now=NOW)
    return run.seconds, run.written


def _score(workspace_id: object, icp: Icp) -> None:
    with workspace_scope(str(workspace_id)):
        score_icp(icp=icp, now=NOW)


def _clear(workspace_id: object) -> None:
    with workspace_scope(str(workspace_id)), connection.cursor() as cursor:
        cursor.execute("DELETE FROM prospects_personfit WHERE workspace_id = %s", [workspace_id])
        cursor.execute("DELETE FROM prospects_companyfit WHERE workspace_id = %s", [workspace_id])


def _rebuild(workspace_id: object, icp: Icp, count: int) -> float:
    """Rows a second of writing one narrow row a person into the empty table."""
    _clear(workspace_id)
    with workspace_scope(str(workspace_id)):
        version = icp.__class__.objects.get(pk=icp.pk)
        assert not PersonFit.objects.exists()

    def write() -> None:
        with workspace_scope(str(workspace_id)), connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO prospects_personfit (workspace_id, icp_id, version_id, person_id, score, grade, marks)
                SELECT %s, %s, (SELECT id FROM prospects_icpversion WHERE workspace_id = %s AND icp_id = %s LIMIT 1),
                       p.id, 50, 'C', '+-+-?'
                FROM prospects_person p WHERE p.workspace_id = %s
                """,
                [workspace_id, version.pk, workspace_id, version.pk, workspace_id],
            )

    return rate(count, write)
