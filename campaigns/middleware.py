"""Tracking domains: hosts of workspaces that serve public pages and nothing else.

First in the chain. A host that is neither ours nor a verified tracking domain goes on and is refused by ALLOWED_HOSTS, as
ever. On a tracking domain there is no log-in: cookies are not read, none is set, and only /p/ (and the style sheets of its
pages) exists.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.request import split_domain_port, validate_host

from campaigns.queries.hosts import workspace_of_host

SERVED = ("/p/", "/static/")


class TrackingHostMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host, _ = split_domain_port(request.META.get("HTTP_HOST", ""))
        if not host or validate_host(host, settings.ALLOWED_HOSTS):
            return self.get_response(request)
        workspace_id = workspace_of_host(host)
        if workspace_id is None:
            return self.get_response(request)  # refused there
        if not request.path_info.startswith(SERVED):
            return HttpResponseNotFound("Nothing here.\n", content_type="text/plain")
        request.tracking_workspace = workspace_id  # type: ignore[attr-defined]  # read by campaigns.views.public.by_token
        # From here on it is a request to our own host, without any cookie.
        request.META["HTTP_HOST"] = urlsplit(settings.SITE_URL).netloc
        request.META.pop("HTTP_COOKIE", None)
        response = self.get_response(request)
        response.cookies.clear()
        return response
