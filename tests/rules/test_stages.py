"""Stages: which moves exist, what a path shows, and what the clauses of the agreement mean."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from leadgen.core.errors import Invalid
from prospects.rules import agreements, stages

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
DEFAULT = agreements.DEFAULTS


def test_no_move_leads_out_of_an_end_and_none_into_customer_but_from_an_opportunity() -> None:
    assert stages.MOVES["customer"] == stages.MOVES["lost"] == frozenset()
    assert [stage for stage in stages.MOVES if stages.may_move(stage, "customer")] == ["opportunity"]
    assert [stage for stage in stages.MOVES if stages.may_move(stage, "lost")] == ["opportunity"]
    assert not stages.may_move("lead", "accepted")  # only an MQL can be accepted
    assert stages.may_move("sql", "accepted")  # an AE sent it back


def test_a_path_marks_what_was_skipped_and_ends_where_the_lead_left() -> None:
    open_path = stages.path([("lead", 1), ("sql", 2)], "sql")
    assert [(step.stage, step.state, step.skipped) for step in open_path] == [
        ("lead", "done", False), ("mql", "ahead", True), ("accepted", "ahead", True), ("sql", "current", False),
        ("opportunity", "ahead", False), ("customer", "ahead", False),
    ]  # fmt: skip
    left = stages.path([("lead", 1), ("mql", 2), ("recycled", 3)], "recycled")
    assert [(step.stage, step.at, step.state) for step in left] == [
        ("lead", 1, "done"), ("mql", 2, "done"), ("recycled", 3, "current"),
    ]  # fmt: skip


def test_after_a_rejected_hand_off_the_path_shows_where_the_lead_is_now() -> None:
    back = stages.path([("lead", 1), ("mql", 2), ("lead", 3)], "lead")
    assert [(step.stage, step.state) for step in back][:2] == [("lead", "current"), ("mql", "ahead")]
    assert back[0].at == 1  # a stage counts by its first entry


@pytest.mark.parametrize(
    ("kind", "hit", "detail", "opens"),
    [
        ("form_submitted", "human", {}, True),
        ("form_submitted", "automated", {}, False),
        ("replied", "human", {"intent": "question"}, True),
        ("replied", "human", {"intent": "not_interested"}, False),
        ("replied", "human", {"intent": "opt_out"}, False),
        ("called", "human", {"outcome": "connected_positive"}, True),
        ("called", "human", {"outcome": "voicemail"}, False),
        ("meeting_booked", "human", {}, True),
        ("clicked", "human", {}, False),
    ],
)
def test_shown_interest_opens_a_lead_and_a_refusal_does_not(kind: str, hit: str, detail: dict, opens: bool) -> None:
    assert agreements.opens_lead(DEFAULT["lead_clause"], kind, hit, detail) is opens


def test_an_mql_needs_fit_and_engagement_or_a_first_signal() -> None:
    nothing = dict.fromkeys(agreements.SIGNALS, False)
    met = agreements.meets_mql(DEFAULT["mql_clause"], {**nothing, "fit_grade": "B", "engagement": 50.0}, NOW)
    assert met is not None
    assert (met.name, met.facts) == ("Fit and engagement", {"fit_grade": "B", "engagement": 50.0})
    assert met.words == "fit grade B is one of A, B and engagement 50 is at least 50"
    assert agreements.meets_mql(DEFAULT["mql_clause"], {**nothing, "fit_grade": "C", "engagement": 90.0}, NOW) is None
    assert agreements.meets_mql(DEFAULT["mql_clause"], {**nothing, "engagement": 90.0}, NOW) is None  # fit unknown
    for signal, name in [("demo_requested", "Demo request"), ("replied_positive", "Positive reply")]:
        met = agreements.meets_mql(DEFAULT["mql_clause"], {**nothing, signal: True}, NOW)
        assert met is not None and met.name == name


def test_signals_come_from_people_only() -> None:
    assert agreements.signals_of("form_submitted", "human", {"form_kind": "demo"}) == {
        "form_submitted",
        "demo_requested",
    }
    assert agreements.signals_of("form_submitted", "unsure", {"form_kind": "demo"}) == set()
    assert agreements.signals_of("replied", "human", {"intent": "meeting"}) == {"replied_positive"}
    assert agreements.signals_of("replied", "human", {"intent": "question"}) == set()


def test_the_conversation_comes_from_the_ledger_and_cannot_be_ticked() -> None:
    everything = list(agreements.SQL_ITEMS)
    assert agreements.missing_for_sql(DEFAULT["sql_clause"], everything, conversation=False) == ["conversation"]
    assert agreements.missing_for_sql(DEFAULT["sql_clause"], ["fit", "need"], conversation=True) == [
        "budget", "authority", "timeline",
    ]  # fmt: skip
    assert agreements.missing_for_sql(DEFAULT["sql_clause"], everything, conversation=True) == []


def test_a_replay_finds_the_first_moment_a_clause_was_met() -> None:
    day = date(2026, 3, 4)
    walk = [
        ("page_viewed", "human", {}, NOW - timedelta(days=1), date(2026, 3, 3)),
        ("form_submitted", "human", {"form_kind": "contact"}, NOW, day),
        ("replied", "human", {"intent": "question"}, NOW + timedelta(hours=1), day),
    ]
    found = agreements.first_met(DEFAULT["mql_clause"], DEFAULT["points"], 14, {"fit_grade": "A"}, walk, NOW)
    assert found is not None and found[0] == NOW + timedelta(hours=1)  # 30 + 25 and what is left of 3
    assert agreements.first_met(DEFAULT["mql_clause"], DEFAULT["points"], 14, {"fit_grade": "D"}, walk, NOW) is None


def test_clauses_are_checked_before_they_are_kept() -> None:
    assert agreements.check_mql_clause(DEFAULT["mql_clause"]) == DEFAULT["mql_clause"]
    with pytest.raises(ValueError, match="at least one"):
        agreements.check_mql_clause({"any": []})
    with pytest.raises(ValueError, match="no condition"):
        agreements.check_mql_clause({"any": [{"name": "All", "rule": {}}]})
    with pytest.raises(Invalid, match="unknown field"):
        agreements.check_mql_clause({"any": [{"name": "X", "rule": {"field": "stage", "op": "is", "value": "sql"}}]})


def test_words_say_every_clause_and_a_difference_only_what_changed() -> None:
    words = dict(agreements.in_words(DEFAULT))
    assert words["A lead is an MQL when one of these holds"][0] == (
        "Fit and engagement: fit grade is one of A, B and engagement at least 50"
    )
    assert "An SDR decides on an MQL within 8 hours" in words["In working time"]
    changed = {**DEFAULT, "half_life_days": 21, "first_touch_minutes": 90}
    assert agreements.differences(DEFAULT, changed) == [
        ("Engagement", ["Points halve every 14 days"], ["Points halve every 21 days"]),
        (
            "In working time",
            ["First human touch of an inbound lead within 5 minutes"],
            ["First human touch of an inbound lead within 1 hour 30 minutes"],
        ),
    ]
    assert agreements.differences(DEFAULT, {**DEFAULT}) == []


def test_a_contract_is_worth_its_term_where_no_value_is_given() -> None:
    from prospects.rules.deals import contract_value

    assert contract_value(None, Decimal(500), 12) == Decimal("6000.00")
    assert contract_value(Decimal(7000), Decimal(500), 12) == Decimal(7000)
    assert contract_value(None, Decimal(500), None) is None
