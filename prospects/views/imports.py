"""Pages of imports: upload, columns, dry run, run with its progress, report."""

import re
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.counts import count_up_to
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, is_htmx, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.actions.imports import (
    EDITABLE,
    WORKING,
    cancel_import,
    configure_import,
    create_import,
    request_check,
    resumable,
    start_import,
    table_of,
)
from prospects.actions.imports_fates import has_fates
from prospects.actions.imports_templates import offers_for, remember_template
from prospects.actions.imports_undo import settled, why_not
from prospects.forms.imports import ImportFilterForm, UploadForm, fixed_values, read_options
from prospects.models import Import
from prospects.queries import imports as queries
from prospects.queries.custom import definitions
from prospects.rules.imports import CATALOGUE, CUSTOM, ImportOptions, Kind
from prospects.views.imports_mapping import make_fields, mapping_context, on_page, only_differing
from prospects.views.imports_undo import undo_context

_MAPPED = re.compile(r"(.*) → ([\w.]+): (.*)")
NEEDS = {
    "people": "An e-mail address, an id, a LinkedIn page or a name. The company comes from its domain or a business address.",
    "companies": "A name; with a domain or an id they are found again even after a change of name.",
    "leads": "An id, an address or a company a row. Dates of stages, outcome, value, channel, owner as far as they are known.",
    "spend": "A channel, an amount and the day or days it is for.",
    "activities": "The lead's id or the person's address, and when it happened.",
    "signals": "A kind and what happened; a company's domain or a person's address says about whom. A name alone is not matched.",
}


@member_view("imports.view")
def import_list(request: MemberRequest) -> HttpResponse:
    """Files imported here, the newest first."""
    form = ImportFilterForm(request.GET)
    data = form.cleaned_data if form.is_valid() else {}
    rows = queries.import_rows()
    for name in ("kind", "state"):
        if data.get(name):
            rows = rows.filter(**{name: data[name]})
    try:
        page = keyset(rows, order=Order("created_at", descending=True), cursor=request.GET.get("cursor", ""))
    except AppError as error:
        return refusal(request, error)
    count = count_up_to(rows)
    context = {"form": form, "imports": page.rows, "page": page, "count": count, "filtered": any(data.values())}
    return render_page(request, "prospects/import_list.html", context, partial="results", announce=f"{count} imports")


@member_view("imports.run")
def import_create(request: MemberRequest) -> HttpResponse:
    """Upload a file; `?kind=` chooses what is in it."""
    kind = request.GET.get("kind", "people")
    initial = {"kind": kind if kind in Import.Kind.values else "people"}
    form = UploadForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            run = create_import(
                by=actor_of(request), now=clock.now(), kind=form.cleaned_data["kind"], file_name=file.name, source=file.read(),
            )  # fmt: skip
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return hx_redirect(request, _url(request, run))
    needs = [(label, NEEDS[value]) for value, label in Import.Kind.choices]
    context = {"form": form, "back": _list_url(request), "needs": needs}
    return render_page(request, "prospects/import_create.html", context, status=422 if form.errors else 200)


@member_view("imports.view")
def import_detail(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """Where an import stands: its columns, its dry run, its progress or its report."""
    run = get_object_or_404(Import.objects.select_related("member"), pk=import_id)
    if run.state in (Import.State.UPLOADED, Import.State.FAILED) and not run.done_rows:
        return _mapping_page(request, run)
    return _status_page(request, run)


@member_view("imports.view", post="imports.run")
def import_mapping(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """The columns of a file that has not run yet; saves them, and asks for the dry run where `action` is check."""
    run = get_object_or_404(Import.objects.select_related("member"), pk=import_id)
    if run.state not in EDITABLE or run.done_rows:
        return hx_redirect(request, _url(request, run))
    if request.method != "POST":
        return _mapping_page(request, run)
    sheet = str(run.settings.get("sheet") or "")
    if (wanted := str(request.POST.get("sheet", sheet))) != sheet and request.POST.get("action") == "sheet":
        try:
            run = configure_import(run=run, options=ImportOptions(sheet=wanted))
        except AppError as error:
            return _mapping_page(request, run, error=error)
        return hx_redirect(request, reverse("import_mapping", args=[request.workspace.slug, run.pk]))
    fixed = fixed_values(run.kind, request.POST)
    try:
        if not fixed.is_valid():
            raise Invalid("Look at the fixed values.", field="fixed")
        said = make_fields(run, request.POST, by=actor_of(request), now=clock.now())
        options = replace(read_options(run.kind, run.header, said, fixed), sheet=sheet)
        run = configure_import(run=run, options=only_differing(run, options))
    except AppError as error:
        # The fixed values are shown as they were typed; what was chosen for the columns stays saved as before.
        return _mapping_page(request, run, fixed=fixed, error=error, posted=request.POST)
    if request.POST.get("action") == "remember":
        try:
            kept = remember_template(
                by=actor_of(request), now=clock.now(), run=run, name=request.POST.get("template_name", "")
            )
        except AppError as error:
            return _mapping_page(request, run, error=error)
        url = reverse("import_mapping", args=[request.workspace.slug, run.pk])
        return hx_redirect(request, url, toast=f"Remembered as “{kept.name}”. Files like it are offered this mapping.")
    if request.POST.get("action") != "check":
        return hx_redirect(request, reverse("import_mapping", args=[request.workspace.slug, run.pk]))
    try:
        run = request_check(run=run, now=clock.now())
    except AppError as error:
        return _mapping_page(request, run, error=error)
    return hx_redirect(request, _url(request, run))


@member_view("imports.run")
@require_POST
def import_run(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """Start the run; pressed twice it starts once."""
    run = get_object_or_404(Import.objects.all(), pk=import_id)
    try:
        start_import(run=run, by=actor_of(request), now=clock.now())
    except AppError as error:
        return hx_redirect(request, _url(request, run), toast=error.message, tone="warning")
    return hx_redirect(request, _url(request, run))


@member_view("imports.run")
@require_POST
def import_cancel(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """Stop a check or a run."""
    run = cancel_import(
        run=get_object_or_404(Import.objects.all(), pk=import_id), by=actor_of(request), now=clock.now()
    )
    words = "Stopped. What was imported before stays." if run.done_rows else "Stopped."
    return hx_redirect(request, _url(request, run), toast=words, tone="info")


@member_view("imports.view")
def import_progress(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """The progress, asked for each second while it works; then the whole page."""
    run = get_object_or_404(Import.objects.all(), pk=import_id)
    if run.state not in WORKING:
        return hx_redirect(request, _url(request, run))
    context = {"run": run, "working": True, "undone": settled(run)}
    return render_page(request, "prospects/import_detail.html", context, partial="progress")


@member_view("imports.view")
def import_issues(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """One page of what was wrong: a fragment of the run's page; opened by itself it leads there."""
    run = get_object_or_404(Import.objects.all(), pk=import_id)
    if not is_htmx(request):
        return redirect("import_detail", request.workspace.slug, run.pk)
    try:
        context = _issues(request, run)
    except AppError as error:
        return refusal(request, error)
    return render_page(request, "prospects/import_detail.html", context | {"run": run}, partial="issues")


@member_view("imports.view")
def import_errors(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """The refused rows with their errors, as CSV."""
    run = get_object_or_404(Import.objects.all(), pk=import_id)
    text = "".join(queries.error_file(run))
    response = HttpResponse(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in run.file_name.rsplit(".", 1)[0])[:80]
    response["Content-Disposition"] = f'attachment; filename="{stem}-errors.csv"'
    return response


def _mapping_page(
    request: MemberRequest, run: Import, *, fixed: Any = None, error: AppError | None = None, posted: Any = None
) -> HttpResponse:
    try:
        table = table_of(run)
    except AppError as problem:
        return refusal(request, problem)
    context = mapping_context(run, table, fixed=fixed, posted=posted)
    told = on_page(error.message if error else run.error)
    context |= {"run": run, "error": told, "back": _list_url(request), "template": run.settings.get("template")}
    context["offers"] = [] if context["template"] else offers_for(run)[:3]
    return render_page(request, "prospects/import_mapping.html", context, status=422 if error else 200)


def _status_page(request: MemberRequest, run: Import) -> HttpResponse:
    counted = run.state not in (Import.State.UPLOADED, Import.State.CHECKING, Import.State.CHECKED)
    counts = {
        "created": run.created_count, "updated": run.updated_count, "unchanged": run.unchanged_count,
        "invalid": run.invalid_count, "conflicts": run.settings.get("conflicts", 0),
        "suppressed": run.settings.get("suppressed", 0),
    }  # fmt: skip
    labels = {spec.name: spec.label for spec in CATALOGUE[cast(Kind, run.kind)]}
    if any(name.startswith(CUSTOM) for name in run.mapping):
        labels |= {f"{CUSTOM}{field.key}": field.label for field in definitions(run.kind)}
    places = {column: n for n, column in enumerate(run.header)}
    lines = [found for text in run.findings if (found := _MAPPED.fullmatch(text)) and found[2] in labels]
    mapped = sorted(((m[1], labels[m[2]], m[3]) for m in lines), key=lambda line: places.get(line[0], 0))
    context = {
        "run": run, "back": _list_url(request), "working": run.state in WORKING,
        "counts": counts if counted else run.plan, "planned": run.state == Import.State.CHECKED,
        "ready": run.plan.get("created", 0) + run.plan.get("updated", 0), "results_url": _results_url(request, run),
        "error": on_page(run.error), "mapped": mapped, "can_undo": not why_not(run, clock.now()),
        "can_resume": resumable(run), "has_rows": run.state not in WORKING and has_fates(run), "undone": settled(run), **undo_context(request, run.undo),
        "template": run.settings.get("template"),
        "findings": [line for text in run.findings if not _MAPPED.fullmatch(text) and (line := on_page(text))],
    }  # fmt: skip
    return render_page(request, "prospects/import_detail.html", context | _issues(request, run))


def _issues(request: MemberRequest, run: Import) -> dict[str, Any]:
    severity = request.GET.get("severity", "")
    severity = severity if severity in ("error", "warning") else ""
    rows = queries.issues_of(run, severity)
    page = keyset(rows, order=Order("row"), cursor=request.GET.get("cursor", ""))
    url = reverse("import_issues", args=[request.workspace.slug, run.pk])
    for issue in page.rows:
        issue.remedy = on_page(issue.remedy, "Say on the page of the columns what it means.") if issue.remedy else ""
    tabs = [
        {"key": key, "label": label, "url": f"?severity={key}" if key else "?", "count": count_up_to(queries.issues_of(run, key)).value}
        for key, label in (("", "All"), ("error", "Refused"), ("warning", "Imported with a remark"))
    ]  # fmt: skip
    return {
        "issues": page.rows, "issues_page": page, "issues_count": count_up_to(rows), "issues_url": url,
        "severity": severity, "issue_tabs": tabs, "refused": tabs[1]["count"],
    }  # fmt: skip


def _results_url(request: MemberRequest, run: Import) -> str:
    names = {"people": "person_list", "companies": "company_list", "leads": "lead_list"}
    name = names.get(run.kind)
    return reverse(name, args=[request.workspace.slug]) if name else ""


def _url(request: MemberRequest, run: Import) -> str:
    return reverse("import_detail", args=[request.workspace.slug, run.pk])


def _list_url(request: MemberRequest) -> str:
    return reverse("import_list", args=[request.workspace.slug])
