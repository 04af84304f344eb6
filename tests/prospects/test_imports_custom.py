"""Custom fields filled, and made, by imports."""

from collections.abc import Callable

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import run_due_imports
from prospects.models import Company, CustomField, Import, Person
from tests.factories.accounts import Someone
from tests.prospects.imports import NOW, counts, issues, run
from tests.prospects.test_custom import define

FILE = (
    "Email,Renewal,Plan,Seats,Worth\n"
    'ana@lumen.example,25.01.2026,Gold,12,"1.234,50 EUR"\n'
    "ben@lumen.example,soon,Silver,,$5k\n"
    "cy@lumen.example,,,7,\n"
)


def test_fields_are_made_while_mapping_and_filled_by_the_run(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    client = as_(alice)
    upload = {"kind": "people", "file": SimpleUploadedFile("list.csv", FILE.encode())}
    url = client.post("/w/acme/imports/new/", upload)["Location"]
    assert "New field: date" in client.get(url).content.decode()
    columns = {"column-0": "email", "column-1": "new.date", "column-2": "new.choice", "column-3": "new.number",
               "column-4": "new.money", "fixed-TOTAL_FORMS": "0", "fixed-INITIAL_FORMS": "0", "action": "check"}  # fmt: skip
    assert client.post(f"{url}columns/", columns).status_code == 302
    with workspace_scope(acme.pk):
        made = {field.key: (field.kind, field.choices) for field in CustomField.objects.all()}
    assert made == {
        "renewal": ("date", []), "plan": ("choice", ["Gold", "Silver"]), "seats": ("number", []), "worth": ("money", []),
    }  # fmt: skip
    run_due_imports(workspace_id=acme.pk, now=NOW)
    client.post(f"{url}run/")
    run_due_imports(workspace_id=acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        done = Import.objects.get()
        assert counts(done) == (3, 0, 0, 0)
        people = {person.email[:3]: person.custom for person in Person.objects.all()}
    assert people == {
        "ana": {"renewal": "2026-01-25", "plan": "Gold", "seats": 12, "worth": {"amount": 1234.5, "currency": "EUR"}},
        "ben": {"plan": "Silver", "worth": {"amount": 5000, "currency": "USD"}},
        "cy@": {"seats": 7},
    }  # fmt: skip
    told = [(row, message) for row, severity, message in issues(acme, done) if severity == "warning"]
    assert [row for row, _ in told] == [3] and "soon" in told[0][1]
    # The columns are known now, the same file changes nothing, and an empty cell takes nothing away.
    assert counts(run(acme, "people", FILE)) == (0, 0, 3, 0)
    assert counts(run(acme, "people", "Email,Plan,Seats\nana@lumen.example,silver,\n")) == (0, 1, 0, 0)
    with workspace_scope(acme.pk):
        ana = Person.objects.get(email="ana@lumen.example").custom
    assert (ana["plan"], ana["seats"]) == ("Silver", 12)


def test_companies_have_their_own_fields_and_linkedins_code(acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        define("text", "Tool", "companies")
        define("text", "Tool", "people")
    made = run(
        acme,
        "companies",
        "Name,Domain,Industry,Their tool\nAcme,acme.example,Maschinenbau,Zoom\n",
        maps=["custom.tool=Their tool"],
    )
    assert counts(made) == (1, 0, 0, 0)
    with workspace_scope(acme.pk):
        company = Company.objects.get()
    assert (company.custom, company.industry, company.industry_code) == ({"tool": "Zoom"}, "Maschinenbau", 55)


def test_a_field_twice_or_one_that_is_not_there_is_refused_and_nothing_is_made(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    client = as_(alice)
    many = "Email,Code\n" + "".join(f"p{n}@lumen.example,c{n}\n" for n in range(80))
    upload = {"kind": "people", "file": SimpleUploadedFile("list.csv", many.encode())}
    url = client.post("/w/acme/imports/new/", upload)["Location"]
    columns = {"column-0": "email", "column-1": "new.choice", "fixed-TOTAL_FORMS": "0", "fixed-INITIAL_FORMS": "0"}
    answer = client.post(f"{url}columns/", columns)
    assert answer.status_code == 422
    assert "80 different values, too many for a choice" in answer.content.decode()
    answer = client.post(f"{url}columns/", columns | {"column-1": "custom.nowhere"})
    assert answer.status_code == 422
    assert "no custom field nowhere" in answer.content.decode()
    with workspace_scope(acme.pk):
        assert not CustomField.objects.exists()
