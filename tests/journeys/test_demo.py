"""The demo: made only through actions, on a clock, and made once however often it is asked for."""

import ast
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Member, Role, Workspace
from analytics.demo import story
from analytics.demo.cast import SLUG
from campaigns.models import Enrolment
from leadgen.core.tenancy import tenant_models, workspace_scope
from prospects.models import Company, Deal, FindingOrder, FindingResult, Lead, PersonFit, Segment, TerritoryRun
from prospects.queries.segments import members_of
from prospects.queries.territories import why_owner
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

WRITES = {
    "create",
    "bulk_create",
    "save",
    "update",
    "update_or_create",
    "get_or_create",
    "bulk_update",
    "delete",
    "bulk_insert",
}


def test_the_demo_writes_no_row_itself() -> None:
    """Every write goes through an action; the only exceptions are users, whom sign-up makes in the browser."""
    calls = [
        node.func
        for path in Path(story.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES
    ]
    found = [ast.unparse(call) for call in calls]
    assert sorted(found) == ["EmailAddress.objects.create"]


def _counts(workspace: Workspace) -> dict[str, int]:
    with workspace_scope(workspace.pk):
        return {model.__name__: model.objects.count() for model in tenant_models()}


def test_the_demo_fills_every_stage_once(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    workspace = story.tell(now=NOW, say=lambda words: None)
    before = _counts(workspace)
    assert workspace.slug == SLUG
    with workspace_scope(workspace.pk):
        assert set(Member.objects.filter(user__isnull=False).values_list("role", flat=True)) == set(Role.values)
        stages = Counter(Lead.objects.values_list("stage", flat=True))
        assert {"lead", "mql", "accepted", "sql", "opportunity", "customer", "disqualified", "lost"} <= set(stages)
        assert Enrolment.objects.filter(state="active").count() == 52
        reach = {segment.name: members_of(segment, now=NOW).count() for segment in Segment.objects.all()}
        assert reach["Target accounts, this quarter"] == 20 and min(reach.values()) > 5 and len(reach) == 3
        assert set(PersonFit.objects.values_list("grade", flat=True)) >= {"A", "B", "C", "D"}
        assert Deal.objects.filter(outcome="won", lead__origin__in=["manual", "outbound", "inbound"]).count() == 1
        # A directory was searched and the best three were bought; who has no territory has no owner.
        order = FindingOrder.objects.select_related("search").get()
        assert (order.state, order.rows, str(order.amount)) == ("done", 3, "1.2000")
        found = FindingResult.objects.filter(search=order.search)
        bought = found.filter(order=order).order_by("values__name").values_list("company__name", flat=True)
        assert (found.count(), list(bought)) == (11, ["Ebro Forge", "Guadiana Forge", "Hansa Forge"])
        run = TerritoryRun.objects.get()
        assert run.state == "done" and [run.done[kind]["gain"] for kind in ("companies", "people")] == [163, 482]
        assert {row.country for row in Company.objects.filter(owner__isnull=True)} == {"FR", "GB", "US"}
        assert why_owner(Company.objects.get(name="Hansa Forge")).startswith("by territory ")
    assert (tmp_path / "sandbox" / "endpoints.json").exists()
    story.tell(now=NOW, say=lambda words: None)
    assert _counts(workspace) == before
