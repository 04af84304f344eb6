"""A user's workspaces, and what the pages about members read."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import Invitation, Member, User


@dataclass(frozen=True, slots=True)
class Membership:
    """One workspace of a user: what the switch and the chooser show."""

    name: str
    slug: str
    url: str
    role: str


def memberships_of(user: User) -> list[Membership]:
    """Workspaces the user is an active member of, by name. Row-level security shows these and no others.

    Needs the user in the database's settings: inside a request, or in `user_scope(user)`.
    """
    rows = (
        Member.unscoped.filter(user=user, is_active=True).select_related("workspace").order_by("workspace__name", "id")
    )
    return [
        Membership(
            name=row.workspace.name,
            slug=row.workspace.slug,
            url=reverse("workspace_home", args=[row.workspace.slug]),
            role=row.get_role_display(),
        )
        for row in rows
    ]


def members_matching(*, q: str = "", role: str = "", state: str = "") -> QuerySet[Any]:
    """Members of the active workspace; `state` is '' for active, 'inactive' or 'all'."""
    rows: QuerySet[Any] = Member.objects.all()
    if q:
        rows = rows.filter(Q(name__icontains=q) | Q(email__icontains=q) | Q(team__icontains=q))
    if role:
        rows = rows.filter(role=role)
    if state != "all":
        rows = rows.filter(is_active=state != "inactive")
    return rows


def open_invitations() -> QuerySet[Any]:
    """Invitations neither accepted nor revoked, expired ones too, newest first."""
    rows: QuerySet[Any] = Invitation.objects.filter(accepted_at__isnull=True, revoked_at__isnull=True)
    return rows.select_related("invited_by").order_by("-created_at", "-id")


def possible_owners(by: Member) -> list[Member]:
    """Members the ownership can pass to: active, with an account, not oneself."""
    return list(Member.objects.filter(is_active=True, user__isnull=False).exclude(pk=by.pk).order_by("name", "id"))
