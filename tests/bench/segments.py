"""Segments over a large workspace: the count and the first page of rules of every kind, against a limit of time.

`value` is the limit of 300 ms divided by what the 95th percentile took (larger is better, 1 is just met); the reference is
a plain count of the workspace's people in the same run, for a sense of the machine. Each rule's count is exact up to
10,000 rows, else its interval must hold the exact number counted afterwards.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from accounts.actions.audit import SYSTEM
from leadgen.core.tenancy import workspace_scope
from prospects.actions.icps import create_icp, publish_version
from prospects.actions.segments import create_segment
from prospects.actions.segments_refresh import refresh_segment
from prospects.models import Icp, Person, Segment
from prospects.queries import segments as queries
from tests.bench.figures import Figure
from tests.bench.fit import PROFILE, _score
from tests.bench.world import analyze, fill_people, make_workspace

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
LIMIT = 0.3
# Rules of every kind: hardly anybody, some, most; by index, by text, by dates, by related rows, negated, nested.
RULES: dict[str, Any] = {
    "nobody": {"field": "person.city", "op": "is", "value": "Nowhere"},
    "one_by_text": {"field": "person.name", "op": "contains", "value": "Ana77777"},
    "few_unindexed": {"field": "person.phone", "op": "is", "value": "+490"},
    "hundred_thousandth": {"field": "person.email", "op": "contains", "value": "p4242"},
    "third_by_choice": {"field": "person.seniority", "op": "in", "value": ["vp"]},
    "most": {"field": "person.email_status", "op": "is_not", "value": "bounced"},
    "words_of_titles": {"field": "person.title", "op": "contains_any", "value": ["VP", "Head of IT", "Chief"]},
    "company_and_person": {"all": [
        {"field": "company.industry", "op": "in", "value": ["Industrials", "Financials"]},
        {"field": "company.employees", "op": "between", "value": [200, 900]},
        {"field": "person.department", "op": "is", "value": "it"}]},
    "rare_by_company": {"all": [
        {"field": "company.employees", "op": "eq", "value": 4001}, {"field": "company.country", "op": "is", "value": "FR"}]},
    "technologies": {"field": "company.technologies", "op": "has_any", "value": ["SAP"]},
    "quiet": {"any": [{"field": "person.last_touch_at", "op": "unknown"},
                      {"field": "person.last_touch_at", "op": "older_than_days", "value": 30}]},
    "fit": {"field": "fit.grade", "op": "in", "value": ["A"]},
    "fit_of_nobody": {"field": "fit.score", "op": "gt", "value": 99},
    "sequence": {"field": "sequence.state", "op": "is", "value": "never"},
    "in_sequence": {"field": "sequence.state", "op": "is", "value": "active"},
    "crowd": {"field": "company.people_in_sequence", "op": "gte", "value": 2},
    "counts": {"field": "company.people", "op": "gte", "value": 11},
    "engagement": {"field": "person.engagement", "op": "gte", "value": 1},
    "on_no_list": {"field": "person.lists", "op": "has_none", "value": ["Friends"]},
    "nested": {"all": [
        {"not": {"any": [{"field": "company.country", "op": "in", "value": ["DE", "FR"]},
                         {"field": "company.open_deals", "op": "gte", "value": 1}]}},
        {"any": [{"field": "lead.stage", "op": "is", "value": "mql"}, {"field": "fit.grade", "op": "in", "value": ["A", "B"]},
                 {"all": [{"field": "person.title", "op": "contains", "value": "VP"},
                          {"field": "person.clicks", "op": "eq", "value": 0}]}]}]},
}  # fmt: skip


def run(*, full: bool) -> Iterator[Figure]:
    count = 1_000_000 if full else 50_000
    rounds = 5 if full else 3
    workspace = make_workspace()
    fill_people(workspace, count)
    _touch(workspace.pk)
    analyze("prospects_company", "prospects_person")
    with workspace_scope(workspace.pk):
        version = create_icp(by=SYSTEM, now=NOW, name="Bench", content=PROFILE)
        publish_version(version=version, by=SYSTEM, now=NOW)
        icp = Icp.objects.get(pk=version.icp_id)
    _score(workspace.pk, icp)
    analyze("prospects_personfit", "prospects_companyfit")
    with workspace_scope(workspace.pk):
        segments = {
            name: create_segment(by=SYSTEM, now=NOW, name=name, kind="dynamic", subject="people", rule=rule)
            for name, rule in RULES.items()
        }
    refreshed = []
    for segment in segments.values():
        with workspace_scope(workspace.pk):
            refreshed.append(_seconds(lambda key=segment.pk: refresh_segment(segment_id=key, now=NOW)))  # type: ignore[misc]
    analyze("prospects_segmentmember")
    with workspace_scope(workspace.pk):
        plain = min(_seconds(lambda: Person.objects.count()) for _ in range(3))
    yield from _measured(workspace.pk, segments, rounds, plain)
    slowest = max(zip(refreshed, segments, strict=True))
    yield Figure(f"segment_refresh_slowest:{slowest[1]}", count / slowest[0], "people/s", count / plain, "plain count")


def _measured(workspace_id: Any, segments: dict[str, Segment], rounds: int, plain: float) -> Iterator[Figure]:
    counts: list[tuple[float, str]] = []
    pages: list[tuple[float, str]] = []
    held = estimates = guesses = 0
    exact = {name: _exact(workspace_id, segment) for name, segment in segments.items()}
    for _ in range(rounds):
        for name, segment in segments.items():
            with workspace_scope(workspace_id):
                segment.refresh_from_db()
                started = time.perf_counter()
                found = queries.measure(queries.members_of(segment, now=NOW))
                counts.append((time.perf_counter() - started, name))
                if found.exact:
                    assert found.value == exact[name], (name, found, exact[name])
                elif found.low is None or found.high is None:
                    guesses += 1
                else:
                    estimates += 1
                    held += found.low <= exact[name] <= found.high
                started = time.perf_counter()
                members = queries.member_page(segment, now=NOW)
                pages.append((time.perf_counter() - started, name))
                assert len(members.page.rows) == min(50, exact[name]), (name, members.as_of, exact[name])
    for what, times in (("count", counts), ("first_page", pages)):
        times.sort()
        p95 = times[min(int(len(times) * 0.95), len(times) - 1)]
        median = times[len(times) // 2][0]
        yield Figure(f"segment_{what}_p95:{p95[1]}", 1 / p95[0], "per s", 1 / LIMIT, "limit of 300 ms", 1.0)
        yield Figure(f"segment_{what}_median", 1 / median, "per s", 1 / plain, "plain count of everybody")
    if estimates:
        yield Figure("segment_intervals_that_hold", held / estimates, "share", 0.95, "19 of 20", 0.97)
    yield Figure("segment_counts_without_interval", guesses, "counts", len(counts), "all counts")


def _exact(workspace_id: Any, segment: Segment) -> int:
    with workspace_scope(workspace_id):
        return queries.members_of(segment, now=NOW).order_by().count()


def _seconds(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _touch(workspace_id: Any) -> None:
    """Dates and countries on a part of the people, so that rules over them have something to tell apart."""
    with workspace_scope(workspace_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE prospects_person SET last_touch_at = %s - hashtext(id::text) %% 90 * interval '1 day'"
            " WHERE workspace_id = %s AND hashtext(id::text) %% 5 = 0",
            [NOW, workspace_id],
        )
