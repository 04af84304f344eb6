"""The page behind an invitation's link, and inviting from inside a workspace."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.actions.invitations import accept_invitation, invite_member, resend_invitation, revoke_invitation
from accounts.forms.members import InviteForm
from accounts.models import Invitation, User, Workspace
from accounts.queries.invitations import find_invitation, verified_addresses
from accounts.views.home import PENDING_INVITATION
from leadgen.core import clock
from leadgen.core.client import client_address
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, render_page
from leadgen.core.tenancy import workspace_scope


@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, workspace: str, secret: str) -> HttpResponse:
    """Show who invites whom; GET changes nothing, since mail scanners open links.

    POST accepts (signed in with the invited address), or with `then=signup` / `then=login` keeps the link for later.
    """
    workspace_id = uuid.UUID(hex=workspace)
    user = request.user if isinstance(request.user, User) else None
    context = _describe(workspace_id, secret, user)
    if request.method == "POST" and context["state"] == "open":
        then = request.POST.get("then", "")
        if then in {"signup", "login"} and user is None:
            request.session[PENDING_INVITATION] = [workspace, secret]
            target = reverse("account_signup" if then == "signup" else "account_login")
            return redirect(f"{target}?{urlencode({'email': context['email']})}" if then == "signup" else target)
        if user is not None:
            return _accept(request, user, workspace_id, secret, context)
    status = {"open": 200, "unknown": 404}.get(context["state"], 410)
    return render(request, "accounts/invitation.html", context, status=status)


def _describe(workspace_id: uuid.UUID, secret: str, user: User | None) -> dict[str, Any]:
    """What the page says. `state`: open, unknown, accepted, revoked, expired."""
    now = clock.now()
    with workspace_scope(workspace_id, user.pk if user else None):
        found = find_invitation(secret)
        if found is None:
            return {"state": "unknown"}
        state = "open"
        if found.accepted_at:
            state = "accepted"
        elif found.revoked_at:
            state = "revoked"
        elif found.expires_at <= now:
            state = "expired"
        return {
            "state": state,
            "name": Workspace.objects.get(pk=workspace_id).name,
            "inviter": str(found.invited_by),
            "email": found.email,
            "role": found.get_role_display(),
            "expires_at": found.expires_at,
            "mine": user is not None and found.email in verified_addresses(user),
        }


def _accept(
    request: HttpRequest, user: User, workspace_id: uuid.UUID, secret: str, context: dict[str, Any]
) -> HttpResponse:
    try:
        ip = client_address(request)
        accept_invitation(user=user, workspace_id=workspace_id, secret=secret, now=clock.now(), ip=ip)
    except AppError as error:
        return render(request, "accounts/invitation.html", context | {"problem": error.message}, status=error.status)
    request.session.pop(PENDING_INVITATION, None)
    with workspace_scope(workspace_id, user.pk):
        slug = Workspace.objects.get(pk=workspace_id).slug
    return hx_redirect(request, reverse("workspace_home", args=[slug]), toast=f"Welcome to {context['name']}.")


@member_view("members.edit")
def invitation_create(request: MemberRequest) -> HttpResponse:
    """Invite somebody: a dialog over the list of members, or a page of its own."""
    form = InviteForm(request.POST or None, by=request.member)
    if request.method == "POST" and form.is_valid():
        try:
            invite_member(by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            form.add_error(error.field or None, error.message)
        else:
            email = form.cleaned_data["email"].lower()
            return hx_redirect(request, _members(request), toast=f"Invitation sent to {email}.")
    status = 422 if form.errors else 200
    return render_page(request, "accounts/invitation_create.html", {"form": form}, partial="dialog", status=status)


@member_view("members.edit")
@require_POST
def invitation_resend(request: MemberRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """Mail a new link; the old one ends."""
    found = get_object_or_404(Invitation.objects.all(), pk=invitation_id)
    return _answer(request, found, again=True)


@member_view("members.edit")
@require_POST
def invitation_revoke(request: MemberRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """Withdraw an invitation."""
    found = get_object_or_404(Invitation.objects.all(), pk=invitation_id)
    return _answer(request, found, again=False)


def _answer(request: MemberRequest, found: Invitation, *, again: bool) -> HttpResponse:
    action = resend_invitation if again else revoke_invitation
    words = f"Invitation sent again to {found.email}." if again else f"Invitation of {found.email} withdrawn."
    try:
        action(by=actor_of(request), invitation=found, now=clock.now())
    except AppError as error:
        return hx_redirect(request, _members(request), toast=error.message, tone="danger")
    return hx_redirect(request, _members(request), toast=words)


def _members(request: MemberRequest) -> str:
    return reverse("member_list", args=[request.workspace.slug])
