"""The wizard through HTTP: upload, columns, dry run, run, report; refusals in words; other workspaces see nothing."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import run_due_imports
from prospects.models import Import, Lead, Person
from tests.factories.accounts import Someone, make_member
from tests.prospects.imports import NOW, upload
from tests.rules.workbooks import xlsx

PEOPLE = "Email,First Name,Note\nana@lumen.example,Ana,=1+1\nnobody,Ben,=cmd|calc\n"


def send(client: Client, kind: str, content: bytes, name: str = "list.csv") -> Any:
    return client.post("/w/acme/imports/new/", {"kind": kind, "file": SimpleUploadedFile(name, content)})


def work(workspace: Workspace) -> None:
    run_due_imports(workspace_id=workspace.pk, now=NOW)


def test_from_upload_to_report(acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]) -> None:
    client = as_(alice)
    answer = send(client, "people", PEOPLE.encode())
    assert answer.status_code == 302
    url = answer["Location"]
    page = client.get(url).content.decode()
    # Columns with samples, the guess and its reason.
    assert "What is in the columns?" in page and "ana@lumen.example" in page and "named &quot;Email&quot;" in page
    columns = {"column-0": "email", "column-1": "first_name", "column-2": "", "fixed-TOTAL_FORMS": "1",
               "fixed-INITIAL_FORMS": "0", "fixed-0-field": "city", "fixed-0-value": "Porto"}  # fmt: skip
    answer = client.post(f"{url}columns/", columns | {"action": "check"})
    assert (answer.status_code, answer["Location"]) == (302, url)
    assert "Checking the file" in client.get(url).content.decode()
    work(acme)
    page = client.get(url).content.decode()
    assert "Would be created" in page and "Nothing is written yet" in page
    with workspace_scope(acme.pk):
        assert not Person.objects.exists()
        assert Import.objects.get().plan["created"] == 1
    # A double click starts one run.
    assert [client.post(f"{url}run/").status_code for _ in range(2)] == [302, 302]
    progress = client.get(f"{url}progress/", headers={"HX-Request": "true"}).content.decode()
    assert "Waiting for a worker" in progress and "<html" not in progress
    work(acme)
    finished = client.get(f"{url}progress/", headers={"HX-Request": "true"})
    assert finished["HX-Redirect"] == url
    page = client.get(url).content.decode()
    assert "Created" in page and "nobody" in page and "Download refused rows" in page
    with workspace_scope(acme.pk):
        ana = Person.objects.get()
        assert (ana.email, ana.city, ana.source) == ("ana@lumen.example", "Porto", "import list.csv")
        assert Import.objects.get().member_id == alice.member.pk
    # The Back button and another press change nothing.
    assert client.post(f"{url}columns/", columns)["Location"] == url
    client.post(f"{url}run/")
    work(acme)
    with workspace_scope(acme.pk):
        assert Import.objects.get().created_count == 1
    file = client.get(f"{url}errors.csv")
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert rows[0] == ["row", "error", "remedy", "Email", "First Name", "Note"]
    # The cells as they were, but no formula a spreadsheet would run.
    assert (rows[1][0], rows[1][3:]) == ("3", ["nobody", "Ben", "'=cmd|calc"])
    assert "list.csv" in client.get("/w/acme/imports/").content.decode()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"%PDF-1.4", "This is a PDF"), (b"PK\x03\x04xx", "damaged archive or workbook"), (b"", "The file is empty")],
)
def test_a_wrong_file_is_refused_in_words(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client], content: bytes, words: str
) -> None:
    answer = send(as_(alice), "people", content)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with workspace_scope(acme.pk):
        assert not Import.objects.exists()


def test_ambiguous_dates_and_unknown_words_are_asked_for(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    client = as_(alice)
    text = "Lead Id,Company,Created,Outcome\n1,Lumen,03/04/2026,Fantastic\n2,Fjord,05/06/2026,Won\n"
    url = send(client, "leads", text.encode())["Location"]
    page = client.get(url).content.decode()
    assert "How are dates written?" in page and "1 word is not known here" in page
    said = {"column-0": "external_id", "column-1": "company", "column-2": "opened_at", "column-3": "outcome",
            "fixed-TOTAL_FORMS": "0", "fixed-INITIAL_FORMS": "0", "action": "check"}  # fmt: skip
    answer = client.post(f"{url}columns/", said)
    assert answer.status_code == 422
    assert "--dates" not in page and "One thing to settle first" in answer.content.decode()
    answer = client.post(f"{url}columns/", said | {"dates": "dmy", "word|outcome|Fantastic": "won"})
    assert answer.status_code == 302
    work(acme)
    client.post(f"{url}run/")
    work(acme)
    with workspace_scope(acme.pk):
        found = Lead.objects.order_by("external_id").values_list("stage", "opened_at__month")
        assert list(found) == [("customer", 4), ("customer", 6)]


def test_two_columns_for_one_field_are_refused_and_what_was_chosen_stays_on_the_page(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    client = as_(alice)
    url = send(client, "people", PEOPLE.encode())["Location"]
    said = {
        "column-0": "email",
        "column-1": "email",
        "column-2": "note",
        "fixed-TOTAL_FORMS": "0",
        "fixed-INITIAL_FORMS": "0",
    }
    answer = client.post(f"{url}columns/", said)
    assert answer.status_code == 422
    assert "cannot both fill E-mail" in answer.content.decode()


def test_cancel_discards_before_and_stops_during(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    client = as_(alice)
    url = send(client, "people", PEOPLE.encode())["Location"]
    client.post(f"{url}run/")
    client.post(f"{url}cancel/")
    work(acme)
    with workspace_scope(acme.pk):
        assert Import.objects.get().state == "cancelled"
        assert not Person.objects.exists()
    assert "Nothing was imported" in client.get(url).content.decode()


@pytest.mark.parametrize("path", ["", "columns/", "run/", "cancel/", "progress/", "issues/", "errors.csv"])
def test_another_workspace_and_another_role_change_nothing(
    acme: Workspace, globex: Workspace, charlie: Someone, bob: Someone, as_: Callable[[Someone], Client], path: str
) -> None:
    made = upload(acme, "people", PEOPLE)
    for method in ("get", "post"):
        stranger = as_(charlie)
        assert getattr(stranger, method)(f"/w/acme/imports/{made.pk}/{path}").status_code == 404
        foreign = getattr(stranger, method)(f"/w/globex/imports/{made.pk}/{path}").status_code
        assert foreign == (405 if method == "get" and path in ("run/", "cancel/") else 404)
        # An SDR may not import.
        assert getattr(as_(bob), method)(f"/w/acme/imports/{made.pk}/{path}").status_code == 403
    assert Client().post(f"/w/acme/imports/{made.pk}/{path}").status_code == 302  # to the log-in
    with workspace_scope(acme.pk):
        assert Import.objects.get().state == "uploaded"


def test_a_viewer_role_cannot_upload(acme: Workspace, as_: Callable[[Someone], Client]) -> None:
    viewer = make_member(acme, "viewer", "vera@acme.example")
    assert send(as_(viewer), "people", PEOPLE.encode()).status_code == 403
    with workspace_scope(acme.pk):
        assert not Import.objects.exists()


def test_a_workbook_under_a_wrong_name_is_read_and_another_sheet_can_be_chosen(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    client = as_(alice)
    people = [["E-mail", "First name"], ["ana@lumen.example", "Ana"], ["ben@lumen.example", "Ben"], ["Total", 2]]
    book = xlsx(("Old", [["E-mail"], ["old@lumen.example"]]), ("New", people))
    url = send(client, "people", book, name="list.csv")["Location"]
    page = client.get(url).content.decode()
    assert "Excel workbook, sheet “New”, header in row 1" in page
    assert "the other sheets were not read: Old" in page
    assert "Row 4 was left out as a line of totals" in page
    answer = client.post(f"{url}columns/", {"action": "sheet", "sheet": "Old"})
    assert answer.status_code == 302
    assert "old@lumen.example" in client.get(url).content.decode()
    assert client.post(f"{url}columns/", {"action": "sheet", "sheet": "Nowhere"}).status_code == 422
    client.post(f"{url}columns/", {"action": "sheet", "sheet": "New"})
    columns = {"column-0": "email", "column-1": "first_name", "fixed-TOTAL_FORMS": "0", "fixed-INITIAL_FORMS": "0"}
    assert client.post(f"{url}columns/", columns | {"action": "check"}).status_code == 302
    work(acme)
    client.post(f"{url}run/")
    work(acme)
    with workspace_scope(acme.pk):
        run = Import.objects.get()
        assert (run.state, run.created_count, run.invalid_count) == ("done", 2, 0), run.error
        assert sorted(Person.objects.values_list("email", flat=True)) == ["ana@lumen.example", "ben@lumen.example"]
