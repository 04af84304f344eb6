"""Acts on many rows: asked from a list, counted first, done at once or in the background, told in a report."""

import json
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Conflict, Invalid
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.actions import bulk as actions
from prospects.actions.segments import create_segment
from prospects.actions.tags import tags_named
from prospects.forms.bulk import BulkForm
from prospects.forms.companies import CompanyFilter
from prospects.forms.people import PersonFilter
from prospects.forms.tags import split_names
from prospects.models import BulkAct, Segment
from prospects.queries.segments import rows_of
from prospects.queries.tags import vocabulary
from prospects.views.listing import add_app_error, selected_ids, sheet_or_page
from prospects.views.saved_views import LISTS

ASKED = ("assign", "tag", "field", "list", "verify")
TITLES = {"assign": "Assign", "tag": "Tag", "field": "Set a field", "list": "Put on a list", "verify": "Verify e-mail"}
WORKING = (BulkAct.State.WAITING, BulkAct.State.RUNNING)


@member_view("bulk.run")
@require_POST
def bulk_ask(request: MemberRequest, kind: str) -> HttpResponse:
    """What an act would do to the selected rows, or (`all`) to all that match: counted, then done with `confirmed`."""
    if kind not in LISTS:
        raise Http404("No such list.")
    what = request.POST.get("act", "")
    if what not in ASKED:
        raise Http404("No such act.")
    try:
        rows, query = _meant(request, kind)
    except AppError as error:
        return refusal(request, error)
    # Where there is nothing to fill in it is counted at once.
    asked = request.POST.get("asked") == "1" or what == BulkAct.Kind.VERIFY
    form = BulkForm(request.POST if asked else None, kind=what, subject=kind)
    plan = None
    if asked and form.is_valid():
        try:
            # Confirmed is what was counted: with other values in the form it is counted again first.
            confirmed = request.POST.get("confirmed") and request.POST.get("counted", _told(form)) == _told(form)
            done_kind, params, fresh = _params(request, form, kind, what, create=bool(confirmed))
            if confirmed:
                expected = request.POST.get("expected", "")
                act = actions.start_bulk(
                    by=actor_of(request), now=clock.now(), subject=kind, kind=done_kind, params=params, rows=rows, query=query,
                    expected=int(expected) if expected.isdigit() else None,
                )  # fmt: skip
                return _done(request, act)
            plan = _plan(kind, done_kind, params, rows, fresh)
        except Conflict as error:
            form.add_error(None, error.message)
            if error.code == "count_changed":
                plan = _plan(kind, done_kind, params, rows, fresh)
        except AppError as error:
            add_app_error(form, error)
    count = plan.total if plan is not None else rows.order_by().count()
    context: dict[str, Any] = {
        "form": form, "plan": plan, "kind": kind, "act": what, "title": TITLES[what], "count": count,
        "noun": _noun(kind, count), "by_filter": bool(query or request.POST.get("all")), "query": request.POST.get("query", ""),
        "selected": [] if request.POST.get("all") else request.POST.getlist("selected"), "back": _back(request, kind),
        "button": f"{TITLES[what]}: {plan.eligible:,} {_noun(kind, plan.eligible)}" if plan is not None else "",
        "counted": _told(form) if plan is not None else "",
        "large": plan is not None and plan.total > actions.AT_ONCE,
    }  # fmt: skip
    return sheet_or_page(request, "prospects/bulk_ask.html", context, status=422 if form.errors else 200)


@member_view("bulk.view")
def bulk_list(request: MemberRequest) -> HttpResponse:
    """Acts on many rows, the latest first."""
    rows = BulkAct.objects.select_related("member")
    try:
        page = keyset(rows, order=Order("created_at", descending=True), cursor=request.GET.get("cursor", ""))
    except AppError as error:
        return refusal(request, error)
    context = {"page": page, "back": reverse("settings", args=[request.workspace.slug])}
    return render_page(request, "prospects/bulk_list.html", context, partial="results")


@member_view("bulk.view")
def bulk_detail(request: MemberRequest, bulkact_id: UUID) -> HttpResponse:
    """How far an act is, or its report."""
    act = get_object_or_404(BulkAct.objects.select_related("member"), pk=bulkact_id)
    return render(request, "prospects/bulk_detail.html", _context(request, act))


@member_view("bulk.view")
def bulk_progress(request: MemberRequest, bulkact_id: UUID) -> HttpResponse:
    """Asked for each second while it works; then the whole page."""
    act = get_object_or_404(BulkAct.objects.select_related("member"), pk=bulkact_id)
    if act.state not in WORKING:
        return hx_redirect(request, reverse("bulk_detail", args=[request.workspace.slug, act.pk]))
    return render(request, "prospects/bulk_detail.html#progress", _context(request, act))


@member_view("bulk.run")
@require_POST
def bulk_cancel(request: MemberRequest, bulkact_id: UUID) -> HttpResponse:
    """Stop before the next thousand; what was done stays."""
    act = get_object_or_404(BulkAct.objects.all(), pk=bulkact_id)
    try:
        actions.cancel_bulk(by=actor_of(request), now=clock.now(), act=act)
    except AppError as error:
        return refusal(request, error)
    url = reverse("bulk_detail", args=[request.workspace.slug, act.pk])
    return hx_redirect(request, url, toast=f"Stopped. {actions.left_of(act):,} were not reached.")


def _meant(request: MemberRequest, subject: str) -> tuple[Any, str]:
    """(rows, query). Raises Invalid where a filter cannot be read: half understood, it would reach strangers."""
    if not request.POST.get("all"):
        return actions.rows_asked(subject, [UUID(key) for key in selected_ids(request)]), ""
    text = request.POST.get("query", "")
    filters: Any = (PersonFilter if subject == "people" else CompanyFilter)(
        QueryDict(text), queryset=rows_of(subject), request=request
    )
    if filters.form.errors:
        name, messages = next(iter(filters.form.errors.items()))
        raise Invalid(f"The filter cannot be used: {name}: {messages[0]}", field="query")
    return filters.qs, text


def _told(form: BulkForm) -> str:
    """What the form asks for, to compare it with what was counted."""
    return json.dumps(form.cleaned_data, sort_keys=True, default=str)


def _plan(subject: str, kind: str, params: dict[str, Any], rows: Any, fresh: bool) -> actions.BulkPlan:
    """Counted. A tag or list that is not there before it is confirmed nobody has yet."""
    if fresh:
        total = rows.order_by().count()
        return actions.BulkPlan(total, total, 0)
    return actions.plan_bulk(subject=subject, kind=kind, params=params, rows=rows)


def _params(
    request: MemberRequest, form: BulkForm, subject: str, what: str, *, create: bool
) -> tuple[str, dict[str, Any], bool]:  # fmt: skip
    """(kind, params, whether a new tag or list is named); with `create` that is made."""
    params, kind, data = form.params(), what, form.cleaned_data
    by, now = actor_of(request), clock.now()
    fresh = False
    if what == "tag":
        names = split_names(data["new"])
        if data["untag"]:
            kind = BulkAct.Kind.UNTAG
        known = {tag.name.casefold() for tag in vocabulary()}
        fresh = not data["untag"] and any(name.casefold() not in known for name in names)
        if names and (create or not fresh):
            params["tags"] += [str(tag.pk) for tag in tags_named(names, by=by, now=now, create=create and fresh)]
    if what == "list" and data["name"]:
        if params["segment"]:
            raise Invalid("Choose a list or name a new one, not both.", field="name")
        found = Segment.objects.filter(name=" ".join(data["name"].split()), kind="static", subject=subject).first()
        fresh = found is None
        if found is None and create:
            found = create_segment(by=by, now=now, name=data["name"], kind=Segment.Kind.STATIC, subject=subject)
        params["segment"] = str(found.pk) if found is not None else None
    return kind, params, fresh


def _done(request: MemberRequest, act: BulkAct) -> HttpResponse:
    if act.state in WORKING:
        url = reverse("bulk_detail", args=[request.workspace.slug, act.pk])
        return hx_redirect(request, url, toast=f"{act.total:,} are done in the background.")
    blocked = sum(act.blocked.values())
    words = f"{act.words}: {act.changed:,} {_noun(act.subject, act.changed)}." if act.changed else "Nothing changed."
    if act.same:
        words += f" {act.same:,} had it already."
    if act.kind == BulkAct.Kind.VERIFY and act.changed:
        words += " A worker looks within a minute."
    if blocked:
        words += f" {blocked:,} left out: {', '.join(act.blocked)}."
    return hx_redirect(request, _back(request, act.subject), toast=words)


def _context(request: MemberRequest, act: BulkAct) -> dict[str, Any]:
    blocked = sum(act.blocked.values())
    query = act.query
    return {
        "act": act, "working": act.state in WORKING, "noun": _noun(act.subject, act.total), "left": actions.left_of(act),
        "done": act.changed + act.same + blocked, "blocked": blocked, "reasons": sorted(act.blocked.items()),
        "back": reverse("bulk_list", args=[request.workspace.slug]),
        "list_url": f"{reverse(LISTS[act.subject], args=[request.workspace.slug])}?{query or 'view=all'}",
        "noun_detail": "person_detail" if act.subject == "people" else "company_detail",
    }  # fmt: skip


def _back(request: MemberRequest, subject: str) -> str:
    url = reverse(LISTS[subject], args=[request.workspace.slug])
    return f"{url}?{request.POST['query']}" if request.POST.get("query") else f"{url}?view=all"


def _noun(subject: str, count: int) -> str:
    return ("person" if count == 1 else "people") if subject == "people" else ("company" if count == 1 else "companies")
