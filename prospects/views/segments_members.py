"""Who is on a list: added by lines or a file, from the people and companies lists, and taken off."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.actions import segments as actions
from prospects.actions.segments_lists import SHOWN, add_lines
from prospects.forms.companies import CompanyFilter
from prospects.forms.people import PersonFilter
from prospects.forms.segments import LinesForm, PickForm
from prospects.models import Segment
from prospects.queries.segments import rows_of
from prospects.views.listing import add_app_error, selected_ids, sheet_or_page


@member_view("segments.edit")
def segment_add(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """Put people or companies on a list by a file or lines; says which lines named nobody."""
    segment = get_object_or_404(Segment.objects.filter(kind=Segment.Kind.STATIC), pk=segment_id)
    form = LinesForm(request.POST or None, request.FILES or None)
    result = None
    if request.method == "POST" and form.is_valid():
        try:
            result = add_lines(segment=segment, rows=form.rows(), by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
    context = {"form": form, "segment": segment, "result": result, "shown": SHOWN, "nav_active": "segments"}
    return render_page(request, "prospects/segment_add.html", context, status=422 if form.errors else 200)


@member_view("segments.edit")
@require_POST
def segment_remove(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """Take the selected rows off a list."""
    segment = get_object_or_404(Segment.objects.all(), pk=segment_id)
    try:
        ids = [UUID(key) for key in selected_ids(request)]
        moved = actions.remove_members(segment=segment, ids=ids, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = f"{moved.changed} taken off {segment}." if moved.changed else "Nothing changed: they were not on the list."
    return hx_redirect(request, reverse("segment_detail", args=[request.workspace.slug, segment.pk]), toast=words)


@member_view("segments.edit")
@require_POST
def segment_pick(request: MemberRequest) -> HttpResponse:
    """Put the selected rows of the people or companies list, or (`all`) everybody its filter matches, on a list.

    Without `chosen` it asks for the list first, with the exact number on the button.
    """
    subject = request.POST.get("subject", "")
    if subject not in Segment.Subject.values:
        raise Http404("No such subject.")
    try:
        ids = _meant(request, subject)
    except AppError as error:
        return refusal(request, error)
    chosen = request.POST.get("chosen") == "1"
    form = PickForm(request.POST if chosen else None, subject=subject)
    if chosen and form.is_valid():
        by, now = actor_of(request), clock.now()
        try:
            segment = form.found.get(form.cleaned_data["segment"]) or actions.create_segment(
                by=by, now=now, name=form.cleaned_data["name"], kind=Segment.Kind.STATIC, subject=subject
            )
            moved = actions.add_members(segment=segment, ids=ids, by=by, now=now)
        except AppError as error:
            add_app_error(form, error)
        else:
            words = f"{moved.changed:,} put on {segment}." + (f" {moved.same:,} were on it." if moved.same else "")
            return hx_redirect(
                request, reverse("segment_detail", args=[request.workspace.slug, segment.pk]), toast=words
            )
    noun = "people" if subject == Segment.Subject.PEOPLE else "companies"
    if len(ids) == 1:
        noun = "person" if noun == "people" else "company"
    context: dict[str, Any] = {
        "form": form, "subject": subject, "button": f"Put {len(ids):,} {noun} on the list", "count": len(ids), "noun": noun,
        "selected": [] if request.POST.get("all") else ids, "query": request.POST.get("query", ""),
        "by_filter": bool(request.POST.get("all")), "nav_active": "segments",
        "back": reverse("person_list" if subject == Segment.Subject.PEOPLE else "company_list", args=[request.workspace.slug]),
    }  # fmt: skip
    return sheet_or_page(request, "prospects/segment_pick.html", context, status=422 if form.errors else 200)


def _meant(request: MemberRequest, subject: str) -> list[UUID]:
    """Raises Invalid where a filter cannot be read: one that is half understood would put strangers on the list."""
    if not request.POST.get("all"):
        return [UUID(key) for key in selected_ids(request)]
    query = QueryDict(request.POST.get("query", ""))
    filters: Any = (PersonFilter if subject == Segment.Subject.PEOPLE else CompanyFilter)(
        query, queryset=rows_of(subject), request=request
    )
    if filters.form.errors:
        name, messages = next(iter(filters.form.errors.items()))
        raise Invalid(f"The filter cannot be used: {name}: {messages[0]}", field="query")
    ids = list(filters.qs.order_by().values_list("pk", flat=True)[: actions.MAX_AT_ONCE + 1])
    if not ids:
        raise Invalid("Nobody matches the filter any more.", field="query")
    if len(ids) > actions.MAX_AT_ONCE:
        raise Invalid(
            f"More than {actions.MAX_AT_ONCE:,} match. Narrow the filter, or save it as a rule.", field="query"
        )
    return ids
