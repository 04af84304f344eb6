"""API authentication: `Authorization: Bearer lg_<workspace id>_<secret>`; permissions by scope and role; throttles by token."""

import hashlib
import uuid
from typing import Any

from django.http import HttpRequest
from rest_framework import authentication, exceptions, permissions, throttling
from rest_framework.request import Request

from accounts.models import ApiToken, Member
from accounts.permissions import PERMISSIONS, allows
from accounts.queries.visibility import viewer_of
from accounts.rules.scopes import scope_covers
from leadgen.core import clock
from leadgen.core.client import client_address
from leadgen.core.visibility import look_as

PREFIX = "lg_"


def token_text(workspace_id: uuid.UUID, secret: str) -> str:
    """What the user copies: the workspace in clear (it must be known before any row can be read), then the secret."""
    return f"{PREFIX}{workspace_id.hex}_{secret}"


def hash_secret(secret: str) -> str:
    """SHA-256: enough for 160 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _parts(request: HttpRequest) -> tuple[uuid.UUID, str] | None:
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not text.startswith(PREFIX):
        return None
    workspace, _, secret = text.removeprefix(PREFIX).partition("_")
    try:
        return uuid.UUID(hex=workspace), secret
    except ValueError:
        return None


def workspace_of_request(request: HttpRequest) -> uuid.UUID | None:
    """The workspace an API request claims; the middleware enters it and TokenAuthentication then proves the claim."""
    parts = _parts(request)
    return parts[0] if parts else None


class TokenAuthentication(authentication.BaseAuthentication):
    """Sets `request.auth` (ApiToken) and `request.member`; `request.user` is the member's user, or the member itself."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        parts = _parts(request)
        if parts is None:
            return None
        token = (
            ApiToken.objects.select_related("member", "member__user", "workspace")
            .filter(secret_hash=hash_secret(parts[1]))
            .first()
        )
        now = clock.now()
        if token is None or token.revoked_at or not token.member.is_active:
            raise exceptions.AuthenticationFailed("This token is not valid. Make a new one under Settings, API tokens.")
        if token.expires_at and token.expires_at <= now:
            raise exceptions.AuthenticationFailed(f"This token expired on {token.expires_at:%d %b %Y}.")
        # Once a minute is enough to show "last used", and spares a write a request.
        if token.last_used_at is None or (now - token.last_used_at).total_seconds() > 60:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        look_as(viewer_of(token.member, token.workspace))
        for target in (request, request._request):
            target.member = token.member  # type: ignore[attr-defined]
        return token.member, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Leadgen API"'


def scope_allows(token: ApiToken, permission: str) -> bool:
    """Scopes are permissions; `*` is all, `<noun>.*` all of a noun, `*.view` every look."""
    return any(scope_covers(scope, permission) for scope in token.scopes)


class HasPermission(permissions.BasePermission):
    """The viewset's `permissions` maps each action to a row of the permission table; a missing entry is an error."""

    message = "This token may not do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        action = getattr(view, "action", None) or (request.method or "").lower()
        if action in {"metadata", "options"}:
            return True
        table = getattr(view, "permissions", None)
        if table is None or action not in table:
            if action is None or request.method not in getattr(view, "allowed_methods", [request.method]):
                return True  # the view answers 405 itself
            raise KeyError(f"{type(view).__name__}.permissions lacks {action!r}")
        permission = table[action]
        assert permission in PERMISSIONS, permission
        member: Member | None = getattr(request, "member", None)
        if member is None or not isinstance(request.auth, ApiToken):
            raise exceptions.NotAuthenticated("Send `Authorization: Bearer <token>`; tokens are made under Settings.")
        if not scope_allows(request.auth, permission):
            self.message = f"This token lacks the scope {permission}."
            return False
        if not allows(member.role, permission):
            self.message = f"The role of this token's member ({member.get_role_display()}) may not do this."
            return False
        return True


class TokenThrottle(throttling.SimpleRateThrottle):
    """Requests a token may make; unauthenticated requests are counted by address."""

    scope = "token"

    def get_cache_key(self, request: Request, view: Any) -> str:
        token = request.auth
        ident = f"{token.workspace_id}:{token.pk}" if isinstance(token, ApiToken) else self.get_ident(request)
        return str(self.cache_format % {"scope": self.scope, "ident": ident})

    def get_ident(self, request: Request) -> str:
        """DRF's own takes the whole X-Forwarded-For, which anybody may write: a new one each time, and no limit."""
        return client_address(request) or "unknown"
