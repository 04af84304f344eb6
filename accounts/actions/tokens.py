"""API tokens: made for oneself, shown once, revocable by whoever may edit tokens."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from accounts.actions.audit import Actor, write_audit
from accounts.authentication import hash_secret, scope_allows, token_text
from accounts.models import ApiToken
from accounts.permissions import PERMISSIONS, allows
from accounts.rules.scopes import unknown_scopes
from leadgen.core.errors import Invalid, Refused
from leadgen.core.tenancy import current_workspace_id


def create_token(
    *, by: Actor, name: str, scopes: Sequence[str], now: datetime, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A token that acts as the member who makes it; returns it and its text, which cannot be read back later.

    A scope the member's own role lacks is refused: the token could never use it.
    """
    if by.member is None:
        raise Refused("A token belongs to a member: only a member can make one.")
    if by.token is not None:
        raise Refused("A token cannot make tokens. Make one in the browser.")
    if not name.strip():
        raise Invalid("Name the token after what will use it.", field="name")
    wanted = sorted(set(scopes))
    if not wanted:
        raise Invalid("Choose at least one scope.", field="scopes")
    unknown = unknown_scopes(wanted, PERMISSIONS)
    if unknown:
        raise Invalid(f"There is no scope {', '.join(unknown)}.", field="scopes")
    beyond = [scope for scope in wanted if scope in PERMISSIONS and not allows(by.member.role, scope)]
    if beyond:
        role = by.member.get_role_display()
        raise Refused(f"Your role ({role}) does not have {', '.join(beyond)}.", field="scopes")
    if expires_at is not None and expires_at <= now:
        raise Invalid("The token would be expired at once. Choose a later day.", field="expires_at")
    secret = base64.b32encode(secrets.token_bytes(20)).decode().lower()
    token = ApiToken.objects.create(
        name=name.strip(),
        member=by.member,
        prefix=secret[:6],
        secret_hash=hash_secret(secret),
        scopes=wanted,
        created_at=now,
        expires_at=expires_at,
    )
    write_audit(by=by, action="token.created", now=now, target=token, label=token.name, detail={"scopes": wanted})
    return token, token_text(current_workspace_id(), secret)


def revoke_token(*, by: Actor, token: ApiToken, now: datetime) -> ApiToken:
    """End a token at once; revoking it again changes nothing."""
    changed = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now)
    token.refresh_from_db()
    if changed:
        write_audit(by=by, action="token.revoked", now=now, target=token, label=token.name)
    return token


def usable_permissions(token: ApiToken) -> list[str]:
    """What the token can do now: its scopes within its member's role."""
    return [name for name in PERMISSIONS if scope_allows(token, name) and allows(token.member.role, name)]
