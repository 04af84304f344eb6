"""People and companies from a file: matched, made, changed, refused; a second run changes only what changed."""

from typing import Any

import pytest

from accounts.models import AuditEntry, Member, Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.suppressions import suppress
from prospects.models import Activity, Company, Person
from tests.prospects.imports import NOW, counts, fresh, issues, run, text_of, upload

PEOPLE = """Email,First Name,Last Name,Job Title,Company,Website,Owner
ana@lumen.example,Ana,Ferreira,Head of IT,Lumen,lumen.example,Rita Sales
rui@gmail.com,Rui,Costa,Buyer,Nowhere,,
not-an-address,Eva,Lima,CEO,Lumen,lumen.example,
ben@lumen.example,Ben,Ito,VP of Sales,Lumen GmbH,,Rita Sales
"""


def people(workspace: Workspace) -> dict[str, dict[str, Any]]:
    with workspace_scope(workspace.pk):
        rows = Person.objects.values(
            "id", "email", "full_name", "title", "seniority", "department", "company__name", "company__domain", "owner__name",
            "source", "external_id", "city", "updated_at", "email_status",
        )  # fmt: skip
        return {row["email"]: row for row in rows}


def test_people_are_made_with_company_role_owner_and_source(acme: Workspace) -> None:
    made = run(acme, "people", PEOPLE, name="list.csv")
    assert counts(made) == (3, 0, 0, 1)
    found = people(acme)
    assert set(found) == {"ana@lumen.example", "rui@gmail.com", "ben@lumen.example"}
    ana = found["ana@lumen.example"]
    assert (ana["full_name"], ana["title"], ana["seniority"], ana["department"]) == (
        "Ana Ferreira", "Head of IT", "head", "it",
    )  # fmt: skip
    assert (ana["company__name"], ana["company__domain"], ana["source"]) == (
        "Lumen",
        "lumen.example",
        "import list.csv",
    )
    # Ben's company comes from his address; Rui's mailbox provider is nobody's employer.
    assert found["ben@lumen.example"]["company__domain"] == "lumen.example"
    assert found["rui@gmail.com"]["company__name"] is None
    with workspace_scope(acme.pk):
        assert list(Company.objects.values_list("name", "domain")) == [("Lumen", "lumen.example")]
        rita = Member.objects.get(name="Rita Sales")
        assert (rita.is_active, rita.user_id, rita.role) == (False, None, "viewer")
        audit = AuditEntry.objects.get(action="import.finished")
        assert audit.detail == {"kind": "people", "rows": 4, "created": 3, "updated": 0, "unchanged": 0, "invalid": 1}
        # No activity a person: a million rows would drown the ledger.
        assert not Activity.objects.exists()


def test_a_refused_row_is_kept_with_its_cells_and_a_remedy(acme: Workspace) -> None:
    made = run(acme, "people", PEOPLE)
    with workspace_scope(acme.pk):
        from prospects.models import ImportIssue

        (error,) = ImportIssue.objects.filter(import_run=made.pk, severity="error")
        assert (error.row, error.column, error.value) == (4, "Email", "not-an-address")
        assert error.cells == ["not-an-address", "Eva", "Lima", "CEO", "Lumen", "lumen.example", ""]
        assert error.message and error.remedy


def test_a_second_run_changes_nothing(acme: Workspace) -> None:
    run(acme, "people", PEOPLE)
    before = people(acme)
    again = run(acme, "people", PEOPLE)
    assert counts(again) == (0, 0, 3, 1)
    assert people(acme) == before  # updated_at too: not one row was written


def test_a_second_run_applies_changed_cells_and_blanks_overwrite_nothing(acme: Workspace) -> None:
    run(acme, "people", PEOPLE)
    before = people(acme)
    text = """Email,First Name,Last Name,Job Title,City
ana@lumen.example,Ana,,CFO,Porto
ben@lumen.example,Ben,Ito,,
new@lumen.example,Nia,Nova,,
"""
    assert counts(run(acme, "people", text)) == (1, 1, 1, 0)
    after = people(acme)
    ana = after["ana@lumen.example"]
    assert (ana["full_name"], ana["title"], ana["city"]) == ("Ana Ferreira", "CFO", "Porto")
    assert (ana["seniority"], ana["department"]) == ("c_level", "finance")  # read from the new title
    assert after["ben@lumen.example"] == before["ben@lumen.example"]
    assert after["new@lumen.example"]["company__domain"] == "lumen.example"


def test_external_id_comes_before_the_address_and_a_new_address_is_not_verified(acme: Workspace) -> None:
    run(acme, "people", "Record ID,Email,First Name\n7,ana@lumen.example,Ana\n")
    with workspace_scope(acme.pk):
        Person.objects.update(email_status="valid")
    assert counts(run(acme, "people", "Record ID,Email,First Name\n7,ana@new.example,Ana\n")) == (0, 1, 0, 0)
    (ana,) = people(acme).values()
    assert (ana["email"], ana["external_id"], ana["email_status"]) == ("ana@new.example", "7", "unknown")


def test_an_id_and_an_address_of_two_persons_are_refused(acme: Workspace) -> None:
    run(acme, "people", "Record ID,Email,First Name\n7,ana@lumen.example,Ana\n8,ben@lumen.example,Ben\n")
    before = people(acme)
    made = run(acme, "people", "Record ID,Email,First Name\n7,ben@lumen.example,Bea\n")
    assert counts(made) == (0, 0, 0, 1)
    assert issues(acme, made)[0][2].startswith("the external id belongs to Ana, the address to Ben")
    assert people(acme) == before


def test_a_person_twice_in_one_file_is_one_person_with_the_later_cells(acme: Workspace) -> None:
    text = "Email,First Name,City\nana@lumen.example,Ana,Porto\nANA@lumen.example,,Lisbon\n"
    assert counts(run(acme, "people", text)) == (1, 1, 0, 0)
    assert people(acme)["ana@lumen.example"]["city"] == "Lisbon"
    # Again: the first row's city is overwritten by the second as before, so nothing is written.
    before = people(acme)
    assert counts(run(acme, "people", text)) == (0, 0, 2, 0)
    assert people(acme) == before


def test_people_without_an_address_are_not_doubled(acme: Workspace) -> None:
    text = """First Name,Last Name,URL,Company,Connected On
Ana,Ferreira,https://www.linkedin.com/in/ana,Lumen,01 Mar 2026
Ben,Ito,,Lumen,02 Mar 2026
Ben,Ito,https://www.linkedin.com/in/ben,Lumen,02 Mar 2026
"""
    assert counts(run(acme, "people", text)) == (3, 0, 0, 0)
    assert counts(run(acme, "people", text)) == (0, 0, 3, 0)


def test_the_dry_run_counts_what_the_run_does_and_writes_nothing(acme: Workspace) -> None:
    from prospects.actions.imports import request_check, run_due_imports

    run(acme, "people", "Email,First Name\nben@lumen.example,Benjamin\n")
    with workspace_scope(acme.pk):
        suppress(kind="email", value="ana@lumen.example", reason="objected", by=_system(), now=NOW)
    made = upload(acme, "people", PEOPLE)
    with workspace_scope(acme.pk):
        request_check(run=made, now=NOW)
    before = people(acme)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    checked = fresh(acme, made)
    assert checked.state == "checked"
    assert checked.plan == {
        "rows": 4, "created": 2, "updated": 1, "unchanged": 0, "invalid": 1, "suppressed": 1, "conflicts": 0, "warnings": 1,
    }  # fmt: skip
    assert people(acme) == before
    with workspace_scope(acme.pk):
        assert Company.objects.count() == 1
        assert not Member.objects.filter(name="Rita Sales").exists()


def _system() -> Any:
    from accounts.actions.audit import SYSTEM

    return SYSTEM


def test_a_value_the_database_refuses_costs_only_its_row(acme: Workspace) -> None:
    rows = [{"Email": f"p{i}@lumen.example", "First Name": f"P{i}", "Linkedin": ""} for i in range(40)]
    rows[17]["Linkedin"] = "https://www.linkedin.com/in/" + "x" * 400
    made = run(acme, "people", text_of(rows))
    assert counts(made) == (39, 0, 0, 1)
    assert [(row, severity) for row, severity, _ in issues(acme, made)] == [(19, "error")]
    assert len(people(acme)) == 39


COMPANIES = """Name,Domain,Industry,Employees,Revenue,Currency,Technologies
Lumen,https://www.lumen.example/about,Software,120,"1.200.000,50",EUR,"Django; PostgreSQL"
Fjord,fjord.example,Shipping,,,,
"""


def companies(workspace: Workspace) -> dict[str, dict[str, Any]]:
    with workspace_scope(workspace.pk):
        return {row["name"]: row for row in Company.objects.values()}


def test_companies_are_matched_by_domain_and_changed_cells_apply(acme: Workspace) -> None:
    assert counts(run(acme, "companies", COMPANIES)) == (2, 0, 0, 0)
    lumen = companies(acme)["Lumen"]
    assert (lumen["domain"], lumen["employees"], str(lumen["revenue"]), lumen["revenue_currency"]) == (
        "lumen.example", 120, "1200000.50", "EUR",
    )  # fmt: skip
    assert lumen["technologies"] == ["Django", "PostgreSQL"]
    assert counts(run(acme, "companies", COMPANIES)) == (0, 0, 2, 0)
    changed = "Name,Domain,Employees\nLumen Technologies,lumen.example,130\n"
    assert counts(run(acme, "companies", changed)) == (0, 1, 0, 0)
    again = companies(acme)["Lumen Technologies"]
    assert (again["id"], again["employees"], again["industry"]) == (lumen["id"], 130, "Software")


def test_companies_are_never_matched_by_name_where_a_domain_or_id_is_known(acme: Workspace) -> None:
    run(acme, "companies", "Name,Domain\nMercury,mercury.example\n")
    # Another Mercury: its own domain, then an id, then nothing but the name.
    assert counts(run(acme, "companies", "Name,Domain\nMercury,mercury-insurance.example\n")) == (1, 0, 0, 0)
    assert counts(run(acme, "companies", "Name,Symbol\nMercury,MCY\n")) == (1, 0, 0, 0)
    assert counts(run(acme, "companies", "Name,Industry\nMercury,Music\n")) == (1, 0, 0, 0)
    # The one that only a name made is found again by exactly that name.
    made = run(acme, "companies", "Name,Industry\nMercury,Film\nmercury,Glass\n")
    assert counts(made) == (1, 1, 0, 0)
    with workspace_scope(acme.pk):
        found = Company.objects.values_list("name", "domain", "external_id", "industry").order_by("created_at", "pk")
        assert list(found) == [
            ("Mercury", "mercury.example", "", ""), ("Mercury", "mercury-insurance.example", "", ""),
            ("Mercury", "", "MCY", ""), ("Mercury", "", "", "Film"), ("mercury", "", "", "Glass"),
        ]  # fmt: skip


@pytest.mark.parametrize("kind", ["people", "companies"])
def test_a_changed_row_is_the_only_one_written(acme: Workspace, kind: str) -> None:
    name = "First Name" if kind == "people" else "Name"
    key = "Email" if kind == "people" else "Domain"
    rows = [
        {key: f"p{i}@c{i}.example" if kind == "people" else f"c{i}.example", name: f"N{i}", "City": "Porto"}
        for i in range(30)
    ]
    run(acme, kind, text_of(rows))
    model = Person if kind == "people" else Company
    with workspace_scope(acme.pk):
        before = dict(model.objects.values_list("pk", "updated_at"))
    rows[11]["City"] = "Lisbon"
    later = NOW.replace(hour=12)
    assert counts(run(acme, kind, text_of(rows), now=later)) == (0, 1, 29, 0)
    with workspace_scope(acme.pk):
        after = dict(model.objects.values_list("pk", "updated_at"))
        written = {key for key in after if after[key] != before[key]}
        assert [model.objects.get(pk=key).city for key in written] == ["Lisbon"]
