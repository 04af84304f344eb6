"""The list of people in Chromium: cells by keyboard alone, columns, many at once; on a desk and on a phone, without an axe
violation."""

from typing import Any

import pytest
from playwright.sync_api import expect

from leadgen.core.tenancy import workspace_scope
from prospects.models import Person, TagLink
from tests.browser.accessibility import violations
from tests.factories.accounts import Someone
from tests.factories.prospects import make_person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_a_list_is_worked_by_keyboard(alice: Someone, seat: Any, theme: str, width: int) -> None:
    with workspace_scope(alice.workspace.pk):
        make_person("Ana Ferreira", title="Buyer")
        tom = make_person("Tom Okafor", title="Clerk")
    window = seat(alice, theme=theme, width=width, height=900 if width > 500 else 844)
    page = window.open("/w/acme/people/?sort=full_name&view=all")
    page.locator(".row-link").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Edit Owner of Tom Okafor")).to_be_focused()
    page.keyboard.press("Enter")
    editor = page.get_by_role("combobox", name="Owner of Tom Okafor")
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Edit Owner of Tom Okafor")).to_be_focused()
    page.keyboard.press("Enter")
    editor.select_option(label=str(alice.member))
    assert violations(page) == []
    page.keyboard.press("Enter")
    cell = page.get_by_role("button", name="Edit Owner of Tom Okafor")
    expect(cell).to_be_focused()
    expect(cell).to_contain_text(str(alice.member))

    page.get_by_role("checkbox", name="Ana Ferreira").check()
    page.get_by_role("button", name="Tag…").click()
    page.get_by_label("New tags").fill("VIP")
    page.get_by_role("button", name="Count", exact=True).click()
    expect(page.get_by_role("button", name="Tag: 1 person")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Tag: 1 person").click()
    expect(page.locator(".word", has_text="VIP")).to_be_visible()
    page.get_by_role("link", name="Columns").click()
    page.get_by_label("Job title").check()
    assert violations(page) == []
    page.get_by_role("button", name="Save columns").click()
    expect(page.locator("td[data-label='Job title']").first).to_contain_text("Buyer")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert window.complaints == []
    with workspace_scope(alice.workspace.pk):
        assert Person.objects.get(pk=tom.pk).owner == alice.member
        assert TagLink.objects.get().person.full_name == "Ana Ferreira"
