"""Who is acting, and the audit row of what they did."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import ApiToken, AuditEntry, Member
from leadgen.core.client import client_address


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: a member in the browser, a member by a token, or the system. Passed to every action as `by`."""

    member: Member | None = None
    token: ApiToken | None = None
    source: str = "system"  # user, api, system, command
    ip: str | None = None

    @property
    def label(self) -> str:
        if self.member is not None:
            return str(self.member)
        return "Leadgen"


SYSTEM = Actor()


def actor_of(request: Any) -> Actor:
    """The actor of a page request behind `member_view` (or of an API request: its token)."""
    token = getattr(request, "auth", None)
    token = token if isinstance(token, ApiToken) else None
    return Actor(
        member=request.member,
        token=token,
        source="api" if token else "user",
        ip=client_address(request),
    )


def write_audit(
    *,
    by: Actor,
    action: str,
    now: datetime,
    target: Any = None,
    target_type: str = "",
    target_id: uuid.UUID | None = None,
    label: str = "",
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append one audit row in the caller's transaction. `detail` holds changed fields, never bodies or secrets."""
    return AuditEntry.objects.create(
        at=now,
        member=by.member,
        token=by.token,
        source=by.source,
        action=action,
        target_type=target_type or (target._meta.model_name if target is not None else ""),
        target_id=target_id or (target.pk if target is not None else None),
        target_label=(label or (str(target) if target is not None else ""))[:200],
        detail=detail or {},
        ip=by.ip,
    )
