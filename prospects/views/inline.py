"""One field of one row, edited in the list. What somebody else changed meanwhile is never overwritten unseen."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import announce, is_htmx
from prospects.actions.companies import update_company
from prospects.actions.people import update_person
from prospects.forms.companies import CompanyForm
from prospects.forms.people import PersonForm
from prospects.models import Activity, ActivityKind, Company, Person
from prospects.models.locks import lock_row
from prospects.queries import companies as company_queries
from prospects.queries import people as people_queries
from prospects.queries.custom import definitions
from prospects.queries.suppressions import is_suppressed
from prospects.queries.tags import tags_of
from prospects.rules import custom as custom_rules
from prospects.rules.columns import CUSTOM, Column, every
from prospects.views.cells import cell_of


@member_view("people.edit")
def person_cell(request: MemberRequest, person_id: UUID, key: str) -> HttpResponse:
    """A cell of the people list: its editor, or what it shows; saved by POST."""
    person = get_object_or_404(Person.objects.select_related("owner", "company"), pk=person_id)
    return _cell(request, person, "people", key)


@member_view("companies.edit")
def company_cell(request: MemberRequest, company_id: UUID, key: str) -> HttpResponse:
    """A cell of the companies list."""
    company = get_object_or_404(Company.objects.select_related("owner"), pk=company_id)
    return _cell(request, company, "companies", key)


def _cell(request: MemberRequest, row: Any, subject: str, key: str) -> HttpResponse:
    fields = definitions(subject)
    own = {f"{CUSTOM}{field.key}": field for field in fields}
    known = {column.key: column for column in every(subject, [(f.key, f.label, f.kind) for f in fields])}
    column = known.get(key)
    if column is None or not column.edit:
        raise Http404("No such column is edited in place.")
    if request.method != "POST":
        if request.GET.get("show"):
            return _answer(request, row, column, subject, own, focus=True)
        return _editor(request, row, column, subject)
    given, was = request.POST.get("value", ""), request.POST.get("was", "")
    lock_row(row, *(("owner", "company") if subject == "people" else ("owner",)))
    now_there = raw_value(row, column.edit)
    if now_there not in (was, _tidy(given)):
        words = f"{_who_changed(row)} changed this meanwhile to “{_words(row, column, subject)}”."
        return _editor(request, row, column, subject, given=given, conflict=words)
    try:
        changed = _save(request, row, subject, column.edit, given)
    except (ValidationError, AppError) as error:
        message = error.message if isinstance(error, AppError) else " ".join(error.messages)
        row = type(row).objects.select_related("owner").get(pk=row.pk)
        return _editor(request, row, column, subject, given=given, error=message)
    fresh = type(row).objects.select_related("owner", *(("company",) if subject == "people" else ())).get(pk=row.pk)
    response = _answer(request, fresh, column, subject, own, focus=True)
    return announce(response, f"{column.label} of {fresh} is saved." if changed else "Nothing changed.")


def raw_value(row: Any, name: str) -> str:
    """A value as its editor holds it; two are the same if these are."""
    if name.startswith(CUSTOM):
        value = row.custom.get(name.removeprefix(CUSTOM))
        return custom_rules.shown("money" if isinstance(value, dict) else "", value)
    if name == "owner":
        return str(row.owner_id or "")
    value = getattr(row, name)
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _form(row: Any, subject: str) -> Any:
    return PersonForm(person=row) if subject == "people" else CompanyForm(company=row)


def _form_name(name: str) -> str:
    return f"custom_{name.removeprefix(CUSTOM)}" if name.startswith(CUSTOM) else name


def _save(request: MemberRequest, row: Any, subject: str, name: str, given: str) -> Any:
    value = _form(row, subject).fields[_form_name(name)].clean(given)
    changes = {"custom": {name.removeprefix(CUSTOM): value}} if name.startswith(CUSTOM) else {name: value}
    by, now = actor_of(request), clock.now()
    if subject == "people":
        return update_person(by=by, now=now, person=row, changes=changes)
    return update_company(by=by, now=now, company=row, changes=changes)


def _editor(
    request: MemberRequest, row: Any, column: Column, subject: str, *, given: str | None = None, error: str = "",
    conflict: str = "",
) -> HttpResponse:  # fmt: skip
    field = _form(row, subject).fields[_form_name(column.edit)]
    value = raw_value(row, column.edit)
    choices = getattr(field, "choices", None)
    attrs = {
        "id": f"cell-{row.pk.hex}-{column.key.replace(':', '-')}", "aria-label": f"{column.label} of {row}",
        "class": "select select-xs" if choices else "input input-xs", "data-cell-input": True, "autofocus": True,
    }  # fmt: skip
    if error or conflict:
        attrs |= {"aria-invalid": "true", "aria-describedby": f"{attrs['id']}-note"}
    shown = value if given is None else given
    if not choices:
        field.widget.input_type = getattr(field.widget, "input_type", None) or "text"
    context = {
        "row": row, "column": column, "subject": subject, "was": value, "error": error, "conflict": conflict,
        "widget": _widget(field, shown, attrs), "note_id": f"{attrs['id']}-note", "theirs": value,
    }  # fmt: skip
    name = "prospects/columns_cell.html#editor" if is_htmx(request) else "prospects/columns_cell.html"
    response = render(request, name, context, status=422 if error or conflict else 200)
    response["Vary"], response["Cache-Control"] = "HX-Request", "no-store"
    return response


def _widget(field: Any, value: str, attrs: dict[str, Any]) -> str:
    """The field's own widget, one line high: a list of words is typed with commas here."""
    from django import forms

    widget = forms.TextInput() if isinstance(field.widget, forms.Textarea) else field.widget
    return widget.render("value", value, attrs=attrs)


def _answer(
    request: MemberRequest, row: Any, column: Column, subject: str, own: dict[str, Any], *, focus: bool = False
) -> HttpResponse:
    """The cell as the list shows it."""
    if subject == "people":
        shown: Any = (
            people_queries.with_fields(Person.objects.filter(pk=row.pk)).select_related("owner", "company").get()
        )
        shown.x_suppressed = bool(row.email) and row.email in is_suppressed([row.email])
    else:
        shown = company_queries.with_fit(Company.objects.filter(pk=row.pk)).select_related("owner").get()
    shown.x_tags = tags_of(subject, [row.pk]).get(row.pk, []) if column.key == "tags" else []
    cell = cell_of(shown, column, subject=subject, slug=request.workspace.slug, own=own, can_edit=True)
    response = render(request, "prospects/columns_cell.html#cell", {"cell": cell, "focus": focus})
    response["Vary"], response["Cache-Control"] = "HX-Request", "no-store"
    return response


def _words(row: Any, column: Column, subject: str) -> str:
    field = _form(row, subject).fields[_form_name(column.edit)]
    value = raw_value(row, column.edit)
    return str(dict(getattr(field, "choices", ()) or ()).get(value, value)) or "nothing"


def _who_changed(row: Any) -> str:
    """Who edited the row last, as its timeline says."""
    name = "person" if isinstance(row, Person) else "company"
    kinds = [ActivityKind.EDITED, ActivityKind.ASSIGNED]
    last = (
        Activity.objects.filter(**{name: row}, kind__in=kinds).select_related("member").order_by("-at", "-id").first()
    )
    return str(last.member) if last is not None and last.member is not None else "Somebody"
