"""The work queue by keyboard only: through the list, open, complete, snooze, note, the sheet of keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.models import Workspace
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from prospects.models import Task
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.prospects import make_person, make_task

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(240),
]

TITLES = ["Send the price list", "Ask about the plant visit", "Thank them for the photos"]


@pytest.fixture
def tasks(acme: Workspace, bob: Someone, monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Three to-dos of bob, due one, two and three hours from the frozen now."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    with workspace_scope(acme.pk):
        return [
            make_task(
                title, owner=bob.member, person=make_person(f"Ana Number{hours}"),
                due_at=NOW + timedelta(hours=hours),
            )
            for hours, title in enumerate(TITLES, 1)
        ]  # fmt: skip


def test_a_morning_without_the_mouse(
    seat: Callable[..., Any], acme: Workspace, bob: Someone, tasks: list[Task]
) -> None:
    window = seat(bob)
    page = window.open("/w/acme/work/")
    press, title = page.keyboard.press, page.locator("[data-item-title]")
    rows = page.locator("#work-rows [data-task]")
    expect(title).to_have_text(TITLES[0])  # the first opens by itself
    expect(title).to_be_focused()
    expect(title).to_have_accessible_description("Ana Number1")  # who it is about, also where the panel is hidden

    press("j")
    expect(rows.nth(1)).to_be_focused()
    press("j")
    expect(rows.nth(2)).to_be_focused()
    press("k")
    expect(rows.nth(1)).to_be_focused()
    press("Enter")
    expect(title).to_have_text(TITLES[1])
    expect(title).to_be_focused()

    press("?")
    sheet = page.locator("#shortcuts")
    for words in ("Next item", "Previous item", "Snooze", "Complete", "Note"):
        expect(sheet.get_by_text(words, exact=True)).to_be_visible()
    press("Escape")
    expect(sheet).to_be_hidden()

    press("s")
    expect(page.get_by_role("button", name="1 hour")).to_be_focused()
    press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Snoozed until Wed 4 Mar, 12:00.")
    expect(title).to_have_text(TITLES[2])
    expect(rows).to_have_count(2)

    press("e")
    expect(page.locator("#toasts")).to_contain_text(f"Done: {TITLES[2]}.")
    expect(title).to_have_text(TITLES[2])  # "complete" stays, "complete and next" goes on
    expect(rows).to_have_count(1)

    press("j")
    press("Enter")
    expect(title).to_have_text(TITLES[0])
    press("n")
    expect(page.get_by_label("Note")).to_be_focused()
    page.keyboard.type("yes, see j k e s ?")
    press("Control+Enter")
    expect(page.locator("[data-nothing-open]")).to_be_visible()
    expect(rows).to_have_count(0)
    with workspace_scope(acme.pk):
        first, second, third = (Task.objects.get(pk=task.pk) for task in tasks)
    assert (first.state, first.note) == ("done", "yes, see j k e s ?")
    assert (second.state, second.snoozed_until) == ("open", NOW + timedelta(hours=1))
    assert (third.state, third.closed_by_id) == ("done", bob.member.pk)
    assert window.complaints == []
