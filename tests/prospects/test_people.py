"""People: actions, the list, the page with the contact panel, bulk acts, and the API."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.people import assign_people, create_person, delete_people, update_person
from prospects.models import Activity, Company, Lead, Person, Task
from prospects.queries.panels import Panel, contact_panel, panels, register_panel
from prospects.queries.people import matching
from prospects.rules.fields import PERSON_FIELDS
from tests.factories.prospects import (
    make_activity,
    make_company,
    make_deal,
    make_fit,
    make_icp,
    make_lead,
    make_person,
    make_task,
)

HTMX = {"HX-Request": "true"}


def page(client: Any, path: str, **extra: Any) -> str:
    response = client.get(f"/w/acme/{path}", **extra)
    assert response.status_code == 200, response.content[:800]
    return response.content.decode()


def send(client: Any, method: str, path: str, data: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{path}", data=json.dumps(data), content_type="application/json")


def test_create_reads_the_title_and_finds_the_company_by_domain(in_acme, by_alice, now) -> None:
    company = make_company("Lumen", domain="lumen.example")
    person = create_person(
        by=by_alice, now=now, name="Ana Maria Ferreira", email=" Ana@Mail.LUMEN.example ", title="VP of Sales",
        phone="+351 21 555 0142", linkedin_url="linkedin.com/in/Ana-F?x=1",
    )  # fmt: skip
    assert (person.full_name, person.email, person.company) == ("Ana Maria Ferreira", "ana@mail.lumen.example", company)
    assert (person.seniority, person.department, person.phone) == ("vp", "sales", "+351215550142")
    assert person.linkedin_url == "https://www.linkedin.com/in/ana-f"
    fact = Activity.objects.get(person=person)
    assert (fact.company_id, fact.summary) == (company.pk, "Added: typed by Alice")


def test_given_seniority_outranks_the_title(in_acme, by_alice, now) -> None:
    person = create_person(by=by_alice, now=now, first_name="Ana", title="VP of Sales", seniority="head")
    update_person(by=by_alice, now=now, person=person, changes={"title": "Sales Director"})
    assert (person.seniority, person.department) == ("head", "sales")


def test_a_new_title_and_address_are_read_anew(in_acme, by_alice, now) -> None:
    person = create_person(
        by=by_alice, now=now, first_name="Ana", last_name="F", title="VP of Sales", email="a@x.example"
    )
    Person.objects.filter(pk=person.pk).update(email_status="valid", email_status_at=now)
    person.refresh_from_db()
    later = now + timedelta(hours=1)
    update_person(
        by=by_alice,
        now=later,
        person=person,
        changes={"title": "Head of Purchasing", "email": "b@x.example", "first_name": "Anna"},
    )
    person.refresh_from_db()
    assert (person.seniority, person.department, person.full_name) == ("head", "purchasing", "Anna F")
    assert (person.email_status, person.email_status_at, person.updated_at) == ("unknown", None, later)
    fact = Activity.objects.filter(person=person).order_by("-at").first()
    assert fact.detail["changes"]["email"] == ["a@x.example", "b@x.example"]
    assert "Seniority".lower() in fact.summary.lower()


@pytest.mark.parametrize(
    ("values", "field"),
    [({}, "first_name"), ({"email": "no address"}, "email"), ({"first_name": "A", "seniority": "king"}, "seniority"),
     ({"first_name": "A", "linkedin_url": "http://evil.example/x y"}, "linkedin_url")],
)  # fmt: skip
def test_create_names_the_field_it_refuses(in_acme, by_alice, now, values, field) -> None:
    with pytest.raises(Invalid) as refused:
        create_person(by=by_alice, now=now, **values)
    assert refused.value.field == field
    assert not Person.objects.exists()


def test_an_address_has_one_person(in_acme, by_alice, now) -> None:
    first = make_person("Ana Ferreira", email="ana@x.example")
    with pytest.raises(Conflict) as refused:
        create_person(by=by_alice, now=now, first_name="Ana", email="ANA@x.example")
    assert refused.value.detail["id"] == str(first.pk)
    other = make_person("Tom", email="tom@x.example")
    with pytest.raises(Conflict):
        update_person(by=by_alice, now=now, person=other, changes={"email": "ana@x.example"})
    other.refresh_from_db()
    assert other.email == "tom@x.example"


def test_assign_and_inactive_members(in_acme, by_alice, bob, now) -> None:
    people = [make_person(), make_person(owner=bob.member)]
    assert assign_people(by=by_alice, now=now, people=people, owner=bob.member) == 1
    assert AuditEntry.objects.filter(action="person.assigned").count() == 1
    bob.member.is_active = False
    bob.member.save()
    with pytest.raises(Invalid):
        assign_people(by=by_alice, now=now, people=people, owner=bob.member)


def test_deleting_takes_tasks_and_keeps_leads_and_the_ledger(in_acme, by_alice, now) -> None:
    person = make_person("Ana Ferreira")
    lead, fact, task = make_lead(person), make_activity(person), make_task(person=person)
    make_fit(make_icp(primary=True), person, 80, "A")
    delete_people(by=by_alice, now=now, people=[person])
    assert not Person.objects.exists()
    assert not Task.objects.filter(pk=task.pk).exists()
    assert Lead.objects.get(pk=lead.pk).person_id is None
    assert Activity.objects.get(pk=fact.pk).person_id is None
    assert AuditEntry.objects.get(action="person.deleted").target_label == "Ana Ferreira"


@pytest.fixture
def team(acme, bob, now) -> dict[str, Person]:
    """People that differ in everything the list filters by."""
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen Robotics", employees=540, country="PT", industry="Machinery")
        rows = {
            "Ana Ferreira": make_person("Ana Ferreira", lumen, email="ana@lumen.example", seniority="vp", owner=bob.member,
                                        last_touch_at=now - timedelta(days=2)),
            "Tom Okafor": make_person("Tom Okafor", email="", country="DE", department="sales", last_touch_at=now - timedelta(days=400)),
            "Mei Tanaka": make_person("Mei Tanaka", email="mei@kite.example", email_status="bounced"),
        }  # fmt: skip
        make_lead(rows["Ana Ferreira"], stage="mql")
        make_lead(rows["Mei Tanaka"], stage="disqualified")
        version = make_icp(primary=True)
        make_fit(version, rows["Ana Ferreira"], 86, "A")
    return rows


EVERYONE = ["Ana Ferreira", "Tom Okafor", "Mei Tanaka"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", EVERYONE),
        ("q=ferr", ["Ana Ferreira"]),
        ("q=lumen", ["Ana Ferreira"]),  # her address, and her company
        ("q=robotics", ["Ana Ferreira"]),
        ("q=kite.ex", ["Mei Tanaka"]),
        ("stage=mql", ["Ana Ferreira"]),
        ("stage=disqualified", ["Mei Tanaka"]),
        ("stage=none", ["Tom Okafor"]),
        ("grade=A", ["Ana Ferreira"]),
        ("has_email=no", ["Tom Okafor"]),
        ("email_status=bounced", ["Mei Tanaka"]),
        ("country=PT", ["Ana Ferreira"]),  # by the company, as hers is not known
        ("country=DE", ["Tom Okafor"]),
        ("size=201-1000", ["Ana Ferreira"]),
        ("industry=machinery", ["Ana Ferreira"]),
        ("seniority=vp", ["Ana Ferreira"]),
        ("department=sales", ["Tom Okafor"]),
        ("owner=none", ["Tom Okafor", "Mei Tanaka"]),
        ("stage=mql&grade=A&q=ana", ["Ana Ferreira"]),
    ],
)
def test_list_filters(alice, as_, team, query, found) -> None:
    html = page(as_(alice), f"people/?{query}", headers=HTMX)
    assert [name for name in EVERYONE if f">{name}</a>" in html] == found


def test_untouched_counts_from_now(alice, as_, team, acme, now, time_machine_at) -> None:
    with time_machine_at(now):
        html = page(as_(alice), "people/?untouched=30", headers=HTMX)
    assert [name for name in EVERYONE if f">{name}</a>" in html] == ["Tom Okafor", "Mei Tanaka"]


@pytest.fixture
def time_machine_at() -> Any:
    import time_machine

    return lambda at: time_machine.travel(at, tick=False)


def test_rules_over_people_reach_every_field_of_the_catalogue(in_acme, team, now) -> None:
    for item in PERSON_FIELDS:
        known = matching({"field": item.name, "op": "known"}, now=now).count()
        assert known + matching({"field": item.name, "op": "unknown"}, now=now).count() == 3, item.name
    rule = {
        "all": [
            {"field": "lead.stage", "op": "is", "value": "mql"},
            {"field": "person.last_touch_at", "op": "within_days", "value": 7},
        ]
    }
    assert [person.full_name for person in matching(rule, now=now)] == ["Ana Ferreira"]


def test_list_costs_the_same_for_many_rows(alice, as_, acme) -> None:
    client = as_(alice)

    def fill(count: int) -> None:
        with workspace_scope(acme.pk):
            for _ in range(count):
                make_lead(make_person(company=make_company(), owner=alice.member))

    fill(1)
    page(client, "people/")
    with CaptureQueriesContext(connection) as few:
        page(client, "people/")
    fill(15)
    with CaptureQueriesContext(connection) as many:
        page(client, "people/")
    assert len(many) == len(few) <= 34


def test_page_holds_the_panel_the_leads_and_the_muted_hits(alice, as_, acme, team) -> None:
    person = team["Ana Ferreira"]
    with workspace_scope(acme.pk):
        make_person("Rui Costa", person.company)
        make_deal("Line monitoring", company=person.company, person=person, value=5000)
        make_task("Call Ana", person=person)
        make_activity(person, kind="opened", summary="Opened step 1", hit_class="automated")
    html = page(as_(alice), f"people/{person.pk}/")
    for words in ("MQL", "Lumen Robotics", "ana@lumen.example", "Call Ana", "Line monitoring", "Rui Costa", "Opened step 1",
                  "is-automated", "Why do we have this person?"):  # fmt: skip
        assert words in html


def test_detail_query_count_does_not_grow_with_the_timeline(alice, as_, acme, team) -> None:
    client, person = as_(alice), team["Ana Ferreira"]
    with workspace_scope(acme.pk):
        make_activity(person, member=alice.member)
    page(client, f"people/{person.pk}/")
    with CaptureQueriesContext(connection) as few:
        page(client, f"people/{person.pk}/")
    with workspace_scope(acme.pk):
        for _ in range(15):
            make_activity(person, member=alice.member)
            make_person(company=person.company, owner=alice.member)
            make_task(person=person, owner=alice.member)
    with CaptureQueriesContext(connection) as many:
        page(client, f"people/{person.pk}/")
    assert len(many) == len(few)


def test_contact_panel_is_a_fragment_of_its_own(bob, as_, acme, team, now) -> None:
    person = team["Ana Ferreira"]
    html = page(as_(bob), f"people/{person.pk}/panel/")
    assert "Ana Ferreira" in html
    assert "<html" not in html
    with workspace_scope(acme.pk):
        Company.objects.filter(pk=person.company_id).update(time_zone="Europe/Lisbon")
        person.refresh_from_db()
        found = contact_panel(Person.objects.select_related("company").get(pk=person.pk), now)
    assert (found["stage"], found["fit_grade"], f"{found['local_time']['at']:%H:%M}", found["local_time"]["place"]) == (
        "MQL",
        "A",
        "10:00",
        "Lisbon",
    )


def test_upper_apps_add_panels(in_acme, now, monkeypatch) -> None:
    monkeypatch.setattr("prospects.queries.panels._sources", {})

    def source(person: Person, at: Any) -> Panel | None:
        return Panel("prospects/none.html", {"name": str(person)}) if person.full_name == "Ana" else None

    register_panel("person", "next_touch", source)
    register_panel("person", "next_touch", source)
    found = panels("person", "next_touch", make_person("Ana"), now)
    assert [(panel.template, panel.context) for panel in found] == [("prospects/none.html", {"name": "Ana"})]
    assert panels("person", "next_touch", make_person("Tom"), now) == []
    with pytest.raises(ValueError, match="no slot"):
        register_panel("person", "attic", source)


def test_form_takes_the_company_by_name_or_domain_and_never_guesses(alice, as_, acme) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen Robotics", domain="lumen.example")
        make_company("Twin", domain="twin1.example")
        make_company("Twin", domain="twin2.example")
    client = as_(alice)
    base = {"first_name": "Ana", "last_name": "Ferreira"}
    for typed in ("Lumen Robotics (lumen.example)", "lumen.example", "lumen robotics"):
        made = client.post("/w/acme/people/new/", base | {"company": typed, "email": f"a{len(typed)}@x.example"})
        assert made.status_code == 302, typed
    with workspace_scope(acme.pk):
        assert Person.objects.filter(company=lumen).count() == 3
    for typed in ("Twin", "Nobody Ltd"):
        assert client.post("/w/acme/people/new/", base | {"company": typed}).status_code == 422
    assert 'value="Lumen Robotics (lumen.example)"' in page(client, "companies/options/?company=lume")
    prefilled = page(client, f"people/new/?company={lumen.pk}")
    assert "Lumen Robotics (lumen.example)" in prefilled


def test_edit_by_form_keeps_what_was_not_touched(alice, as_, acme, team) -> None:
    client, person = as_(alice), team["Ana Ferreira"]
    form = client.get(f"/w/acme/people/{person.pk}/edit/").context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    assert client.post(f"/w/acme/people/{person.pk}/edit/", data | {"city": "Porto"}).status_code == 302
    with workspace_scope(acme.pk):
        assert Activity.objects.get(person=person).summary == "City: nothing → Porto"
        assert Person.objects.get(pk=person.pk).company_id == person.company_id


def test_bulk_and_single_deletion_name_their_effect(alice, as_, acme, team) -> None:
    client = as_(alice)
    chosen = {"selected": [str(row.pk) for row in team.values()], "action": "delete"}
    assert "Delete 3 people" in client.post("/w/acme/people/bulk/", chosen).content.decode()
    single = client.get(f"/w/acme/people/{team['Ana Ferreira'].pk}/delete/", headers=HTMX).content.decode()
    assert "Delete Ana Ferreira" in single
    assert "1 lead," in single
    assert client.post("/w/acme/people/bulk/", {"action": "delete"}, headers=HTMX).status_code == 400
    assert client.post("/w/acme/people/bulk/", {"selected": ["x"], "action": "delete"}, headers=HTMX).status_code == 400
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 3


def test_bulk_owner_must_be_of_this_workspace(alice, charlie, as_, acme, team) -> None:
    chosen = {"selected": [str(team["Tom Okafor"].pk)], "action": "assign", "owner": str(charlie.member.pk)}
    assert as_(alice).post("/w/acme/people/bulk/", chosen, headers=HTMX).status_code == 400
    with workspace_scope(acme.pk):
        assert Person.objects.get(full_name="Tom Okafor").owner_id is None


def test_another_workspaces_person_is_not_there(charlie, as_, api, acme, globex, team) -> None:
    client, person = as_(charlie), team["Ana Ferreira"]
    for path in ("", "edit/", "delete/", "note/", "timeline/", "panel/"):
        assert client.get(f"/w/globex/people/{person.pk}/{path}").status_code == 404
    assert client.get(f"/w/acme/people/{person.pk}/").status_code == 404
    token = api(charlie)
    assert token.get(f"/api/v1/people/{person.pk}/").status_code == 404
    assert send(token, "patch", f"people/{person.pk}/", {"city": "Porto"}).status_code == 404
    assert token.delete(f"/api/v1/people/{person.pk}/").status_code == 404
    company = send(token, "post", "people/", {"first_name": "X", "company": str(person.company_id)})
    assert (company.status_code, company.json()["error"]["field"]) == (400, "company")
    with workspace_scope(acme.pk):
        assert Person.objects.get(pk=person.pk).city == ""
