"""The door to every workspace page: signed in, member of this workspace, holding the permission."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Member, User, Workspace
from accounts.permissions import PERMISSIONS, member_allows


class MemberRequest(HttpRequest):
    """What views behind `member_view` receive."""

    workspace: Workspace
    member: Member
    user: User
    htmx: Any


class MemberView(Protocol):
    permission: str

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse: ...


def _page_of(request: HttpRequest) -> str:
    """Where to come back to after signing in: the page somebody looks at, not the fragment or form it just asked for."""
    looked_at = request.headers.get("HX-Current-URL", "")
    if not looked_at and request.method not in {"GET", "HEAD"}:
        looked_at = request.headers.get("Referer", "")
    if looked_at and url_has_allowed_host_and_scheme(
        looked_at, {request.get_host()}, require_https=request.is_secure()
    ):
        parts = urlsplit(looked_at)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return request.get_full_path()


def member_view(permission: str, *, post: str = "") -> Callable[[Callable[..., HttpResponse]], MemberView]:
    """Guard a view. `post` names the permission of its unsafe methods where it differs from that of looking.

    Signed out: to the log-in page (htmx: a full redirect). Not a member: 404, as if the workspace did not exist.
    Member without the permission: 403. The URL's `slug` is taken out of the arguments.
    """
    assert permission in PERMISSIONS
    assert not post or post in PERMISSIONS

    def decorate(view: Callable[..., HttpResponse]) -> MemberView:
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                response = redirect_to_login(_page_of(request))
                if request.headers.get("HX-Request"):
                    # A fragment must not be replaced by a log-in page: reload the whole page there.
                    hx = HttpResponse(status=200)
                    hx["HX-Redirect"] = response["Location"]
                    return hx
                return response
            member = request.member  # type: ignore[attr-defined]  # set by WorkspaceMiddleware
            if member is None:
                raise Http404("No such workspace.")
            needed = post if post and request.method not in {"GET", "HEAD", "OPTIONS"} else permission
            if not member_allows(member, needed):
                raise PermissionDenied(f"Your role ({member.get_role_display()}) may not do this.")
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the all-URLs permission test
        guarded.post_permission = post or permission  # type: ignore[attr-defined]
        return cast(MemberView, guarded)

    return decorate
