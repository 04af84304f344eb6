"""Fit in the database: equal to the rules in Python, one pass, only changed rows written, never another workspace's."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.companies import create_company, delete_companies, update_company
from prospects.actions.fit import AT_ONCE, LANE, next_look, rescore, score_icp, score_or_ring
from prospects.actions.leads import open_lead
from prospects.actions.people import create_person, update_person
from prospects.models import Company, CompanyFit, IcpVersion, Lead, Person, PersonFit
from prospects.queries.fit import explain_fit, fit_now, version_of
from prospects.rules.icps import check_content, content_of
from prospects.tasks import score_fit
from tests.factories.prospects import make_company, make_icp, make_person

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
PLANTS: dict[str, Any] = {
    "criteria": [
        {"key": "industry", "label": "Industrial machinery", "weight": 25, "rule": {"field": "company.industry", "op": "is", "value": "Machinery"}},
        {"key": "size", "label": "200 or more", "weight": 20, "rule": {"field": "company.employees", "op": "gte", "value": 200}},
        {"key": "sap", "label": "Uses SAP", "weight": 15, "rule": {"field": "company.technologies", "op": "has_any", "value": ["SAP"]}},
    ],
    "personas": [
        {"name": "Operations leader", "weight": 40,
         "rule": {"all": [{"field": "person.department", "op": "is", "value": "operations"},
                          {"field": "person.seniority", "op": "in", "value": ["vp", "c_level"]}]}},
        {"name": "IT", "weight": 10, "rule": {"field": "person.department", "op": "is", "value": "it"}},
    ],
    "exclude": {"field": "company.keywords", "op": "has_any", "value": ["competitor"]},
}  # fmt: skip


def plants(*, published_at: datetime | None = NOW, **changed: Any) -> IcpVersion:
    return make_icp("Plants", primary=True, published_at=published_at, **check_content(PLANTS | changed))


def stored() -> dict[str, tuple[int, str, str]]:
    """Every row of fit by the name of its company or person."""
    found = {
        fit.company.name: (fit.score, fit.grade, fit.marks) for fit in CompanyFit.objects.select_related("company")
    }
    people = PersonFit.objects.select_related("person")
    return found | {fit.person.full_name: (fit.score, fit.grade, fit.marks) for fit in people}


def written_at() -> dict[Any, tuple[str, str]]:
    """Physical place and writing transaction of every row of fit: what a rewrite would change."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, ctid::text, xmin::text FROM prospects_companyfit UNION ALL SELECT id, ctid::text, xmin::text FROM prospects_personfit"
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


@pytest.fixture
def world(in_acme: Any) -> dict[str, Any]:
    lumen = make_company("Lumen", industry="Machinery", employees=540, technologies=["SAP"], keywords=["robots"])
    kite = make_company("Kite", industry="Logistics", employees=60)
    rival = make_company("Rival", industry="Machinery", employees=900, keywords=["competitor"])
    ana = make_person("Ana Ferreira", lumen, title="VP Operations", seniority="vp", department="operations")
    tom = make_person("Tom Okafor", kite, department="it")
    return {"lumen": lumen, "kite": kite, "rival": rival, "ana": ana, "tom": tom, "nobody": make_person("Mei Tanaka")}


def test_everybody_is_scored_with_marks(world: Any) -> None:
    version = plants()
    run = score_icp(icp=version.icp, now=NOW)
    assert (run.looked_at, run.written) == (6, 6)
    assert stored() == {
        "Lumen": (100, "A", "++++-"),
        "Kite": (0, "D", "--?+?"),
        "Rival": (0, "X", "++?++"),
        "Ana Ferreira": (100, "A", "++++-+-"),
        "Tom Okafor": (10, "D", "--?+?-+"),
        "Mei Tanaka": (0, "D", "???+???"),
    }
    version.refresh_from_db()
    assert version.scored_at == NOW


def test_a_second_run_writes_nothing_and_a_change_only_its_rows(world: Any) -> None:
    version = plants()
    score_icp(icp=version.icp, now=NOW)
    before = written_at()
    assert score_icp(icp=version.icp, now=NOW).written == 0
    assert written_at() == before
    Company.objects.filter(pk=world["kite"].pk).update(employees=300)
    run = score_icp(icp=version.icp, now=NOW)
    changed = {key for key, place in written_at().items() if before[key] != place}
    assert run.written == len(changed) == 2  # Kite and its Tom
    assert stored()["Kite"] == (33, "D", "-+?+?")


def test_a_new_version_rewrites_all_and_leaves_one_row_each(world: Any) -> None:
    version = plants()
    score_icp(icp=version.icp, now=NOW)
    second = IcpVersion.objects.create(
        icp=version.icp,
        number=2,
        created_at=NOW,
        published_at=NOW,
        **(content_of(version) | {"criteria": PLANTS["criteria"][:1]}),
    )
    assert score_icp(icp=version.icp, now=NOW).written == 6
    assert CompanyFit.objects.count() == 3
    assert set(CompanyFit.objects.values_list("version", flat=True)) == {second.pk}


def test_a_version_that_says_the_same_of_most_writes_only_the_others_and_speaks_for_all(world: Any) -> None:
    version = plants()
    score_icp(icp=version.icp, now=NOW)
    before = written_at()
    criteria = [part | {"label": f"New {part['label']}"} for part in PLANTS["criteria"]]
    criteria[0] |= {"rule": {"field": "company.name", "op": "is", "value": "Kite"}}
    second = IcpVersion.objects.create(
        icp=version.icp, number=2, created_at=NOW, **(content_of(version) | {"criteria": criteria})
    )
    IcpVersion.objects.filter(pk=second.pk).update(published_at=NOW)
    fit = PersonFit.objects.select_related("icp", "version").get(person__full_name="Mei Tanaka")
    assert version_of(fit) == version  # the new one has not scored anybody yet
    run = score_icp(icp=version.icp, now=NOW)
    changed = {key for key, place in written_at().items() if before[key] != place}
    assert run.written == len(changed) > 0 and run.looked_at == 6
    kept = CompanyFit.objects.select_related("icp", "version").exclude(version=second)
    fits = [*kept, *PersonFit.objects.select_related("icp", "version")]
    assert len(kept) + CompanyFit.objects.filter(version=second).count() == 3
    assert {version_of(fit) for fit in fits} == {second}
    for fit in fits:
        row = getattr(fit, "company", None) or fit.person
        told = fit_now(row, second, NOW)
        assert (fit.score, fit.grade, fit.marks) == (told.score, told.grade, told.marks), row


def test_ids_limit_the_run_to_companies_with_their_people(world: Any) -> None:
    version = plants()
    assert score_icp(icp=version.icp, now=NOW, company_ids=[world["lumen"].pk]).written == 2
    assert set(stored()) == {"Lumen", "Ana Ferreira"}
    assert score_icp(icp=version.icp, now=NOW, person_ids=[world["tom"].pk]).written == 1
    assert score_icp(icp=version.icp, now=NOW, company_ids=[], person_ids=[]).looked_at == 0


def test_a_draft_and_an_archived_profile_score_nobody(world: Any) -> None:
    draft = plants(published_at=None)
    assert score_icp(icp=draft.icp, now=NOW).looked_at == 0
    IcpVersion.objects.update(published_at=NOW)
    draft.icp.is_archived = True
    draft.icp.save()
    assert score_icp(icp=draft.icp, now=NOW).looked_at == 0
    assert stored() == {}


def test_another_workspaces_rows_are_never_scored(world: Any, globex: Any) -> None:
    with workspace_scope(globex.pk):
        make_person("Eve", make_company("Theirs", industry="Machinery"))
        plants()
    version = plants()
    score_icp(icp=version.icp, now=NOW)
    rescore(now=NOW, company_ids=[world["lumen"].pk])
    assert "Theirs" not in stored()
    with workspace_scope(globex.pk):
        theirs = Company.objects.get()
        assert stored() == {}
    assert rescore(now=NOW, company_ids=[theirs.pk]).written == 0
    with workspace_scope(globex.pk):
        assert stored() == {}


def test_one_statement_a_table_whatever_the_number_of_criteria(world: Any) -> None:
    few = plants()
    with CaptureQueriesContext(connection) as first:
        score_icp(icp=few.icp, now=NOW)
    many = make_icp(
        "Many", **check_content(PLANTS | {"criteria": [dict(PLANTS["criteria"][0], key=f"k{n}") for n in range(40)]})
    )
    with CaptureQueriesContext(connection) as second:
        score_icp(icp=many.icp, now=NOW)
    assert len(first) == len(second)
    assert len([query for query in second if "INSERT INTO" in query["sql"]]) == 2


def test_who_changes_facts_rescores(in_acme: Any, by_alice: Any, now: datetime) -> None:
    plants()
    lumen = create_company(by=by_alice, now=now, name="Lumen", industry="Machinery", domain="lumen.example")
    ana = create_person(by=by_alice, now=now, name="Ana Ferreira", email="ana@lumen.example", title="VP Operations")
    assert stored() == {"Lumen": (42, "C", "+??+?"), "Ana Ferreira": (65, "B", "+??+?+-")}
    update_company(by=by_alice, now=now, company=lumen, changes={"technologies": ["SAP"], "employees": 500})
    assert stored() == {"Lumen": (100, "A", "++++?"), "Ana Ferreira": (100, "A", "++++?+-")}
    update_person(by=by_alice, now=now, person=ana, changes={"title": "Sales assistant"})
    assert stored()["Ana Ferreira"] == (60, "B", "++++?--")
    with CaptureQueriesContext(connection) as queries:
        update_company(by=by_alice, now=now, company=lumen, changes={"owner": by_alice.member})
    assert not [query for query in queries if "companyfit" in query["sql"]]
    delete_companies(by=by_alice, now=now, companies=[lumen])
    assert stored() == {"Ana Ferreira": (0, "D", "???+?--")}


def test_a_lead_becomes_mql_when_fit_catches_up(in_acme: Any, by_alice: Any, now: datetime) -> None:
    version = plants()
    ana = make_person(
        "Ana Ferreira", make_company("Lumen", industry="Machinery"), department="operations", seniority="vp"
    )
    agreement = ensure_first_agreement(now)
    agreement.mql_clause = {"any": [{"name": "fit", "rule": {"field": "fit_grade", "op": "in", "value": ["A", "B"]}}]}
    agreement.save()
    lead = open_lead(origin="manual", at=now, now=now, by=by_alice, person=ana)
    assert lead.stage == "lead"
    run = score_icp(icp=version.icp, now=now)
    assert run.people == (ana.pk,)
    assert Lead.objects.get(pk=lead.pk).stage == "mql"


def test_few_rows_are_scored_at_once_and_many_by_a_worker(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    version = plants()
    run = score_or_ring(icp=version.icp, now=NOW)
    assert run is not None
    assert run.written == 6
    assert not Lane.objects.filter(kind=LANE).exists()
    assert AT_ONCE == 5_000
    PersonFit.objects.all().delete()
    monkeypatch.setattr("prospects.actions.fit.AT_ONCE", 5)
    assert score_or_ring(icp=version.icp, now=NOW) is None
    assert not PersonFit.objects.exists()
    assert Lane.objects.get(kind=LANE).key == str(version.icp.pk)
    score_fit()
    assert PersonFit.objects.count() == 3
    assert Lane.objects.get(kind=LANE).next_due is None


def test_rules_about_how_long_ago_are_looked_at_every_midnight(in_acme: Any) -> None:
    recent = {
        "key": "f",
        "label": "Funded lately",
        "weight": 10,
        "rule": {"field": "company.funded_on", "op": "within_days", "value": 30},
    }
    make_company("Lumen", funded_on=date(2026, 2, 2))
    version = plants(criteria=[recent], exclude={})
    assert score_or_ring(icp=version.icp, now=NOW) is not None
    assert stored()["Lumen"] == (100, "A", "++-")
    midnight = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)  # in Berlin
    assert next_look(version.icp, NOW) == Lane.objects.get(kind=LANE).next_due == midnight
    score_icp(icp=version.icp, now=midnight)
    assert stored()["Lumen"] == (0, "D", "-+-")


def test_an_explanation_gives_fact_state_and_points(world: Any) -> None:
    version = plants()
    score_icp(icp=version.icp, now=NOW)
    ana = Person.objects.select_related("company").get(pk=world["ana"].pk)
    told = explain_fit(ana, now=NOW)
    assert told is not None
    assert told.title == "Ana Ferreira against ICP “Plants v1”"
    assert (told.score, told.grade, told.points, told.total, told.stored) == (100, "A", 100, 100, None)
    assert [(line.label, line.state, line.words, line.points) for line in told.lines] == [
        ("Industrial machinery", "met", "industry “Machinery” is “Machinery”", "25"),
        ("200 or more", "met", "employees 540 is at least 200", "20"),
        ("Uses SAP", "met", "technologies SAP has one of SAP", "15"),
        (
            "Operations leader",
            "met",
            "department Operations is Operations and seniority VP is one of VP, C-level",
            "40",
        ),
        ("Exclusion", "not met", "keywords robots has none of competitor", ""),
    ]
    kite = explain_fit(world["kite"], version.icp, now=NOW)
    assert kite is not None
    assert [(line.state, line.words, line.points) for line in kite.lines[:3]] == [
        ("not met", "industry “Logistics” is not “Machinery”", "0 of 25"),
        ("not met", "employees 60 is below 200", "0 of 20"),
        ("unknown", "technologies is not known", "0 of 15"),
    ]
    assert kite.counts == "2 not met, 1 unknown"
    Company.objects.filter(pk=world["kite"].pk).update(employees=300)
    fresh = explain_fit(Company.objects.get(pk=world["kite"].pk), now=NOW)
    assert fresh is not None
    assert (fresh.score, fresh.stored) == (33, ("D", 0))


def test_nothing_is_explained_before_a_version_is_in_force(world: Any) -> None:
    assert explain_fit(world["kite"], now=NOW) is None
    assert explain_fit(world["kite"], plants(published_at=None).icp, now=NOW) is None


def test_the_fit_of_one_row_is_the_stored_one(world: Any) -> None:
    version = plants()
    score_icp(icp=version.icp, now=NOW)
    for row in (*Company.objects.all(), *Person.objects.select_related("company")):
        found = fit_now(row, version, NOW)
        assert stored()[str(row)] == (found.score, found.grade, found.marks)
