"""Imports through the API: upload with options, dry run, run, issues, cancel; scopes and workspaces."""

import json
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import run_due_imports
from prospects.models import Import, Lead, Person
from tests.factories.accounts import Someone
from tests.prospects.imports import NOW

PEOPLE = "Email,First Name\nana@lumen.example,Ana\nnobody,Ben\n"
URL = "/api/v1/imports/"


def send(client: Client, kind: str, text: str, **data: Any) -> Any:
    return client.post(URL, {"kind": kind, "file": SimpleUploadedFile("list.csv", text.encode()), **data})


def test_upload_check_run_and_issues(acme: Workspace, alice: Someone, api: Callable[..., Client]) -> None:
    client = api(alice, "imports.view", "imports.run")
    answer = send(client, "people", PEOPLE)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["state"], body["mapping"], body["header"]) == (
        "uploaded", {"email": "Email", "first_name": "First Name"}, ["Email", "First Name"],
    )  # fmt: skip
    url = f"{URL}{body['id']}/"
    assert client.post(f"{url}check/").status_code == 202
    run_due_imports(workspace_id=acme.pk, now=NOW)
    checked = client.get(url).json()
    assert (checked["state"], checked["plan"]["created"], checked["plan"]["invalid"], checked["done_rows"]) == (
        "checked",
        1,
        1,
        0,
    )
    assert [client.post(f"{url}run/").status_code for _ in range(2)] == [202, 202]
    run_due_imports(workspace_id=acme.pk, now=NOW)
    done = client.get(url).json()
    assert (done["state"], done["total_rows"], done["done_rows"], done["created"], done["invalid"]) == (
        "done",
        2,
        2,
        1,
        1,
    )
    (issue,) = client.get(f"{url}issues/").json()["results"]
    assert (issue["row"], issue["column"], issue["severity"], issue["cells"]) == (
        3,
        "Email",
        "error",
        ["nobody", "Ben"],
    )
    assert "nobody,Ben" in client.get(f"{url}errors/").content.decode()
    assert client.post(f"{url}run/").status_code == 409
    assert [row["id"] for row in client.get(f"{URL}?state=done").json()["results"]] == [body["id"]]


def test_options_are_those_of_the_commands_and_run_starts_at_once(
    acme: Workspace, alice: Someone, api: Callable[..., Client]
) -> None:
    client = api(alice)
    text = "Ref,Org,Day,End\n1,Lumen,03/04/2026,Yippee\n"
    said = {"map": {"external_id": "Ref", "company": "Org", "opened_at": "Day", "outcome": "End"},
            "values": {"outcome": {"Yippee": "won"}}, "set": {"channel": "event"}}  # fmt: skip
    refused = send(client, "leads", text, options=json.dumps(said), run="true")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ambiguous_dates")
    with workspace_scope(acme.pk):
        assert not Import.objects.exists()  # nothing is kept of a refused upload
    assert send(client, "leads", text, options=json.dumps(said | {"dates": "dmy"}), run="true").status_code == 201
    run_due_imports(workspace_id=acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        lead = Lead.objects.get()
        assert (lead.stage, lead.channel, lead.opened_at.isoformat()) == (
            "customer",
            "event",
            "2026-04-02T22:00:00+00:00",
        )


def test_what_cannot_be_read_is_said(acme: Workspace, alice: Someone, api: Callable[..., Client]) -> None:
    client = api(alice)
    for data, field in (
        ({"options": "{"}, "options"),
        ({"options": '{"maps": {}}'}, "options"),
        ({"options": '{"map": {"mail": "x"}}'}, "map"),
    ):
        answer = send(client, "people", PEOPLE, **data)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert send(client, "people", "%PDF-1.4 x").json()["error"]["code"] == "not_csv"
    assert send(client, "nothing", PEOPLE).status_code == 400
    with workspace_scope(acme.pk):
        assert not Import.objects.exists()


def test_scope_role_and_workspace_are_kept(
    acme: Workspace, alice: Someone, bob: Someone, charlie: Someone, api: Callable[..., Client]
) -> None:
    assert send(api(alice, "imports.view"), "people", PEOPLE).status_code == 403
    assert send(api(bob), "people", PEOPLE).status_code == 403
    mine = send(api(alice), "people", PEOPLE).json()["id"]
    stranger = api(charlie)
    for path in ("", "issues/", "errors/"):
        assert stranger.get(f"{URL}{mine}/{path}").status_code == 404
    for path in ("check/", "run/", "cancel/"):
        assert stranger.post(f"{URL}{mine}/{path}").status_code == 404
    assert stranger.get(URL).json()["results"] == []
    assert api(alice, "people.view").get(f"{URL}{mine}/").status_code == 403
    with workspace_scope(acme.pk):
        assert Import.objects.get().state == "uploaded"
        assert not Person.objects.exists()
