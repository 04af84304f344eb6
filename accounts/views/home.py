"""Where log-in lands, and the choice of a workspace."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.workspaces import create_workspace
from accounts.context import NAVIGATION, mounted
from accounts.forms.workspaces import WorkspaceCreateForm
from accounts.models import User
from accounts.permissions import allows
from accounts.queries.memberships import memberships_of
from accounts.rules.slugs import suggest_slug
from leadgen.core import clock
from leadgen.core.client import client_address
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect

PENDING_INVITATION = "pending_invitation"  # session key: the page to come back to after signing up


def home(request: HttpRequest) -> HttpResponse:
    """`/`: log-in, the invitation somebody signed up for, the one workspace, or the choice among several."""
    if not isinstance(request.user, User):
        return redirect("account_login")
    pending = request.session.get(PENDING_INVITATION)
    if pending:
        del request.session[PENDING_INVITATION]  # once: declining it must not trap anybody
        return HttpResponseRedirect(reverse("invitation", args=pending))
    found = memberships_of(request.user)
    response = redirect(found[0].url) if len(found) == 1 else redirect("workspaces")
    # The browser's switch follows the profile on each log-in.
    if request.user.shortcuts_enabled:
        response.delete_cookie("leadgen_shortcuts")
    else:
        response.set_cookie("leadgen_shortcuts", "off", max_age=31_536_000, samesite="Lax")
    return response


@member_view("workspace.view")
def workspace_home(request: MemberRequest) -> HttpResponse:
    """`/w/<slug>/`: the first page of the rail that exists and this role may see."""
    for _, _, _, name, permission, _ in NAVIGATION:
        if mounted(name) and allows(request.member.role, permission):
            return redirect(name, request.workspace.slug)
    raise AssertionError("settings are always mounted and seen by every role")


@login_required
def workspaces(request: HttpRequest) -> HttpResponse:
    """The user's workspaces, and a way to make one."""
    assert isinstance(request.user, User)
    return render(request, "accounts/workspace_list.html", {"items": memberships_of(request.user)})


@login_required
def workspace_create(request: HttpRequest) -> HttpResponse:
    """Make a workspace; its maker becomes the owner."""
    assert isinstance(request.user, User)
    form = WorkspaceCreateForm(request.POST or None, initial={"time_zone": request.user.time_zone or "UTC"})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        slug = data["slug"] or suggest_slug(data["name"])
        try:
            workspace = create_workspace(
                user=request.user,
                slug=slug,
                name=data["name"],
                time_zone=data["time_zone"],
                currency=data["currency"],
                gross_margin=data["gross_margin"],
                now=clock.now(),
                ip=client_address(request),
            )
        except AppError as error:
            if error.field == "slug" and not data["slug"]:
                # The address was ours, not theirs: show it, so that it can be changed.
                shown = request.POST.copy()
                shown["slug"] = slug
                form.data = shown
            form.add_error(error.field or None, error.message)
        else:
            url = reverse("workspace_home", args=[workspace.slug])
            return hx_redirect(request, url, toast=f"{workspace.name} is ready. Invite your team under Settings.")
    return render(request, "accounts/workspace_create.html", {"form": form}, status=422 if form.errors else 200)
