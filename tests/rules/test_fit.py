"""Fit by rules: the formula, grades, marks, exclusions, and that nothing of sales effort may feed it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from leadgen.core.errors import Invalid
from prospects.rules.fit import Fit, by_part, fit_of, grade_of, share
from prospects.rules.icps import (
    DEFAULT_GRADES,
    changes,
    check_content,
    describe_rule,
    label_of,
    parse_profile,
    selectivity,
)

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
INDUSTRY = {"field": "company.industry", "op": "in", "value": ["Machinery", "Robots"]}
SIZE = {"field": "company.employees", "op": "between", "value": [200, 1000]}
SAP = {"field": "company.technologies", "op": "has_any", "value": ["SAP"]}
PLANTS: dict[str, Any] = {
    "criteria": [
        {"key": "industry", "label": "Industrial machinery", "weight": 25, "rule": INDUSTRY},
        {"key": "size", "label": "200 to 1,000 employees", "weight": 20, "rule": SIZE},
        {"key": "sap", "label": "Uses SAP", "weight": 14, "rule": SAP},
    ],
    "personas": [
        {"name": "Operations", "weight": 11, "rule": {"field": "person.department", "op": "is", "value": "operations"}},
        {"name": "Chief", "weight": 30, "rule": {"field": "person.seniority", "op": "is", "value": "c_level"}, "pains": ["Downtime"]},
    ],
    "must": {"field": "company.country", "op": "in", "value": ["DE", "PT"]},
    "exclude": {"field": "company.keywords", "op": "has_any", "value": ["competitor"]},
}  # fmt: skip
LUMEN = {
    "company.industry": "Machinery",
    "company.employees": 540,
    "company.country": "PT",
    "company.keywords": ["robots"],
}


def fit(facts: dict[str, Any], *, person: bool = False, **changed: Any) -> Fit:
    content = check_content(PLANTS | changed)
    return fit_of(parse_profile(content, person=person), facts, NOW, person=person)


def test_a_company_scores_the_share_of_the_weights_it_meets() -> None:
    # 25 + 20 of 59; the technologies are not known, so SAP counts as not met and is marked unknown.
    assert fit(LUMEN) == Fit(76, "B", "++?+-")
    assert fit(LUMEN | {"company.technologies": ["SAP"]}) == Fit(100, "A", "++++-")
    assert fit(LUMEN | {"company.technologies": ["Oracle"]}).marks == "++-+-"


def test_a_person_adds_the_heaviest_persona_they_are() -> None:
    both = {"person.department": "operations", "person.seniority": "c_level"}
    assert fit(LUMEN | both, person=True) == Fit(share(25 + 20 + 30, 59 + 30), "A", "++?+-++")
    assert fit(LUMEN | {"person.department": "operations"}, person=True) == Fit(63, "B", "++?+-+?")
    assert fit({}, person=True) == Fit(0, "D", "?????" + "??")


def test_who_fails_the_must_have_or_is_excluded_has_grade_x() -> None:
    assert fit(LUMEN | {"company.country": "US"}) == Fit(0, "X", "++?--")
    assert fit(LUMEN | {"company.keywords": ["competitor"]}) == Fit(0, "X", "++?++")
    # Not knowing excludes nobody.
    assert fit({"company.industry": "Robots"}) == Fit(42, "C", "+????")


def test_no_must_have_is_met_by_all_and_no_exclusion_by_none() -> None:
    assert fit({"company.industry": "Robots"}, must={}, exclude={}).marks == "+??+-"


@pytest.mark.parametrize(
    ("met", "total", "score"), [(1, 3, 33), (2, 3, 67), (1, 8, 13), (1, 200, 1), (0, 7, 0), (5, 5, 100), (0, 0, 0)]
)
def test_shares_round_half_up(met: int, total: int, score: int) -> None:
    assert share(met, total) == score


def test_grades_begin_at_their_score() -> None:
    assert [grade_of(score, DEFAULT_GRADES) for score in (80, 79, 60, 40, 39)] == ["A", "B", "B", "C", "D"]


def test_signs_of_stored_rows_are_read_by_part() -> None:
    content = check_content(PLANTS)
    assert by_part(content, "+-?+-?+")[2:] == [("Uses SAP", "?"), ("Operations", "?"), ("Chief", "+")]


@pytest.mark.parametrize(
    "name", ["company.owner", "company.last_touch_at", "fit.score", "company.source", "company.created_at"]
)
def test_facts_of_our_own_effort_are_refused_by_name(name: str) -> None:
    rule = {"all": [INDUSTRY, {"not": {"field": name, "op": "known"}}]}
    with pytest.raises(Invalid) as refused:
        check_content({"criteria": [{"label": "x", "weight": 1, "rule": rule}]})
    assert refused.value.field.startswith("criteria[0].rule")
    assert "sales effort" in refused.value.message


@pytest.mark.parametrize("name", ["lead.stage", "person.owner", "person.last_reply_at", "person.email_status"])
def test_personas_refuse_them_too(name: str) -> None:
    with pytest.raises(Invalid, match="sales effort"):
        check_content({"personas": [{"name": "x", "weight": 1, "rule": {"field": name, "op": "known"}}]})


def test_a_title_is_no_fact_of_a_company() -> None:
    with pytest.raises(Invalid, match="belongs into a persona"):
        check_content({"must": {"field": "person.title", "op": "contains", "value": "VP"}})


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"criteria": [{"label": "x", "weight": 101, "rule": SAP}]}, "criteria[0].weight"),
        ({"criteria": [{"label": "x", "weight": True, "rule": SAP}]}, "criteria[0].weight"),
        ({"criteria": [{"label": "x", "weight": 1, "rule": {}}]}, "criteria[0].rule"),
        ({"criteria": [{"label": "x", "weight": 1, "rule": {"field": "company.employees", "op": "gte", "value": "many"}}]}, "criteria[0].rule.value"),
        ({"criteria": [{"key": "a", "weight": 1, "rule": SAP}, {"key": "a", "weight": 1, "rule": SIZE}]}, "criteria[1].key"),
        ({"criteria": [{"label": "x", "weight": 1, "rule": SAP}] * 41}, "criteria"),
        ({"criteria": {"a": 1}}, "criteria"),
        ({"personas": [{"name": "", "weight": 1, "rule": SAP}]}, "personas[0].name"),
        ({"grades": {"A": 50, "B": 60}}, "grades"),
        ({"grades": {"E": 5}}, "grades"),
        ({"stage": "lead"}, "stage"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_names_its_place(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_content(content)
    assert refused.value.field == field


def test_publishing_needs_a_weight() -> None:
    assert check_content({"criteria": []})["criteria"] == []
    with pytest.raises(Invalid, match="at least one criterion"):
        check_content({"criteria": [{"label": "x", "weight": 0, "rule": SAP}]}, complete=True)


def test_labels_and_keys_fill_themselves_in() -> None:
    kept = check_content({"criteria": [{"weight": 5, "rule": SIZE}, {"weight": 5, "rule": SIZE}]})["criteria"]
    assert [item["label"] for item in kept] == ["employees between 200 and 1,000"] * 2
    assert [item["key"] for item in kept] == ["employees-between-200-and-1-000", "employees-between-200-and-1-000-2"]
    assert describe_rule({}) == ""
    assert (
        describe_rule({"field": "company.revenue_currency", "op": "is", "value": "CHF"})
        == "revenue currency is Swiss Franc"
    )
    assert (
        describe_rule({"field": "company.naics", "op": "is", "value": "513210"})
        == "NAICS code is Software Publishers (513210)"
    )
    assert (
        describe_rule({"field": "company.naics", "op": "starts_with", "value": "51"}) == "NAICS code starts with “51”"
    )
    assert describe_rule({"field": "company.industry", "op": "is", "value": "Wine"}) == "industry is “Wine”"
    # A version that was published when countries were still said by code; what somebody named keeps its name.
    spain = {"field": "company.country", "op": "is", "value": "ES"}
    assert label_of({"label": "country is ES", "rule": spain}) == "country is Spain"
    assert label_of({"label": "Home market", "rule": spain}) == "Home market"


def test_versions_differ_in_words() -> None:
    old = check_content(PLANTS)
    new = check_content(
        PLANTS | {
            "criteria": [PLANTS["criteria"][0] | {"weight": 40}, PLANTS["criteria"][2] | {"label": "SAP inside"},
                         {"label": "Big", "weight": 9, "rule": {"field": "company.employees", "op": "gte", "value": 5000}}],
            "exclude": {}, "grades": {"A": 85},
            "personas": [PLANTS["personas"][1] | {"pains": ["Scrap"]}],
        }
    )  # fmt: skip
    assert changes(old, old) == []
    assert changes(old, new) == [
        "Dropped the criterion “200 to 1,000 employees”",
        "“Industrial machinery”: weight 25 → 40",
        "“Uses SAP” is now called “SAP inside”",
        "New criterion “Big”, weight 9: employees at least 5,000",
        "Exclude: keywords has any of competitor → nothing",
        "Dropped the persona “Operations”",
        "“Chief”: pains Downtime → Scrap",
        "Grade A from 80 → 85",
    ]


def test_only_rules_about_how_long_ago_move_with_time() -> None:
    moving = {"field": "company.funded_on", "op": "within_days", "value": 365}
    assert not parse_profile(check_content(PLANTS), person=False).moves_with_time()
    assert parse_profile(check_content(PLANTS | {"must": moving}), person=False).moves_with_time()


@pytest.mark.parametrize(
    ("matches", "total", "tone", "words"),
    [
        (780, 1000, "warning", "Matches 78 %: too broad to say whom to work first."),
        (3, 1000, "warning", "Matches 3 companies: too narrow to fill a queue."),
        (0, 1000, "warning", "Matches no companies: nobody would be worked."),
        (143, 503, "success", "Matches 28 %."),
        (0, 0, "neutral", "No companies yet to try it on."),
        (20, 9000, "success", "Matches less than 1 %."),
    ],
)
def test_selectivity_in_words(matches: int, total: int, tone: str, words: str) -> None:
    assert selectivity(matches, total, "companies") == (tone, words)


def test_the_same_said_otherwise_is_no_difference() -> None:
    def said(op: str, value: object) -> dict[str, Any]:
        return check_content(
            {
                "criteria": [
                    {
                        "key": "x",
                        "label": "x",
                        "weight": 1,
                        "rule": {"field": "company.industry", "op": op, "value": value},
                    }
                ]
            }
        )

    assert changes(said("in", ["B", "A"]), said("in", ["A", "B"])) == []
    assert changes(said("in", ["A"]), said("is", "A")) == []
    assert changes(said("in", ["A", "B"]), said("in", ["A", "C"])) == [
        "“x”: industry is one of “A”, “B” → industry is one of “A”, “C”"
    ]
