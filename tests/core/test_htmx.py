"""render_page and its friends: full page or fragment, and what rides on the response."""

import json
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from leadgen.core.errors import Conflict, Refused
from leadgen.core.gallery import gallery_context
from leadgen.core.htmx import changed, close_dialog, hx_redirect, notify, refusal, render_page, toast
from tests.conftest import NOW

TEMPLATE = "components/gallery.html"


def ask(**headers: str) -> HttpRequest:
    """A GET as the middleware hands it on; `ask(hx_request="true")` comes from htmx."""
    extra: dict[str, Any] = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    request = RequestFactory().get("/people/", **extra)
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]  # as HtmxMiddleware does
    request.session = {}  # type: ignore[assignment]  # enough for messages
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    request.workspace = None  # type: ignore[attr-defined]
    return request


def triggers(response: HttpResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(response.get("HX-Trigger", "{}"))
    return found


def test_a_browser_gets_the_page_and_htmx_the_partial() -> None:
    page = render_page(ask(), TEMPLATE, gallery_context(NOW), partial="results")
    part = render_page(ask(hx_request="true"), TEMPLATE, gallery_context(NOW), partial="results")
    assert page.content.lstrip().startswith(b"<!doctype html>")
    assert b"<html" not in part.content
    assert b"Ana Ferreira" in part.content
    assert page["Vary"] == part["Vary"] == "HX-Request"
    assert part["Cache-Control"] == "no-store"
    assert "Cache-Control" not in page


@pytest.mark.parametrize("header", ["hx_boosted", "hx_history_restore_request"])
def test_boosted_and_restored_pages_are_whole(header: str) -> None:
    request = ask(hx_request="true", **{header: "true"})
    assert b"<html" in render_page(request, TEMPLATE, gallery_context(NOW), partial="results").content


def test_announcements_and_toasts_ride_on_the_fragment() -> None:
    response = render_page(
        ask(hx_request="true"),
        TEMPLATE,
        gallery_context(NOW),
        partial="results",
        announce="5 people match",
        toast="Saved — ok",
    )
    assert triggers(response) == {
        "announce": {"message": "5 people match"},
        "toast": {"message": "Saved — ok", "tone": "success"},
    }


def test_a_notice_for_a_full_page_waits_as_a_message() -> None:
    request = ask()
    response = notify(request, HttpResponse(), "Saved", "warning")
    assert "HX-Trigger" not in response
    assert [(message.message, message.level_tag) for message in get_messages(request)] == [("Saved", "warning")]


def test_a_redirect_is_302_or_a_header_and_the_notice_waits_there() -> None:
    plain, fragment = ask(), ask(hx_request="true")
    moved = hx_redirect(plain, "/people/1/", toast="Saved")
    assert (moved.status_code, moved["Location"]) == (302, "/people/1/")
    client = hx_redirect(fragment, "/people/1/", toast="Saved")
    assert (client.status_code, client["HX-Redirect"]) == (200, "/people/1/")
    assert "HX-Trigger" not in client
    for request in (plain, fragment):
        assert [message.message for message in get_messages(request)] == ["Saved"]


def test_closing_a_dialog_can_tell_the_page_what_changed() -> None:
    response = close_dialog(None, "notes-changed")
    assert response.status_code == 204
    assert set(triggers(response)) == {"close-dialog", "notes-changed"}
    assert set(triggers(changed(toast(HttpResponse(), "x"), "people-changed"))) == {"toast", "people-changed"}


def test_a_refusal_is_a_notice_for_htmx_and_a_page_in_words_otherwise() -> None:
    error = Conflict("Ana moved this 3 s ago.")
    fragment = refusal(ask(hx_request="true"), error)
    assert fragment.status_code == 409
    assert fragment.content == b""
    assert triggers(fragment)["toast"] == {"message": "Ana moved this 3 s ago.", "tone": "danger"}
    page = refusal(ask(), Refused("Only an owner may do this."))
    assert page.status_code == 403
    assert b"Only an owner may do this." in page.content
