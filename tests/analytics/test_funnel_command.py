"""`manage.py funnel` against figures that other code computed from the same history."""

import csv
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from tests.analytics.loading import load_history
from tests.factories.accounts import make_workspace
from tests.rules.shared_data import data_file
from tests.rules.test_funnel_oracle import differences

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command("funnel", *words, stdout=out)
    return out.getvalue()


def run_json(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def rows_of(name: str) -> list[dict[str, str]]:
    with data_file(name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def oracle(db: Any) -> dict[str, Any]:
    """The seeded history in a workspace of its own, and what it must give."""
    expected = json.loads(data_file("oracle/expected.json").read_text())
    workspace = make_workspace(
        "oracle", time_zone=expected["time_zone"], currency=expected["currency"], gross_margin=expected["gross_margin"]
    )
    with workspace_scope(workspace.pk):
        load_history(rows_of("oracle/leads.csv"), rows_of("oracle/spend.csv"))
    return expected


def test_every_figure_of_the_oracle(oracle: dict[str, Any], acme: Workspace) -> None:
    with workspace_scope(acme.pk):  # another workspace's history must not be counted
        load_history(rows_of("oracle/leads.csv")[:200], rows_of("oracle/spend.csv")[:20])
    for period in oracle["periods"].values():
        words = ("-w", "oracle", "--from", period["from"], "--to", period["to"], "--as-of", oracle["as_of"])
        found = run_json(*words, "--by", "channel")
        assert differences(period["total"], found) == []
        rows = {row["key"]: row for row in found["by"]}
        assert set(rows) == set(period["by_channel"])
        assert differences(period["by_channel"], rows) == []


def test_one_basis_and_full_figures(oracle: dict[str, Any]) -> None:
    words = ("-w", "oracle", "--from", "2026-01-01", "--to", "2026-07-01", "--as-of", oracle["as_of"])
    assert list(run_json(*words, "--basis", "cohort")) == ["cohort"]
    assert list(run_json(*words, "--basis", "period", "--by", "owner")["by"][0]) == ["key", "period"]
    figure = run_json(*words, "--full")["cohort"]["lead_to_mql"]
    wanted = oracle["periods"]["2026-H1"]["total"]["cohort"]["lead_to_mql"]
    assert set(figure) == {
        "value", "unit", "n", "numerator", "denominator", "interval", "maturity", "definition", "as_of", "warnings",
    }  # fmt: skip
    assert (figure["numerator"], figure["denominator"]) == (wanted["numerator"], wanted["denominator"])
    assert figure["as_of"] == "2026-09-01T00:00:00Z"


def test_a_table_to_read(oracle: dict[str, Any]) -> None:
    words = ("-w", "oracle", "--from", "2026-01-01", "--to", "2026-07-01", "--as-of", oracle["as_of"])
    shown = run(*words, "--by", "channel")
    total = oracle["periods"]["2026-H1"]["total"]["period"]
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    assert lines["cpl"][1] == total["cpl"]
    assert lines["leads"][1] == str(total["leads"])
    assert lines["linkedin"][1] == str(oracle["periods"]["2026-H1"]["by_channel"]["linkedin"]["period"]["leads"])
    assert "! Few cases" not in shown
    assert "! Few cases" in run(*words, "--full")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-w", "nobody", "--from", "2026-01-01", "--to", "2026-02-01"), "There is no workspace “nobody”"),
        (("-w", "acme", "--from", "1 May", "--to", "2026-02-01"), "--from '1 May' is no date"),
        (("-w", "acme", "--from", "2026-02-30", "--to", "2026-03-01"), "--from '2026-02-30' is no date"),
        (("-w", "acme", "--from", "2026-02-01", "--to", "2026-02-01"), "must lie after --from"),
        (("-w", "acme", "--from", "2026-01-01", "--to", "2026-02-01", "--as-of", "soon"), "--as-of 'soon' is no date"),
        (("-w", "acme", "--from", "2026-01-01", "--to", "2026-02-01", "--by", "mood"), "invalid choice: 'mood'"),
    ],
)
def test_what_cannot_be_understood_is_said(acme: Workspace, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*words)


def test_an_empty_workspace_has_unknowns_not_zeros(acme: Workspace) -> None:
    found = run_json("-w", "acme", "--from", "2026-01-01", "--to", "2026-02-01")
    assert found["period"]["leads"] == 0
    assert found["period"]["spend"] == "0.00"
    assert found["period"]["cpl"] is None
    assert found["period"]["clv"] is None
    assert found["cohort"]["lead_to_mql"]["value"] is None
