"""Pages of remembered mappings: the list, one of them, applying it to a file."""

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
from prospects.actions.imports_templates import (
    change_template,
    columns_of,
    delete_template,
    use_template,
)
from prospects.forms.imports import column_choices
from prospects.forms.imports_templates import TemplateForm, read_columns
from prospects.models import Import, ImportTemplate
from prospects.rules.imports_policy import Handling, words_of


@member_view("imports.view")
def import_template_list(request: MemberRequest) -> HttpResponse:
    """Remembered mappings, by kind and name."""
    templates = list(ImportTemplate.objects.select_related("member").order_by("kind", "name"))
    context = {"templates": templates, "back": reverse("import_list", args=[request.workspace.slug])}
    return render_page(request, "prospects/import_template_list.html", context)


@member_view("imports.view", post="imports.run")
def import_template_edit(request: MemberRequest, importtemplate_id: UUID) -> HttpResponse:
    """What a template fills from which column; its name and its columns can be changed."""
    template = get_object_or_404(ImportTemplate.objects.all(), pk=importtemplate_id)
    form = TemplateForm(request.POST or None, initial={"name": template.name})
    chosen = {column: name for name, column in columns_of(template).items()}
    if request.method == "POST":
        chosen = {c: str(request.POST.get(f"column-{n}", "")) for n, c in enumerate(template.header)}
        if form.is_valid():
            try:
                change_template(
                    by=actor_of(request), now=clock.now(), template=template, name=form.cleaned_data["name"],
                    columns=read_columns(template, request.POST),
                )  # fmt: skip
            except AppError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
            else:
                return hx_redirect(request, _list_url(request), toast=f"“{template.name}” is saved.")
    context: dict[str, Any] = {
        "template": template, "form": form, "back": _list_url(request), "choices": column_choices(template.kind, "Leave out", new=False),
        "columns": [(f"column-{n}", column, chosen.get(column, "")) for n, column in enumerate(template.header)],
        "constants": list((template.settings.get("constants") or {}).items()),
        "rules": words_of(template.kind, Handling.from_json(template.settings.get("handling") or {})),
    }  # fmt: skip
    return render_page(request, "prospects/import_template_edit.html", context, status=422 if form.errors else 200)


@member_view("imports.run")
@require_POST
def import_template_delete(request: MemberRequest, importtemplate_id: UUID) -> HttpResponse:
    """Forget a template; imports that used it stay as they are."""
    template = get_object_or_404(ImportTemplate.objects.all(), pk=importtemplate_id)
    delete_template(by=actor_of(request), now=clock.now(), template=template)
    return hx_redirect(request, _list_url(request), toast=f"“{template.name}” is forgotten.")


@member_view("imports.run")
@require_POST
def import_template_use(request: MemberRequest, import_id: UUID, importtemplate_id: UUID) -> HttpResponse:
    """Read the file of an import as a template says."""
    run = get_object_or_404(Import.objects.all(), pk=import_id)
    template = get_object_or_404(ImportTemplate.objects.all(), pk=importtemplate_id)
    url = reverse("import_mapping", args=[request.workspace.slug, run.pk])
    try:
        use_template(run=run, template=template, now=clock.now())
    except AppError as error:
        return hx_redirect(request, url, toast=error.message, tone="warning")
    return hx_redirect(request, url, toast=f"Read as “{template.name}” says.")


def _list_url(request: MemberRequest) -> str:
    return reverse("import_template_list", args=[request.workspace.slug])
