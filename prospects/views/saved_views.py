"""Views of the people and companies lists: tabs, saving, sharing, the one a list opens with, and its columns."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.permissions import member_allows
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal
from prospects.actions import saved_views as actions
from prospects.models import CustomField, SavedView
from prospects.queries import saved_views as queries
from prospects.queries.custom import definitions
from prospects.rules.columns import CUSTOM, DEFAULTS, MOST, Column, chosen, every
from prospects.views.listing import add_app_error, sheet_or_page

LISTS = {"people": "person_list", "companies": "company_list"}
ALL = "all"  # `?view=all` is the plain list, also for whom another opens first


@dataclass(slots=True)
class ListState:
    """How a list stands: which view is open, its columns, and the tabs above it."""

    subject: str
    view: SavedView | None
    columns: list[Column]
    fields: list[CustomField]
    tabs: list[dict[str, Any]]
    changed: bool
    mine: bool
    default: bool
    plain: str = f"?view={ALL}"

    def context(self) -> dict[str, Any]:
        heads = [{"label": self.head, "sort": "full_name" if self.subject == "people" else "name", "align": ""}]
        heads += [{"label": c.label, "sort": c.sort, "align": "end" if c.end else ""} for c in self.columns]
        return {
            "state": self,
            "heads": heads,
            "columns": self.columns,
            "active_view": str(self.view.pk) if self.view else ALL,
        }

    @property
    def head(self) -> str:
        return "Name"


def open_list(request: MemberRequest, subject: str) -> ListState | HttpResponse:
    """The state of a list for this request; a redirect where it was opened plain and the member chose a view for that."""
    choice = queries.choice_of(request.member, subject)
    shown = list(queries.views_of(request.member, subject))
    asked = request.GET.get("view", "")
    default = choice.view if choice is not None and choice.view in shown else None
    if default is not None and not request.GET:
        return HttpResponseRedirect(f"{request.path}?{queries.address(default)}")
    view = next((item for item in shown if str(item.pk) == asked), None)
    fields = definitions(subject)
    keys = (
        list(view.columns) if view is not None and view.columns else list(choice.columns) if choice is not None else []
    )
    tabs = [{"key": ALL, "label": f"All {subject}", "url": f"?view={ALL}"}]
    tabs += [{"key": str(item.pk), "label": item.name, "url": f"?{queries.address(item)}"} for item in shown]
    return ListState(
        subject=subject,
        view=view,
        columns=chosen(subject, keys, [(f.key, f.label, f.kind) for f in fields]),
        fields=fields,
        tabs=tabs,
        changed=view is not None and queries.is_changed(view, request.GET),
        mine=view is not None and view.owner_id == request.member.pk,
        default=view is not None and view == default,
    )


class ViewForm(forms.Form):
    """Name a view, share it, let the list open with it."""

    name = forms.CharField(max_length=60)
    is_shared = forms.BooleanField(required=False, label="Everybody in the workspace sees it")
    is_default = forms.BooleanField(required=False, label="My list opens with it")

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_share:
            del self.fields["is_shared"]


@member_view("views.edit")
def view_create(request: MemberRequest, kind: str) -> HttpResponse:
    """Save the list as it stands (`in`: its query string) under a name."""
    subject = _subject(kind)
    within = request.POST.get("in", "") or request.GET.get("in", "")
    form = ViewForm(request.POST or None, may_share=member_allows(request.member, "views.share"))
    if request.method == "POST" and form.is_valid():
        query = QueryDict(within)
        try:
            view = actions.create_view(
                by=actor_of(request), now=clock.now(), subject=subject, name=form.cleaned_data["name"], query=within,
                sort=query.get("sort", ""), columns=[c.key for c in _columns(request, subject, query.get("view", ""))],
                is_shared=form.cleaned_data.get("is_shared", False),
            )  # fmt: skip
        except AppError as error:
            add_app_error(form, error)
        else:
            if form.cleaned_data["is_default"]:
                actions.choose_default(member=request.member, subject=subject, view=view)
            return hx_redirect(
                request, f"{_list(request, subject)}?{queries.address(view)}", toast=f"View “{view}” is saved."
            )
    return _sheet(request, form, subject, None, within)


@member_view("views.edit")
def view_edit(request: MemberRequest, savedview_id: UUID) -> HttpResponse:
    """Rename a view, share it, let the list open with it."""
    view = _mine(request, savedview_id)
    default = queries.choice_of(request.member, view.subject)
    initial = {
        "name": view.name,
        "is_shared": view.is_shared,
        "is_default": default is not None and default.view == view,
    }
    form = ViewForm(request.POST or None, initial=initial, may_share=member_allows(request.member, "views.share"))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            actions.update_view(
                by=actor_of(request),
                now=clock.now(),
                view=view,
                name=data["name"],
                is_shared=data.get("is_shared", view.is_shared),
            )
        except AppError as error:
            add_app_error(form, error)
        else:
            if data["is_default"] != initial["is_default"]:
                actions.choose_default(
                    member=request.member, subject=view.subject, view=view if data["is_default"] else None
                )
            return hx_redirect(request, f"{_list(request, view.subject)}?{queries.address(view)}", toast="Saved.")
    return _sheet(request, form, view.subject, view, "")


@member_view("views.edit")
@require_POST
def view_update(request: MemberRequest, savedview_id: UUID) -> HttpResponse:
    """Keep the list as it stands now in the open view."""
    view = _mine(request, savedview_id)
    within = QueryDict(request.POST.get("in", ""))
    try:
        actions.update_view(
            by=actor_of(request), now=clock.now(), view=view, query=within.urlencode(), sort=within.get("sort", "")
        )
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(
        request, f"{_list(request, view.subject)}?{queries.address(view)}", toast=f"View “{view}” is saved."
    )


@member_view("views.edit")
@require_POST
def view_default(request: MemberRequest, savedview_id: UUID) -> HttpResponse:
    """Let my list open with this view; with `off` it opens plain again."""
    view = get_object_or_404(queries.views_of(request.member), pk=savedview_id)
    off = bool(request.POST.get("off"))
    actions.choose_default(member=request.member, subject=view.subject, view=None if off else view)
    words = "The list opens plain again." if off else f"Your list opens with “{view}” from now on."
    return hx_redirect(request, f"{_list(request, view.subject)}?{queries.address(view)}", toast=words)


@member_view("views.edit")
def view_delete(request: MemberRequest, savedview_id: UUID) -> HttpResponse:
    """Delete a view; the rows it showed stay."""
    view = _mine(request, savedview_id)
    back = f"{_list(request, view.subject)}?view={ALL}"
    if request.method == "POST":
        name = view.name
        actions.delete_view(by=actor_of(request), now=clock.now(), view=view)
        return hx_redirect(request, back, toast=f"View “{name}” is deleted.")
    return sheet_or_page(request, "prospects/view_delete.html", {"view": view, "back": back})


@member_view("views.edit")
def column_choose(request: MemberRequest, kind: str) -> HttpResponse:
    """Choose columns and their order: of the open view where it is mine, else my own for this list."""
    subject = _subject(kind)
    within = request.POST.get("in", "") or request.GET.get("in", "")
    view = queries.view_of(request.member, subject, QueryDict(within).get("view", ""))
    into = view if view is not None and view.owner_id == request.member.pk else None
    error = ""
    if request.method == "POST":
        keys = [] if request.POST.get("reset") else request.POST.getlist("columns")
        try:
            if into is not None:
                actions.update_view(by=actor_of(request), now=clock.now(), view=into, columns=keys)
            else:
                actions.choose_columns(member=request.member, subject=subject, columns=keys)
        except AppError as refused:
            error = refused.message
        else:
            words = f"The columns of “{into}” are saved." if into else "Your columns are saved."
            return hx_redirect(
                request, f"{_list(request, subject)}?{within}" if within else _list(request, subject), toast=words
            )
    shown = _columns(request, subject, str(view.pk) if view is not None else "")
    fields = definitions(subject)
    known = every(subject, [(f.key, f.label, f.kind) for f in fields])
    context = {
        "subject": subject, "within": within, "view": into, "foreign": view if into is None else None, "shown": shown,
        "others": [column for column in known if column not in shown], "most": MOST, "error": error,
        "back": f"{_list(request, subject)}?{within}", "custom": CUSTOM, "defaults": DEFAULTS[subject],
    }  # fmt: skip
    return sheet_or_page(request, "prospects/columns_choose.html", context, status=422 if error else 200)


def _columns(request: MemberRequest, subject: str, text: str) -> list[Column]:
    view = queries.view_of(request.member, subject, text) if text else None
    choice = queries.choice_of(request.member, subject)
    keys = (
        list(view.columns) if view is not None and view.columns else list(choice.columns) if choice is not None else []
    )
    return chosen(subject, keys, [(f.key, f.label, f.kind) for f in definitions(subject)])


def _subject(kind: str) -> str:
    if kind not in LISTS:
        raise Http404("No such list.")
    return kind


def _mine(request: MemberRequest, key: UUID) -> SavedView:
    """404 for a view this member cannot see; one that is shared with them answers 403 when they change it."""
    view = get_object_or_404(queries.views_of(request.member), pk=key)
    if view.owner_id != request.member.pk:
        from django.core.exceptions import PermissionDenied

        raise PermissionDenied(f"“{view}” is {view.owner or 'nobody'}'s. Save your own beside it.")
    return view


def _list(request: MemberRequest, subject: str) -> str:
    return reverse(LISTS[subject], args=[request.workspace.slug])


def _sheet(request: MemberRequest, form: Any, subject: str, view: SavedView | None, within: str) -> HttpResponse:
    url = _list(request, subject)
    context = {
        "form": form, "view": view, "subject": subject, "within": within,
        "back": f"{url}?{within}" if within else f"{url}?{urlencode({'view': ALL})}",
    }  # fmt: skip
    return sheet_or_page(request, "prospects/view_form.html", context, status=422 if form.errors else 200)
