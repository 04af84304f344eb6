"""Views and columns of lists: saved, shared, opened by default; cells edited in place without overwriting others."""

import json

import pytest

from leadgen.core.tenancy import workspace_scope
from prospects.actions.custom import create_custom_field
from prospects.actions.people import update_person
from prospects.models import ListChoice, Person, SavedView
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def _heads(html: str) -> list[str]:
    table = html.partition("<thead>")[2].partition("</thead>")[0]
    return [
        part.partition("<")[0].strip()
        for part in table.replace("</a>", "").split(">")
        if part.partition("<")[0].strip()
    ]


def test_a_view_keeps_filter_order_and_columns_and_opens_by_itself(bob, alice, as_, acme, by_alice, now) -> None:
    with workspace_scope(acme.pk):
        create_custom_field(by=by_alice, now=now, subject="people", label="Contract end", kind="date")
        make_person("Ana Ferreira", title="Buyer", custom={"contract_end": "2027-01-31"})
        make_person("Tom Okafor", title="Clerk")
    client = as_(bob)
    chosen = {"columns": ["title", "custom:contract_end", "phone"], "in": "q=ana"}
    assert client.post("/w/acme/columns/people/", chosen).status_code == 302
    html = client.get("/w/acme/people/?q=ana&sort=full_name").content.decode()
    assert _heads(html) == ["Name", "Job title", "Contract end", "Phone"]
    assert "2027-01-31" in html
    refused = client.post("/w/acme/columns/people/", {"columns": ["title", "nonsense"]})
    assert refused.status_code == 422
    made = client.post(
        "/w/acme/views/people/new/", {"name": "Anas", "is_default": "on", "in": "q=ana&sort=full_name&cursor=x"}
    )
    with workspace_scope(acme.pk):
        view = SavedView.objects.get()
    assert (view.query, view.sort, view.columns) == ("q=ana", "full_name", ["title", "custom:contract_end", "phone"])
    assert made["Location"].endswith(f"/people/?q=ana&sort=full_name&view={view.pk}")
    # A list opened plain opens with it; "All" stays plain.
    assert client.get("/w/acme/people/")["Location"] == made["Location"]
    assert "Tom Okafor" in client.get("/w/acme/people/?view=all").content.decode()
    page = client.get(f"/w/acme/people/?q=tom&view={view.pk}").content.decode()
    assert "Save changes" in page
    client.post(f"/w/acme/views/{view.pk}/update/", {"in": f"q=tom&view={view.pk}"})
    with workspace_scope(acme.pk):
        assert SavedView.objects.get().query == "q=tom"

    other = as_(alice)
    assert other.post(f"/w/acme/views/{view.pk}/delete/").status_code == 404  # private: it does not exist for others
    client.post(f"/w/acme/views/{view.pk}/", {"name": "Anas", "is_shared": "on"})
    assert "Anas" in other.get("/w/acme/people/").content.decode()
    assert other.post(f"/w/acme/views/{view.pk}/", {"name": "Mine"}).status_code == 403
    assert other.post(f"/w/acme/views/{view.pk}/delete/").status_code == 403
    assert other.post(f"/w/acme/views/{view.pk}/default/").status_code == 302
    with workspace_scope(acme.pk):
        assert SavedView.objects.get().name == "Anas"
        assert ListChoice.objects.get(member=alice.member).view == view
    assert client.post(f"/w/acme/views/{view.pk}/delete/").status_code == 302
    assert other.get("/w/acme/people/").status_code == 200  # what it opened with is gone: plain again


def test_views_over_the_api(bob, api, acme) -> None:
    rest = api(bob)
    body = {
        "subject": "companies",
        "name": "Large",
        "query": "size=5001%2B",
        "sort": "-employees",
        "columns": ["employees"],
    }
    made = rest.post("/api/v1/views/", json.dumps(body), content_type="application/json")
    assert made.status_code == 201, made.content
    wrong = rest.post(
        "/api/v1/views/", json.dumps(body | {"columns": ["title"], "name": "x"}), content_type="application/json"
    )
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "columns")
    assert [row["name"] for row in rest.get("/api/v1/views/?subject=companies").json()["results"]] == ["Large"]
    viewer = make_member(acme, "viewer")
    key = made.json()["id"]
    theirs = api(viewer)
    assert theirs.get(f"/api/v1/views/{key}/").status_code == 404
    shared = theirs.post("/api/v1/views/", json.dumps(body | {"is_shared": True}), content_type="application/json")
    assert shared.status_code == 403
    with workspace_scope(acme.pk):
        assert SavedView.objects.count() == 1


def test_a_cell_is_edited_in_place_and_never_overwrites_what_changed_meanwhile(
    bob, alice, as_, acme, by_alice, now
) -> None:
    with workspace_scope(acme.pk):
        create_custom_field(by=by_alice, now=now, subject="people", label="Budget", kind="money")
        ana = make_person("Ana Ferreira", make_company("Lumen"), title="Buyer", city="Porto")
    client = as_(bob)
    url = f"/w/acme/people/{ana.pk}/cell/title/"
    editor = client.get(url, headers=HTMX).content.decode()
    assert 'name="was" value="Buyer"' in editor
    saved = client.post(url, {"value": "Head of purchasing", "was": "Buyer"}, headers=HTMX)
    assert saved.status_code == 200
    assert "Head of purchasing" in saved.content.decode()
    with workspace_scope(acme.pk):
        ana.refresh_from_db()
        assert ana.seniority == "head"
        update_person(by=by_alice, now=now, person=ana, changes={"title": "CPO"})
    clash = client.post(url, {"value": "Chief buyer", "was": "Head of purchasing"}, headers=HTMX)
    assert clash.status_code == 422
    words = clash.content.decode()
    assert "changed this meanwhile to “CPO”" in words
    assert 'name="was" value="CPO"' in words  # saving once more is a decision
    with workspace_scope(acme.pk):
        assert Person.objects.get(pk=ana.pk).title == "CPO"
    assert client.post(url, {"value": "Chief buyer", "was": "CPO"}, headers=HTMX).status_code == 200
    wrong = client.post(f"/w/acme/people/{ana.pk}/cell/email/", {"value": "no address", "was": ana.email}, headers=HTMX)
    assert wrong.status_code == 422
    money = client.post(f"/w/acme/people/{ana.pk}/cell/custom:budget/", {"value": "1200 EUR", "was": ""}, headers=HTMX)
    assert "1200.00 EUR" in money.content.decode()
    owner = client.post(
        f"/w/acme/people/{ana.pk}/cell/owner/", {"value": str(alice.member.pk), "was": ""}, headers=HTMX
    )
    assert str(alice.member) in owner.content.decode()
    assert client.get(f"/w/acme/people/{ana.pk}/cell/stage/", headers=HTMX).status_code == 404
    with workspace_scope(acme.pk):
        row = Person.objects.get(pk=ana.pk)
    assert (row.title, row.custom, row.owner_id) == (
        "Chief buyer",
        {"budget": {"amount": 1200, "currency": "EUR"}},
        alice.member.pk,
    )
    viewer = as_(make_member(acme, "viewer"))
    assert viewer.post(url, {"value": "x", "was": "Chief buyer"}, headers=HTMX).status_code == 403
    assert "data-cell" not in viewer.get("/w/acme/people/").content.decode()


def test_next_and_previous_follow_the_plain_list_too(bob, as_, acme) -> None:
    with workspace_scope(acme.pk):
        rows = [make_person(name) for name in ("Ana Ferreira", "Mei Tanaka", "Tom Okafor")]
    client = as_(bob)
    html = client.get("/w/acme/people/?sort=full_name").content.decode()
    link = f"/w/acme/people/{rows[1].pk}/?in=sort%3Dfull_name"
    assert link in html
    page = client.get(link).content.decode()
    assert 'rel="prev"' in page
    assert "Previous: Ana Ferreira" in page
    assert "Next: Tom Okafor" in page
    plain = client.get("/w/acme/people/").content.decode()
    assert f"/w/acme/people/{rows[1].pk}/?in=sort%3D-created_at" in plain
