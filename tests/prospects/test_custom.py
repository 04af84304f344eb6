"""Custom fields: defined on pages and by API, their values on sheets, in the API, in filters; and what deleting one costs."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.actions.audit import Actor
from accounts.models import AuditEntry, Workspace
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.custom import create_custom_field, delete_custom_field, update_custom_field
from prospects.actions.people import update_person
from prospects.models import Activity, Company, CustomField, Person
from prospects.queries.custom import filter_by
from prospects.rules import custom as rules
from tests.factories.accounts import Someone
from tests.factories.prospects import make_company, make_person
from tests.prospects.imports import NOW

BY = Actor(source="command")


def define(kind: str, label: str, subject: str = "people", **more: Any) -> CustomField:
    return create_custom_field(by=BY, now=NOW, subject=subject, label=label, kind=kind, **more)


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("text", "  Zoom  ", "Zoom"), ("number", "1,234.5", 1234.5), ("number", "7", 7), ("date", "2026-11-21", "2026-11-21"),
        ("date", "21 Nov 2026", "2026-11-21"), ("choice", "gold", "Gold"), ("money", "1.234,50 EUR", {"amount": 1234.5, "currency": "EUR"}),
        ("money", "$5k", {"amount": 5000, "currency": "USD"}), ("money", "7", {"amount": 7, "currency": "CHF"}), ("text", " ", None),
    ],
)  # fmt: skip
def test_values_are_typed(kind: str, typed: str, kept: Any) -> None:
    assert rules.read(kind, typed, ["Gold", "Silver"], "CHF") == kept


@example("text", "\x01")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(rules.KINDS), st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.booleans(), st.none())
)
def test_what_is_read_is_read_back_and_nothing_else_passes(kind: str, value: Any) -> None:
    try:
        read = rules.read(kind, value, ["Gold"], "EUR")
    except rules.Unusable:
        return
    if read is not None:
        assert rules.read(kind, rules.shown(kind, read), ["Gold"], "EUR") is not None


def test_a_field_is_defined_filled_found_and_deleted_on_pages(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    client = as_(alice)
    assert "No custom fields yet" in client.get("/w/acme/fields/").content.decode()
    posted = {"label": "Plan of theirs", "subject": "people", "kind": "choice", "choices": "Gold\nSilver\n"}
    assert client.post("/w/acme/fields/new/", posted).status_code == 302
    again = client.post("/w/acme/fields/new/", posted)
    assert again.status_code == 422
    assert "have a field “Plan of theirs” already" in again.content.decode()
    with workspace_scope(acme.pk):
        field = CustomField.objects.get()
        assert field.key == "plan_of_theirs"
        person, other = make_person("Ana Cruz"), make_person("Bob Lee")
    url = f"/w/acme/people/{person.pk}/"
    assert "Plan of theirs" in client.get(f"{url}edit/").content.decode()
    form = {"first_name": "Ana", "last_name": "Cruz", "email": person.email, "custom_plan_of_theirs": "Gold"}
    assert client.post(f"{url}edit/", form).status_code == 302
    page = client.get(url).content.decode()
    assert "Plan of theirs" in page and "Gold" in page
    assert "plan of theirs: nothing → Gold" in page.replace("Plan of theirs: nothing", "plan of theirs: nothing")
    found = client.get("/w/acme/people/?custom=plan_of_theirs%3Dgold").content.decode()
    assert "Ana Cruz" in found and "Bob Lee" not in found
    # What goes is said with its number, and nothing is left of it.
    asked = client.get(f"/w/acme/fields/{field.pk}/delete/").content.decode()
    assert "1 person has a value" in asked
    assert client.post(f"/w/acme/fields/{field.pk}/delete/").status_code == 302
    with workspace_scope(acme.pk):
        assert not CustomField.objects.exists()
        assert Person.objects.get(pk=person.pk).custom == {}
        assert Person.objects.get(pk=other.pk).updated_at == other.updated_at
        kinds = list(AuditEntry.objects.order_by("at", "id").values_list("action", flat=True))
        assert [k for k in kinds if k.startswith("custom_field")] == ["custom_field.created", "custom_field.deleted"]


def test_a_wrong_value_is_refused_in_words_and_changes_nothing(acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        define("number", "Seats")
        person = make_person("Ana Cruz", custom={"seats": 5})
        for given_ in ({"seats": "many"}, {"nowhere": 1}, "text"):
            with pytest.raises(Invalid) as caught:
                update_person(by=BY, now=NOW, person=person, changes={"custom": given_})
            assert caught.value.field in ("custom_seats", "custom")
        assert Person.objects.get(pk=person.pk).custom == {"seats": 5}
        assert not Activity.objects.exists()
        update_person(by=BY, now=NOW, person=person, changes={"custom": {"seats": ""}})
        assert Person.objects.get(pk=person.pk).custom == {}


def test_rows_are_found_by_value_and_range(acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        for kind, label in (("number", "Seats"), ("date", "Ends"), ("money", "Worth"), ("text", "Tool")):
            define(kind, label, "companies")
        make_company(
            "A", custom={"seats": 5, "ends": "2026-01-31", "worth": {"amount": 100, "currency": "EUR"}, "tool": "Zoom"}
        )
        make_company("B", custom={"seats": 50.5, "ends": "2026-12-31", "worth": {"amount": 5000, "currency": "USD"}})
        make_company("C")

        def named(text: str) -> str:
            return "".join(
                filter_by(Company.objects.order_by("name"), "companies", text).values_list("name", flat=True)
            )

        assert [named(t) for t in ("seats=5", "seats>=6", "seats<=50.5", "seats=")] == ["A", "B", "AB", "C"]
        assert [named(t) for t in ("ends<=2026-06-30", "ends>=2026-06-30", "tool=Zoom")] == ["A", "B", "A"]
        assert [named(t) for t in ("worth>=1000", "worth=100", "worth<=5000")] == ["B", "A", "AB"]
        assert [named(t) for t in ("nowhere=1", "seats=x", "nonsense", "")] == ["", "", "", ""]


def test_a_choice_somebody_has_stays(acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        field = define("choice", "Plan", choices=["Gold", "Silver"])
        make_person("Ana", custom={"plan": "Gold"})
        with pytest.raises(Conflict, match="Gold cannot go"):
            update_custom_field(by=BY, now=NOW, field=field, choices=["Silver"])
        update_custom_field(by=BY, now=NOW, field=field, label="Tariff", choices=["Gold", "Bronze"])
        field.refresh_from_db()
        assert (field.key, field.label, field.choices) == ("plan", "Tariff", ["Gold", "Bronze"])
        assert delete_custom_field(by=BY, now=NOW, field=field) == 1


def test_the_api_defines_fields_and_takes_their_values(acme: Workspace, alice: Someone, bob: Someone, api: Any) -> None:
    client = api(alice)

    def send(method: str, path: str, data: Any, who: Any = client) -> Any:
        return getattr(who, method)(f"/api/v1/{path}", data=json.dumps(data), content_type="application/json")

    made = send("post", "custom-fields/", {"subject": "people", "label": "Contract end", "kind": "date"})
    assert made.status_code == 201, made.content
    assert made.json()["key"] == "contract_end"
    person = send("post", "people/", {"first_name": "Ana", "custom": {"contract_end": "2026-11-21"}})
    assert person.json()["custom"] == {"contract_end": "2026-11-21"}, person.content
    send("post", "people/", {"first_name": "Bob"})
    listed = client.get("/api/v1/people/?custom=contract_end>=2026-01-01").json()["results"]
    assert [row["first_name"] for row in listed] == ["Ana"]
    wrong = send("patch", f"people/{person.json()['id']}/", {"custom": {"contract_end": "soon"}})
    assert wrong.status_code == 400
    assert "Contract end: " in wrong.content.decode()
    assert client.get(f"/api/v1/people/{person.json()['id']}/").json()["custom"] == {"contract_end": "2026-11-21"}
    refused = send("post", "custom-fields/", {"subject": "people", "label": "Mine", "kind": "text"}, api(bob))
    assert refused.status_code == 403
    assert client.delete(f"/api/v1/custom-fields/{made.json()['id']}/").status_code == 204
    assert client.get(f"/api/v1/people/{person.json()['id']}/").json()["custom"] == {}
    with workspace_scope(acme.pk):
        assert not CustomField.objects.exists()
