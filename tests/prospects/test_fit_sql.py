"""Fit in the database and fit in Python are one: property over profiles, companies and people."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prospects.models import Company, Person, PersonFit
from prospects.queries.fit import local_now, scored_sql
from prospects.rules.fields import COMPANY_FACTS, DEPARTMENTS, PERSON_FACTS, SENIORITIES
from prospects.rules.fit import fit_of
from prospects.rules.icps import check_content, parse_profile
from tests.factories.prospects import make_company, make_person

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
# Small pools, so that rules and facts meet.
WORDS = st.sampled_from(["Machinery", "machinery", "Robots", "SAP", "sap", "IT", "VP Operations", "Straße", "x"])
LISTS = st.lists(WORDS, max_size=3, unique=True)
NUMBERS = st.sampled_from([0, 199, 200, 201, 5000])
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 6))


def leaf(name: str, *shapes: tuple[Any, Any]) -> Any:
    """Leaves of a field; each shape is (operators, strategy of the value), or (operators, None) where none is taken."""
    made = []
    for ops, value in shapes:
        rule = {"field": st.just(name), "op": st.sampled_from(ops)}
        made.append(st.fixed_dictionaries(rule if value is None else rule | {"value": value}))
    return st.one_of(
        *made, st.fixed_dictionaries({"field": st.just(name), "op": st.sampled_from(["known", "unknown"])})
    )


def many(values: Any) -> Any:
    return st.lists(values, min_size=1, max_size=3)


COMPANY_RULES = st.one_of(
    leaf("company.industry", (["is", "is_not", "contains"], WORDS), (["in", "not_in", "contains_any"], many(WORDS))),
    leaf("company.employees", (["gte", "lt", "eq", "ne"], NUMBERS)),
    leaf("company.revenue", (["gt", "lte"], NUMBERS)),
    leaf("company.country", (["in", "not_in"], many(st.sampled_from(["DE", "PT"])))),
    leaf("company.technologies", (["has_any", "has_all", "has_none"], many(WORDS))),
    leaf("company.funded_on", (["before", "on"], DAYS.map(str)), (["within_days", "not_within_days", "older_than_days"], st.sampled_from([0, 1, 30]))),
)  # fmt: skip
PERSON_RULES = st.one_of(
    leaf("person.title", (["contains", "starts_with"], WORDS), (["contains_any"], many(WORDS))),
    leaf("person.seniority", (["in", "not_in"], many(st.sampled_from([key for key, _ in SENIORITIES])))),
    leaf("person.department", (["is", "is_not"], st.sampled_from([key for key, _ in DEPARTMENTS]))),
)


def nested(leaves: Any) -> Any:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: {"all": items}),
            st.lists(inner, max_size=3).map(lambda items: {"any": items}),
            inner.map(lambda item: {"not": item}),
        ),
        max_leaves=4,
    )


WEIGHTS = st.sampled_from([0, 1, 7, 25, 100])
CONTENTS = st.fixed_dictionaries(
    {
        "criteria": st.lists(st.fixed_dictionaries({"weight": WEIGHTS, "rule": nested(COMPANY_RULES)}), max_size=4),
        "must": st.one_of(st.just({}), nested(COMPANY_RULES)),
        "exclude": st.one_of(st.just({}), nested(COMPANY_RULES)),
        "personas": st.lists(st.fixed_dictionaries({"weight": WEIGHTS, "rule": nested(PERSON_RULES)}), max_size=3),
        "grades": st.sampled_from([{}, {"A": 90, "B": 50, "C": 1}]),
    }
)
COMPANIES = st.fixed_dictionaries(
    {
        "industry": st.one_of(st.just(""), WORDS), "employees": st.one_of(st.none(), NUMBERS),
        "revenue": st.one_of(st.none(), NUMBERS.map(Decimal)), "country": st.sampled_from(["", "DE", "PT", "US"]),
        "technologies": LISTS, "funded_on": st.one_of(st.none(), DAYS),
    }
)  # fmt: skip
PEOPLE = st.fixed_dictionaries(
    {
        "title": st.one_of(st.just(""), WORDS), "seniority": st.sampled_from(["", "vp", "staff"]),
        "department": st.sampled_from(["", "it", "operations"]), "at": st.one_of(st.none(), st.integers(0, 2)),
    }
)  # fmt: skip


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    content=CONTENTS,
    companies=st.lists(COMPANIES, min_size=3, max_size=3),
    people=st.lists(PEOPLE, min_size=1, max_size=3),
)
def test_sql_and_python_give_the_same_fit(in_acme: Any, content: Any, companies: Any, people: Any) -> None:
    named = [item | {"name": f"P{number}"} for number, item in enumerate(content["personas"])]
    kept = check_content(content | {"personas": named})
    PersonFit.objects.all().delete()
    Person.objects.all().delete()
    Company.objects.all().delete()
    firms = [make_company(**facts) for facts in companies]
    for facts in people:
        place = facts.pop("at")
        make_person("", firms[place] if place is not None else None, **facts)
    at = local_now(NOW + timedelta(hours=14))  # past midnight in Berlin, not in UTC
    for model in (Company, Person):
        profile = parse_profile(kept, person=model is Person)
        sql, params = scored_sql(model.objects.all(), profile, at)
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            by_sql = {row[0]: row[1:] for row in cursor.fetchall()}
        rows = model.objects.select_related("company") if model is Person else model.objects.all()
        by_rules = {}
        for row in rows:
            facts = (PERSON_FACTS if model is Person else COMPANY_FACTS).facts(row)
            found = fit_of(profile, facts, at, person=model is Person)
            by_rules[row.pk] = (found.score, found.grade, found.marks)
        assert by_sql == by_rules
