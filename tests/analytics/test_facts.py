"""What the rows of a workspace become before they are counted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Member, Workspace
from analytics.queries.facts import load_facts
from analytics.rules.funnel import funnel, rows_behind
from leadgen.core.tenancy import workspace_scope
from prospects.models import AgreementVersion, Handoff, Lead, Meeting, Spend, StageTransition
from tests.factories.prospects import make_campaign, make_company, make_deal, make_lead, make_person

pytestmark = pytest.mark.django_db
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
START, END = date(2026, 3, 1), date(2026, 4, 1)


def day(number: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def move(lead: Lead, *stages: tuple[str, datetime | None]) -> None:
    """Transitions of a lead in this order; the first from nothing."""
    before = ""
    for position, (stage, at) in enumerate(stages, start=1):
        StageTransition.objects.create(
            lead=lead, from_stage=before, to_stage=stage, at=at, recorded_at=AS_OF, source="user", position=position
        )
        before = stage


def facts_of(lead: Lead, workspace: Workspace, as_of: datetime = AS_OF) -> Any:
    return next(one for one in load_facts(workspace, as_of)[0].leads if one.id == lead.pk)


def test_the_first_dated_entry_counts_and_an_undated_one_stays_unknown(in_acme: Workspace) -> None:
    lead = make_lead(make_person(), opened_at=day(1))
    move(
        lead, ("lead", day(1)), ("mql", day(3)), ("lead", day(4)), ("mql", day(6)), ("accepted", None), ("sql", day(9))
    )
    found = facts_of(lead, in_acme)
    assert (found.opened_at, found.mql_at, found.accepted_at, found.sql_at) == (day(1), day(3), None, day(9))
    assert (found.exit_at, found.exit_kind) == (None, None)


def test_a_lead_without_any_date_is_undated_and_in_no_period(in_acme: Workspace) -> None:
    lead = make_lead(opened_at=None, stage_at=None)
    move(lead, ("lead", None), ("mql", None))
    facts, conventions = load_facts(in_acme, AS_OF)
    result = funnel(facts, START, END, conventions)
    assert (result["period"]["undated"], result["period"]["leads"], result["cohort"]["leads"]) == (1, 0, 0)
    assert rows_behind(facts, "undated", START, END, conventions, "period").numerator.ids == (lead.pk,)


def test_the_exit_is_the_one_it_stood_in_at_that_moment(in_acme: Workspace) -> None:
    lead = make_lead(opened_at=day(1))
    move(lead, ("lead", day(1)), ("recycled", day(5)), ("mql", day(10)), ("recycled", day(20)))
    assert facts_of(lead, in_acme).exit_at == day(20)
    assert facts_of(lead, in_acme, day(15)).exit_kind is None  # reopened by then
    assert facts_of(lead, in_acme, day(7)).exit_at == day(5)
    facts, conventions = load_facts(in_acme, AS_OF)
    assert funnel(facts, START, END, conventions)["cohort"]["recycled"] == 1  # left twice, one lead


def test_a_corrected_date_stands_in_for_the_one_that_was_wrong(in_acme: Workspace) -> None:
    lead = make_lead(opened_at=day(1))
    move(lead, ("lead", day(1)), ("mql", day(3)), ("disqualified", day(20)))
    for position, stage, before, corrects, at in (
        (4, "mql", "lead", 2, day(8)), (5, "disqualified", "mql", 3, day(22)), (6, "mql", "lead", 4, day(6)),
    ):  # fmt: skip
        StageTransition.objects.create(
            lead=lead, from_stage=before, to_stage=stage, at=at, recorded_at=AS_OF, source="import", position=position,
            facts={"corrects": corrects},
        )  # fmt: skip
    found = facts_of(lead, in_acme)
    assert (found.mql_at, found.exit_kind, found.exit_at) == (day(6), "disqualified", day(22))
    assert facts_of(lead, in_acme, day(21)).exit_kind is None


def test_two_deals_of_a_lead_are_two_deals_and_two_customers(in_acme: Workspace) -> None:
    company = make_company()
    campaign = make_campaign("Spring")
    lead = make_lead(company=company, channel="webinar", campaign=campaign, opened_at=day(1))
    move(lead, ("lead", day(1)), ("sql", day(2)), ("opportunity", day(3)), ("customer", day(10)))
    own = make_deal(
        lead=lead, company=company, value=Decimal(1000), mrr=None, opened_at=day(3), closed_at=day(10), outcome="won",
        channel="email",
    )  # fmt: skip
    other = make_deal(
        lead=lead,
        company=company,
        value=Decimal(600),
        mrr=Decimal(50),
        opened_at=day(4),
        closed_at=day(12),
        outcome="won",
    )
    facts, conventions = load_facts(in_acme, AS_OF)
    assert {deal.id: (deal.channel, deal.campaign) for deal in facts.deals} == {
        own.pk: ("email", None),
        other.pk: (None, None),
    }
    assert {one.id: (one.started_at, one.mrr) for one in facts.customers} == {
        own.pk: (day(10), None),
        other.pk: (day(12), Decimal(50)),
    }
    period = funnel(facts, START, END, conventions)["period"]
    assert period["customers"] == 1  # one lead was won
    assert period["revenue_won"] == "1600.00"
    assert period["arpa"] == "50.0000"  # what is not known is left out, not 0
    by_campaign = rows_behind(
        facts, "revenue_won", START, END, conventions, "period", dimension="campaign", value="Spring"
    )
    assert set(by_campaign.numerator.ids) == {own.pk, other.pk}  # the lead's, where the deal has none


def test_speed_to_lead_runs_for_inbound_only(in_acme: Workspace) -> None:
    touched = {"routed_at": day(1, 10), "first_touch_at": day(1, 11), "touch_due_at": day(1, 12)}
    inbound = make_lead(make_person(), opened_at=day(1, 9), origin="inbound", fit_grade="A", **touched)
    outbound = make_lead(make_person(), opened_at=day(1, 9), origin="outbound", fit_grade="D", **touched)
    found = facts_of(inbound, in_acme)
    assert (found.captured_at, found.touched_at, found.sla_due_at) == (day(1, 9), day(1, 11), day(1, 12))
    assert (found.motion, found.temperature) == ("inbound", "warm")
    other = facts_of(outbound, in_acme)
    assert (other.captured_at, other.motion, other.temperature) == (None, "outbound", "cold")
    facts, conventions = load_facts(in_acme, AS_OF)
    result = funnel(facts, START, END, conventions)["period"]
    assert (result["in_icp"]["numerator"], result["in_icp"]["denominator"]) == (1, 2)
    assert result["speed_to_lead_minutes"]["median"] == 120
    assert result["sla_hit_rate"]["numerator"] == 1


def test_spend_handoffs_meetings_and_agreements(in_acme: Workspace, bob: Any) -> None:
    campaign = make_campaign("Ads", motion="inbound", channel="paid")
    Spend.objects.create(
        channel="paid", campaign=campaign, starts_on=date(2026, 2, 20), ends_on=date(2026, 3, 11), amount=Decimal(2000),
        currency="EUR", created_at=AS_OF,
    )  # fmt: skip
    lead = make_lead(channel="paid", campaign=campaign, opened_at=day(1))
    move(lead, ("lead", day(1)), ("mql", day(2)))
    for kind, state, reason in (("marketing_to_sdr", "accepted", ""), ("sdr_to_ae", "rejected", "No budget")):
        Handoff.objects.create(
            lead=lead, kind=kind, state=state, reason=reason, to_member=bob.member, created_at=day(3), decided_at=day(4)
        )
    Handoff.objects.create(lead=lead, kind="sdr_to_ae", state="pending", created_at=day(5))
    deal = make_deal(lead=lead)
    Meeting.objects.create(deal=deal, state="held", title="Demo", starts_at=day(6), booked_at=day(5))
    AgreementVersion.objects.create(number=1, state="replaced", created_at=day(1), effective_at=day(1))
    AgreementVersion.objects.create(number=2, state="draft", created_at=day(1))
    facts, conventions = load_facts(in_acme, AS_OF)
    assert [(change.version, change.at) for change in conventions.agreements] == [("v1", day(1))]
    assert conventions.known["channel"] == ("paid",)
    assert conventions.known["campaign"] == ("Ads",)
    result = funnel(facts, START, END, conventions)["period"]
    assert result["spend"] == "1100.00"  # 11 of its 20 days
    assert {kind: rate["value"] for kind, rate in result["acceptance"].items()} == {
        "marketing_to_sdr": 1.0,
        "sdr_to_ae": 0.0,
    }
    assert result["reject_reasons"] == {"sdr_to_ae": {"No budget": 1}}
    assert result["meetings_held"] == 1
    assert {one.owner for one in facts.handoffs} == {bob.member.email, None}
    assert facts.meetings[0].lead_id == lead.pk


def test_owners_of_one_name_stay_apart(in_acme: Workspace) -> None:
    for _ in range(2):
        member = Member.objects.create(name="Moses Frase", role="sdr", is_active=False)
        make_lead(owner=member)
    facts, _ = load_facts(in_acme, AS_OF)
    assert {lead.owner for lead in facts.leads} == {"Moses Frase", "Moses Frase (2)"}


def test_another_workspaces_rows_are_not_loaded(in_acme: Workspace, globex: Workspace) -> None:
    make_lead(make_person(), opened_at=day(1))
    with workspace_scope(globex.pk):
        make_deal(lead=make_lead(make_person(), opened_at=day(1)), value=Decimal(9))
    facts, _ = load_facts(in_acme, AS_OF)
    assert (len(facts.leads), len(facts.deals)) == (1, 0)


def test_eleven_queries_whatever_the_size(in_acme: Workspace, django_assert_num_queries: Any) -> None:
    for place in range(12):
        lead = make_lead(make_person(), opened_at=day(1) + timedelta(hours=place), campaign=make_campaign())
        move(lead, ("lead", day(1)), ("mql", day(2)), ("disqualified", day(3)))
        make_deal(lead=lead)
    with django_assert_num_queries(11):
        facts, _ = load_facts(in_acme, AS_OF)
    assert len(facts.leads) == 12
