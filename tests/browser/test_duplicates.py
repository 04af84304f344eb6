"""Duplicates in a browser: two side by side, merged, undone; a form that says whom it looks like."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from leadgen.core.tenancy import workspace_scope
from prospects.actions.duplicates import compare, write_keys
from prospects.models import Person, PersonPair
from prospects.queries.duplicates import PEOPLE
from tests.browser.accessibility import violations
from tests.factories.prospects import make_company, make_lead, make_person, make_task

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
SHOTS = os.environ.get("LEADGEN_SHOTS", "")


PAGES = ("duplicates/people/", "duplicates/people/{pair}/", "duplicates/people/bulk/?least=60", "merges/")


@pytest.fixture
def pair(acme: Any, alice: Any, now: Any) -> Any:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
        kept = make_person("Robert Silva", lumen, email="robert.silva@lumen.example", title="Buyer", owner=alice.member)
        gone = make_person("Bob Silva", lumen, email="robertsilva@lumen.example", phone="+351215550142", city="Porto")
        make_task("Call him", person=gone)
        make_lead(gone)
        write_keys(PEOPLE, [kept.pk, gone.pk])
        compare(PEOPLE, [kept.pk, gone.pk], now=now)
        return PersonPair.objects.get()


def test_a_pair_is_merged_and_taken_apart_again(seat: Any, alice: Any, pair: Any, acme: Any) -> None:
    window = seat(alice)
    page = window.open("/w/acme/duplicates/people/")
    page.get_by_role("link", name="Silva").first.click()
    expect(page.get_by_role("heading", name="One or two?")).to_be_visible()
    page.get_by_role("button", name="Merge the two").click()
    expect(page.get_by_text("What happened")).to_be_visible()
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 1
    page.get_by_role("button", name="Undo the merge").click()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("This merge was undone")).to_be_visible()
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 2
    assert window.complaints == []


def test_two_that_are_selected_in_a_list_are_brought_together(seat: Any, alice: Any, pair: Any) -> None:
    window = seat(alice)
    page = window.open("/w/acme/people/")
    merge = page.get_by_role("button", name="Merge…")
    page.get_by_label("Select Robert Silva").check()
    expect(page.get_by_text("1 person selected")).to_be_visible()
    expect(merge).to_be_hidden()
    page.get_by_label("Select Bob Silva").check()
    merge.click()
    expect(page.get_by_role("button", name="Merge the two")).to_be_visible()
    assert window.complaints == []


def test_a_form_says_whom_it_looks_like(seat: Any, alice: Any, pair: Any) -> None:
    window = seat(alice)
    page = window.open("/w/acme/people/new/")
    page.get_by_label("First name").fill("Bob")
    page.get_by_label("Last name").fill("Silva")
    page.get_by_label("E-mail").fill("bob@lumen.example")
    page.get_by_label("Phone").click()
    expect(page.get_by_text("This looks like one that is here already")).to_be_visible()
    assert window.complaints == []


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_the_pages_have_no_complaint(seat: Any, alice: Any, pair: Any, theme: str, width: int) -> None:
    window = seat(alice, theme=theme, width=width, height=900)
    for number, path in enumerate(PAGES):
        page = window.open("/w/acme/" + path.format(pair=pair.pk))
        assert violations(page) == []
        if SHOTS:
            page.screenshot(path=str(Path(SHOTS) / f"duplicates-{number}-{theme}-{width}.png"), full_page=True)
    assert window.complaints == []
