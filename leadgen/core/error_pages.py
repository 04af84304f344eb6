"""Error pages: self-contained, in plain words, without a query (the transaction may be broken). The API gets JSON."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from leadgen.core.api import error_body


def _answer(request: HttpRequest, status: int, code: str, words: str) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return JsonResponse(error_body(code, words), status=status)
    return render(request, f"{status}.html", {"message": words}, status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 400, "invalid", "The request could not be understood.")


def refused(request: HttpRequest, exception: Any = None) -> HttpResponse:
    words = str(exception) if exception and str(exception) else "Your role may not do this."
    return _answer(request, 403, "refused", words)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 404, "not_found", "There is no such page, or it belongs to another workspace.")


def fault(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500, "fault", "Something broke on our side. Nothing was changed.")


class MethodMiddleware:
    """An address that only takes what a form sends, opened as a page: Django's 405 has no body, and a browser would show
    its own fault. Whoever asked for a page gets one; programs and htmx keep the bare answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        asked_for_a_page = "text/html" in request.headers.get("Accept", "") and not request.headers.get("HX-Request")
        if response.status_code != 405 or response.content or not asked_for_a_page:
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response["Allow"]
        return page
