"""Remembered mappings: kept under a name, offered by the set of columns, used, changed, forgotten."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports_templates import offers_for
from prospects.models import Import, ImportTemplate
from prospects.rules.imports_templates import likeness
from tests.factories.accounts import Someone
from tests.prospects.imports import fresh, upload

FIRST = "Addr,Vor,Nach,Ort,Extra\na@c.example,Ana,Silva,Porto,x\n"
MOVED = "Extra,Ort,ADDR,Nach,Vor\ny,Oslo,b@c.example,Roth,Bo\n"
OTHER = "Produkt,Preis,Menge\nSchraube,1,2\n"


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (["A", "B", "C", "D"], "the same 4 columns"),
        (["d", "C ", "B", "A"], "the same 4 columns in another order"),
        (["A", "B", "D", "X"], "3 of its 4 columns; new: X"),
        (["A", "B", "C", "D", "E", "F"], "4 of its 4 columns; new: E, F"),
        (["A", "X", "Y", "Z"], ""),  # most of what it reads is not there
        (["A", "B", "C", "D", *"EFGHIJ"], ""),  # mostly another file
    ],
)
def test_why_a_template_fits(header: list[str], why: str) -> None:
    found = likeness(["A", "B", "C", "D"], ["A", "B", "D"], header)
    assert (found.why if found else "") == why


def test_remembered_on_the_page_and_offered_with_why(
    acme: Workspace, alice: Someone, bob: Someone, as_: Callable[[Someone], Client]
) -> None:
    made, client = upload(acme, "people", FIRST), as_(alice)
    said = {
        "column-0": "email", "column-1": "first_name", "column-2": "last_name", "column-3": "city", "column-4": "",
        "fixed-TOTAL_FORMS": "0", "fixed-INITIAL_FORMS": "0", "match_1": "email", "policy": "fill", "policy-3": "overwrite",
    }  # fmt: skip
    url = f"/w/acme/imports/{made.pk}/columns/"
    refused = client.post(url, said | {"action": "remember", "template_name": " "})
    assert refused.status_code == 422 and "Give the template a name" in refused.content.decode()
    assert client.post(url, said | {"action": "remember", "template_name": "Fair list"}).status_code == 302
    later = upload(acme, "people", MOVED)
    page = client.get(f"/w/acme/imports/{later.pk}/").content.decode()
    assert "Fair list" in page and "the same 5 columns in another order" in page
    with workspace_scope(acme.pk):
        (template,) = ImportTemplate.objects.all()
        assert [offer.same for offer in offers_for(later)] == [True]
    use = f"/w/acme/imports/{later.pk}/templates/{template.pk}/use/"
    assert as_(bob).post(use).status_code == 403 and fresh(acme, later).settings.get("template") is None
    assert client.post(use).status_code == 302
    run = fresh(acme, later)
    assert run.mapping == {"email": "ADDR", "first_name": "Vor", "last_name": "Nach", "city": "Ort"}
    assert (run.settings["handling"]["match"], run.settings["handling"]["policy"]) == (["email"], "fill")
    assert run.settings["handling"]["policies"] == {"city": "overwrite"}
    page = client.get(f"/w/acme/imports/{later.pk}/").content.decode()
    assert "As “Fair list” says" in page and "Use it" not in page
    # Nothing is offered to another file, and another kind is refused.
    assert "A template fits" not in client.get(f"/w/acme/imports/{upload(acme, 'people', OTHER).pk}/").content.decode()
    leads = upload(acme, "leads", "id,Company\n1,Lumen\n")
    client.post(f"/w/acme/imports/{leads.pk}/templates/{template.pk}/use/")
    assert fresh(acme, leads).settings.get("template") is None


def test_changed_and_forgotten(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client], charlie: Someone
) -> None:
    made, client = upload(acme, "people", FIRST, maps=["email=Addr", "city=Ort"]), as_(alice)
    client.post(f"/w/acme/imports/{made.pk}/columns/", {
        "column-0": "email", "column-3": "city", "fixed-TOTAL_FORMS": "0", "fixed-INITIAL_FORMS": "0", "action": "remember",
        "template_name": "Old",
    })  # fmt: skip
    with workspace_scope(acme.pk):
        template = ImportTemplate.objects.get()
    url = f"/w/acme/imports/templates/{template.pk}/"
    assert as_(charlie).get(f"/w/globex/imports/templates/{template.pk}/").status_code == 404
    twice = client.post(url, {"name": "New", "column-0": "email", "column-3": "email"})
    assert twice.status_code == 422 and "cannot both fill email" in twice.content.decode()
    assert client.post(url, {"name": "New", "column-0": "email", "column-4": "title"}).status_code == 302
    with workspace_scope(acme.pk):
        template = ImportTemplate.objects.get()
        assert (template.name, template.settings["columns"]) == ("New", {"email": "Addr", "title": "Extra"})
    assert "New" in client.get("/w/acme/imports/templates/").content.decode()
    client.post(f"{url}delete/")
    assert "No templates yet" in client.get("/w/acme/imports/templates/").content.decode()
    with workspace_scope(acme.pk):
        assert Import.objects.filter(pk=made.pk).exists()
        told = AuditEntry.objects.filter(action__startswith="import_template.").values_list("action", flat=True)
        assert {entry.split(".")[1] for entry in told} == {"saved", "changed", "deleted"}


def test_through_the_api(acme: Workspace, alice: Someone, api: Callable[..., Client]) -> None:
    client: Any = api(alice, "imports.run", "imports.view")
    made = upload(
        acme, "people", FIRST, maps=["email=Addr", "city=Ort", "first_name=Vor", "last_name=Nach"], match=["email"]
    )
    url = "/api/v1/import-templates/"
    answer = client.post(url, {"import_run": str(made.pk), "name": "Fair"}, content_type="application/json")
    assert (answer.status_code, answer.json()["columns"]["city"]) == (201, "Ort")
    later = upload(acme, "people", MOVED)
    (offer,) = client.get(f"/api/v1/imports/{later.pk}/templates/").json()
    assert (offer["name"], offer["same"], offer["why"]) == ("Fair", True, "the same 5 columns in another order")
    used = client.post(
        f"/api/v1/imports/{later.pk}/use_template/", {"template": "Fair"}, content_type="application/json"
    ).json()
    assert (used["mapping"]["email"], used["match"]) == ("ADDR", ["email"])
    one = f"{url}{answer.json()['id']}/"
    wrong = client.patch(one, {"columns": {"email": "Nowhere"}}, content_type="application/json")
    assert wrong.status_code == 400 and "has no column" in str(wrong.json())
    assert client.patch(one, {"name": "Fair 2"}, content_type="application/json").json()["name"] == "Fair 2"
    assert [row["name"] for row in client.get(url).json()["results"]] == ["Fair 2"]
    assert client.delete(one).status_code == 204 and client.get(one).status_code == 404
