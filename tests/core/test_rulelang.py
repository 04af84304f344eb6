"""The rule language without a database: validation, truth, words."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from leadgen.core.errors import Invalid
from leadgen.core.rulelang import (
    Field,
    FieldCatalogue,
    describe,
    evaluate,
    explain,
    parse,
    to_json,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CATALOGUE = FieldCatalogue(
    [
        Field("title", "title", "text", path="title"),
        Field("company.employees", "employees", "number", path="company__employees"),
        Field("company.revenue", "revenue", "money", path="company__revenue", unit="EUR"),
        Field(
            "industry",
            "industry",
            "choice",
            choices=(("ind", "Industrials"), ("it", "IT")),
        ),
        Field("country", "country", "country"),
        Field("founded", "founded", "date"),
        Field("seen_at", "last seen", "date", timestamp=True),
        Field("technologies", "technologies", "list"),
        Field("consent", "consent", "bool"),
    ]
)
BIG = {"field": "company.employees", "op": "gte", "value": 200}
IN_IT = {"field": "industry", "op": "in", "value": ["ind", "it"]}


def truth(rule, **facts):
    return evaluate(
        parse(rule, CATALOGUE),
        {name.replace("__", "."): fact for name, fact in facts.items()},
        NOW,
    )


def leaf(field, op, value=None):
    return {"field": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"all": [BIG, BIG, leaf("company.employees", "gte", "abc")]},
            "all[2].value: expected a number, got 'abc'",
        ),
        (
            {"any": [{"not": leaf("nose", "is", "x")}]},
            "any[0].not.field: unknown field 'nose'",
        ),
        (
            leaf("consent", "is", True),
            "op: 'is' is no operator of consent; use one of is_true, is_false, known, unknown",
        ),
        (
            {"all": BIG},
            "all: expected a list of conditions, got {'field': 'company.employees', 'op': 'gte', 'value': 200}",
        ),
        (
            {"all": [], "any": []},
            "expected field and op, or one of all, any, not; got all, any",
        ),
        ({"all": [7]}, "all[0]: expected a condition, got 7"),
        (BIG | {"boost": 3}, "unknown key boost"),
        (leaf("industry", "in", []), "value: expected 1 to 2000 values, got 0"),
        (
            leaf("industry", "in", ["it", "steel"]),
            "value[1]: 'steel' is not a choice of industry",
        ),
        (
            leaf("country", "is", "Portugal"),
            "value: expected a two-letter country code, got 'Portugal'",
        ),
        (
            leaf("company.employees", "between", [300, 200]),
            "value: the lower end 300 is above the upper end 200",
        ),
        (
            leaf("company.employees", "eq", float("nan")),
            "value: expected a number up to 1,000,000,000,000,000, got nan",
        ),
        (leaf("company.employees", "eq", True), "value: expected a number, got True"),
        (
            leaf("founded", "before", "21.11.2026"),
            "value: expected a date like 2026-11-21, got '21.11.2026'",
        ),
        (
            leaf("founded", "within_days", 1.5),
            "value: expected whole days from 0 to 36500, got 1.5",
        ),
        (
            leaf("title", "is", " "),
            "value: expected text, got nothing; use known or unknown to ask whether there is any",
        ),
        (
            leaf("title", "contains", "a\x00"),
            "value: contains a character that cannot be stored",
        ),
        (
            leaf("title", "contains_any", ["CTO", "--"]),
            "value[1]: '--' has no letter or digit to look for",
        ),
        (leaf("title", "known", "x"), "value: is known takes no value"),
    ],
)
def test_a_wrong_rule_is_refused_by_the_place_and_the_reason(rule, message):
    with pytest.raises(Invalid) as refusal:
        parse(rule, CATALOGUE)
    assert refusal.value.message == message
    assert refusal.value.code == "rule_invalid"


def test_depth_and_size_are_limited():
    deep = BIG
    for _ in range(8):
        deep = {"not": deep}
    with pytest.raises(Invalid, match="nested deeper than 8 levels"):
        parse(deep, CATALOGUE)
    with pytest.raises(Invalid, match="more than 300 parts"):
        parse({"all": [BIG] * 300}, CATALOGUE)
    assert parse(deep["not"], CATALOGUE)
    assert parse({"all": [BIG] * 299}, CATALOGUE)


def test_values_are_normalised_and_the_stored_form_parses_to_the_same_rule():
    rule = {
        "all": [
            leaf("company.employees", "gte", "200"),
            leaf("company.revenue", "lt", 0.1),
            leaf("title", "contains", "Cafe\u0301"),
            leaf("industry", "in", ["it", "it"]),
            leaf("founded", "on", "2026-02-28"),
        ]
    }
    stored = to_json(parse(rule, CATALOGUE))
    assert [part["value"] for part in stored["all"]] == [
        200,
        0.1,
        "Café",
        ["it"],
        "2026-02-28",
    ]
    assert parse(stored, CATALOGUE) == parse(rule, CATALOGUE)


def test_the_empty_rule_holds_for_everything_and_an_empty_any_for_nothing():
    assert truth({}) is True
    assert truth({"all": []}) is True
    assert truth({"any": []}) is False


def test_kleene_logic():
    yes, no, unknown = (
        leaf("consent", "is_true"),
        leaf("consent", "is_false"),
        leaf("title", "is", "x"),
    )
    assert truth({"all": [yes, unknown]}, consent=True) is None
    assert truth({"all": [no, unknown]}, consent=True) is False
    assert truth({"any": [yes, unknown]}, consent=True) is True
    assert truth({"any": [no, unknown]}, consent=True) is None
    assert truth({"not": unknown}) is None
    assert truth({"not": yes}, consent=True) is False


def test_unknown_is_never_the_opposite_of_known_values():
    assert truth(leaf("title", "is_not", "CTO")) is None
    assert truth(leaf("title", "is_not", "CTO"), title="") is None
    assert truth(leaf("technologies", "has_none", ["sap"]), technologies=[]) is None
    assert truth(leaf("technologies", "has_none", ["sap"]), technologies=["django"]) is True
    assert truth(leaf("title", "unknown"), title="") is True
    assert truth(leaf("title", "known")) is False


@pytest.mark.parametrize(
    ("words", "title", "expected"),
    [
        (["CTO"], "Director", False),  # the letters are there, the word is not
        (["cto"], "Acting CTO, Europe", True),
        (["IT"], "Capital markets", False),
        (["VP Sales"], "VP, Sales & Marketing", True),
        (["R&D"], "Head of R & D", True),
        (["C++"], "C developer", False),
        (["C++"], "Senior C++/C# developer", True),
        (["chief executive", "ceo"], "Co-CEO", True),
    ],
)
def test_words_are_whole_words(words, title, expected):
    assert truth(leaf("title", "contains_any", words), title=title) is expected


def test_days_of_a_date_and_hours_of_a_timestamp():
    assert truth(leaf("founded", "within_days", 3), founded=date(2026, 11, 18)) is True
    assert truth(leaf("founded", "within_days", 3), founded=date(2026, 11, 17)) is False
    assert truth(leaf("founded", "within_days", 3), founded=date(2026, 11, 22)) is False  # not yet
    assert truth(leaf("founded", "older_than_days", 3), founded=date(2026, 11, 17)) is True
    assert truth(leaf("founded", "older_than_days", 3), founded=date(2026, 11, 18)) is False
    assert truth(leaf("seen_at", "within_days", 3), seen_at=NOW - timedelta(hours=72)) is True
    assert (
        truth(
            leaf("seen_at", "within_days", 3),
            seen_at=NOW - timedelta(hours=72, seconds=1),
        )
        is False
    )


def test_a_day_of_a_timestamp_is_a_day_in_the_zone_of_now():
    lisbon = datetime(2026, 10, 25, 12, tzinfo=ZoneInfo("Europe/Lisbon"))  # 25 hours long
    rule = parse(leaf("seen_at", "on", "2026-10-25"), CATALOGUE)
    first, last = (
        datetime(2026, 10, 24, 23, tzinfo=UTC),
        datetime(2026, 10, 25, 23, 59, tzinfo=UTC),
    )
    assert [evaluate(rule, {"seen_at": at}, lisbon) for at in (first, last)] == [
        True,
        True,
    ]
    assert evaluate(rule, {"seen_at": first - timedelta(seconds=1)}, lisbon) is False
    assert evaluate(rule, {"seen_at": last + timedelta(minutes=1)}, lisbon) is False
    within = parse(leaf("seen_at", "within_days", 1), CATALOGUE)
    assert evaluate(within, {"seen_at": datetime(2026, 10, 24, 12, tzinfo=UTC)}, lisbon) is True
    assert evaluate(within, {"seen_at": datetime(2026, 10, 24, 11, 59, tzinfo=UTC)}, lisbon) is False


def test_a_fact_of_the_wrong_kind_is_the_callers_fault():
    with pytest.raises(TypeError, match=r"company.employees is of kind number, got '540'"):
        truth(BIG, company__employees="540")
    with pytest.raises(TypeError, match="seen_at is of kind date"):
        truth(leaf("seen_at", "within_days", 3), seen_at=date(2026, 11, 20))


def test_descriptions():
    assert describe(parse({"all": [IN_IT, BIG]}, CATALOGUE)) == (
        "industry is one of Industrials, IT and employees at least 200"
    )
    rule = {
        "any": [
            {"all": [IN_IT, leaf("company.revenue", "between", [1_000_000, 2.5e6])]},
            {"not": leaf("consent", "known")},
        ]
    }
    assert describe(parse(rule, CATALOGUE)) == (
        "(industry is one of Industrials, IT and revenue between 1,000,000 EUR and 2,500,000 EUR) or not (consent is known)"
    )
    assert describe(parse(leaf("founded", "older_than_days", 1), CATALOGUE)) == "founded more than 1 day ago"
    assert describe(parse(leaf("founded", "not_within_days", 30), CATALOGUE)) == "founded not within the last 30 days"
    assert describe(parse({}, CATALOGUE)) == "everybody"


def test_words_say_names_and_days_where_the_rule_keeps_codes():
    rule = {
        "all": [leaf("country", "in", ["ES", "GB", "XX"]), leaf("founded", "between", ["2020-01-05", "2021-02-01"])]
    }
    node = parse(rule, CATALOGUE)
    assert describe(node) == "country is one of Spain, United Kingdom, XX and founded between 5 Jan 2020 and 1 Feb 2021"
    assert to_json(node) == rule
    told = explain(node, {"country": "PT", "founded": date(2020, 3, 1)}, NOW)
    assert told.words.startswith(
        "country Portugal is none of Spain, United Kingdom, XX and founded 1 Mar 2020 is between"
    )


def test_explanations_say_each_fact():
    rule = parse({"all": [BIG, {"any": [IN_IT, leaf("title", "contains", "sales")]}]}, CATALOGUE)
    explained = explain(rule, {"company.employees": 540, "industry": "energy"}, NOW)
    assert explained.truth is None
    assert [(part.truth, part.words) for part in explained.leaves()] == [
        (True, "employees 540 is at least 200"),
        (False, "industry energy is none of Industrials, IT"),
        (None, "title is not known"),
    ]
    assert explained.words == (
        "employees 540 is at least 200 and (industry energy is none of Industrials, IT or title is not known)"
    )
    assert explained.as_json()["children"][0] == {
        "kind": "leaf", "truth": True, "words": "employees 540 is at least 200", "field": "company.employees", "op": "gte",
    }  # fmt: skip


def test_facts_are_read_along_the_paths_of_a_row():
    person = SimpleNamespace(title="CTO", company=SimpleNamespace(employees=540, revenue=None))
    assert CATALOGUE.facts(person) == {
        "title": "CTO",
        "company.employees": 540,
        "company.revenue": None,
    }
    assert CATALOGUE.facts(SimpleNamespace(title=None, company=None)) == {
        "title": None, "company.employees": None, "company.revenue": None,
    }  # fmt: skip


def test_the_editor_gets_every_field_with_its_operators():
    offered = {item["name"]: item for item in CATALOGUE.as_json()}
    assert list(offered) == [field.name for field in CATALOGUE]
    assert offered["industry"]["choices"] == [
        {"value": "ind", "label": "Industrials"},
        {"value": "it", "label": "IT"},
    ]
    assert offered["consent"]["operators"][0] == {
        "name": "is_true",
        "label": "is true",
        "value": "none",
    }
    assert {op["value"] for op in offered["founded"]["operators"]} == {
        "one",
        "pair",
        "days",
        "none",
    }
