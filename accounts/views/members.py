"""Members of a workspace: list, change, deactivate; leaving and handing the ownership over."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.actions.members import (
    change_role,
    deactivate_member,
    leave_workspace,
    reactivate_member,
    transfer_ownership,
    update_member,
)
from accounts.forms.members import MemberFilterForm, MemberForm, TransferForm
from accounts.models import Member
from accounts.queries.memberships import members_matching, open_invitations, possible_owners
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, render_page
from leadgen.core.pagination import Order, keyset

ORDERS = ("name", "role", "team", "created_at")


@member_view("members.view")
def member_list(request: MemberRequest) -> HttpResponse:
    """Who belongs to the workspace, and who is invited."""
    form = MemberFilterForm(request.GET)
    filters = form.cleaned_data if form.is_valid() else {}
    rows = members_matching(**filters)
    order = Order.parse(request.GET.get("sort") or "name", allowed=ORDERS)
    page = keyset(rows, order=order, cursor=request.GET.get("cursor", ""))
    total = rows.count()
    context = {
        "form": form,
        "members": page.rows,
        "total": total,
        "sort": str(order),
        "next_url": _with_cursor(request, page.next),
        "previous_url": _with_cursor(request, page.previous),
        "invitations": list(open_invitations()[:200]) if not page.previous else [],
        "now": clock.now(),
    }
    words = f"{total} member{'' if total == 1 else 's'}"
    return render_page(request, "accounts/member_list.html", context, partial="results", announce=words)


def _with_cursor(request: MemberRequest, cursor: str) -> str:
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}" if cursor else ""


@member_view("members.edit")
def member_edit(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Role, name, team and capacity of a member."""
    member = get_object_or_404(Member.objects.select_related("user"), pk=member_id)
    form = MemberForm(request.POST or None, member=member, by=request.member)
    if request.method == "POST" and form.is_valid():
        by, now, data = actor_of(request), clock.now(), form.cleaned_data
        try:
            change_role(by=by, member=member, role=data["role"], now=now)
            update_member(
                by=by, member=member, name=data["name"], team=data["team"], capacity=data["capacity"], now=now
            )
        except AppError as error:
            # The status below rolls back what the first of the two wrote.
            form.add_error(error.field or None, error.message)
        else:
            return hx_redirect(request, reverse("member_list", args=[request.workspace.slug]), toast="Saved.")
    return render(
        request, "accounts/member_edit.html", {"form": form, "person": member}, status=422 if form.errors else 200
    )


@member_view("members.edit")
@require_POST
def member_deactivate(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Take access away."""
    member = get_object_or_404(Member.objects.all(), pk=member_id)
    url = reverse("member_edit", args=[request.workspace.slug, member.pk])
    try:
        deactivate_member(by=actor_of(request), member=member, now=clock.now())
    except AppError as error:
        return hx_redirect(request, url, toast=error.message, tone="danger")
    return hx_redirect(
        request, url, toast=f"{member} has no access any more. What they own stays theirs until you move it."
    )


@member_view("members.edit")
@require_POST
def member_reactivate(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Let a former member in again."""
    member = get_object_or_404(Member.objects.all(), pk=member_id)
    url = reverse("member_edit", args=[request.workspace.slug, member.pk])
    try:
        reactivate_member(by=actor_of(request), member=member, now=clock.now())
    except AppError as error:
        return hx_redirect(request, url, toast=error.message, tone="danger")
    return hx_redirect(request, url, toast=f"{member} has access again.")


@member_view("workspace.view")
def workspace_leave(request: MemberRequest) -> HttpResponse:
    """End one's own membership, after a page that says what it means."""
    problem = ""
    if request.method == "POST":
        try:
            leave_workspace(by=actor_of(request), now=clock.now())
        except AppError as error:
            problem = error.message
        else:
            return hx_redirect(request, reverse("workspaces"), toast=f"You left {request.workspace.name}.")
    return render(request, "accounts/workspace_leave.html", {"problem": problem}, status=403 if problem else 200)


@member_view("workspace.transfer")
def workspace_transfer(request: MemberRequest) -> HttpResponse:
    """Hand the ownership to another member; the workspace's address is typed to confirm."""
    candidates = possible_owners(request.member)
    form = TransferForm(request.POST or None, members=candidates, slug=request.workspace.slug)
    if request.method == "POST" and form.is_valid():
        to = get_object_or_404(Member.objects.all(), pk=form.cleaned_data["to"])
        try:
            transfer_ownership(by=actor_of(request), to=to, now=clock.now())
        except AppError as error:
            form.add_error(error.field or None, error.message)
        else:
            url = reverse("settings", args=[request.workspace.slug])
            return hx_redirect(request, url, toast=f"{to} owns {request.workspace.name} now. You are an admin.")
    context = {"form": form, "candidates": candidates}
    return render(request, "accounts/workspace_transfer.html", context, status=422 if form.errors else 200)
