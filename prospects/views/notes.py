"""Add a note to a person or company."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import close_dialog, hx_redirect, is_htmx, toast
from prospects.actions.notes import add_note
from prospects.forms.notes import NoteForm
from prospects.models import Company, Person
from prospects.views.listing import sheet_or_page


@member_view("activities.create")
def person_note(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """A note on a person."""
    person = get_object_or_404(Person.objects.select_related("company"), pk=person_id)
    return _note(request, back=reverse("person_detail", args=[request.workspace.slug, person.pk]), person=person)


@member_view("activities.create")
def company_note(request: MemberRequest, company_id: UUID) -> HttpResponse:
    """A note on a company."""
    company = get_object_or_404(Company.objects.all(), pk=company_id)
    return _note(request, back=reverse("company_detail", args=[request.workspace.slug, company.pk]), company=company)


def _note(request: MemberRequest, *, back: str, **about: Any) -> HttpResponse:
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            add_note(by=actor_of(request), now=clock.now(), text=form.cleaned_data["text"], **about)
        except AppError as error:
            form.add_error(error.field or None, error.message)
        else:
            if is_htmx(request):
                return toast(close_dialog(None, "notes-changed"), "Note added.")
            return hx_redirect(request, back, toast="Note added.")
    subject = about.get("person") or about.get("company")
    context = {"form": form, "subject": subject, "action_url": request.path, "back": back}
    return sheet_or_page(request, "prospects/timeline_note.html", context, status=422 if form.errors else 200)
