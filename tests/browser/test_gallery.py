"""Components in Chromium: no axe violation in either theme, no breach of the policy, and the behaviours by keyboard."""

import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect

from tests.browser import gallery_app
from tests.browser.accessibility import violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """The server says nothing; failures are seen by the assertions."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The gallery on loopback with the product's own policy, and neither accounts nor database behind it."""
    middleware = [
        "django.middleware.csp.ContentSecurityPolicyMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
    ]
    with override_settings(ROOT_URLCONF="tests.browser.gallery_app", MIDDLEWARE=middleware):
        server = make_server("127.0.0.1", 0, StaticFilesHandler(WSGIHandler()), handler_class=_Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    """The worker's one Chromium: a second Playwright cannot start beside it."""
    return chromium


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page whose console stays silent: a breach of the policy or a script error fails the test."""
    options = getattr(request, "param", {})
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900}, **options)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    context.close()
    # Refused requests are the server's answer, not a fault of the page.
    assert [text for text in said if "status of 4" not in text and "Response Status Error" not in text] == []


@pytest.mark.parametrize(
    "page", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"]
)
def test_no_axe_violation_with_dialog_drawer_and_menu_opened_in_turn(page: Page) -> None:
    page.goto("/_components/")
    page.wait_for_selector("#g-chart svg")
    assert violations(page) == []
    page.get_by_role("button", name="Open dialog").click()
    assert violations(page, "#g-dialog") == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Open drawer").click()
    assert violations(page, "#g-drawer") == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save view").click()
    assert violations(page, "#g-save") == []


def test_what_is_wrong_with_a_page_is_found(page: Page) -> None:
    page.goto("/_components/")
    page.evaluate("""() => {
      const add = (tag, within) => document.querySelector(within).appendChild(document.createElement(tag));
      add("img", "main").src = "data:,";
      for (let number = 0; number < 9; number++) {
        const line = add("p", "main");
        line.textContent = `Pale ${number}`;
        if (number === 4) line.style.color = "#e8e8e8";  // a kind of its own among its like
        if (number === 6) line.style.opacity = "0.2";
      }
    }""")
    found = violations(page)
    assert [one.partition(":")[0] for one in found] == ["color-contrast", "color-contrast", "image-alt"]
    assert "Pale 4" in found[0]
    assert "Pale 6" in found[1]


def test_a_phone_scrolls_only_down_and_has_the_navigation_at_hand(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/_components/")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.locator("#nav-more").get_by_role("link", name="Deals")).to_be_visible()
    assert violations(page, "#nav-more") == []


def test_the_theme_is_chosen_in_the_menu_and_kept_in_a_cookie(page: Page) -> None:
    page.goto("/_components/")
    page.evaluate("document.querySelector('[data-theme-set=dark]').click()")
    assert page.evaluate("document.documentElement.dataset.theme") == "leadgen-dark"
    assert {one["name"]: one["value"] for one in page.context.cookies()}["leadgen_theme"] == "dark"


def test_a_dialog_takes_the_focus_and_gives_it_back(page: Page) -> None:
    page.goto("/_components/")
    opener = page.get_by_role("button", name="Open dialog")
    opener.click()
    expect(page.locator("#g-dialog")).to_be_visible()
    assert page.evaluate("document.querySelector('#g-dialog').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_shortcuts_act_rest_while_typing_and_can_be_switched_off(page: Page) -> None:
    page.goto("/try/")
    page.locator("#typing").focus()
    page.keyboard.press("n")
    expect(page.locator("#typing")).to_have_value("n")
    expect(page.locator("#dialog")).to_be_hidden()
    page.keyboard.press("Control+k")  # there is no workspace here, so no search: the key does nothing
    page.locator("h1").click()
    page.keyboard.press("?")
    sheet = page.locator("#shortcuts")
    expect(sheet.get_by_text("Add note")).to_be_visible()
    expect(sheet.get_by_text("Go to People")).to_be_visible()
    sheet.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator("#dialog")).to_be_hidden()
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()


def test_a_sequence_of_keys_goes_to_a_section(page: Page) -> None:
    page.goto("/_components/")
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page).to_have_url(page.url.split("#")[0] + "#people")


def test_a_dialog_by_htmx_shows_errors_in_place_then_closes_and_reloads_the_part(page: Page) -> None:
    page.goto("/try/")
    page.keyboard.press("n")
    note = page.get_by_label("Note", exact=True)
    expect(note).to_be_focused()
    page.keyboard.press("Enter")
    expect(note).to_have_attribute("aria-invalid", "true")
    expect(note).to_be_focused()
    note.fill("called")
    page.keyboard.press("Enter")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator("#notes")).to_have_text("one note")
    expect(page.get_by_role("button", name="Add note")).to_be_focused()


def test_notices_come_from_answers_and_stay_in_the_list(page: Page) -> None:
    page.goto("/try/")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Saved the view")
    expect(page.locator("#live")).to_have_text("Saved the view")
    page.get_by_role("button", name="Conflict").click()
    expect(page.locator("#toasts [role=alert]")).to_have_text("Ana moved this 3 s ago.")
    page.get_by_role("button", name="Missing").click()
    expect(page.locator("#toasts")).to_contain_text("This is no longer there.")
    page.reload()
    page.locator("[popovertarget=notices]").click()
    expect(page.locator("[data-notices] li")).to_have_count(3)


def test_a_double_click_sends_once(page: Page) -> None:
    gallery_app.posts.clear()
    page.goto("/try/")
    with page.expect_response("**/slow/"):
        page.locator("#slow button").dblclick()
    page.evaluate("fetch('/try/')")  # the server takes one request after another: a second one would be before it
    assert gallery_app.posts == ["/slow/"]


def test_a_confirmation_names_the_effect_and_no_means_no(page: Page) -> None:
    gallery_app.posts.clear()
    page.goto("/try/")
    page.locator("#asked button").click()
    expect(page.locator("#confirm-text")).to_have_text("Delete 3 people?")
    page.get_by_role("button", name="Cancel").click()
    page.locator("#asked button").click()
    with page.expect_response("**/saved/"):
        page.get_by_role("button", name="Delete 3", exact=True).click()
    assert gallery_app.posts == ["/saved/"]


def test_search_is_a_combobox_by_arrows_and_enter(page: Page) -> None:
    page.goto("/_components/")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search people, companies and deals")
    expect(box).to_be_focused()
    page.keyboard.type("an")
    expect(page.locator("#search-results [role=option]")).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#live")).to_have_text("2 results")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "search-option-1-2")
    assert violations(page, ".topbar") == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/try/?found=anna")


def test_filters_apply_themselves_and_are_in_the_address(page: Page) -> None:
    page.goto("/_components/")
    page.get_by_label("Fit grade").select_option("A")
    page.wait_for_url("**/_components/?grade=A")
    expect(page.locator("#live")).to_have_text("5 people match")
    assert page.locator("main").count() == 1


def test_rows_are_selected_all_or_by_shift_and_the_bar_counts_them(page: Page) -> None:
    page.goto("/_components/")
    bar = page.locator("[data-bulkbar]")
    expect(bar).to_be_hidden()
    boxes = page.locator("[data-select-row]")
    boxes.nth(1).click()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(bar).to_contain_text("3 people selected")
    assert page.evaluate("document.querySelector('[data-select-all]').indeterminate")
    page.get_by_label("Select all rows shown").check()
    expect(bar).to_contain_text("5 people selected")
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()


def test_menus_tabs_and_repeated_rows_by_keyboard(page: Page) -> None:
    page.goto("/_components/")
    button = page.get_by_role("button", name="Save view")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("menuitem", name="Save", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("d")
    expect(page.get_by_role("menuitem", name="Delete the view")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.get_by_role("tab", name="E-mail").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-call")).to_be_visible()
    expect(page.locator("#tab-email")).to_be_hidden()
    page.get_by_role("button", name="Add criterion").click()
    expect(page.locator("[name=criteria-TOTAL_FORMS]")).to_have_value("3")
    expect(page.locator("[name=criteria-2-fact]")).to_be_focused()
    page.locator("[data-formset-row]").nth(0).get_by_role("button", name="Remove criterion").click()
    expect(page.locator("[name=criteria-0-DELETE]")).to_be_checked()
    expect(page.locator("[data-formset-row]:visible")).to_have_count(2)


def test_a_clock_ticks_and_turns(page: Page) -> None:
    page.clock.install()
    page.goto("/_components/")
    clock = page.locator("[data-deadline]").first
    expect(clock).to_have_class("tag tag-warning num")
    page.clock.run_for(5 * 60 * 1000)
    expect(clock).to_contain_text("breached 0 min")
    expect(clock).to_have_class("tag num tag-danger")
