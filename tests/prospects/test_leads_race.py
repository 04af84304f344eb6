"""Two at once: openers get one lead, two clicks on accept or won are one, and a lead that leaves takes its hand-off along.

Real transactions on connections of their own; each side waits for the others at a barrier, then all act.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.errors import AppError
from leadgen.core.tenancy import workspace_scope
from prospects.actions.activities import record_activity
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.deals import win_deal
from prospects.actions.engagement import award_points, rebuild_engagement
from prospects.actions.handoffs import accept_handoff, create_handoff
from prospects.actions.leads import disqualify_lead, open_lead
from prospects.models import Customer, Deal, Engagement, Handoff, Lead, PointEntry, Stage, StageTransition, Task
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.prospects import make_company, make_deal, make_lead, make_person

pytestmark = pytest.mark.django_db(transaction=True)
BOUND = 30  # seconds until a deadlock or a lost wake-up is a failure


def at_once(workspace: Workspace, *acts: Callable[[], Any]) -> list[Any]:
    """Run each act in a transaction of its own, all started together; an AppError is an answer like any other."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            with workspace_scope(workspace.pk):
                Workspace.objects.get(pk=workspace.pk)  # connected before the start
                barrier.wait(BOUND)
                return act()
        except AppError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(BOUND) for future in [pool.submit(run, act) for act in acts]]


def test_openers_at_the_same_time_get_the_same_lead(acme: Workspace, bob: Someone) -> None:
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira")
        ensure_first_agreement(NOW)
    by = Actor(member=bob.member)
    leads = at_once(
        acme,
        *[lambda: open_lead(origin="inbound", at=NOW, now=NOW, by=by, person=ana, channel="seo") for _ in range(4)],
    )
    assert len({lead.pk for lead in leads}) == 1
    with workspace_scope(acme.pk):
        assert Lead.objects.count() == StageTransition.objects.count() == 1


def test_the_first_agreement_is_made_once(acme: Workspace) -> None:
    versions = at_once(acme, *[lambda: ensure_first_agreement(NOW) for _ in range(3)])
    assert len({version.pk for version in versions}) == 1


def test_accepting_and_leaving_at_once_end_in_one_of_the_two(acme: Workspace, bob: Someone) -> None:
    by = Actor(member=bob.member)
    with workspace_scope(acme.pk):
        lead = make_lead(make_person("Ana Ferreira"), stage=Stage.MQL)
        handoff = create_handoff(lead=lead, kind="marketing_to_sdr", now=NOW, by=by)
    at_once(
        acme,
        lambda: accept_handoff(handoff=Handoff.objects.select_related("lead").get(pk=handoff.pk), by=by, now=NOW),
        lambda: accept_handoff(handoff=Handoff.objects.select_related("lead").get(pk=handoff.pk), by=by, now=NOW),
        lambda: disqualify_lead(lead=Lead.objects.get(pk=lead.pk), reason="Spam", by=by, now=NOW),
    )
    with workspace_scope(acme.pk):
        path = list(StageTransition.objects.order_by("position").values_list("to_stage", flat=True))
        state = Handoff.objects.get().state
        # Whoever comes first: the hand-off is decided once, and no task is left over. Leaving is allowed after accepting.
        assert (path, state) in [(["accepted", "disqualified"], "accepted"), (["disqualified"], "withdrawn")]
        assert not Task.objects.filter(state="open").exists()
        assert Lead.objects.get().stage == Stage.DISQUALIFIED


def test_two_deals_of_a_company_won_at_once_make_one_customer(acme: Workspace, alice: Someone) -> None:
    by = Actor(member=alice.member)
    with workspace_scope(acme.pk):
        company = make_company("Lumen Robotics")
        deals = [make_deal(company=company, value=1000) for _ in range(2)]
    keys = [deals[0].pk, deals[0].pk, deals[1].pk]
    at_once(acme, *[lambda key=key: win_deal(deal=Deal.objects.get(pk=key), by=by, now=NOW) for key in keys])
    with workspace_scope(acme.pk):
        customer = Customer.objects.get()
        assert list(Deal.objects.values_list("outcome", "customer")) == [("won", customer.pk)] * 2


def test_points_awarded_at_once_all_count_and_the_cap_holds(acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira")
        ensure_first_agreement(NOW)
        hits = [
            record_activity(kind="clicked", at=NOW + timedelta(minutes=n), now=NOW, summary="Click", person=ana)
            for n in range(5)
        ]
    at_once(acme, *[lambda hit=hit: award_points(activity=hit, now=NOW) for hit in hits])
    with workspace_scope(acme.pk):
        assert sorted(PointEntry.objects.values_list("points", flat=True)) == [5, 5, 5]  # 15 a day
        level = Engagement.objects.get().level
        assert rebuild_engagement(person=ana, now=NOW).level == pytest.approx(level, abs=1e-9)
