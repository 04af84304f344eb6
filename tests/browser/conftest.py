"""Chromium against the live server: signed in by a session cookie, console errors and policy breaches collected."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.factories.accounts import Someone

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-quic",
    # Scripts of a page run for less than a second: to optimise them, or to collect what they leave, costs more than it saves.
    "--js-flags=--no-turbofan --no-maglev --min-semi-space-size=64 --max-semi-space-size=64",
]  # fmt: skip


# How long a page may take on a busy machine before an expectation fails; a right page answers at once.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium at /usr/bin/chromium: apt-get install chromium")
    if not (Path(settings.BASE_DIR) / "static" / "build" / "app.css").exists():
        pytest.skip("the front end is not built: npm ci && npm run build")
    # Playwright's loop runs in this thread, and Django would refuse the ORM beside it; each is used by turns.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


class Seat:
    """One person's browser window: `page`, and what its console complained of."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.page: Page = context.new_page()
        self.base, self.complaints = base, list[str]()
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            return  # htmx says so of a request that a newer one replaced (hx-sync)
        if kind == "error" and "the server responded with a status of 4" not in text:
            self.complaints.append(text)

    def open(self, path: str) -> Page:
        self.page.goto(self.base + path, wait_until="load")
        return self.page


@pytest.fixture
def seat(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Seat]]:
    """`seat(alice)` is alice's window, signed in; `theme` is leadgen or leadgen-dark, `width` in pixels."""
    contexts: list[BrowserContext] = []

    def take(someone: Someone, *, theme: str = "light", width: int = 1440, height: int = 900) -> Seat:
        client = Client()
        client.force_login(someone.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        context.set_default_timeout(15_000)
        cookies = {
            settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value,
            "leadgen_theme": theme,
        }
        context.add_cookies([{"name": k, "value": v, "url": live_server.url} for k, v in cookies.items()])
        contexts.append(context)
        return Seat(context, live_server.url)

    yield take
    for context in contexts:
        context.close()
