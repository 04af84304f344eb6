"""Pages of custom fields: list, sheet, deletion."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect
from prospects.actions.custom import create_custom_field, delete_custom_field, update_custom_field
from prospects.forms.custom import CustomFieldForm
from prospects.models import CustomField
from prospects.queries.custom import definitions, holders
from prospects.views.listing import add_app_error, sheet_or_page


@member_view("fields.view")
def custom_field_list(request: MemberRequest) -> HttpResponse:
    """The fields this workspace added to people and companies."""
    groups = [(label, definitions(subject)) for subject, label in CustomField.Subject.choices]
    context = {"groups": groups, "any": any(fields for _, fields in groups), "back": _settings(request)}
    return render(request, "prospects/custom_list.html", context)


@member_view("fields.edit")
def custom_field_create(request: MemberRequest) -> HttpResponse:
    """A new field."""
    subject = request.GET.get("subject", "people")
    form = CustomFieldForm(request.POST or None, initial={"subject": subject})
    if request.method == "POST" and form.is_valid():
        try:
            field = create_custom_field(by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _list(request), toast=f"{field} is added.")
    context = {"form": form, "field_": None, "back": _list(request)}
    return render(request, "prospects/custom_form.html", context, status=422 if form.errors else 200)


@member_view("fields.edit")
def custom_field_edit(request: MemberRequest, customfield_id: UUID) -> HttpResponse:
    """Another name, other choices."""
    field = get_object_or_404(CustomField.objects.all(), pk=customfield_id)
    form = CustomFieldForm(request.POST or None, field=field)
    if request.method == "POST" and form.is_valid():
        try:
            update_custom_field(by=actor_of(request), now=clock.now(), field=field, **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _list(request), toast="Saved.")
    context = {"form": form, "field_": field, "back": _list(request)} | _held(field)
    return render(request, "prospects/custom_form.html", context, status=422 if form.errors else 200)


@member_view("fields.edit")
def custom_field_delete(request: MemberRequest, customfield_id: UUID) -> HttpResponse:
    """Delete a field, after saying how many values are lost with it."""
    field = get_object_or_404(CustomField.objects.all(), pk=customfield_id)
    if request.method == "POST":
        count = delete_custom_field(by=actor_of(request), now=clock.now(), field=field)
        lost = f" {count:,} {'value' if count == 1 else 'values'} went with it." if count else ""
        return hx_redirect(request, _list(request), toast=f"{field} is deleted.{lost}")
    context = {"field_": field, "back": _list(request)} | _held(field)
    return sheet_or_page(request, "prospects/custom_delete.html", context)


def _held(field: CustomField) -> dict[str, Any]:
    """How many rows have a value, and the words around that number."""
    count = holders(field)
    one, many = ("person has", "people have") if field.subject == "people" else ("company has", "companies have")
    return {"values": count, "noun": one if count == 1 else many}


def _list(request: MemberRequest) -> str:
    return reverse("custom_field_list", args=[request.workspace.slug])


def _settings(request: MemberRequest) -> str:
    return reverse("settings", args=[request.workspace.slug])
