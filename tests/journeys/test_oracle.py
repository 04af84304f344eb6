"""Step 3 of the main job: a history that other code counted is imported, and every figure agrees, whatever its columns are called."""

import csv
import json
import random
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Lead, StageTransition
from tests.factories.accounts import make_workspace
from tests.rules.shared_data import data_file
from tests.rules.test_funnel_oracle import differences

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data_file("oracle/expected.json").read_text())
    return found


@pytest.fixture
def workspace(expected: dict[str, Any], db: Any) -> Workspace:
    return make_workspace(
        "oracle",
        time_zone=expected["time_zone"],
        currency=expected["currency"],
        gross_margin=expected["gross_margin"],
        assumed_churn="0.02",
    )


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def import_all(folder: Path, *options: str) -> None:
    run("import_leads", str(folder / "leads.csv"), "-w", "oracle", *options)
    run("import_spend", str(folder / "spend.csv"), "-w", "oracle")


def check(expected: dict[str, Any]) -> None:
    for period in expected["periods"].values():
        words = ["funnel", "-w", "oracle", "--from", period["from"], "--to", period["to"], "--as-of", expected["as_of"]]
        found = json.loads(run(*words, "--by", "channel", "--json"))
        assert differences(period["total"], found) == []
        rows = {row["key"]: row for row in found["by"]}
        assert set(rows) == set(period["by_channel"])
        assert differences(period["by_channel"], rows) == []


def test_the_import_gives_every_expected_figure(workspace: Workspace, expected: dict[str, Any]) -> None:
    folder = data_file("oracle/leads.csv").parent
    import_all(folder)
    check(expected)
    # The same files again make nothing twice, and touches change no figure of the funnel.
    import_all(folder)
    run("import_activities", str(folder / "touches.csv"), "-w", "oracle")
    check(expected)
    with workspace_scope(workspace.pk):
        assert Lead.objects.count() == 600
        assert not StageTransition.objects.filter(facts__has_key="corrects").exists()
        with (folder / "touches.csv").open() as touches:
            assert Activity.objects.filter(kind="touch").count() == sum(1 for _ in csv.DictReader(touches))


def test_renamed_and_shuffled_columns_give_the_same(
    workspace: Workspace, expected: dict[str, Any], tmp_path: Path
) -> None:
    names = {
        "external_id": "Record", "email": "E-mail address", "created_at": "Came in", "mql_at": "Marketing qualified",
        "accepted_at": "Taken by sales", "sql_at": "Sales qualified", "opportunity_at": "Deal opened", "closed_at": "Ended",
        "deal_value": "TCV", "churned_at": "Left us",
    }  # fmt: skip
    folder = data_file("oracle/leads.csv").parent
    with (folder / "leads.csv").open() as source:
        rows = list(csv.DictReader(source))
    columns = list(rows[0])
    random.Random(3).shuffle(columns)
    random.Random(4).shuffle(rows)
    with (tmp_path / "leads.csv").open("w", newline="") as target:
        writer = csv.writer(target, delimiter=";")
        writer.writerow([names.get(column, column) for column in columns])
        writer.writerows([row[column] for column in columns] for row in rows)
    (tmp_path / "spend.csv").write_text((folder / "spend.csv").read_text())
    fields = {"created_at": "opened_at", "deal_value": "value"}
    options = [word for name, new in names.items() for word in ("--map", f"{fields.get(name, name)}={new}")]
    import_all(tmp_path, *options)
    check(expected)


def test_a_date_imported_wrong_and_then_right_counts_as_the_right_one(
    workspace: Workspace, expected: dict[str, Any], tmp_path: Path
) -> None:
    folder = data_file("oracle/leads.csv").parent
    with (folder / "leads.csv").open() as source:
        rows = list(csv.DictReader(source))
    wrong = [dict(row) for row in rows]
    for row in wrong:
        if row["mql_at"] and not row["accepted_at"]:
            row["mql_at"] = "2026-08-31T00:00:00Z"
    with (tmp_path / "leads.csv").open("w", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(wrong)
    run("import_leads", str(tmp_path / "leads.csv"), "-w", "oracle")
    import_all(folder)
    check(expected)
