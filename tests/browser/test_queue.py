"""The queue by keyboard in Chromium: ten calls with their outcome, undo, snooze, a mail; no axe violation."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import Message
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from prospects.actions.agreements import ensure_first_agreement
from prospects.models import Activity, Task
from tests.browser.accessibility import violations
from tests.factories.accounts import Someone
from tests.factories.campaigns import make_mailbox
from tests.factories.prospects import make_company, make_person, make_task

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
CALLS = 10
SLOW = 20_000  # ms; the machine may be busy with the rest of the suite


class Keys:
    """Presses keys and counts them."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.pressed += 1


@pytest.fixture
def desk(bob: Someone) -> dict[str, Any]:
    """Ten calls of Bob's, a mail and a to-do."""
    now = clock.now()
    with workspace_scope(bob.workspace.pk):
        ensure_first_agreement(now)
        firm = make_company("Stahlwerk Nord", time_zone="Europe/Berlin")
        for number in range(CALLS):
            make_task(
                f"Call, step {number + 1}", kind="call", due_at=now - timedelta(days=30), owner=bob.member,
                person=make_person(f"Person {number + 1}", firm, phone=f"+49301234{number:02}"), body="Hello",
            )  # fmt: skip
        make_mailbox(member=bob.member, address="bob@acme.example", from_name="Bob")
        mail = make_task(
            "Write to Sofia", kind="manual_email", due_at=now, owner=bob.member, person=make_person("Sofia Lind")
        )
        todo = make_task("Send the answers", due_at=now + timedelta(seconds=1), owner=bob.member)
    return {"mail": mail, "todo": todo}


def test_ten_calls_take_one_key_each(desk: dict[str, Any], bob: Someone, seat: Callable[..., Any]) -> None:
    window = seat(bob)
    page, keys = window.open("/w/acme/work/"), Keys(window.page)
    title = page.locator("[data-item-title]")
    expect(title).to_have_text("Call, step 1", timeout=SLOW)  # the first opens by itself
    for number in range(CALLS):
        keys.press("5" if number % 2 else "4")
        expect(title).to_have_text(f"Call, step {number + 2}" if number + 1 < CALLS else "Write to Sofia", timeout=SLOW)
        expect(title).to_be_focused(timeout=SLOW)
    assert keys.pressed == CALLS
    expect(page.locator("#work-lanes")).to_contain_text(f"{CALLS} of {CALLS + 2}")
    with workspace_scope(bob.workspace.pk):
        assert Activity.objects.filter(kind="called", detail__outcome="voicemail").count() == CALLS // 2
        assert Task.objects.filter(kind="call", state="done").count() == CALLS
    assert window.complaints == []


def test_the_other_keys(desk: dict[str, Any], bob: Someone, seat: Callable[..., Any]) -> None:
    window = seat(bob)
    page, keys = window.open(f"/w/acme/work/{desk['mail'].pk}/"), Keys(window.page)
    title = page.locator("[data-item-title]")
    expect(title).to_have_text("Write to Sofia", timeout=SLOW)
    page.get_by_label("Subject").fill("Your new site")
    keys.press("r")  # types into the subject: single keys rest
    keys.press("Escape")
    expect(title).to_be_focused(timeout=SLOW)
    keys.press("r")
    page.keyboard.type("May I ask?")
    keys.press("Control+Enter")
    expect(title).to_have_text("Send the answers", timeout=SLOW)
    with workspace_scope(bob.workspace.pk):
        message = Message.objects.get()
        assert (message.state, message.subject) == ("planned", "Your new siter")
        assert "May I ask?" in message.text
    expect(page.locator("[data-shortcut=z]").first).to_be_visible(timeout=SLOW)
    keys.press("z")
    expect(title).to_have_text("Write to Sofia", timeout=SLOW)
    expect(page.locator("textarea[name=text]")).to_have_value(re.compile("May I ask"))
    with workspace_scope(bob.workspace.pk):
        assert Message.objects.get().reason_code == "undone"
    keys.press("s")
    keys.press("Enter")  # one hour
    expect(title).to_have_text("Send the answers", timeout=SLOW)
    keys.press("e")
    expect(page.get_by_text("Take back")).to_be_visible()
    keys.press("Escape")
    keys.press("j")
    keys.press("Enter")
    expect(title).to_have_text(re.compile("Call, step"))
    keys.press("n")
    page.keyboard.type("5 people there")  # a note, not an outcome
    expect(page.locator("textarea[name=note]")).to_have_value("5 people there")
    keys.press("?")
    assert window.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_no_violation_and_no_overflow(
    desk: dict[str, Any], bob: Someone, seat: Callable[..., Any], theme: str, width: int
) -> None:
    window = seat(bob, theme=theme, width=width, height=900)
    page = window.open("/w/acme/work/")
    if width == 1440:
        expect(page.locator("[data-item-title]")).to_have_text("Call, step 1", timeout=SLOW)
    for path in ("", f"{desk['mail'].pk}/"):
        if path:
            window.open(f"/w/acme/work/{path}")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 390:
        page.get_by_text("List", exact=True).click()
        expect(page.locator("#work-rows")).to_be_visible()
        expect(page.locator("[data-item-title]")).to_be_hidden()
    assert window.complaints == []
