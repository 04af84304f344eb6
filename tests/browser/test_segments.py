"""The rule builder in Chromium: by keyboard alone on a desk, and on a phone; without an axe violation."""

from typing import Any

import pytest
from playwright.sync_api import expect

from leadgen.core.tenancy import workspace_scope
from prospects.models import Segment
from tests.browser.accessibility import violations
from tests.factories.accounts import Someone
from tests.factories.prospects import make_company, make_person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_a_rule_is_built_by_keyboard_counted_live_and_saved(alice: Someone, seat: Any, theme: str, width: int) -> None:
    with workspace_scope(alice.workspace.pk):
        lumen = make_company("Lumen")
        make_person("Ana Ferreira", lumen, title="VP Sales")
        make_person("Mei Tanaka", lumen, title="VP Finance")
        make_person("Tom Okafor", title="Clerk")
    window = seat(alice, theme=theme, width=width, height=900 if width > 500 else 844)
    page = window.open("/w/acme/segments/new/?subject=people")
    count = page.locator("#segment-measure .measure")
    expect(count).to_contain_text("3 people match")
    page.locator("[name=name]").fill("VPs")
    # The first row waits; choosing a fact moves on to its comparison without a mouse.
    page.locator("[name='r-0.field']").focus()
    page.locator("[name='r-0.field']").select_option("person.title")
    expect(page.locator("[name='r-0.op']")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("VP")
    expect(count).to_contain_text("2 people match")
    page.locator("button[value='group:r']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[name='r-1-0.field']")).to_be_focused()
    expect(page.locator("[name='r-0.text']")).to_have_value("VP")
    page.locator("[name='r-1-0.field']").select_option("company.employees")
    expect(page.locator("[name='r-1-0.op']")).to_be_focused()
    page.locator("[name='r-1-0.text']").fill("many")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Control+Enter")
    expect(page.locator("[id='r-1-0-error']")).to_contain_text("Expected a number, got 'many'")
    page.locator("button[value='drop:r-1']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[name='r-1.join']")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(page.locator("h1")).to_contain_text("VPs")
    expect(page.locator("#results")).to_contain_text("Mei Tanaka")
    expect(page.locator("#results")).not_to_contain_text("Tom Okafor")
    assert violations(page) == []
    assert window.complaints == []
    with workspace_scope(alice.workspace.pk):
        segment = Segment.objects.get()
        assert segment.rule == {"all": [{"field": "person.title", "op": "contains", "value": "VP"}]}
