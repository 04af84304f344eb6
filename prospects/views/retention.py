"""Retention rules: set one, see what it would take, the rows themselves, and who will be erased when."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.counts import count_up_to
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.actions.retention import keep_person, prepare_preview, set_rule
from prospects.forms.retention import RetentionForm
from prospects.models import RetentionNotice, RetentionRun
from prospects.queries.retention import SUBJECTS, due_rows, rule_of
from prospects.rules.retention import KINDS
from prospects.views.listing import add_app_error


@member_view("privacy.view", post="privacy.edit")
def retention_rule(request: MemberRequest, kind: str) -> HttpResponse:
    """GET shows it with what it would take now; POST `preview` counts with other values, without it saves."""
    if kind not in KINDS:
        raise Http404
    rule = rule_of(kind)
    form = RetentionForm.of(rule, request.POST or None)
    shown = rule
    if request.method == "POST" and form.is_valid():
        if request.POST.get("preview"):
            shown = prepare_preview(rule, **form.cleaned_data)
        else:
            try:
                set_rule(kind=kind, by=actor_of(request), now=clock.now(), **form.cleaned_data)
            except AppError as error:
                add_app_error(form, error)
            else:
                return hx_redirect(request, _settings(request), toast="Saved.")
    now = clock.now()
    known = KINDS[kind]
    rows = due_rows(shown, now)
    context = {
        "form": form, "kind": known, "rule": shown, "due": count_up_to(rows), "back": _settings(request),
        "rule_words": known.in_words(shown.period), "cutoff": known.cutoff(shown.period, now),
        "rows_url": f"{reverse('retention_rows', args=[request.workspace.slug, kind])}?period={shown.period}"
        + "".join(f"&keeps={key}" for key in shown.keeps),
        "runs": RetentionRun.objects.filter(rule__kind=kind).order_by("-at", "-id")[:20],
    }  # fmt: skip
    return render(request, "prospects/retention_rule.html", context, status=422 if form.errors else 200)


@member_view("privacy.view")
def retention_rows(request: MemberRequest, kind: str) -> HttpResponse:
    """The rows a rule would take now, the oldest first; `period` and `keeps` as in the preview they come from."""
    if kind not in KINDS:
        raise Http404
    known, rule = KINDS[kind], rule_of(kind)
    asked = request.GET.get("period", "")
    if asked.isdigit() and known.least <= int(asked) <= known.most:
        rule = prepare_preview(rule, period=int(asked), keeps=request.GET.getlist("keeps"))
    subject = SUBJECTS[kind]
    try:
        page = keyset(due_rows(rule, clock.now()), order=Order(subject.order), cursor=request.GET.get("cursor", ""))
    except AppError as error:
        return refusal(request, error)
    cells = [(row, *subject.cells(row)) for row in page.rows]
    context = {
        "page": page, "cells": cells, "kind": known, "rule_words": known.in_words(rule.period),
        "back": reverse("retention_rule", args=[request.workspace.slug, kind]),
    }  # fmt: skip
    return render_page(request, "prospects/retention_rows.html", context, partial="results")


@member_view("people.view")
def retention_notices(request: MemberRequest) -> HttpResponse:
    """Who will be erased on which day, unless something happens or somebody keeps them."""
    rows = RetentionNotice.objects.filter(kept_at__isnull=True).select_related(
        "person", "person__company", "person__owner"
    )
    try:
        page = keyset(rows, order=Order("due_at"), cursor=request.GET.get("cursor", ""))
    except AppError as error:
        return refusal(request, error)
    context = {"page": page, "total": count_up_to(rows), "nav_active": "people"}
    return render_page(request, "prospects/retention_notices.html", context, partial="results")


@member_view("people.edit")
@require_POST
def retention_keep(request: MemberRequest, retentionnotice_id: UUID) -> HttpResponse:
    """Somebody stays."""
    notice = get_object_or_404(RetentionNotice.objects.select_related("person"), pk=retentionnotice_id)
    try:
        keep_person(notice=notice, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(
        request, reverse("retention_notices", args=[request.workspace.slug]), toast=f"{notice.person} is kept."
    )


def _settings(request: MemberRequest) -> str:
    return reverse("privacy_settings", args=[request.workspace.slug])
