"""Workspaces and people in fixed roles. Every factory takes the active workspace; call them inside `workspace_scope`."""

import uuid
from dataclasses import dataclass

from accounts.models import Member, User, Workspace
from leadgen.core.tenancy import workspace_scope

PASSWORD = "correct horse battery"


def make_user(email: str, name: str = "") -> User:
    """A user with a verified address."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email, PASSWORD, name=name or email.split("@")[0].title())
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def make_workspace(slug: str, **fields: object) -> Workspace:
    """A workspace; enter it with `workspace_scope(workspace.pk)`."""
    key = uuid.uuid4()
    with workspace_scope(key):
        return Workspace.objects.create(id=key, slug=slug, name=str(fields.pop("name", slug.title())), **fields)


def make_member(workspace: Workspace, role: str, email: str = "", user: User | None = None) -> "Someone":
    """A member with a user who can log in."""
    user = user or make_user(email or f"{role}@{workspace.slug}.example")
    with workspace_scope(workspace.pk):
        member = Member.objects.create(user=user, email=user.email, name=user.name, role=role)
    return Someone(user=user, member=member, workspace=workspace)


@dataclass(frozen=True)
class Someone:
    """A person of the tests: their user, membership and workspace."""

    user: User
    member: Member
    workspace: Workspace
