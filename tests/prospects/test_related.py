"""Facts of rules that lie in related rows: every declared one has an expression, and SQL and Python agree on them."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Enrolment
from leadgen.core.rulelang import FieldCatalogue, Node, compile_rule, evaluate, leaves, operators_of, parse
from prospects.models import Company, Deal, Person, Segment, SegmentMember
from prospects.queries import companies, people
from prospects.queries.related import annotated, builders
from prospects.rules.fields import COMPANY_FIELDS, PERSON_FIELDS
from tests.conftest import NOW
from tests.factories.campaigns import make_enrolment, make_sequence
from tests.factories.prospects import make_company, make_deal, make_person

OWN = {
    "x_fit_grade",
    "x_fit_score",
    "x_lead_stage",
    "x_last_touch_at",
}  # queries.people and queries.companies lay these


def test_every_related_fact_that_is_declared_has_an_expression() -> None:
    known = builders()
    for item in PERSON_FIELDS:
        if item.path.startswith("x_") and item.path not in OWN:
            assert ("person", item.path) in known or ("company", item.path) in known, item.name
    for item in COMPANY_FIELDS:
        if item.path.startswith("x_") and item.path not in OWN:
            assert ("company", item.path) in known, item.name


def _world(now: Any) -> None:
    """People in, after and never in a sequence; companies with deals, without people, nobody's people."""
    lumen, kite = make_company("Lumen", industry="Machinery", employees=540), make_company("Kite", country="DE")
    make_company("Empty", employees=12)
    version = make_sequence([], mailbox=None, name="Fintech")
    ana = make_person("Ana Ferreira", lumen, title="VP Sales", last_touch_at=now - timedelta(days=40))
    tom = make_person("Tom Okafor", lumen, last_reply_at=now - timedelta(days=3), email_status="valid")
    mei = make_person("Mei Tanaka", kite, title="Head of IT", department="it")
    make_person("No Company", None)
    for person, state in ((ana, "active"), (tom, "active"), (mei, "finished")):
        row = make_enrolment(version, person, mailbox=None, at=now)
        Enrolment.objects.filter(pk=row.pk).update(state=state, ended_at=now if state == "finished" else None)
    make_deal("Big", company=lumen)
    make_deal("Old", company=kite, outcome=Deal.Outcome.WON)
    target = Segment.objects.create(
        name="Targets", kind="static", subject="companies", created_at=now, updated_at=now
    )  # fmt: skip
    SegmentMember.objects.create(segment=target, company=kite, added_at=now)
    friends = Segment.objects.create(name="Friends", kind="static", subject="people", created_at=now, updated_at=now)
    SegmentMember.objects.create(segment=friends, person=tom, added_at=now)


def names(rule: dict[str, Any], now: Any) -> list[str]:
    return sorted(person.first_name for person in people.matching(rule, now=now))


def test_rules_ask_where_somebody_stands_in_sequences(in_acme, now) -> None:
    _world(now)
    assert names({"field": "sequence.state", "op": "is", "value": "active"}, now) == ["Ana", "Tom"]
    assert names({"field": "sequence.state", "op": "is", "value": "never"}, now) == ["No"]
    assert names({"field": "sequence.name", "op": "is", "value": "Fintech"}, now) == ["Ana", "Mei", "Tom"]
    assert names({"field": "sequence.ended_at", "op": "within_days", "value": 1}, now) == ["Mei"]
    # Of two colleagues each sees two; who works nowhere sees none.
    assert names({"field": "company.people_in_sequence", "op": "gte", "value": 2}, now) == ["Ana", "Tom"]
    assert names({"field": "company.people_in_sequence", "op": "eq", "value": 0}, now) == ["Mei", "No"]
    found = companies.matching({"field": "company.people_in_sequence", "op": "gte", "value": 2}, now=now)
    assert [company.name for company in found] == ["Lumen"]
    # Paused is still inside; stopped is not.
    Enrolment.objects.filter(person__first_name="Ana").update(state="stopped", ended_at=now)
    assert names({"field": "company.people_in_sequence", "op": "eq", "value": 1}, now) == ["Ana", "Tom"]


def test_rules_count_deals_people_and_lists(in_acme, now) -> None:
    _world(now)
    assert names({"field": "company.open_deals", "op": "gte", "value": 1}, now) == ["Ana", "Tom"]
    assert names({"field": "company.won_deals", "op": "gte", "value": 1}, now) == ["Mei"]
    assert names({"field": "company.people", "op": "eq", "value": 2}, now) == ["Ana", "Tom"]
    assert names({"field": "person.lists", "op": "has_any", "value": ["Friends"]}, now) == ["Tom"]
    # Who is on no list has none of them: known, not unknown.
    assert names({"field": "person.lists", "op": "has_none", "value": ["Friends"]}, now) == ["Ana", "Mei", "No"]
    assert names({"field": "company.lists", "op": "has_any", "value": ["Targets"]}, now) == ["Mei"]
    assert names({"field": "company.last_reply_at", "op": "within_days", "value": 7}, now) == ["Ana", "Tom"]


VALUES: dict[str, Any] = {
    "text": st.sampled_from(["VP", "Lumen", "Fintech", "Ana", "machinery", "x"]),
    "number": st.sampled_from([0, 1, 2, 12, 540]),
    "money": st.sampled_from([0, 10]),
    "date": st.sampled_from(["2026-03-04", "2026-03-01", "2026-01-23"]),
    "country": st.sampled_from(["DE", "FR"]),
    "list": st.sampled_from(["Friends", "Targets", "SAP"]),
}


def _leaf(draw: Any, catalogue: FieldCatalogue) -> dict[str, Any]:
    field = draw(st.sampled_from(list(catalogue)))
    op = draw(st.sampled_from(operators_of(field.kind)))
    one = st.sampled_from([value for value, _ in field.choices]) if field.choices else VALUES.get(field.kind, st.none())
    leaf: dict[str, Any] = {"field": field.name, "op": op.name}
    if op.shape == "one":
        leaf["value"] = draw(one)
    elif op.shape == "many":
        leaf["value"] = draw(st.lists(one, min_size=1, max_size=3))
    elif op.shape == "pair":
        leaf["value"] = sorted([draw(one), draw(one)])
    elif op.shape == "days":
        leaf["value"] = draw(st.sampled_from([0, 3, 30, 40]))
    return leaf


@st.composite
def rules(draw: Any, catalogue: FieldCatalogue, depth: int = 3) -> dict[str, Any]:
    shape = draw(st.sampled_from(["leaf", "leaf", "all", "any", "not"] if depth else ["leaf"]))
    if shape == "leaf":
        return _leaf(draw, catalogue)
    if shape == "not":
        return {"not": draw(rules(catalogue, depth - 1))}
    return {shape: draw(st.lists(rules(catalogue, depth - 1), max_size=3))}


RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # fmt: skip


def _agree(rows: Any, node: Node, catalogue: FieldCatalogue) -> None:
    """Each row is true, false or unknown alike in SQL and in Python, on facts that were read by themselves."""
    judged = rows.annotate(x_truth=compile_rule(node, catalogue, NOW).truth())
    asked = FieldCatalogue({leaf.field.name: leaf.field for leaf in leaves(node)}.values())
    for row in judged:
        assert row.x_truth == evaluate(node, asked.facts(row), NOW), (str(row), node)


def test_sql_and_python_agree_on_every_rule_over_people(in_acme) -> None:
    _world(NOW)

    @RELAXED
    @given(rule=rules(PERSON_FIELDS))
    def agree(rule: dict[str, Any]) -> None:
        node = parse(rule, PERSON_FIELDS)
        _agree(
            annotated(people.with_fields(Person.objects.select_related("company")), node, now=NOW), node, PERSON_FIELDS
        )

    agree()


def test_sql_and_python_agree_on_every_rule_over_companies(in_acme) -> None:
    _world(NOW)

    @RELAXED
    @given(rule=rules(COMPANY_FIELDS))
    def agree(rule: dict[str, Any]) -> None:
        node = parse(rule, COMPANY_FIELDS)
        _agree(annotated(companies.with_fields(Company.objects.all()), node, now=NOW), node, COMPANY_FIELDS)

    agree()
