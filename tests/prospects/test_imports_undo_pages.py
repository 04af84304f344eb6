"""Undo and going on through HTTP and the API: counted first, one button, refused in words, nobody else's."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from prospects.actions import imports_undo
from prospects.actions.imports import cancel_import, run_due_imports, start_import
from prospects.models import Import, Person
from tests.factories.accounts import Someone
from tests.factories.prospects import make_task
from tests.prospects.imports import fresh, run, upload

PEOPLE = "Email,First Name\n" + "".join(f"p{i}@firm.example,Ana{i}\n" for i in range(4))


def test_counted_then_undone(acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]) -> None:
    made = run(acme, "people", PEOPLE, now=clock.now())
    client, url = as_(alice), f"/w/acme/imports/{made.pk}/"
    with workspace_scope(acme.pk):
        make_task(person=Person.objects.get(email="p3@firm.example"))
    assert f"{url}undo/" in client.get(url).content.decode()
    page = client.get(f"{url}undo/").content.decode()
    assert "Nothing is undone yet" in page and "The record has a task" in page and "Ana3" in page
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 4
    # A double click undoes once.
    assert [client.post(f"{url}undo/").status_code for _ in range(2)] == [302, 302]
    assert "Undoing" in client.get(f"{url}progress/", headers={"HX-Request": "true"}).content.decode()
    run_due_imports(workspace_id=acme.pk, now=clock.now())
    page = client.get(url).content.decode()
    assert "This import was undone" in page and "The record has a task" in page and f"{url}undo/" not in page
    with workspace_scope(acme.pk):
        assert list(Person.objects.values_list("email", flat=True)) == ["p3@firm.example"]
    # Another look leads back, and says so.
    assert client.get(f"{url}undo/")["Location"] == url
    assert client.post(f"{url}undo/").status_code == 302
    assert fresh(acme, made).state == "undone"


def test_a_large_one_is_counted_by_a_worker_first(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports_undo, "AT_ONCE", 2)
    monkeypatch.setattr("prospects.views.imports_undo.AT_ONCE", 2)
    made = run(acme, "people", PEOPLE, now=clock.now())
    client, url = as_(alice), f"/w/acme/imports/{made.pk}/"
    assert "Count the consequences" in client.get(f"{url}undo/").content.decode()
    client.post(f"{url}undo/count/")
    assert "Counting what undoing would do" in client.get(url).content.decode()
    run_due_imports(workspace_id=acme.pk, now=clock.now())
    assert "is counted" in client.get(url).content.decode()
    page = client.get(f"{url}undo/").content.decode()
    assert "Nothing is undone yet" in page and "People deleted" in page
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 4


def test_a_stopped_import_goes_on(acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]) -> None:
    made = upload(acme, "people", PEOPLE)
    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=clock.now())
        cancel_import(run=made, by=SYSTEM, now=clock.now())
        Import.objects.filter(pk=made.pk).update(done_rows=2, total_rows=4, created_count=2)
    client, url = as_(alice), f"/w/acme/imports/{made.pk}/"
    assert "Go on" in client.get(url).content.decode()
    assert client.post(f"{url}resume/").status_code == 302
    run_due_imports(workspace_id=acme.pk, now=clock.now())
    done = fresh(acme, made)
    assert (done.state, done.done_rows, done.created_count) == ("done", 4, 4)
    client.post(f"{url}resume/")
    assert fresh(acme, made).state == "done"


@pytest.mark.parametrize("path", ["undo/", "undo/count/", "resume/"])
def test_others_change_nothing(
    acme: Workspace, globex: Workspace, charlie: Someone, bob: Someone, as_: Callable[[Someone], Client], path: str
) -> None:
    made = run(acme, "people", PEOPLE, now=clock.now())
    assert as_(charlie).post(f"/w/acme/imports/{made.pk}/{path}").status_code == 404
    assert as_(charlie).post(f"/w/globex/imports/{made.pk}/{path}").status_code == 404
    assert as_(bob).post(f"/w/acme/imports/{made.pk}/{path}").status_code == 403
    run_due_imports(workspace_id=acme.pk, now=clock.now())
    with workspace_scope(acme.pk):
        assert (Import.objects.get().state, Person.objects.count()) == ("done", 4)


def test_through_the_api(acme: Workspace, alice: Someone, api: Callable[..., Client]) -> None:
    made = run(acme, "people", PEOPLE, now=clock.now())
    client, url = api(alice, "imports.view", "imports.run"), f"/api/v1/imports/{made.pk}/"
    assert api(alice, "imports.view").post(f"{url}undo/").status_code == 403
    refused = client.post(f"{url}resume/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_stopped")
    plan = client.post(f"{url}undo_plan/").json()["undo"]["plan"]
    assert (plan["deleted"], plan["kept"]) == ({"person": 4, "company": 1}, {})
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 4
    assert client.post(f"{url}undo/").json()["state"] == "undoing"
    run_due_imports(workspace_id=acme.pk, now=clock.now())
    body = client.get(url).json()
    assert (body["state"], body["undo"]["deleted"]) == ("undone", {"person": 4, "company": 1})
    again = client.post(f"{url}undo/")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_undoable")
    with workspace_scope(acme.pk):
        assert not Person.objects.exists()
