"""What an import would do row by row; undo it: its exact consequences first, then one button; go on with one that was stopped."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, render_page
from prospects.actions.imports import file_of, resume_import
from prospects.actions.imports_fates import plan_file
from prospects.actions.imports_undo import AT_ONCE, count_undo, request_undo, size_of, undo_plan, why_not
from prospects.actions.imports_undo_judge import Outcome
from prospects.models import Import

_PAGES = {"person": "person_detail", "company": "company_detail"}


@member_view("imports.run")
def import_undo(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """What undoing would do, counted now; POST does it in the background."""
    run = get_object_or_404(Import.objects.select_related("member"), pk=import_id)
    now = clock.now()
    if request.method == "POST":
        try:
            request_undo(run=run, by=actor_of(request), now=now)
        except AppError as error:
            return hx_redirect(request, _url(request, run), toast=error.message, tone="warning")
        return hx_redirect(request, _url(request, run))
    if reason := why_not(run, now):
        return hx_redirect(request, _url(request, run), toast=reason, tone="warning")
    size = size_of(run)
    plan = undo_plan(run).as_json() if size <= AT_ONCE else run.undo.get("plan")
    context = {"run": run, "back": _url(request, run), "size": size, "counted": plan is not None}
    return render_page(request, "prospects/import_undo.html", context | undo_context(request, plan or {}))


@member_view("imports.run")
@require_POST
def import_undo_count(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """Have a worker count what undoing a large import would do."""
    run = get_object_or_404(Import.objects.all(), pk=import_id)
    try:
        run = count_undo(run=run, now=clock.now())
    except AppError as error:
        return hx_redirect(request, _url(request, run), toast=error.message, tone="warning")
    return hx_redirect(request, _url(request, run))


@member_view("imports.run")
@require_POST
def import_resume(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """Go on where the run was stopped."""
    run = get_object_or_404(Import.objects.all(), pk=import_id)
    try:
        resume_import(run=run, by=actor_of(request), now=clock.now())
    except AppError as error:
        return hx_redirect(request, _url(request, run), toast=error.message, tone="warning")
    return hx_redirect(request, _url(request, run))


@member_view("imports.view")
def import_plan(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """The dry run row by row, as CSV."""
    run = get_object_or_404(Import.objects.all(), pk=import_id)
    try:
        text = "".join(plan_file(run, file_of(run)))
    except AppError as error:
        return hx_redirect(request, _url(request, run), toast=error.message, tone="warning")
    response = HttpResponse(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in run.file_name.rsplit(".", 1)[0])[:80]
    response["Content-Disposition"] = f'attachment; filename="{stem}-dry-run.csv"'
    return response


def undo_context(request: MemberRequest, counts: dict[str, Any]) -> dict[str, Any]:
    """Counts of a plan or of an undo, with links to some of the records that stay."""
    found = Outcome.from_json(counts)
    slug = request.workspace.slug
    kept = [
        {
            "reason": reason, "count": count,
            "examples": [
                {"name": name or "unnamed", "url": reverse(_PAGES[subject], args=[slug, key])}
                for subject, key, name in found.examples.get(reason, [])[:5]
            ],
        }
        for reason, count in found.kept.most_common()
    ]  # fmt: skip
    return {"undo": found, "kept": kept, "kept_count": found.kept.total()}


def _url(request: MemberRequest, run: Import) -> str:
    return reverse("import_detail", args=[request.workspace.slug, run.pk])
