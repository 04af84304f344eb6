"""Why do we have this person? Source, date, lawful basis, consents, what is held, and a copy of it."""

import json
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect
from prospects.actions.people import update_person
from prospects.actions.privacy import export_person, record_consent
from prospects.forms.privacy import BasisForm, ConsentForm
from prospects.models import BasisEntry, Consent, Person
from prospects.queries.panels import origin_of
from prospects.queries.suppressions import suppressions_of
from prospects.views.listing import add_app_error


@member_view("people.view", post="people.edit")
def person_privacy(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """The page; posting writes a consent, or the lawful basis, down."""
    person = get_object_or_404(Person.objects.all(), pk=person_id)
    about_basis = request.method == "POST" and "lawful_basis" in request.POST
    basis_form = BasisForm(
        request.POST if about_basis else None,
        initial={"lawful_basis": person.lawful_basis, "lawful_basis_at": person.lawful_basis_at, "lawful_basis_note": person.lawful_basis_note},
    )  # fmt: skip
    if about_basis and basis_form.is_valid():
        data = basis_form.cleaned_data
        since = data.pop("lawful_basis_at")
        # The same day as before stays the instant it was.
        if person.lawful_basis_at is None or since != person.lawful_basis_at.date():
            data["lawful_basis_at"] = since.isoformat() if since else None
        try:
            update_person(by=actor_of(request), now=clock.now(), person=person, changes=data)
        except AppError as error:
            add_app_error(basis_form, error)
            person.refresh_from_db()  # what was refused is not what is held
        else:
            return hx_redirect(
                request, reverse("person_privacy", args=[request.workspace.slug, person.pk]), toast="Noted."
            )
    form = ConsentForm(request.POST if request.method == "POST" and not about_basis else None)
    if not about_basis and request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            record_consent(
                person=person, given=data["given"] == "yes", text=data["text"], source=data["source"],
                by=actor_of(request), now=clock.now(),
            )  # fmt: skip
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(
                request, reverse("person_privacy", args=[request.workspace.slug, person.pk]), toast="Noted."
            )
    origin = origin_of(person)
    context = {
        "person": person, "form": form, "basis_form": basis_form,
        "bases": BasisEntry.objects.filter(person=person).select_related("member").order_by("-recorded_at", "-id")[:50], "consents": Consent.objects.filter(person=person).order_by("-at", "-id")[:100],
        "suppression": suppressions_of([person.email]).get(person.email) if person.email else None, "nav_active": "people",
        "facts": [
            ("Source", person.source or None), ("Added", f"{person.created_at:%-d %b %Y}"),
            ("First fact", origin["first"].summary if origin["first"] else None),
            (
                "Lawful basis", person.lawful_basis or None,
                f"since {person.lawful_basis_at:%-d %b %Y}" if person.lawful_basis_at else "",
            ),
        ],
    }  # fmt: skip
    return render(
        request, "prospects/privacy_page.html", context, status=422 if form.errors or basis_form.errors else 200
    )


@member_view("people.export")
@require_POST
def person_copy(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """Everything held, as a JSON file. A POST: who took a copy is written to the audit log."""
    person = get_object_or_404(Person.objects.all(), pk=person_id)
    found = export_person(person=person, by=actor_of(request), now=clock.now())
    answer = HttpResponse(json.dumps(found, indent=1, ensure_ascii=False), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="person-{person.pk}.json"'
    return answer
