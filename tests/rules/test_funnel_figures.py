"""Each figure with its evidence: warnings, maturity, hand-offs, answering, customers, units, as-of."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics.rules.benchmarks import BENCHMARKS, benchmarks_for, caution
from analytics.rules.diagnosis import diagnose
from analytics.rules.facts import (
    AgreementChange,
    Basis,
    BusinessHours,
    Conventions,
    CustomerFacts,
    DealFacts,
    Facts,
    HandoffFacts,
    LeadFacts,
    MeetingFacts,
    SpendFacts,
)
from analytics.rules.figure import DEFINITIONS, Figure, as_json, plain
from analytics.rules.funnel import funnel, funnel_by, rows_behind

BERLIN = ZoneInfo("Europe/Berlin")
CONVENTIONS = Conventions(
    as_of=datetime(2026, 9, 1, tzinfo=UTC), zone=BERLIN, gross_margin=Decimal("0.8"), assumed_churn=Decimal("0.02")
)
MARCH = (date(2026, 3, 1), date(2026, 4, 1))


def day(month: int, number: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2026, month, number, hour, minute, tzinfo=UTC)


def lead(name: str, **more: Any) -> LeadFacts:
    given: dict[str, Any] = {"id": name, "opened_at": day(3, 5), "channel": "email"} | more
    return LeadFacts(**given)


def leads(count: int, **more: Any) -> tuple[LeadFacts, ...]:
    return tuple(lead(f"{more.get('channel', 'x')}{number}", **more) for number in range(count))


def spend(amount: int, channel: str | None = "email", month: int = 3, **more: Any) -> SpendFacts:
    name = f"S{month}{channel}{amount}{more.get('kind', '')}{more.get('purpose', '')}"
    first = date(2026, month, 1)
    return SpendFacts(name, first, first.replace(day=28), Decimal(amount), channel=channel, **more)


def full(facts: Facts, conventions: Conventions = CONVENTIONS, **more: Any) -> Any:
    return funnel(facts, *MARCH, conventions, full=True, **more)


def said(figure: Figure, words: str) -> bool:
    return any(words in warning for warning in figure.warnings)


def test_every_figure_has_a_definition_and_every_definition_a_figure() -> None:
    found = full(Facts())
    for basis in ("period", "cohort"):
        made = set(found[basis])
        assert made == {key for key, about in DEFINITIONS.items() if about.basis in ("both", basis)}
    for key, about in DEFINITIONS.items():
        assert about.key == key
        assert about.label
        assert len(about.text) > 10
        assert about.numerator


def test_full_and_plain_say_the_same_and_are_json() -> None:
    facts = Facts(leads=leads(3, mql_at=day(3, 8)), spend=(spend(280),))
    found = full(facts)
    assert {basis: plain(figures) for basis, figures in found.items()} == funnel(facts, *MARCH, CONVENTIONS)
    written = json.loads(json.dumps(as_json(found)))
    assert written["period"]["cpl"] == {
        "value": "93.3333",
        "unit": "EUR per lead",
        "n": 3,
        "numerator": "280.00",
        "denominator": 3,
        "interval": None,
        "maturity": None,
        "definition": "Spend / leads, both of the period.",
        "as_of": "2026-09-01T00:00:00Z",
        "warnings": ["Few cases: n = 3, below 30."],
    }


@pytest.mark.parametrize("basis", ["period", "cohort"])
def test_one_basis_alone(basis: Basis) -> None:
    assert list(funnel(Facts(), *MARCH, CONVENTIONS, basis)) == [basis]
    with pytest.raises(ValueError, match="basis"):
        funnel(Facts(), *MARCH, CONVENTIONS, "both")  # type: ignore[arg-type]  # what is refused


def test_small_numbers_are_said_and_large_ones_not() -> None:
    assert said(full(Facts(leads=leads(29)))["cohort"]["lead_to_mql"], "n = 29")
    assert not said(full(Facts(leads=leads(30)))["cohort"]["lead_to_mql"], "Few cases")


def test_a_young_cohort_is_immature() -> None:
    old = tuple(
        replace(one, id=f"old{one.id}", opened_at=day(1, 1), mql_at=day(1, 11)) for one in leads(20)
    )  # p90 is 10 days
    young = (*leads(7, opened_at=day(3, 10)), *leads(3, channel="paid", opened_at=day(3, 1)))
    looked = replace(CONVENTIONS, as_of=day(3, 15))
    figure = full(Facts(leads=old + young), looked)["cohort"]["lead_to_mql"]
    assert figure.maturity == pytest.approx(0.3)
    assert said(figure, "Immature: only 30%")
    later = full(Facts(leads=old + young), replace(CONVENTIONS, as_of=day(3, 25)))["cohort"]["lead_to_mql"]
    assert later.maturity == 1.0
    assert not said(later, "Immature")


def test_missing_spend_is_said_for_the_channel_with_leads() -> None:
    facts = Facts(leads=leads(2) + leads(1, channel="referral"), spend=(spend(100),))
    assert said(full(facts)["period"]["cpl"], "channel with leads: referral.")
    rows = {row["key"]: row["period"]["cpl"] for row in funnel_by(facts, "channel", *MARCH, CONVENTIONS, full=True)}
    assert rows["referral"].value == "0.0000"
    assert said(rows["referral"], "referral")
    assert not said(rows["email"], "No spend")


def test_cheaper_leads_with_dearer_sqls_are_called_out() -> None:
    before = tuple(replace(one, id=f"b{one.id}", opened_at=day(2, 5), sql_at=day(2, 9)) for one in leads(10))
    now = leads(20) + leads(2, channel="paid", sql_at=day(3, 9))
    facts = Facts(leads=before + now, spend=(spend(1000), spend(1000, month=2)))
    found = full(facts)["period"]
    assert (found["cpl"].value, found["cpsql"].value) == ("45.4545", "500.0000")
    assert said(found["cpl"], "volume over fit")
    assert said(found["cpsql"], "volume over fit")
    assert not said(full(Facts(leads=now, spend=(spend(1000),)))["period"]["cpl"], "volume over fit")


def test_a_new_agreement_version_inside_the_period_is_said() -> None:
    early = leads(40, opened_at=day(3, 2), mql_at=day(3, 3))
    late = leads(40, channel="paid", opened_at=day(3, 20))
    changed = replace(CONVENTIONS, agreements=(AgreementChange(day(3, 10), "4"),))
    figure = full(Facts(leads=early + late), changed)["cohort"]["lead_to_mql"]
    assert said(figure, "Jump on 2026-03-10, the day agreement version 4 began")
    even = tuple(replace(one, mql_at=day(3, 21)) for one in late)
    assert said(full(Facts(leads=early + even), changed)["cohort"]["lead_to_mql"], "version 4 began on 2026-03-10")
    assert not full(Facts(leads=early + late))["cohort"]["lead_to_mql"].warnings


def test_by_owner_spend_stands_in_unknown_and_no_cost_is_invented() -> None:
    facts = Facts(leads=leads(2, owner="ana"), spend=(spend(500),))
    rows = {row["key"]: row["period"] for row in funnel_by(facts, "owner", *MARCH, CONVENTIONS, full=True)}
    assert rows["ana"]["spend"].value == "0.00"
    assert rows["unknown"]["spend"].value == "500.00"
    assert rows["ana"]["cpl"].value is None
    assert said(rows["ana"]["cpl"], "not recorded by this dimension")


def test_spend_media_loaded_and_awareness_stand_apart() -> None:
    lines = (spend(280), spend(140, kind="people"), spend(999, purpose="awareness"))
    found = funnel(Facts(leads=leads(2), spend=lines), *MARCH, CONVENTIONS)["period"]
    assert (found["spend"], found["spend_media"], found["spend_awareness"]) == ("420.00", "280.00", "999.00")
    assert (found["cpl"], found["cpl_media"]) == ("210.0000", "140.0000")


def test_spend_is_cut_to_the_days_of_the_period() -> None:
    line = SpendFacts("S", date(2026, 2, 27), date(2026, 3, 2), Decimal("100.02"), channel="email")
    found = funnel(Facts(leads=leads(1), spend=(line,)), *MARCH, CONVENTIONS)["period"]
    assert found["spend"] == "50.01"
    outside = funnel(Facts(spend=(line,)), date(2026, 3, 3), date(2026, 4, 1), CONVENTIONS)["period"]
    assert (outside["spend"], outside["cpl"], outside["roi"]) == ("0.00", None, None)
    with pytest.raises(ValueError, match="before its start"):
        SpendFacts("S", date(2026, 3, 2), date(2026, 3, 1), Decimal(1))


def test_money_of_another_currency_is_in_no_sum_and_said() -> None:
    deals = (
        DealFacts("D1", Decimal(100), created_at=day(3, 6), lead_id="x0"),
        DealFacts("D2", Decimal(999), currency="USD", created_at=day(3, 6), lead_id="x1"),
    )
    found = full(Facts(leads=leads(2), deals=deals, spend=(spend(50), spend(70, currency="USD"))))["period"]
    assert (found["pipeline_value"].value, found["spend"].value) == ("100.00", "50.00")
    assert said(found["pipeline_value"], "Deals in another currency than EUR, in no sum: 1.")
    assert said(found["spend"], "Spend lines in another currency than EUR, in no sum: 1.")


def test_qualified_pipeline_wants_an_sql_and_weights_follow_the_stage() -> None:
    facts = Facts(
        leads=(lead("a", sql_at=day(3, 6)), lead("b")),
        deals=(
            DealFacts("D1", Decimal(1000), created_at=day(3, 7), probability=Decimal("0.25"), lead_id="a"),
            DealFacts("D2", Decimal(500), created_at=day(3, 8), closed_at=day(3, 9), outcome="lost", lead_id="b"),
            DealFacts("D3", Decimal(300), created_at=day(3, 8), closed_at=day(3, 9), outcome="won", lead_id="b"),
            DealFacts("D4", None, created_at=day(3, 8), lead_id="b"),
        ),
        spend=(spend(200),),
    )
    found = full(facts)["period"]
    assert found["pipeline_per_spend"].value == "9.0000"
    assert found["qualified_pipeline_per_spend"].value == "5.0000"
    assert found["pipeline_weighted"].value == "550.00"
    assert said(found["pipeline_value"], "Deals without a value, counted as nothing: 1.")
    assert said(found["pipeline_weighted"], "Deals in a stage without a probability, left out: 1.")
    assert found["roi"].value == "0.2000"


def test_hand_offs_per_kind_with_reasons() -> None:
    def handoff(name: str, kind: str, outcome: Any, reason: str | None = None) -> HandoffFacts:
        return HandoffFacts(name, kind, "x0", day(3, 6), None, day(3, 7) if outcome else None, outcome, reason)

    facts = Facts(
        leads=leads(1),
        handoffs=(
            handoff("1", "to_sdr", "accepted"),
            handoff("2", "to_sdr", "rejected", "too small"),
            handoff("3", "to_sdr", "rejected", "too small"),
            handoff("4", "to_ae", "accepted"),
            handoff("5", "to_ae", None),
        ),
    )
    found = funnel(facts, *MARCH, CONVENTIONS)
    for basis in ("period", "cohort"):
        acceptance = found[basis]["acceptance"]
        assert (acceptance["to_sdr"]["numerator"], acceptance["to_sdr"]["denominator"]) == (1, 3)
        assert acceptance["to_ae"]["value"] == 1.0
        assert found[basis]["reject_reasons"] == {"to_sdr": {"too small": 2}}
    rows = rows_behind(facts, "acceptance", *MARCH, CONVENTIONS, "period", part="to_sdr")
    assert (rows.numerator.ids, rows.numerator.kind) == (("1",), "handoffs")
    assert rows.denominator is not None
    assert set(rows.denominator.ids) == {"1", "2", "3"}


def test_meetings_and_their_cost() -> None:
    meetings = tuple(
        MeetingFacts(f"M{place}", day(3, 8), outcome, "x0")  # type: ignore[arg-type]  # the four outcomes
        for place, outcome in enumerate(["held", "held", "no_show", "cancelled", "booked"])
    )
    found = funnel(Facts(leads=leads(1), spend=(spend(90),), meetings=meetings), *MARCH, CONVENTIONS)["period"]
    assert (found["meeting_show_rate"]["numerator"], found["meeting_show_rate"]["denominator"]) == (2, 3)
    assert found["cost_per_held_meeting"] == "45.0000"


def test_speed_to_lead_by_wall_clock_and_business_hours() -> None:
    def inbound(name: str, minutes: int | None, captured: datetime) -> LeadFacts:
        touched = None if minutes is None else captured + timedelta(minutes=minutes)
        return lead(
            name, captured_at=captured, routed_at=captured, touched_at=touched, sla_due_at=captured + timedelta(hours=1)
        )

    friday = day(3, 6, 15, 30)  # 16:30 in Berlin
    facts = Facts(
        leads=(
            inbound("a", 4, day(3, 5)),
            inbound("b", 30, day(3, 5)),
            inbound("c", 3900, friday),
            inbound("d", None, day(3, 5)),
        )
    )
    hours = replace(CONVENTIONS, business_hours=BusinessHours())
    found = funnel(facts, *MARCH, hours)["period"]
    assert found["speed_to_lead_minutes"] == {
        "median": 30.0,
        "mean": pytest.approx(3934 / 3),
        "p90": pytest.approx(3126),
        "km_median": 30.0,
        "finished": 3,
        "waiting": 1,
    }
    # Friday 16:30 until Monday 09:30: half an hour before closing and half an hour after opening.
    assert found["speed_to_lead_business_minutes"]["median"] == 30.0
    assert found["speed_to_lead_business_minutes"]["mean"] == pytest.approx((4 + 30 + 60) / 3)
    assert (found["answered_within_5_minutes"]["numerator"], found["answered_within_5_minutes"]["denominator"]) == (
        1,
        4,
    )
    assert (found["sla_hit_rate"]["numerator"], found["sla_hit_rate"]["denominator"]) == (2, 4)
    # Nobody recorded when they were deduped, scored or seen: the parts pass over it and still make up the whole way.
    steps = found["speed_to_lead_steps"]
    assert {part: (one["median"], one["finished"]) for part, one in steps.items()} == {
        "captured_to_routed": (0.0, 4),
        "routed_to_touched": (30.0, 3),
    }
    assert funnel(facts, *MARCH, CONVENTIONS)["period"]["speed_to_lead_business_minutes"]["median"] is None


def test_the_sla_of_a_lead_not_yet_due_is_not_counted() -> None:
    facts = Facts(leads=(lead("a", captured_at=day(3, 5), sla_due_at=day(3, 5, 11)),))
    early = funnel(facts, *MARCH, replace(CONVENTIONS, as_of=day(3, 5, 10)))["period"]["sla_hit_rate"]
    assert early == {"value": None, "numerator": 0, "denominator": 0, "interval": None}
    late = funnel(facts, *MARCH, replace(CONVENTIONS, as_of=day(3, 5, 12)))["period"]["sla_hit_rate"]
    assert (late["value"], late["denominator"]) == (0.0, 1)


def test_as_of_hides_what_came_later() -> None:
    facts = Facts(
        leads=(lead("a", mql_at=day(3, 6), sql_at=day(3, 20), customer_at=day(3, 25)), lead("b", opened_at=day(3, 21))),
        deals=(DealFacts("D", Decimal(70), created_at=day(3, 21), closed_at=day(3, 25), outcome="won", lead_id="a"),),
    )
    then = funnel(facts, *MARCH, replace(CONVENTIONS, as_of=day(3, 10)))
    assert (then["period"]["leads"], then["cohort"]["sqls"], then["period"]["pipeline_value"]) == (1, 0, "0.00")
    assert (then["cohort"]["mql_to_sql_days"]["waiting"], then["period"]["undated"]) == (1, 0)
    assert funnel(facts, *MARCH, CONVENTIONS)["period"]["revenue_won"] == "70.00"


def test_by_company_counts_a_company_once() -> None:
    facts = Facts(
        leads=(
            lead("a", company_id="C", mql_at=day(3, 20), exit_at=day(3, 22), exit_kind="recycled"),
            lead("b", company_id="C", opened_at=day(3, 2), mql_at=day(3, 9), channel="paid"),
            lead("c", company_id=None),
        ),
        customers=(
            CustomerFacts("K1", day(1, 1), None, Decimal(10), lead_id="a"),
            CustomerFacts("K2", day(2, 1), None, Decimal(30), lead_id="b"),
        ),
    )
    assert (funnel(facts, *MARCH, CONVENTIONS)["cohort"]["leads"], full(facts)["period"]["arpa"].value) == (
        3,
        "20.0000",
    )
    found = funnel(facts, *MARCH, CONVENTIONS, unit="company")
    assert (found["cohort"]["leads"], found["cohort"]["mqls"], found["cohort"]["recycled"]) == (2, 1, 0)
    assert found["period"]["arpa"] == "40.0000"
    rows = {
        row["key"]: row["cohort"]["leads"] for row in funnel_by(facts, "channel", *MARCH, CONVENTIONS, unit="company")
    }
    assert rows == {"email": 1, "paid": 1}  # the company belongs to the channel that opened it first


def test_a_negative_duration_is_kept_and_said() -> None:
    found = full(Facts(leads=(lead("a", mql_at=day(3, 6), sql_at=day(3, 4)),)))["cohort"]["mql_to_sql_days"]
    assert found.value["median"] == -2.0
    assert said(found, "dated before the earlier one: 1.")


def test_bottleneck_is_the_step_with_the_largest_share() -> None:
    facts = Facts(leads=(lead("a", mql_at=day(3, 6), accepted_at=day(3, 7), sql_at=day(3, 15)),))
    assert funnel(facts, *MARCH, CONVENTIONS)["cohort"]["bottleneck"] == {"step": "accepted_to_sql", "share": 0.8}


def test_rows_behind_refuses_what_has_no_rows() -> None:
    with pytest.raises(KeyError, match="no cohort basis"):
        rows_behind(Facts(), "cpl", *MARCH, CONVENTIONS, "cohort")
    assert (
        rows_behind(Facts(), "leads", *MARCH, CONVENTIONS, "cohort", dimension="channel", value="fax").numerator.ids
        == ()
    )


def test_benchmarks_name_their_source_and_our_metric() -> None:
    for one in BENCHMARKS:
        assert one.source
        assert one.key == "" or one.key in DEFINITIONS
    first = benchmarks_for("accepted_to_sql")[0]
    assert (first.low, first.source) == (0.27, "Willbe guide (000)")
    saas = next(one for one in BENCHMARKS if one.industry == "SaaS")
    assert caution(saas, industry="saas", currency="USD") is None
    assert caution(saas, industry="machinery") == "A benchmark of another industry: SaaS."
    assert caution(benchmarks_for("cpl")[0], currency="EUR") == "Stated in USD, the workspace counts in EUR."


def test_diagnosis_names_causes_only_where_there_is_evidence() -> None:
    before = full(Facts(leads=leads(40, mql_at=day(3, 6), sql_at=day(3, 8), grade="A"), spend=(spend(400),)))
    bad = full(
        Facts(
            leads=leads(20, mql_at=day(3, 6), sql_at=day(3, 18), grade="D") + leads(60, channel="paid", grade="C"),
            spend=(spend(2000),),
        )
    )
    found = diagnose(bad, before, replies=200, leads_by_month=(60, 5, 80))
    assert [one.symptom for one in found] == [
        "CPL climbs",
        "Conversion low",
        "Many replies, few opportunities",
        "Many leads outside the ICP",
        "Feast or famine",
    ]
    assert [cause.page for cause in found[0].causes] == ["icp", "campaigns"]
    assert diagnose(before, before, leads_by_month=(40, 38, 45)) == []
    slow = full(Facts(leads=leads(40, mql_at=day(3, 6), sql_at=day(3, 18), grade="A"), spend=(spend(400),)))
    assert [one.symptom for one in diagnose(slow, before)] == ["MQL to SQL slow"]
    few = full(Facts(leads=leads(5, grade="D"), spend=(spend(2000),)))
    assert diagnose(few, before) == []
