"""Settings, Record visibility: which roles see all records, their team's or their own."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.actions.workspaces import update_workspace
from accounts.forms.visibility import VisibilityForm
from accounts.queries.visibility import teams
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect


@member_view("workspace.edit")
def visibility_edit(request: MemberRequest) -> HttpResponse:
    """One choice a role; who is in which team stands beside it."""
    form = VisibilityForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        try:
            update_workspace(
                by=actor_of(request), workspace=request.workspace, now=clock.now(), visibility=form.setting()
            )
        except AppError as error:
            form.add_error(None, error.message)
        else:
            return hx_redirect(request, reverse("settings", args=[request.workspace.slug]), toast="Saved.")
    context = {"form": form, "teams": teams()}
    return render(request, "accounts/visibility_edit.html", context, status=422 if form.errors else 200)
