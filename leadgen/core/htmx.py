"""The whole htmx layer: full page or named partial, and the events a response may carry.

Events the browser understands (static/js/behaviours): `announce` (spoken politely), `toast` ({message, tone}),
`close-dialog`, and any `<noun>-changed` a page listens to with `hx-trigger="people-changed from:body"`.
"""

from typing import Any, Literal
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from leadgen.core.errors import AppError

Tone = Literal["success", "info", "warning", "danger"]
LEVELS = {"success": messages.SUCCESS, "info": messages.INFO, "warning": messages.WARNING, "danger": messages.ERROR}


def is_htmx(request: HttpRequest) -> bool:
    """True if htmx asked for a fragment: not a boosted navigation, not a Back button that lost its page."""
    details = getattr(request, "htmx", None)
    if not details:
        return False
    return not details.boosted and not details.history_restore_request


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    partial: str | None = None,
    announce: str | None = None,
    toast: str | None = None,
    tone: Tone = "success",
    status: int = 200,
) -> HttpResponse:
    """The full page, or for htmx `template#partial` (a `{% partialdef partial %}` of that template).

    `announce` is spoken after the swap ("412 people match"), `toast` shown as a notice. A form with errors goes out with
    `status=422`: htmx swaps it and focus moves to the first field at fault.
    """
    fragment = partial is not None and is_htmx(request)
    response = render(request, f"{template}#{partial}" if fragment else template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    if fragment:
        # A fragment kept under the page's address would be shown as the page by the Back button.
        response["Cache-Control"] = "no-store"
    if announce and is_htmx(request):
        trigger_client_event(response, "announce", {"message": announce})
    if toast:
        notify(request, response, toast, tone)
    return response


def notify(request: HttpRequest, response: HttpResponse, message: str, tone: Tone = "success") -> HttpResponse:
    """A notice now (htmx) or on the next full page (django messages)."""
    if is_htmx(request):
        return toast(response, message, tone)
    messages.add_message(request, LEVELS[tone], message)
    return response


def toast(response: HttpResponse, message: str, tone: Tone = "success") -> HttpResponse:
    """Let this htmx response show a notice."""
    trigger_client_event(response, "toast", {"message": message, "tone": tone})
    return response


def announce(response: HttpResponse, message: str) -> HttpResponse:
    """Let this htmx response say something to screen readers only."""
    trigger_client_event(response, "announce", {"message": message})
    return response


def changed(response: HttpResponse, *events: str) -> HttpResponse:
    """Tell other parts of the page to reload themselves: `changed(response, "people-changed")`."""
    for event in events:
        trigger_client_event(response, event)
    return response


def close_dialog(response: HttpResponse | None = None, *events: str) -> HttpResponse:
    """Close the open dialog or drawer after a form inside it succeeded; `events` as in `changed`. Default: 204."""
    answer = response if response is not None else HttpResponse(status=204)
    trigger_client_event(answer, "close-dialog")
    return changed(answer, *events)


def hx_redirect(request: HttpRequest, url: str, *, toast: str | None = None, tone: Tone = "success") -> HttpResponse:
    """Go to another page, by HX-Redirect or 302; the notice waits there. `url` is ours (from `reverse`), never user input."""
    if toast:
        messages.add_message(request, LEVELS[tone], toast)
    return HttpResponseClientRedirect(url) if is_htmx(request) else HttpResponseRedirect(url)


def refusal(request: HttpRequest, error: AppError) -> HttpResponse:
    """An AppError outside a form: a notice for htmx (nothing is swapped), the matching error page otherwise."""
    if is_htmx(request):
        return toast(HttpResponse(status=error.status), error.message, "danger")
    template = f"{error.status}.html" if error.status in (403, 404, 429) else "refused.html"
    came_from = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    # A page that a form answered with cannot be opened again by its address.
    again = urlsplit(came_from).path == request.path
    context = {"reason": error.message, "back": came_from if ours and not again else ""}
    return render(request, template, context, status=error.status)
