"""The API of people and companies: filters, upserts, refusals in one shape."""

import json
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Company, Person
from tests.factories.prospects import make_company, make_fit, make_icp, make_person


def send(client: Any, method: str, path: str, data: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{path}", data=json.dumps(data), content_type="application/json")


def test_create_read_change_delete(alice, api, acme) -> None:
    client = api(alice)
    made = send(client, "post", "people/", {"first_name": "Ana", "last_name": "Ferreira", "email": "ANA@lumen.example",
                                            "title": "VP Sales", "company_domain": "www.lumen.example", "company_name": "Lumen"})  # fmt: skip
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["full_name"], body["email"], body["seniority"], body["source"]) == (
        "Ana Ferreira",
        "ana@lumen.example",
        "vp",
        "API, token test",
    )
    with workspace_scope(acme.pk):
        company = Company.objects.get()
    assert (body["company"], company.name, company.domain) == (str(company.pk), "Lumen", "lumen.example")
    changed = send(client, "patch", f"people/{body['id']}/", {"city": "Porto", "owner": str(alice.member.pk)})
    assert (changed.json()["city"], changed.json()["owner"], changed.json()["title"]) == (
        "Porto",
        str(alice.member.pk),
        "VP Sales",
    )
    assert client.delete(f"/api/v1/people/{body['id']}/").status_code == 204
    assert client.get(f"/api/v1/people/{body['id']}/").status_code == 404


def test_duplicates_and_bad_values_come_in_the_one_error_shape(alice, api, acme) -> None:
    client = api(alice)
    with workspace_scope(acme.pk):
        known = make_person("Ana Ferreira", email="ana@x.example")
    again = send(client, "post", "people/", {"first_name": "A", "email": "ana@x.example"})
    assert again.status_code == 409
    assert again.json()["error"] == {
        "code": "duplicate", "message": "Ana Ferreira has the address ana@x.example already.", "field": "email",
        "detail": {"type": "person", "id": str(known.pk), "name": "Ana Ferreira"},
    }  # fmt: skip
    bad = send(client, "post", "companies/", {"name": "X", "country": "Atlantis"})
    assert (bad.status_code, bad.json()["error"]["field"]) == (400, "country")
    assert send(client, "post", "people/", [1]).status_code == 400
    assert send(client, "put", "people/by-external-id/7/", [1]).status_code == 400


def test_upsert_by_external_id_adopts_the_known_address(alice, api, acme) -> None:
    client = api(alice)
    with workspace_scope(acme.pk):
        known = make_person("Ana Ferreira", email="ana@x.example")
    first = send(client, "put", "people/by-external-id/crm-7/", {"email": "ana@x.example", "title": "CFO"})
    assert (first.status_code, first.json()["id"], first.json()["external_id"]) == (200, str(known.pk), "crm-7")
    second = send(client, "put", "people/by-external-id/crm-7/", {"title": "CEO"})
    assert (second.status_code, second.json()["title"], second.json()["email"]) == (200, "CEO", "ana@x.example")
    made = send(client, "put", "people/by-external-id/crm-8/", {"first_name": "Tom"})
    assert (made.status_code, made.json()["external_id"]) == (201, "crm-8")
    same = send(client, "put", "people/by-external-id/crm-8/", {"first_name": "Tom"})
    assert same.status_code == 200
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 2
        assert Activity.objects.filter(person__external_id="crm-8").count() == 1  # the second told nothing new


def test_upsert_by_address_and_by_domain(alice, api, acme) -> None:
    client = api(alice)
    assert send(client, "put", "people/by-email/Ana@X.example/", {"first_name": "Ana"}).status_code == 201
    again = send(client, "put", "people/by-email/ana@x.example/", {"last_name": "Ferreira"})
    assert (again.status_code, again.json()["full_name"]) == (200, "Ana Ferreira")
    assert send(client, "put", "companies/by-domain/www.kite.example/", {"name": "Kite"}).status_code == 201
    kite = send(client, "put", "companies/by-domain/kite.example/", {"employees": 60})
    assert (kite.status_code, kite.json()["employees"], kite.json()["name"]) == (200, 60, "Kite")
    adopted = send(client, "put", "companies/by-external-id/c1/", {"domain": "https://kite.example", "name": "Kite AG"})
    assert (adopted.status_code, adopted.json()["id"], adopted.json()["name"]) == (200, kite.json()["id"], "Kite AG")


def test_list_filters_sorts_and_shows_fit(alice, api, acme) -> None:
    with workspace_scope(acme.pk):
        firms = [
            make_company(f"Firm {number}", employees=number * 100, country="DE" if number < 3 else "PT")
            for number in range(1, 5)
        ]
        make_fit(make_icp(primary=True), firms[0], 91, "A")
    client = api(alice)
    rows = client.get("/api/v1/companies/?country=DE&sort=-employees").json()["results"]
    assert [(row["name"], row["fit_grade"], row["fit_score"]) for row in rows] == [
        ("Firm 2", None, None),
        ("Firm 1", "A", 91),
    ]
    rule = json.dumps({"field": "company.employees", "op": "between", "value": [200, 300]})
    assert len(client.get("/api/v1/companies/", {"rule": rule}).json()["results"]) == 2
    wrong = client.get("/api/v1/companies/", {"rule": '{"field": "soul", "op": "is", "value": "x"}'})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "rule")
    assert client.get("/api/v1/companies/?country=XX").status_code == 400
    first = client.get("/api/v1/companies/?limit=3&sort=name").json()
    rest = client.get("/api/v1/companies/", {"limit": 3, "sort": "name", "cursor": first["next"]}).json()
    assert ([row["name"] for row in rest["results"]], rest["next"]) == (["Firm 4"], None)


def test_list_costs_the_same_for_many_rows(alice, api, acme) -> None:
    client = api(alice)

    def queries(count: int) -> int:
        with workspace_scope(acme.pk):
            for _ in range(count):
                make_person(company=make_company(), owner=alice.member)
        client.get("/api/v1/people/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/api/v1/people/").status_code == 200
        return len(captured)

    assert queries(1) == queries(10) <= 10


def test_scopes_and_roles_bound_a_token(alice, bob, api, acme) -> None:
    with workspace_scope(acme.pk):
        person = make_person()
    reader = api(alice, "people.view")
    assert reader.get(f"/api/v1/people/{person.pk}/").status_code == 200
    assert send(reader, "patch", f"people/{person.pk}/", {"city": "X"}).status_code == 403
    assert api(bob).delete(f"/api/v1/people/{person.pk}/").status_code == 403  # an SDR may not delete
    with workspace_scope(acme.pk):
        assert Person.objects.get().city == ""
