"""The evaluator and the compiled SQL agree in all three truth values, on rows of a real PostgreSQL."""

# ruff: noqa: DJ001, DJ008  probe tables hold NULL in every column on purpose, and nobody reads their names

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadgen.core.rulelang import (
    OPERATORS,
    Field,
    FieldCatalogue,
    compile_rule,
    evaluate,
    explain,
    fold,
    parse,
    text_contains,
    to_json,
)
from leadgen.core.rulelang.text import check_locale, spaced

NOW = datetime(2026, 10, 25, 12, 30, tzinfo=ZoneInfo("Europe/Lisbon"))  # the day the clock goes back
TODAY = NOW.date()


class ProbeCompany(models.Model):
    id = models.IntegerField(primary_key=True)
    name = models.TextField(null=True)
    employees = models.IntegerField(null=True)

    class Meta:
        app_label = "rulelang_probe"
        managed = False
        db_table = "rulelang_probe_company"


class ProbePerson(models.Model):
    id = models.IntegerField(primary_key=True)
    company = models.ForeignKey(ProbeCompany, null=True, on_delete=models.DO_NOTHING)
    title = models.TextField(null=True)
    note = models.TextField(null=True)
    revenue = models.DecimalField(null=True, max_digits=20, decimal_places=4)
    score = models.FloatField(null=True)
    born = models.DateField(null=True)
    seen_at = models.DateTimeField(null=True)
    industry = models.TextField(null=True)
    country = models.TextField(null=True)
    technologies = ArrayField(models.TextField(), null=True)
    keywords = models.JSONField(null=True)
    consent = models.BooleanField(null=True)

    class Meta:
        app_label = "rulelang_probe"
        managed = False
        db_table = "rulelang_probe_person"


CATALOGUE = FieldCatalogue(
    [
        Field("title", "title", "text", path="title"),
        Field("note", "note", "text", path="note", empty_is_unknown=False),
        Field("company.name", "company", "text", path="company__name"),
        Field("company.employees", "employees", "number", path="company__employees"),
        Field("revenue", "revenue", "money", path="revenue", unit="EUR"),
        Field("score", "score", "number", path="score"),
        Field("born", "born", "date", path="born"),
        Field("seen_at", "last seen", "date", path="seen_at", timestamp=True),
        Field("industry", "industry", "choice", path="industry"),
        Field("country", "country", "country", path="country"),
        Field("technologies", "technologies", "list", path="technologies"),
        Field(
            "keywords",
            "keywords",
            "list",
            path="keywords",
            storage="json",
            empty_is_unknown=False,
        ),
        Field("consent", "consent", "bool", path="consent"),
    ]
)

TABLES = """
CREATE TEMP TABLE rulelang_probe_company (id int PRIMARY KEY, name text, employees int);
CREATE TEMP TABLE rulelang_probe_person (
    id int PRIMARY KEY, company_id int, title text, note text, revenue numeric(20, 4), score double precision, born date,
    seen_at timestamptz, industry text, country text, technologies text[], keywords jsonb, consent boolean);
"""


@pytest.fixture
def tables(db):
    with connection.cursor() as cursor:
        cursor.execute(TABLES)


# Small pools make rules and facts meet; the Unicode ones hold what case mappings disagree on.
WORDS = ["CTO", "cto", "Director", "VP, Sales", "vp  sales", "R&D", "C++", "ISTANBUL", "istanbul", "ıstanbul", "İstanbul",
         "straße", "STRASSE", "STRAẞE", "é", "e\u0301", "É", "ΣΑΣ", "σας", "ﬁn", "FIN", "ŉ", "ᾳ", "ᾼ", "𐐨", "𐐀", "🚀 dev",
         "50%", "a_b", "a\\b", "ɤ", "\ua7cb", "x\u00a0y", "it's"]  # fmt: skip
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
    ANY_TEXT,
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 199, 200, 201, -5, 2**31 - 1]),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(198, 202),
)
DECIMALS = st.one_of(
    st.sampled_from([Decimal("0.1"), Decimal("2.5"), Decimal(200)]),
    st.decimals(-1000, 1000, places=4, allow_nan=False),
    st.decimals(-(10**14), 10**14, places=2, allow_nan=False),
)
FLOATS = st.one_of(
    st.sampled_from([0.1, 0.3, 2.5, 200.0]),
    st.floats(-1e12, 1e12, allow_nan=False).map(lambda x: x + 0.0),
)
DATES = st.one_of(
    st.integers(-40, 40).map(lambda days: TODAY + timedelta(days=days)),
    st.dates(date(1900, 1, 1), date(2199, 1, 1)),
)
MOMENTS = st.one_of(
    st.integers(-80, 80).map(lambda hours: datetime(2026, 10, 25, tzinfo=UTC) + timedelta(hours=hours)),
    st.datetimes(datetime(1900, 1, 2), datetime(2199, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 40).map(lambda days: NOW.astimezone(UTC) - timedelta(days=days)),
)
INDUSTRIES = st.sampled_from(["it", "industrials", "energy"])
COUNTRIES = st.sampled_from(["PT", "DE", "US"])
TAGS = st.sampled_from(["sap", "SAP", "django", "ß", "日本", "a,b", '"q"', "{}"])


def maybe(strategy):
    return st.one_of(st.none(), strategy)


ROWS = st.fixed_dictionaries(
    {
        "title": maybe(st.one_of(st.just(""), TEXTS)),
        "note": maybe(st.one_of(st.just(""), TEXTS)),
        "revenue": maybe(DECIMALS),
        "score": maybe(FLOATS),
        "born": maybe(DATES),
        "seen_at": maybe(MOMENTS),
        "industry": maybe(st.one_of(st.just(""), INDUSTRIES)),
        "country": maybe(st.one_of(st.just(""), COUNTRIES)),
        "technologies": maybe(st.lists(maybe(TAGS), max_size=3)),
        "keywords": maybe(st.lists(TAGS, max_size=3)),
        "consent": maybe(st.booleans()),
        "company": maybe(st.tuples(maybe(st.one_of(st.just(""), TEXTS)), maybe(NUMBERS))),
    }
)


def _values(field, op):
    numbers = (
        DECIMALS if field.kind == "money" else FLOATS if field.name == "score" else st.one_of(NUMBERS, st.just(200.5))
    )
    one = {
        "text": TEXTS.filter(lambda text: text.strip() and (op.name != "contains_any" or spaced(text).strip())),
        "number": numbers.map(lambda x: round(x, 6) if isinstance(x, float) else x),
        "money": numbers,
        "date": DATES.map(date.isoformat),
        "choice": INDUSTRIES,
        "country": COUNTRIES,
        "list": TAGS,
        "bool": st.none(),
    }[field.kind]
    return {
        "none": st.none(),
        "one": one,
        "many": st.lists(one, min_size=1, max_size=3),
        "pair": st.tuples(one, one).map(sorted),
        "days": st.integers(0, 60),
    }[op.shape]


@st.composite
def leaf_rules(draw):
    field = draw(st.sampled_from(list(CATALOGUE)))
    op = draw(st.sampled_from(list(OPERATORS[field.kind].values())))
    return {"field": field.name, "op": op.name, "value": draw(_values(field, op))}


def _nodes(children):
    return st.one_of(
        st.lists(children, max_size=3).map(lambda items: {"all": items}),
        st.lists(children, max_size=3).map(lambda items: {"any": items}),
        children.map(lambda item: {"not": item}),
    )


DEPTH_1 = leaf_rules()
DEPTH_2 = st.one_of(DEPTH_1, _nodes(DEPTH_1))
RULES = st.one_of(
    DEPTH_1,
    _nodes(DEPTH_1),
    _nodes(DEPTH_2),
    _nodes(st.one_of(DEPTH_2, _nodes(DEPTH_2))),
)


def _store(rows):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM rulelang_probe_person; DELETE FROM rulelang_probe_company")
    companies, people = [], []
    for number, row in enumerate(rows):
        row = dict(row)
        company = row.pop("company")
        if company is not None:
            companies.append(ProbeCompany(id=number, name=company[0], employees=company[1]))
        people.append(ProbePerson(id=number, company_id=None if company is None else number, **row))
    ProbeCompany.objects.bulk_create(companies)
    ProbePerson.objects.bulk_create(people)


def _by_sql(rules):
    """For each rule the truth of each row: by the annotation, and the same by the two filters."""
    found = []
    for rule in rules:
        compiled = compile_rule(rule, CATALOGUE, NOW)
        people = ProbePerson.objects.order_by()
        truths = dict(people.annotate(truth=compiled.truth()).values_list("id", "truth"))
        met = people.filter(compiled.true).annotate(truth=Value(True))
        not_met = people.filter(compiled.false).annotate(truth=Value(False))
        filtered = list(met.values_list("id", "truth").union(not_met.values_list("id", "truth"), all=True))
        assert dict(filtered) == {row: truth for row, truth in truths.items() if truth is not None}
        assert len(filtered) == len(dict(filtered))
        found.append([truths[row] for row in sorted(truths)])
    return found


@pytest.mark.slow
@settings(
    max_examples=520,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=4),
    rules=st.lists(RULES, min_size=1, max_size=2),
)
def test_sql_and_python_agree_on_any_rule_and_row(tables, rows, rules):
    _store(rows)
    parsed = [parse(rule, CATALOGUE) for rule in rules]
    people = list(ProbePerson.objects.select_related("company").order_by("id"))
    facts = [CATALOGUE.facts(person) for person in people]
    expected = [[evaluate(rule, known, NOW) for known in facts] for rule in parsed]
    assert _by_sql(rules) == expected
    for rule, truths in zip(parsed, expected, strict=True):
        assert [explain(rule, known, NOW).truth for known in facts] == truths
        assert parse(to_json(rule), CATALOGUE) == rule


@pytest.mark.parametrize(
    ("kind", "op"),
    [(kind, name) for kind, operators in OPERATORS.items() for name in operators],
)
def test_every_operator_agrees_and_reaches_each_truth(tables, kind, op):
    """Every operator over rows chosen so that it is true, false and (but for known / unknown) unknown at least once."""
    name = {"text": "title", "number": "company.employees", "money": "revenue", "date": "seen_at", "choice": "industry",
            "country": "country", "list": "technologies", "bool": "consent"}[kind]  # fmt: skip
    shape = OPERATORS[kind][op].shape
    one = {"text": "Straße", "number": 200, "money": "2.5", "date": TODAY.isoformat(), "choice": "it", "country": "PT",
           "list": "sap", "bool": None}[kind]  # fmt: skip
    value = {"none": None, "one": one, "many": [one], "pair": [one, one], "days": 3}[shape]
    companies = [(None, None), None, ("a", 199), ("b", 200), ("c", 201), ("d", 200)]
    moments = [
        None,
        None,
        NOW - timedelta(days=9),
        NOW,
        NOW + timedelta(days=9),
        NOW - timedelta(days=1),
    ]
    columns = {
        "title": [None, "", "Straße", "straßenbau", "CTO", "Leiter STRAßE"],
        "revenue": [
            None,
            None,
            Decimal("2.4"),
            Decimal("2.5"),
            Decimal("2.6"),
            Decimal(0),
        ],
        "industry": [None, "", "it", "energy", "it", "it"],
        "country": [None, "", "PT", "DE", "PT", "PT"],
        "technologies": [None, [], ["sap"], ["SAP"], ["sap", "x"], [None]],
        "consent": [None, None, True, False, True, False],
        "seen_at": [moment and moment.astimezone(UTC) for moment in moments],
    }
    blank = dict.fromkeys(["note", "score", "born", "keywords"])
    rows = [
        {
            **blank,
            **{key: values[n] for key, values in columns.items()},
            "company": companies[n],
        }
        for n in range(6)
    ]
    _store(rows)
    rule = {"field": name, "op": op, "value": value}
    people = ProbePerson.objects.select_related("company").order_by("id")
    expected = [evaluate(parse(rule, CATALOGUE), CATALOGUE.facts(person), NOW) for person in people]
    (found,) = _by_sql([rule])
    assert found == expected
    assert {True, False} <= set(found)
    assert (None in found) is (op not in ("known", "unknown"))


def test_folding_is_postgresql_upper_for_every_code_point(db):
    points = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    differ = []
    with connection.cursor() as cursor:
        for start in range(0, len(points), 100_000):
            text = "".join(points[start : start + 100_000])
            cursor.execute("SELECT upper(%s::text)", [text])
            theirs, ours = cursor.fetchone()[0], fold(text)
            differ += [char for char, a, b in zip(text, ours, theirs, strict=True) if a != b]
    assert differ == []
    assert check_locale() == []


def test_text_search_runs_on_the_expression_that_is_indexed(tables):
    rule = compile_rule({"field": "title", "op": "contains_any", "value": ["VP Sales"]}, CATALOGUE, NOW)
    sql = str(ProbePerson.objects.filter(rule.true).query)
    assert """UPPER("rulelang_probe_person"."title") LIKE %SALES%""" in sql
    assert "COLLATE" not in sql


def test_a_numeric_limit_is_not_cut_to_the_column(tables):
    _store([dict.fromkeys(["title"]) | {"company": ("a", employees)} for employees in (2, 3)])
    rules = [
        {"field": "company.employees", "op": "eq", "value": 2.5},
        {"field": "company.employees", "op": "gte", "value": 2.5},
        {"field": "company.employees", "op": "lt", "value": 10**15},
    ]
    assert _by_sql(rules) == [[False, False], [False, True], [True, True]]


def test_search_box_finds_regardless_of_case_and_takes_wildcards_literally(tables):
    _store([{"title": title, "company": None} for title in ("Leiter STRAßE", "50% off", "500 off", "a_b\\", "axb\\")])
    found = ProbePerson.objects.filter(text_contains("title", "straße"))
    assert [person.title for person in found] == ["Leiter STRAßE"]
    assert [person.title for person in ProbePerson.objects.filter(text_contains("title", "50% O"))] == ["50% off"]
    assert [person.title for person in ProbePerson.objects.filter(text_contains("title", "A_B\\"))] == ["a_b\\"]
