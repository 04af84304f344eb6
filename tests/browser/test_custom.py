"""Custom fields and workbooks in a browser: a field made on its page, a workbook mapped, nothing wrong for axe."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from leadgen.core.tenancy import workspace_scope
from prospects.models import CustomField
from tests.browser.accessibility import violations
from tests.factories.prospects import make_person
from tests.prospects.test_custom import define
from tests.rules.workbooks import xlsx

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
SHOTS = os.environ.get("LEADGEN_SHOTS", "")


def shot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_a_field_is_made_and_a_workbook_mapped_to_it(seat: Any, alice: Any, acme: Any, theme: str, width: int) -> None:
    window = seat(alice, theme=theme, width=width)
    page = window.open("/w/acme/fields/new/")
    page.get_by_label("Name").fill("Contract end")
    page.locator("select[name=kind]").select_option("date")
    shot(page, f"custom-new-{width}")
    page.get_by_role("button", name="Add field").click()
    expect(page.get_by_role("row").filter(has_text="Contract end")).to_be_visible()
    shot(page, f"custom-list-{width}")
    assert violations(page) == []
    with workspace_scope(acme.pk):
        define("choice", "Plan", choices=["Gold", "Silver"])
        person = make_person("Ana Cruz", custom={"plan": "Gold"})
    people = [
        ["E-mail", "Contract end", "Seats"],
        ["ana@lumen.example", "2026-01-05", 3],
        ["ben@lumen.example", "", 4],
        ["Total", "", 7],
    ]
    book = xlsx(("People", people), ("Notes", [["x"]]))
    page = window.open("/w/acme/imports/new/")
    page.get_by_label("People", exact=True).check()
    page.set_input_files("input[type=file]", {"name": "list.xlsx", "mimeType": "application/zip", "buffer": book})
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("was left out as a line of totals")).to_be_visible()
    expect(page.get_by_label("Contract end fills")).to_have_value("custom.contract_end")
    page.get_by_label("Seats fills").select_option("new.number")
    shot(page, f"custom-mapping-{width}")
    assert violations(page) == []
    page.get_by_role("button", name="Save and look again").click()
    expect(page.get_by_label("Seats fills")).to_have_value("custom.seats")
    with workspace_scope(acme.pk):
        assert sorted(CustomField.objects.values_list("key", flat=True)) == ["contract_end", "plan", "seats"]
    page = window.open(f"/w/acme/people/{person.pk}/edit/")
    shot(page, f"custom-sheet-{width}")
    page = window.open(f"/w/acme/people/{person.pk}/")
    expect(page.get_by_text("Gold")).to_be_visible()
    shot(page, f"custom-person-{width}")
    page = window.open("/w/acme/fields/")
    page.get_by_role("row").filter(has_text="Plan").get_by_role("link", name="Delete").click()
    expect(page.get_by_text("These values are lost with the field")).to_be_visible()
    shot(page, f"custom-delete-{width}")
    assert window.complaints == []
