"""Pages of segments: list, page with members, builder with its live count, history, archive and deletion."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, is_htmx, refusal, render_page
from prospects.actions import segments as actions
from prospects.forms.companies import CompanyFilter
from prospects.forms.people import PersonFilter
from prospects.forms.segments import SegmentFilterForm, SegmentForm
from prospects.forms.segments_rule import Draft
from prospects.models import Segment, SegmentSnapshot, SignalTrigger, Stage
from prospects.queries import companies, people
from prospects.queries import segments as queries
from prospects.queries.segments_coverage import cover, coverage, personas_of_primary
from prospects.queries.segments_history import chart_of, moves
from prospects.queries.suppressions import is_suppressed
from prospects.queries.territories import COMPANIES, rows_in
from prospects.rules.segments import Measure
from prospects.views.listing import add_app_error, sheet_or_page


@member_view("segments.view")
def segment_list(request: MemberRequest) -> HttpResponse:
    """Every segment by name; `?archived=1` those out of use."""
    form = SegmentFilterForm(request.GET)
    data = form.cleaned_data if form.is_valid() else {}
    archived = request.GET.get("archived") == "1"
    rows: list[Any] = list(
        queries.listed(
            subject=data.get("subject", ""), kind=data.get("kind", ""), text=data.get("q", ""), archived=archived
        ).order_by("name")[:500]
    )
    for segment in rows:
        segment.x_words, segment.count = actions.words_of(segment), queries.count_of(segment)
    context = {
        "form": form, "segments": rows, "archived": archived, "filtered": any(data.values()),
        "has_archived": Segment.objects.filter(is_archived=True).exists(),
    }  # fmt: skip
    words = f"{len(rows)} segment{'' if len(rows) == 1 else 's'}"
    return render_page(request, "prospects/segment_list.html", context, partial="results", announce=words)


@member_view("segments.edit")
def segment_create(request: MemberRequest) -> HttpResponse:
    """A new rule or list (`?kind=`, `?subject=`); POST `do` only redraws the rule (without JavaScript)."""
    data = request.POST if request.method == "POST" else request.GET
    kind = data.get("kind") if data.get("kind") in Segment.Kind.values else Segment.Kind.DYNAMIC
    subject = data.get("subject") if data.get("subject") in Segment.Subject.values else Segment.Subject.PEOPLE
    draft, form = _posted(request, str(subject), {})
    if request.method == "POST" and not request.POST.get("do") and form.is_valid():
        try:
            rule = draft.rule() if kind == Segment.Kind.DYNAMIC else None
            segment = actions.create_segment(
                by=actor_of(request), now=clock.now(), kind=str(kind), subject=str(subject), rule=rule,
                **form.cleaned_data,
            )  # fmt: skip
        except AppError as error:
            _place(form, draft, error)
        else:
            return hx_redirect(request, _url(request, segment), toast=f"{segment} is made.")
    return _builder(request, form, draft, kind=str(kind), segment=None)


@member_view("segments.edit")
def segment_edit(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """Change name, description and rule."""
    segment = get_object_or_404(Segment.objects.all(), pk=segment_id)
    try:
        draft, form = _posted(
            request, segment.subject, segment.rule, {"name": segment.name, "description": segment.description}
        )
    except Invalid:
        # A field is gone from the language: begin anew, and the page says what stood there.
        draft, form = _posted(request, segment.subject, {}, {"name": segment.name, "description": segment.description})
    if request.method == "POST" and not request.POST.get("do") and form.is_valid():
        try:
            changes = form.cleaned_data | ({"rule": draft.rule()} if segment.is_dynamic else {})
            actions.update_segment(segment=segment, by=actor_of(request), now=clock.now(), changes=changes)
        except AppError as error:
            _place(form, draft, error)
        else:
            return hx_redirect(request, _url(request, segment), toast="Saved.")
    return _builder(request, form, draft, kind=segment.kind, segment=segment)


@member_view("segments.edit")
@require_POST
def segment_rule(request: MemberRequest) -> HttpResponse:
    """The rule drawn anew after a button or a choice (`do`)."""
    subject = request.POST.get("subject", "")
    if subject not in Segment.Subject.values:
        raise Http404("No such subject.")
    draft = Draft.of_post(subject, request.POST)
    draft.act(request.POST.get("do", ""), request.POST)
    response = render(request, "prospects/segment_rule.html", {"draft": draft})
    response["HX-Trigger-After-Settle"] = "rule-changed"
    return response


@member_view("segments.view")
@require_POST
def segment_measure(request: MemberRequest) -> HttpResponse:
    """How many the rule on the screen matches, and a few of them; `?exact=1` the exact number after an estimate."""
    subject = request.POST.get("subject", "")
    if subject not in Segment.Subject.values:
        raise Http404("No such subject.")
    draft = Draft.of_post(subject, request.POST)
    now = clock.now()
    try:
        rule = draft.rule(complete=False)
        rows = queries.matching(subject, rule, now=now)
    except AppError as error:
        return render(request, "prospects/segment_measure.html", {"problem": error.message})
    context: dict[str, Any] = {
        "noun": "people" if subject == Segment.Subject.PEOPLE else "companies", "subject": subject,
        "broken": len(draft.errors) if not draft.is_blank else 0, "url": request.path, "include": "#segment-form",
        "everybody": rule == {"all": []},
    }  # fmt: skip
    if request.GET.get("exact"):
        return _exact(request, rows, context, by_post=True)
    measured = queries.measure(rows)
    if request.POST.get("companies_too"):  # a territory's rule is asked of companies as well
        context["companies"] = queries.measure(rows_in(rule, COMPANIES, now))
    context |= {"measure": measured, "samples": queries.sample_rows(subject, rows), "by_post": True}
    words = f"{measured} {context['noun']} match"
    return render_page(request, "prospects/segment_measure.html", context, partial="measure", announce=words)


@member_view("segments.view")
def segment_count(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """How many are in it now; `?exact=1` the exact number after an estimate."""
    segment = get_object_or_404(Segment.objects.all(), pk=segment_id)
    try:
        rows = queries.members_of(segment, now=clock.now())
    except AppError as error:
        return render(request, "prospects/segment_measure.html", {"problem": error.message})
    context: dict[str, Any] = {"noun": segment.noun, "url": request.path}
    if request.GET.get("exact"):
        return _exact(request, rows, context)
    return render(request, "prospects/segment_measure.html#figure", context | {"measure": queries.measure(rows)})


def _exact(request: MemberRequest, rows: Any, context: dict[str, Any], *, by_post: bool = False) -> HttpResponse:
    """One long count at a time and member: who types on does not leave a queue of them behind in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 5))", [str(request.member.pk)])
        free = cursor.fetchone()[0]
    found: Measure | None = queries.exactly(rows) if free else None
    context |= {"measure": found, "busy": not free, "gave_up": free and found is None, "by_post": by_post}
    return render(request, "prospects/segment_measure.html#figure", context)


@member_view("segments.view")
def segment_detail(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """Who is in it, filtered, in keyset pages; a list of companies with its coverage."""
    segment = get_object_or_404(queries.with_seen(Segment.objects.select_related("owner")), pk=segment_id)
    segment.count = queries.count_of(segment)
    now = clock.now()
    filters: Any = (PersonFilter if segment.of_people else CompanyFilter)(
        request.GET, queryset=queries.rows_of(segment.subject), request=request
    )
    query = request.GET.copy()
    query.pop("cursor", None)
    problem = ""
    try:
        members = queries.member_page(
            segment, now=now, cursor=request.GET.get("cursor", ""), show=_shown(segment),
            narrow=(lambda rows: _narrowed(filters, rows)) if filters.chips() else None,
        )  # fmt: skip
    except Invalid as error:
        if error.field == "cursor":
            return refusal(request, error)
        members, problem = queries.Members(queries.NOBODY), error.message
    rows = members.page.rows
    if segment.of_people:
        suppressed = is_suppressed(person.email for person in rows)
        for person in rows:
            person.x_suppressed = person.email in suppressed
            person.x_stage = Stage(person.x_lead_stage).label if person.x_lead_stage else ""
    chips = filters.chips()
    in_list = f"?{urlencode({'segment': segment.pk})}"
    context: dict[str, Any] = {
        "segment": segment, "members": members, "rows": rows, "form": filters.offer_owners(), "chips": chips,
        "words": actions.words_of(segment), "problem": problem, "nav_active": "segments",
        "chart": chart_of(segment), "query": urlencode(query),
        "list_url": reverse("person_list" if segment.of_people else "company_list", args=[request.workspace.slug]) + in_list,
        "people_url": reverse("person_list", args=[request.workspace.slug]) + in_list,
        "enrol_query": f"?{urlencode({'segment': segment.pk})}",
    }  # fmt: skip
    if not segment.of_people and not segment.is_dynamic:
        personas = [part.label for part in personas_of_primary()]
        context["covers"] = [
            {"company": item.company, "people": item.people, "engaged": item.engaged, "in_sequence": item.in_sequence,
             "open_deals": item.open_deals, "roles": list(zip(personas, item.personas, strict=True))}
            for item in cover(rows, now=now)
        ]  # fmt: skip
        context["cover_columns"] = _cover_columns(personas)
        if not is_htmx(request):
            context["coverage"] = coverage(queries.stored(segment), now=now)
    return render_page(request, "prospects/segment_detail.html", context, partial="results")


@member_view("segments.view")
def segment_history(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """How many on each day, and who entered and left (`?only=entered` or `left`)."""
    segment = get_object_or_404(Segment.objects.all(), pk=segment_id)
    only = request.GET.get("only", "")
    try:
        page = moves(segment, only=only, cursor=request.GET.get("cursor", ""))
    except Invalid as error:
        return refusal(request, error)
    context = {
        "segment": segment, "page": page, "only": only, "chart": chart_of(segment), "nav_active": "segments",
        "days": list(SegmentSnapshot.objects.filter(segment=segment).order_by("-on")[:14]),
    }  # fmt: skip
    return render_page(request, "prospects/segment_history.html", context, partial="results")


@member_view("segments.edit")
@require_POST
def segment_refresh(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """Let the worker look at everybody now."""
    segment = get_object_or_404(Segment.objects.all(), pk=segment_id)
    actions.ring(segment, clock.now())
    return hx_redirect(request, _url(request, segment), toast="A worker looks at everybody now. Reload in a moment.")


@member_view("segments.edit")
@require_POST
def segment_archive(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """Take a segment out of use, or (POST `restore`) back into it."""
    segment = get_object_or_404(Segment.objects.all(), pk=segment_id)
    gone = not request.POST.get("restore")
    actions.update_segment(segment=segment, by=actor_of(request), now=clock.now(), changes={"is_archived": gone})
    return hx_redirect(request, _url(request, segment), toast=f"{segment} is {'archived' if gone else 'in use again'}.")


@member_view("segments.delete")
def segment_delete(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """Delete a segment, after saying what goes and what stays."""
    segment = get_object_or_404(Segment.objects.all(), pk=segment_id)
    if request.method == "POST":
        name = segment.name
        actions.delete_segment(segment=segment, by=actor_of(request), now=clock.now())
        return hx_redirect(request, reverse("segment_list", args=[request.workspace.slug]), toast=f"{name} is deleted.")
    triggers = list(SignalTrigger.objects.filter(segment=segment).order_by("name").values_list("name", flat=True))
    return sheet_or_page(request, "prospects/segment_delete.html", {"segment": segment, "triggers": triggers})


def _posted(
    request: MemberRequest, subject: str, rule: Any, initial: dict[str, Any] | None = None
) -> tuple[Draft, SegmentForm]:
    if request.method != "POST":
        draft = Draft.of_rule(subject, rule)
        if draft.is_blank:
            draft.act("add:r", {})
        return draft, SegmentForm(initial=initial)
    draft = Draft.of_post(subject, request.POST)
    if request.POST.get("do"):
        draft.act(request.POST["do"], request.POST)
        return draft, SegmentForm(initial={name: request.POST.get(name, "") for name in ("name", "description")})
    return draft, SegmentForm(request.POST)


def _place(form: SegmentForm, draft: Draft, error: AppError) -> None:
    """A refusal at its field; what is wrong with the rule stands at its row already."""
    if error.code == "rule_invalid" and draft.errors:
        form.add_error(None, "The rule is not complete: see the rows marked below.")
        return
    add_app_error(form, error)


def _builder(
    request: MemberRequest, form: SegmentForm, draft: Draft, *, kind: str, segment: Segment | None
) -> HttpResponse:
    status = 422 if form.errors else 200
    context = {
        "form": form, "draft": draft, "kind": kind, "subject": draft.subject, "segment": segment, "nav_active": "segments",
        "noun": "people" if draft.subject == Segment.Subject.PEOPLE else "companies",
        "back": _url(request, segment) if segment else reverse("segment_list", args=[request.workspace.slug]),
    }  # fmt: skip
    return render(request, "prospects/segment_form.html", context, status=status)


def _narrowed(filters: Any, rows: Any) -> Any:
    """The filters of the list pages over the members."""
    if not filters.form.is_valid():
        return rows
    for name, value in filters.form.cleaned_data.items():
        rows = filters.filters[name].filter(rows, value)
    return rows


def _shown(segment: Segment) -> Any:
    if segment.of_people:
        return lambda rows: people.with_fields(rows).select_related("owner", "company")
    return lambda rows: companies.with_fit(rows).select_related("owner")


def _cover_columns(personas: list[str]) -> list[dict[str, str]]:
    """The columns of a target-account list: one for each persona."""
    counted = ["Fit", "People", *personas, "Engaged", "In sequence", "Open deals"]
    return [{"label": "Company"}, *({"label": label, "align": "end"} for label in counted), {"label": "Owner"}]


def _url(request: MemberRequest, segment: Segment) -> str:
    return reverse("segment_detail", args=[request.workspace.slug, segment.pk])
