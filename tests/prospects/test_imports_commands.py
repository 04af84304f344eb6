"""The import commands: what they print, when they refuse, and that rows with errors stop nothing."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Member, Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.models import Company, Deal, Import, Lead, Person


def command(kind: str, path: Path, *options: str) -> str:
    out = StringIO()
    call_command(f"import_{kind}", str(path), "-w", "acme", *options, stdout=out)
    return out.getvalue()


def file(tmp_path: Path, text: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def test_the_report_says_what_was_found_and_what_became_of_each_row(acme: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, "E-Mail;Vorname;Firma\nana@lümen.example;Änne;Lümen\nnobody;Ben;\n", encoding="cp1252")
    said = command("people", path)
    assert "cp1252 (a guess), semicolon between fields, header in row 1" in said
    assert 'E-Mail → email: named "E-Mail"' in said
    assert "Of 2 rows: 1 created, 0 updated, 0 unchanged, 1 invalid." in said
    assert "error, row 3, E-Mail: “nobody”" in said
    report = json.loads(command("people", path, "--json"))
    assert {name: report[name] for name in ("kind", "rows", "created", "updated", "unchanged", "invalid")} == {
        "kind": "people", "rows": 2, "created": 0, "updated": 0, "unchanged": 1, "invalid": 1,
    }  # fmt: skip
    assert report["mapping"]["first_name"] == "Vorname"
    assert [issue["row"] for issue in report["issues"] if issue["severity"] == "error"] == [3]


def test_a_dry_run_writes_nothing_at_all(acme: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, "Email,First Name,Owner\nana@lumen.example,Ana,Rita\n")
    report = json.loads(command("people", path, "--dry-run", "--json"))
    assert (report["dry_run"], report["created"], report["suppressed"]) == (True, 1, 0)
    with workspace_scope(acme.pk):
        assert not Person.objects.exists() and not Import.objects.exists() and not Member.objects.exists()


@pytest.mark.parametrize(
    ("kind", "text", "options", "words"),
    [
        ("leads", "id,company,opened_at\n1,A,03/04/2026\n", (), "--dates dmy"),
        ("people", "Colour\nred\n", (), "--map"),
        ("people", "Email\na@b.example\n", ("--map", "mail=Email"), 'no field "mail"'),
        ("people", "Email\na@b.example\n", ("--map", "email=Adress"), 'no column "Adress"'),
        ("people", "Email\na@b.example\n", ("--dates", "dym"), "none of dmy, mdy, ymd"),
        ("people", "%PDF-1.4", (), "This is a PDF"),
        ("people", "", (), "empty"),
    ],
)
def test_what_must_be_said_first_is_an_error_that_names_the_option(
    acme: Workspace, tmp_path: Path, kind: str, text: str, options: tuple[str, ...], words: str
) -> None:
    with pytest.raises(CommandError) as refused:
        command(kind, file(tmp_path, text), *options)
    assert words in str(refused.value)
    with workspace_scope(acme.pk):
        assert not Import.objects.exists()


def test_an_unknown_workspace_and_a_missing_file_are_named(acme: Workspace, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no workspace “nope”"):
        call_command("import_people", str(file(tmp_path, "Email\na@b.example\n")), "-w", "nope")
    with pytest.raises(CommandError, match="There is no file"):
        command("people", tmp_path / "absent.csv")


def test_teams_of_owners_come_from_a_file_beside_the_leads(acme: Workspace, tmp_path: Path) -> None:
    teams = file(
        tmp_path, "sales_agent,manager,regional_office\nRita Sales,Dustin,Central\nMax Idle,Dustin,East\n", "teams.csv"
    )
    leads = file(tmp_path, "id,company,agent,opened_at\n1,Lumen,Rita Sales,2026-01-01\n")
    for _ in range(2):
        command("leads", leads, "--teams", str(teams))
    with workspace_scope(acme.pk):
        found = Member.objects.order_by("name").values_list("name", "team", "is_active")
        assert list(found) == [("Max Idle", "East", False), ("Rita Sales", "Central", False)]
        assert Lead.objects.get().owner.team == "Central"
    with pytest.raises(CommandError, match="--team-map team=COLUMN"):
        command("leads", leads, "--teams", str(file(tmp_path, "agent,colour\nRita Sales,red\n", "bad.csv")))


def test_options_map_set_value_and_dates_reach_the_rows(acme: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, 'Nr,Org,Tag,Ende,Summe\n1,Lumen,03.04.2026,Prima,"1.200,50"\n')
    options = ["--map", "external_id=Nr", "--map", "company=Org", "--map", "opened_at=Tag", "--map", "outcome=Ende", "--map",
               "value=Summe", "--value", "outcome:Prima=won", "--set", "channel=partner", "--dates", "dmy"]  # fmt: skip
    assert "Of 1 rows: 1 created" in command("leads", path, *options)
    with workspace_scope(acme.pk):
        deal: Any = Deal.objects.select_related("lead").get()
        assert (str(deal.value), deal.outcome, deal.channel) == ("1200.50", "won", "partner")
        assert deal.lead.opened_at.isoformat() == "2026-04-02T22:00:00+00:00"
        assert Company.objects.get().name == "Lumen"
