"""Duplicates: pairs to review, two rows side by side, many at once, and the merges that were done."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.counts import count_up_to
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.actions.duplicates import dismiss, reconsider
from prospects.actions.merges import MOST_AT_ONCE, merge_all, merge_rows, warnings_of
from prospects.actions.merges_rows import NOUNS, count_rows
from prospects.actions.merges_undo import undo_merge, why_not
from prospects.forms.duplicates import BulkForm, PairFilterForm, draft_of
from prospects.models import Merge
from prospects.queries.duplicates import PEOPLE, Subject, look_alikes, open_pairs, subject_of
from prospects.queries.merges import bulk_plan, choices, is_mine, keep_first, load_row, merged_into, merges
from prospects.queries.visibility import hidden, owner_words
from prospects.rules import duplicates as rules
from prospects.views.duplicates_show import counted, field_rows, person_line, tabs_of
from prospects.views.listing import selected_ids

TONES = {"high": "primary", "medium": "neutral", "low": "neutral"}


@member_view("duplicates.view")
def duplicate_list(request: MemberRequest, kind: str) -> HttpResponse:
    """Pairs to review, the likeliest first; or those that were said to be two."""
    subject = _subject(kind)
    form = PairFilterForm(request.GET)
    data = form.cleaned_data if form.is_valid() else {}
    rows = open_pairs(subject).filter(state=data.get("state") or "open")
    low, high = {"high": (rules.HIGH, 100), "medium": (rules.MEDIUM, rules.HIGH - 1), "low": (0, rules.MEDIUM - 1)}.get(
        data.get("band", ""), (0, 100)
    )
    rows = rows.filter(score__gte=low, score__lte=high)
    try:
        page = keyset(rows, order=Order("score", descending=True), cursor=request.GET.get("cursor", ""), size=25)
    except AppError as error:
        return refusal(request, error)
    unseen = hidden([row for pair in page.rows for row in (pair.first, pair.second)])
    for pair in page.rows:
        pair.x_reasons = rules.in_words(pair.reasons)
        pair.x_band = rules.band(pair.score)
        pair.x_tone = TONES[pair.x_band]
        pair.x_lines = [person_line(row, request.member, unseen=row.pk in unseen) for row in (pair.first, pair.second)]
        pair.x_whole = not unseen & {pair.first_id, pair.second_id}
        pair.x_url = _pair_url(request, subject, pair, "review")
        pair.x_dismiss_url = _pair_url(request, subject, pair, "dismiss")
        pair.x_reopen_url = _pair_url(request, subject, pair, "reopen")
    count = count_up_to(rows)
    context = {
        "form": form, "pairs": page.rows, "page": page, "count": count, "subject": subject,
        "tabs": tabs_of(request.workspace.slug), "tab": subject.kind, "filtered": bool(data.get("band") or data.get("state")),
    }  # fmt: skip
    return render_page(
        request, "prospects/duplicate_list.html", context, partial="results", announce=f"{count} pairs to review"
    )


@member_view("duplicates.view", post="duplicates.merge")
def duplicate_review(
    request: MemberRequest, kind: str, personpair_id: UUID | None = None, companypair_id: UUID | None = None
) -> HttpResponse:
    """Two rows side by side: what stays of each, what moves; posting merges."""
    subject = _subject(kind)
    pair = get_object_or_404(open_pairs(subject), pk=personpair_id or companypair_id)
    if hidden([pair.first, pair.second]):
        return _half_seen(request, subject, pair)
    return _side_by_side(request, subject, pair.first, pair.second, pair)


@member_view("duplicates.view", post="duplicates.merge")
def duplicate_compare(request: MemberRequest, kind: str) -> HttpResponse:
    """Any two rows side by side (`?one=<id>&other=<id>`, or the two `selected` in a list), also where nothing proposed them."""
    subject = _subject(kind)
    if "selected" in request.POST:
        try:
            chosen = selected_ids(request)
            if len(chosen) != 2:
                raise Invalid(f"Select exactly two to merge; {len(chosen)} are selected.", field="selected")
        except AppError as error:
            return refusal(request, error)
        return redirect(f"{request.path}?{urlencode({'one': chosen[0], 'other': chosen[1]})}")
    try:
        keys = [UUID(request.GET.get(name, "")) for name in ("one", "other")]
    except ValueError as error:
        raise Http404("Two rows are compared by their ids.") from error
    rows = [load_row(subject, key) for key in keys]
    if None in rows or keys[0] == keys[1]:
        raise Http404("Two rows are compared by their ids.")
    return _side_by_side(request, subject, rows[0], rows[1], None)


def _half_seen(request: MemberRequest, subject: Subject, pair: Any) -> HttpResponse:
    """One of the two is somebody else's: that there is a match and whom to ask, none of its fields. Posting is refused."""
    rows = [pair.first, pair.second]
    unseen = hidden(rows)
    context = {
        "subject": subject, "band": rules.band(pair.score), "reasons": rules.in_words(pair.reasons),
        "lines": [person_line(row, request.member, unseen=row.pk in unseen) for row in rows],
        "owners": ", ".join(sorted({owner_words(row) for row in rows if row.pk in unseen})),
        "list_url": reverse("duplicate_list", args=[request.workspace.slug, subject.kind]),
    }  # fmt: skip
    return render(request, "prospects/duplicate_half.html", context, status=403 if request.method == "POST" else 200)


def _side_by_side(request: MemberRequest, subject: Subject, one: Any, other: Any, pair: Any) -> HttpResponse:
    kept, gone = keep_first(subject, one, other)
    wanted = request.POST.get("keep") or request.GET.get("keep")
    if wanted == str(gone.pk):
        kept, gone = gone, kept
    asked = choices(subject, kept, gone)
    problem = ""
    if request.method == "POST":
        chosen = {
            choice.name: request.POST[f"f-{choice.name}"] for choice in asked if f"f-{choice.name}" in request.POST
        }
        try:
            merge = merge_rows(
                subject=subject, kept=kept, gone=gone, by=actor_of(request), now=clock.now(), chosen=chosen
            )
        except AppError as error:
            problem = error.message
        else:
            url = reverse("merge_detail", args=[request.workspace.slug, merge.pk])
            return hx_redirect(request, url, toast=f"{merge.gone_label} is part of {merge.kept_label} now.")
    rows = field_rows(subject, kept, gone, asked)
    context = {
        "subject": subject, "pair": pair, "kept": kept, "gone": gone, "problem": problem,
        "kept_line": person_line(kept, request.member), "gone_line": person_line(gone, request.member),
        "differing": [row for row in rows if row["differs"]], "same": [row for row in rows if not row["differs"] and row["kept"]],
        "moves": counted(count_rows(subject.model, gone.pk).items()), "has": counted(count_rows(subject.model, kept.pk).items()),
        "warnings": warnings_of(subject, kept, gone, now=clock.now()),
        "may": is_mine(request.member, kept) and is_mine(request.member, gone),
        "reasons": rules.in_words(pair.reasons) if pair else [], "band": rules.band(pair.score) if pair else "",
        "list_url": reverse("duplicate_list", args=[request.workspace.slug, subject.kind]),
        "swap_url": f"{request.path}?{_query(request, gone)}",
        "dismiss_url": _pair_url(request, subject, pair, "dismiss") if pair and pair.state == "open" else "",
        "kept_url": _row_url(request, subject, kept), "gone_url": _row_url(request, subject, gone),
    }  # fmt: skip
    return render(request, "prospects/duplicate_review.html", context, status=409 if problem else 200)


@member_view("duplicates.edit")
@require_POST
def duplicate_dismiss(
    request: MemberRequest, kind: str, personpair_id: UUID | None = None, companypair_id: UUID | None = None
) -> HttpResponse:
    """Not a duplicate: remembered."""
    subject = _subject(kind)
    pair = get_object_or_404(open_pairs(subject), pk=personpair_id or companypair_id)
    try:
        dismiss(pair=pair, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    url = reverse("duplicate_list", args=[request.workspace.slug, subject.kind])
    return hx_redirect(request, url, toast=f"{pair.first} and {pair.second} are two; nobody is asked again.")


@member_view("duplicates.edit")
@require_POST
def duplicate_reopen(
    request: MemberRequest, kind: str, personpair_id: UUID | None = None, companypair_id: UUID | None = None
) -> HttpResponse:
    """Take "not a duplicate" back."""
    subject = _subject(kind)
    pair = get_object_or_404(open_pairs(subject), pk=personpair_id or companypair_id)
    try:
        reconsider(pair=pair, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _pair_url(request, subject, pair, "review"), toast="To be reviewed again.")


@member_view("duplicates.bulk")
def duplicate_bulk(request: MemberRequest, kind: str) -> HttpResponse:
    """Merge all pairs above a confidence: first the exact numbers, then the act."""
    subject = _subject(kind)
    form = BulkForm(request.POST or request.GET or None)
    least = form.cleaned_data["least"] if form.is_bound and form.is_valid() else rules.HIGH
    plan = bulk_plan(subject, least, request.member)
    if request.method == "POST":
        try:
            if request.POST.get("expected") != str(plan.merges):
                raise Invalid(f"There are {plan.merges} to merge now, not what the page showed. Look again.")
            done = merge_all(subject=subject, least=least, by=actor_of(request), now=clock.now())
        except AppError as error:
            return refusal(request, error)
        url = reverse("merge_list", args=[request.workspace.slug])
        return hx_redirect(
            request, url, toast=f"{done.merged} merged{f', {done.refused} refused' if done.refused else ''}."
        )
    context = {
        "subject": subject, "form": form if form.is_bound else BulkForm(initial={"least": rules.HIGH}), "plan": plan,
        "least": least, "now_count": min(plan.merges, MOST_AT_ONCE), "most": MOST_AT_ONCE,
        "list_url": reverse("duplicate_list", args=[request.workspace.slug, subject.kind]),
    }  # fmt: skip
    return render_page(
        request, "prospects/duplicate_bulk.html", context, partial="plan", announce=f"{plan.merges} merges"
    )


@member_view("duplicates.view")
def duplicate_check(request: MemberRequest, kind: str) -> HttpResponse:
    """Whom a form that is being filled in looks like: a fragment for the add and edit pages."""
    subject = _subject(kind)
    facts, but = draft_of(subject, request.GET)
    found = look_alikes(subject, facts, but=but)
    shown = [
        {"line": person_line(like.row, request.member, unseen=like.hidden), "reasons": like.reasons, "band": like.band,
         "url": "" if like.hidden else _row_url(request, subject, like.row)}
        for like in found
    ]  # fmt: skip
    return render(request, "prospects/duplicate_check.html", {"found": shown, "subject": subject})


@member_view("duplicates.view")
def merge_list(request: MemberRequest) -> HttpResponse:
    """What was merged, by whom, and until when it can be undone."""
    rows = merges()
    try:
        page = keyset(rows, order=Order("at", descending=True), cursor=request.GET.get("cursor", ""))
    except AppError as error:
        return refusal(request, error)
    now = clock.now()
    for merge in page.rows:
        merge.x_why_not = why_not(merge, now)
    context = {
        "merges": page.rows, "page": page, "count": count_up_to(rows), "tabs": tabs_of(request.workspace.slug), "tab": "merges",
    }  # fmt: skip
    return render_page(request, "prospects/merge_list.html", context, partial="results")


@member_view("duplicates.view")
def merge_detail(request: MemberRequest, merge_id: UUID) -> HttpResponse:
    """One merge: what it moved, what it took, and its undo."""
    merge = get_object_or_404(merges(), pk=merge_id)
    now, subject = clock.now(), subject_of(merge.kind)
    stays = merge.person if subject is PEOPLE else merge.company
    order = list(NOUNS.values())
    context = {
        "merge": merge, "subject": subject, "stays": stays, "stays_url": _row_url(request, subject, stays) if stays else "",
        "reasons": rules.in_words(merge.reasons), "why_not": why_not(merge, now),
        "moved": counted(sorted(merge.counts.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else 99)),
        "may": stays is not None and is_mine(request.member, stays),
    }  # fmt: skip
    return render(request, "prospects/merge_detail.html", context)


@member_view("duplicates.merge")
@require_POST
def merge_undo(request: MemberRequest, merge_id: UUID) -> HttpResponse:
    """Undo a merge; what could not be restored stands on its page."""
    merge = get_object_or_404(Merge.objects.all(), pk=merge_id)
    try:
        left = undo_merge(merge=merge, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = f"{merge.gone_label} is back." + (f" {len(left)} things could not be restored." if left else "")
    return hx_redirect(request, reverse("merge_detail", args=[request.workspace.slug, merge.pk]), toast=words)


def where_it_went(request: MemberRequest, subject: Subject, key: UUID) -> HttpResponse | None:
    """A redirect to the row a gone id is part of now, or None. Temporary: a merge can be undone."""
    row = merged_into(subject, key)
    return redirect(_row_url(request, subject, row)) if row is not None else None


def _subject(kind: str) -> Subject:
    try:
        return subject_of(kind)
    except AppError as error:
        raise Http404(error.message) from error


def _row_url(request: MemberRequest, subject: Subject, row: Any) -> str:
    return reverse(f"{subject.noun}_detail", args=[request.workspace.slug, row.pk])


def _pair_url(request: MemberRequest, subject: Subject, pair: Any, act: str) -> str:
    return reverse(f"{subject.noun}_duplicate_{act}", args=[request.workspace.slug, pair.pk])


def _query(request: MemberRequest, keep: Any) -> str:
    query = request.GET.copy()
    query["keep"] = str(keep.pk)
    return query.urlencode()
