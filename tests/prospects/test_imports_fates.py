"""The dry run row by row: what the file says is what the run then does."""

import csv
import io
from collections.abc import Callable

from django.test import Client

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import request_check, run_due_imports, start_import
from prospects.actions.suppressions import suppress
from prospects.models import Person
from tests.factories.accounts import Someone
from tests.prospects.imports import NOW, counts, fresh, run, upload

KNOWN = "id,Email,First Name\nA,a@c.example,Ana\nB,b@c.example,Bea\nC,c@c.example,Cleo\n"
FILE = (
    "id,Email,First Name\n"
    "A,a@c.example,Ana\n"  # as it is
    "B,b@c.example,Beate\n"
    "A,b@c.example,Who\n"  # names two
    "D,not an address,=cmd\n"
    "E,e@c.example,Eve\n"  # must not be written to
    "F,f@c.example,Finn\n"
)


def test_each_row_is_told_and_the_run_does_it(
    acme: Workspace, alice: Someone, charlie: Someone, as_: Callable[[Someone], Client], api: Callable[..., Client]
) -> None:
    run(acme, "people", KNOWN)
    with workspace_scope(acme.pk):
        suppress(by=SYSTEM, now=NOW, kind="email", value="e@c.example", reason="manual")
    made = upload(acme, "people", FILE)
    reader = api(alice, "imports.view")
    client, url = as_(alice), f"/w/acme/imports/{made.pk}/"
    assert client.get(f"{url}dry-run.csv")["Location"] == url  # nothing to download yet
    assert reader.get(f"/api/v1/imports/{made.pk}/rows/").status_code == 409
    with workspace_scope(acme.pk):
        request_check(run=made, now=NOW)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    page = client.get(url).content.decode()
    assert "Conflicts" in page and f"{url}dry-run.csv" in page
    answer = client.get(f"{url}dry-run.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["row"], row["what"], row["suppressed"], row["id"]) for row in rows] == [
        ("2", "unchanged", "", "A"), ("3", "update", "", "B"), ("4", "conflict", "", "A"), ("5", "invalid", "", "D"),
        ("6", "create", "yes", "E"), ("7", "create", "", "F"),
    ]  # fmt: skip
    assert "is not an e-mail address" in rows[3]["remarks"] and rows[3]["First Name"] == "'=cmd"
    by_api = reader.get(f"/api/v1/imports/{made.pk}/rows/")
    assert by_api.content == answer.content
    assert as_(charlie).get(f"/w/globex/imports/{made.pk}/dry-run.csv").status_code == 404
    plan = fresh(acme, made).plan
    assert {key: plan[key] for key in ("created", "updated", "unchanged", "invalid", "conflicts", "suppressed")} == {
        "created": 2, "updated": 1, "unchanged": 1, "invalid": 2, "conflicts": 1, "suppressed": 1,
    }  # fmt: skip
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 3
        start_import(run=fresh(acme, made), by=SYSTEM, now=NOW)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    assert counts(fresh(acme, made)) == (2, 1, 1, 2)
