"""Make and change workspaces."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member, Role, User, Workspace
from accounts.queries.zones import is_currency, is_zone
from accounts.rules import visibility
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope

EDITABLE = (
    "name",
    "time_zone",
    "currency",
    "gross_margin",
    "assumed_churn",
    "postal_address",
    "work_start",
    "work_end",
    "visibility",
)


def create_workspace(
    *,
    user: User,
    slug: str,
    name: str,
    time_zone: str,
    currency: str,
    gross_margin: Decimal,
    now: datetime,
    source: str = "user",
    ip: str | None = None,
) -> Workspace:
    """A new workspace with `user` as its owner. Conflict (field slug) where the slug is taken."""
    workspace = Workspace(
        id=uuid.uuid4(),
        slug=slug,
        name=name.strip(),
        time_zone=time_zone,
        currency=currency.upper(),
        gross_margin=gross_margin,
    )
    _check(workspace)
    try:
        with workspace_scope(workspace.pk, user.pk):
            workspace.save(force_insert=True)
            owner = Member.objects.create(user=user, email=user.email, name=user.name, role=Role.OWNER)
            by = Actor(member=owner, source=source, ip=ip)
            write_audit(by=by, action="workspace.created", now=now, target=workspace, detail={"slug": slug})
    except IntegrityError as error:
        # Row-level security hides other people's workspaces: only the unique key can tell that the slug is taken.
        if "slug" not in str(error):
            raise
        raise Conflict(f"“{slug}” is taken. Choose another address.", code="slug_taken", field="slug") from error
    return workspace


def update_workspace(*, by: Actor, workspace: Workspace, now: datetime, **changes: Any) -> Workspace:
    """Change the fields of EDITABLE that are given. Writes nothing where nothing differs."""
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise Invalid(f"{', '.join(sorted(unknown))} cannot be changed.", field=min(unknown))
    if "visibility" in changes:
        changes["visibility"] = visibility.cleaned(changes["visibility"])
    before = {name: getattr(workspace, name) for name in changes}
    for name, value in changes.items():
        setattr(workspace, name, value)
    _check(workspace)
    changed = {name: [before[name], getattr(workspace, name)] for name in changes if before[name] != changes[name]}
    if not changed:
        return workspace
    workspace.save(update_fields=sorted(changed))
    write_audit(
        by=by,
        action="workspace.updated",
        now=now,
        target=workspace,
        detail={"changes": {name: [str(old), str(new)] for name, (old, new) in changed.items()}},
    )
    return workspace


def _check(workspace: Workspace) -> None:
    """Raise Invalid for the first field that cannot be used."""
    try:
        workspace.clean_fields()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(messages[0], field=field) from error
    if not workspace.name.strip():
        raise Invalid("Give the workspace a name.", field="name")
    if not is_zone(workspace.time_zone):
        raise Invalid(f"“{workspace.time_zone}” is no time zone. Use a name such as Europe/Berlin.", field="time_zone")
    if not is_currency(workspace.currency):
        raise Invalid(f"“{workspace.currency}” is no ISO 4217 currency. Use a code such as EUR.", field="currency")
    if not 0 < workspace.gross_margin <= 1:
        raise Invalid("The gross margin is a share above 0 % and up to 100 %.", field="gross_margin")
    if not 0 < workspace.assumed_churn < 1:
        raise Invalid("The assumed churn is a share between 0 % and 100 % a month.", field="assumed_churn")
    if workspace.work_end <= workspace.work_start:
        raise Invalid("The working day must end after it starts.", field="work_end")
