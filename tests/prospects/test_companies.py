"""Companies: the list, the page, the fact sheet, deletion, and rules over them."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from leadgen.core.counts import count_up_to
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.companies import (
    assign_companies,
    create_company,
    delete_companies,
    find_or_create_company,
    update_company,
)
from prospects.models import Activity, Company, Deal, Department, Lead, Person, Seniority, Stage
from prospects.queries.companies import matching
from prospects.rules import fields as catalogues
from tests.factories.prospects import make_activity, make_company, make_deal, make_fit, make_icp, make_lead, make_person

HTMX = {"HX-Request": "true"}


def page(client: Any, path: str, **extra: Any) -> str:
    response = client.get(f"/w/acme/{path}", **extra)
    assert response.status_code == 200, response.content[:800]
    return response.content.decode()


def names(html: str, *wanted: str) -> list[str]:
    return [name for name in wanted if name in html]


def test_catalogue_choices_are_those_of_the_models() -> None:
    assert list(catalogues.SENIORITIES) == [pair for pair in Seniority.choices if pair[0]]
    assert list(catalogues.DEPARTMENTS) == [pair for pair in Department.choices if pair[0]]
    assert list(catalogues.STAGES) == Stage.choices
    assert list(catalogues.EMAIL_STATUSES) == Person.EmailStatus.choices


def test_facts_hold_nothing_known_only_through_sales_effort() -> None:
    columns = {item.path.rpartition("__")[2] for item in [*catalogues.COMPANY_FACTS, *catalogues.PERSON_FACTS]}
    assert not columns & {"owner", "email", "source", "last_touch_at", "x_lead_stage", "created_at", "x_fit_grade"}


def test_create_normalises_and_tells_the_timeline(in_acme, by_alice, now) -> None:
    company = create_company(
        by=by_alice, now=now, name="  Lumen  Robotics ", website="https://www.Lumen.example/about", country="Portugal",
        technologies="SAP; Salesforce; sap", employees="1,200", revenue="1,500.5", revenue_currency="eur",
    )  # fmt: skip
    assert (company.name, company.domain, company.country) == ("Lumen Robotics", "lumen.example", "PT")
    assert (company.technologies, company.employees, str(company.revenue)) == (["SAP", "Salesforce"], 1200, "1500.50")
    assert (company.revenue_currency, company.source) == ("EUR", "typed by Alice")
    fact = Activity.objects.get(company=company)
    assert (fact.kind, fact.at, fact.member_id) == ("edited", now, by_alice.member.pk)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("domain", "not a domain"), ("country", "Atlantis"), ("employees", -4), ("time_zone", "Mars/Base"),
     ("revenue", "lots"), ("industry", "x" * 121), ("founded", "soon"), ("naics", "Bakers of cake")],
)  # fmt: skip
def test_create_names_the_field_it_refuses(in_acme, by_alice, now, field, value) -> None:
    with pytest.raises(Invalid) as refused:
        create_company(by=by_alice, now=now, **({"name": "Lumen"} | {field: value}))
    assert refused.value.field == field
    assert not Company.objects.exists()


def test_a_second_company_of_a_domain_is_refused_with_the_first(in_acme, by_alice, now) -> None:
    first = make_company("Lumen", domain="lumen.example")
    with pytest.raises(Conflict) as refused:
        create_company(by=by_alice, now=now, name="Lumen GmbH", domain="https://lumen.example/")
    assert refused.value.detail == {"type": "company", "id": str(first.pk), "name": "Lumen"}
    assert find_or_create_company(by=by_alice, now=now, domain="shop.lumen.example") == first
    assert find_or_create_company(by=by_alice, now=now, name="Lumen", domain="other.example") != first


def test_a_naics_class_says_the_industry_where_no_words_do(alice, as_, api, acme) -> None:
    client = as_(alice)
    made = client.post(
        "/w/acme/companies/new/", {"name": "Lumen", "naics": "NAICS 513210", "technologies": "sfdc\nSAP ERP"}
    )
    assert made.status_code == 302
    with workspace_scope(acme.pk):
        company = Company.objects.get()
        assert (company.naics, company.industry_code, company.technologies) == ("513210", 4, ["Salesforce", "SAP"])
    shown = page(client, f"companies/{company.pk}/")
    assert "LinkedIn: Technology, Information and Media" in shown
    assert "Information &gt; Publishing Industries &gt; Software Publishers" in shown
    rule = {"field": "company.naics", "op": "starts_with", "value": "51"}
    found = api(alice).get("/api/v1/companies/", {"rule": json.dumps(rule)})
    assert [row["naics"] for row in found.json()["results"]] == ["513210"]
    refused = client.post(f"/w/acme/companies/{company.pk}/edit/", {"name": "Lumen", "naics": "Bakers of cake"})
    assert refused.status_code == 422
    assert "no class of NAICS 2022" in refused.content.decode()
    with workspace_scope(acme.pk):
        assert Company.objects.get().naics == "513210"


def test_update_writes_what_changed_and_nothing_else(in_acme, by_alice, now) -> None:
    company = make_company("Lumen", industry="Robots", employees=10)
    assert update_company(by=by_alice, now=now, company=company, changes={"industry": "Robots", "employees": 10}) == {}
    assert not Activity.objects.exists()
    update_company(by=by_alice, now=now, company=company, changes={"industry": "Machinery", "city": "Porto"})
    fact = Activity.objects.get(company=company)
    assert fact.summary == "Industry: Robots → Machinery; city: nothing → Porto"
    assert fact.detail == {"changes": {"industry": ["Robots", "Machinery"], "city": ["", "Porto"]}}
    company.refresh_from_db()
    assert (company.industry, company.employees, company.updated_at) == ("Machinery", 10, now)


def test_assign_moves_only_those_of_another_owner(in_acme, by_alice, bob, now) -> None:
    companies = [make_company(), make_company(owner=bob.member)]
    assert assign_companies(by=by_alice, now=now, companies=companies, owner=bob.member) == 1
    assert [a.company_id for a in Activity.objects.filter(kind="assigned")] == [companies[0].pk]
    assert AuditEntry.objects.get(action="company.assigned").detail["owner"] == str(bob.member)


def test_deleting_keeps_people_leads_deals_and_the_ledger(in_acme, by_alice, now) -> None:
    company = make_company("Lumen")
    person = make_person("Ana Ferreira", company)
    lead, deal, fact = make_lead(person), make_deal(company=company), make_activity(person)
    make_fit(make_icp(primary=True), company, 90, "A")
    assert delete_companies(by=by_alice, now=now, companies=[company]) == 1
    assert not Company.objects.exists()
    assert Person.objects.get(pk=person.pk).company_id is None
    assert Lead.objects.get(pk=lead.pk).company_id is None
    assert Deal.objects.get(pk=deal.pk).company_id is None
    assert (Activity.objects.get(pk=fact.pk).company_id, Activity.objects.get(pk=fact.pk).person_id) == (
        None,
        person.pk,
    )
    assert AuditEntry.objects.get(action="company.deleted").target_label == "Lumen"


@pytest.fixture
def five(acme, bob) -> dict[str, Company]:
    """Companies that differ in everything the list filters by."""
    with workspace_scope(acme.pk):
        version = make_icp(primary=True)
        rows = {
            "Lumen Robotics": make_company("Lumen Robotics", domain="lumen.example", industry="Machinery", employees=540,
                                           country="PT", owner=bob.member, technologies=["SAP"]),
            "Kite Logistics": make_company("Kite Logistics", domain="kite.example", industry="Logistics", employees=60, country="DE"),
            "Vela Energy": make_company("Vela Energy", industry="Energy", country="DE"),
        }  # fmt: skip
        make_fit(version, rows["Lumen Robotics"], 86, "A")
        make_fit(version, rows["Kite Logistics"], 40, "C")
    return rows


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Lumen Robotics", "Kite Logistics", "Vela Energy"]),
        ("q=robo lum", ["Lumen Robotics"]),
        ("q=kite.exam", ["Kite Logistics"]),
        ("industry=machinery", ["Lumen Robotics"]),
        ("country=DE", ["Kite Logistics", "Vela Energy"]),
        ("size=51-200", ["Kite Logistics"]),
        ("grade=A", ["Lumen Robotics"]),
        ("grade=none", ["Vela Energy"]),
        ("owner=none", ["Kite Logistics", "Vela Energy"]),
        ("owner=me", []),
        ("owner=nonsense", []),
        ("untouched=30", ["Lumen Robotics", "Kite Logistics", "Vela Energy"]),
    ],
)
def test_list_filters(alice, as_, five, query, found) -> None:
    html = page(as_(alice), f"companies/?{query}", headers=HTMX)
    assert names(html, *five) == found


def test_list_takes_a_rule_and_says_what_is_wrong_with_one(alice, as_, five) -> None:
    rule = {
        "all": [
            {"field": "company.technologies", "op": "has_any", "value": ["SAP"]},
            {"field": "fit.score", "op": "gte", "value": 50},
        ]
    }
    html = as_(alice).get("/w/acme/companies/", {"rule": json.dumps(rule)}).content.decode()
    assert names(html, *five) == ["Lumen Robotics"]
    broken = as_(alice).get("/w/acme/companies/", {"rule": '{"field": "company.soul", "op": "is"}'}).content.decode()
    assert "unknown field" in broken


def test_rules_over_companies_reach_every_field_of_the_catalogue(in_acme, five, now) -> None:
    for item in catalogues.COMPANY_FIELDS:
        known = matching({"field": item.name, "op": "known"}, now=now).count()
        assert known + matching({"field": item.name, "op": "unknown"}, now=now).count() == 3, item.name


def test_list_pages_by_keyset_in_a_nullable_order(alice, as_, acme) -> None:
    with workspace_scope(acme.pk):
        for number in range(55):
            make_company(f"Firm {number:02}", employees=number if number < 52 else None)
    client = as_(alice)
    first = client.get("/w/acme/companies/?sort=-employees")
    assert first.context["companies"][0].name == "Firm 51"
    second = client.get("/w/acme/companies/", {"sort": "-employees", "cursor": first.context["page"].next})
    assert [row.name for row in second.context["companies"]] == ["Firm 01", "Firm 00", "Firm 54", "Firm 53", "Firm 52"]
    assert second.context["page"].next == ""
    assert client.get("/w/acme/companies/?sort=secret").status_code == 400


def test_list_costs_the_same_for_many_rows(alice, as_, acme) -> None:
    client = as_(alice)
    with workspace_scope(acme.pk):
        make_icp(primary=True)
        make_company(owner=alice.member)
    page(client, "companies/")
    with CaptureQueriesContext(connection) as few:
        page(client, "companies/")
    with workspace_scope(acme.pk):
        for _ in range(20):
            make_company(owner=alice.member)
    with CaptureQueriesContext(connection) as many:
        page(client, "companies/")
    assert len(many) == len(few) <= 34


def test_count_is_exact_up_to_its_limit_and_an_estimate_above(in_acme) -> None:
    for _ in range(12):
        make_company()
    assert count_up_to(Company.objects.all(), limit=12).exact
    assert count_up_to(Company.objects.all(), limit=12).value == 12
    above = count_up_to(Company.objects.all(), limit=11)
    assert not above.exact
    assert str(above).startswith("about ")


def test_page_shows_facts_people_deals_and_the_timeline(alice, as_, acme) -> None:
    with workspace_scope(acme.pk):
        company = make_company("Lumen Robotics", employees=540, source="import plants.csv")
        person = make_person("Ana Ferreira", company, title="VP Operations")
        make_deal("Line monitoring", company=company, value=12000)
        make_activity(person, summary="Asked for a demo", kind="form_submitted")
        make_activity(person, summary="Opened", kind="opened", hit_class="automated")
    html = page(as_(alice), f"companies/{company.pk}/")
    for words in (
        "540",
        "import plants.csv",
        "Ana Ferreira",
        "VP Operations",
        "Line monitoring",
        "€12,000",
        "Asked for a demo",
    ):
        assert words in html
    assert "automated" in html


def test_page_leads_on_within_the_list_it_was_opened_from(alice, as_, acme) -> None:
    with workspace_scope(acme.pk):
        firms = [
            make_company(name, country=country)
            for name, country in (("A", "DE"), ("B", "PT"), ("C", "DE"), ("D", "DE"))
        ]
    response = as_(alice).get(f"/w/acme/companies/{firms[2].pk}/", {"in": "country=DE&sort=name"})
    assert (response.context["before"].name, response.context["after"].name) == ("A", "D")


def test_form_saves_only_what_was_touched_and_links_a_duplicate(alice, as_, acme) -> None:
    with workspace_scope(acme.pk):
        company = make_company("Lumen", industry="Robots", keywords=["Oil, gas"])
        other = make_company("Kite", domain="kite.example")
    client = as_(alice)
    form = client.get(f"/w/acme/companies/{company.pk}/edit/").context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    assert client.post(f"/w/acme/companies/{company.pk}/edit/", data | {"industry": "Machinery"}).status_code == 302
    with workspace_scope(acme.pk):
        assert Activity.objects.get(company=company).summary == "Industry: Robots → Machinery"
        assert Company.objects.get(pk=company.pk).keywords == ["Oil, gas"]
    refused = client.post(f"/w/acme/companies/{company.pk}/edit/", data | {"domain": "kite.example"})
    assert refused.status_code == 422
    assert f'href="/w/acme/companies/{other.pk}/">Open Kite</a>' in refused.content.decode()


def test_create_by_form_and_note(alice, as_, acme) -> None:
    client = as_(alice)
    made = client.post("/w/acme/companies/new/", {"name": "Lumen", "domain": "lumen.example", "employees": "540"})
    assert made.status_code == 302
    with workspace_scope(acme.pk):
        company = Company.objects.get()
    note = client.post(f"/w/acme/companies/{company.pk}/note/", {"text": "Second plant\nin January"}, headers=HTMX)
    assert (note.status_code, "notes-changed" in note["HX-Trigger"]) == (204, True)
    assert "Second plant\nin January" in page(client, f"companies/{company.pk}/timeline/?kinds=note")
    assert client.post(f"/w/acme/companies/{company.pk}/note/", {"text": " "}).status_code == 422


def test_bulk_delete_asks_with_the_exact_number_first(alice, as_, acme, five) -> None:
    client = as_(alice)
    chosen = {"selected": [str(row.pk) for row in five.values()][:2], "action": "delete"}
    asked = client.post("/w/acme/companies/bulk/", chosen, headers=HTMX)
    assert "Delete 2 companies" in asked.content.decode()
    with workspace_scope(acme.pk):
        assert Company.objects.count() == 3
    assert client.post("/w/acme/companies/bulk/", chosen | {"confirmed": "1"}).status_code == 302
    with workspace_scope(acme.pk):
        assert [row.name for row in Company.objects.all()] == ["Vela Energy"]


def test_an_sdr_assigns_but_may_not_delete(bob, as_, acme, five) -> None:
    client, ids = as_(bob), [str(row.pk) for row in five.values()]
    done = client.post("/w/acme/companies/bulk/", {"selected": ids, "action": "assign", "owner": str(bob.member.pk)})
    assert done.status_code == 302
    refused = client.post("/w/acme/companies/bulk/", {"selected": ids, "action": "delete", "confirmed": "1"})
    assert refused.status_code == 403
    assert client.post(f"/w/acme/companies/{ids[0]}/delete/").status_code == 403
    with workspace_scope(acme.pk):
        assert Company.objects.filter(owner=bob.member).count() == 3


def test_another_workspaces_company_is_not_there(charlie, as_, acme, globex, five) -> None:
    client = as_(charlie)
    company = five["Lumen Robotics"]
    for path in ("", "edit/", "delete/", "note/", "timeline/"):
        assert client.get(f"/w/globex/companies/{company.pk}/{path}").status_code == 404
    client.post("/w/globex/companies/bulk/", {"selected": [str(company.pk)], "action": "delete", "confirmed": "1"})
    assert client.post(f"/w/globex/companies/{company.pk}/delete/").status_code == 404
    assert "Lumen" not in client.get("/w/globex/companies/").content.decode()
    with workspace_scope(acme.pk):
        assert Company.objects.count() == 3


def test_only_web_addresses_become_links(alice, as_, acme) -> None:
    with workspace_scope(acme.pk):
        company = make_company(
            "Lumen", website="javascript:alert(1)", linkedin_url="https://www.linkedin.com/company/lumen"
        )
        person = make_person("Ana", company, linkedin_url="javascript:alert(2)")
    html = page(as_(alice), f"companies/{company.pk}/") + page(as_(alice), f"people/{person.pk}/")
    assert 'href="https://www.linkedin.com/company/lumen"' in html
    assert 'href="javascript' not in html
