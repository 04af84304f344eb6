"""One transaction a request, with the workspace and the user set in it (ground.md section 1).

Opens `atomic()`, sets workspace and user, calls the view, renders a TemplateResponse while the workspace is still set,
and rolls back on an exception or a status >= 400. Paths: `/w/<slug>/...` for members; `/api/v1/...` by the token's
workspace; `/p/<signed>/...` public pages enter their workspace themselves by their signed token. Webhooks of sending
services open their own transactions: between them a mail may have to be fetched, and no transaction waits for a network.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from allauth.usersessions.middleware import UserSessionsMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Member, User, Workspace
from accounts.queries.visibility import viewer_of
from leadgen.core.client import client_address
from leadgen.core.tenancy import active_workspace_id, workspace_scope
from leadgen.core.visibility import look_as, viewing_as

PREFIX = "/w/"
OWN_TRANSACTIONS = ("/p/esp/",)


class _RollBack(Exception):
    """Carries a refused response out of the transaction, so that nothing it wrote stays."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response


class SessionSeenMiddleware(UserSessionsMiddleware):
    """allauth's list of where one is signed in, written once a minute: with each request it was a fifth of its time.

    Each process remembers what it wrote; another address or browser is written at once.
    """

    PAUSE = timedelta(minutes=1)
    REMEMBERED = 10_000

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self.seen: dict[str, tuple[datetime, str, str]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key is None:
            return self.get_response(request)
        now, ip, agent = timezone.now(), client_address(request) or "", request.META.get("HTTP_USER_AGENT", "")
        at, *client = self.seen.get(key, (None,))
        if at and abs(now - at) < self.PAUSE and client == [ip, agent]:
            return self.get_response(request)
        if len(self.seen) >= self.REMEMBERED:
            self.seen.clear()
        if request.user.is_authenticated:
            self.seen[key] = (now, ip, agent)
        response: HttpResponse = super().__call__(request)
        return response


class WorkspaceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.workspace = None  # type: ignore[attr-defined]  # ours
        request.member = None  # type: ignore[attr-defined]
        if request.path_info.startswith(OWN_TRANSACTIONS):
            with timezone.override(UTC):
                return self.get_response(request)
        user_id = request.user.pk if isinstance(request.user, User) else None
        try:
            # Pages show times in the user's zone, else the workspace's; the API speaks UTC.
            # Until it is known who asks; what `_enter`, or a token, says of that ends with the request.
            with (
                viewing_as(None),
                workspace_scope(self._workspace_id(request, user_id), user_id),
                timezone.override(UTC),
            ):
                if request.path_info.startswith(PREFIX):
                    self._enter(request)
                if isinstance(request.user, User) and not request.path_info.startswith("/api/"):
                    self._show_local_times(request)
                response = self.get_response(request)
                render = getattr(response, "render", None)
                if callable(render) and not getattr(response, "is_rendered", True):
                    response = render()
                # A page that refuses and yet keeps what was sent (a hosted form) says so on its response.
                if response.status_code >= 400 and not getattr(response, "keeps_writes", False):
                    raise _RollBack(response)
        except _RollBack as refused:
            return refused.response
        return response

    def _show_local_times(self, request: HttpRequest) -> None:
        name = request.user.time_zone or getattr(request.workspace, "time_zone", "")  # type: ignore[union-attr,attr-defined]
        if name:
            timezone.activate(ZoneInfo(name))

    def _workspace_id(self, request: HttpRequest, user_id: uuid.UUID | None) -> uuid.UUID | None:
        """The workspace named by the path, if this user is an active member of it; None otherwise."""
        if request.path_info.startswith("/api/"):
            from accounts.authentication import workspace_of_request

            return workspace_of_request(request)
        if not request.path_info.startswith(PREFIX) or user_id is None:
            return None
        slug = request.path_info.removeprefix(PREFIX).split("/", 1)[0]
        # Under the user's own scope Workspace's policy shows the workspaces of their active memberships only.
        with workspace_scope(None, user_id):
            return Workspace.objects.filter(slug=slug).values_list("pk", flat=True).first()

    def _enter(self, request: HttpRequest) -> None:
        """Load workspace and member, or leave both None: `member_view` then answers with log-in or 404."""
        workspace_id = active_workspace_id()
        if workspace_id is None:
            return
        request.workspace = Workspace.objects.get(pk=workspace_id)  # type: ignore[attr-defined]
        request.member = (  # type: ignore[attr-defined]
            Member.objects.select_related("user").filter(user_id=request.user.pk, is_active=True).first()
        )
        look_as(viewer_of(request.member, request.workspace))  # type: ignore[attr-defined]
