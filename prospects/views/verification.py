"""Verify addresses on demand, and say that somebody's facts still hold."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, refusal
from prospects.actions.verification import ask_verification, confirm_person
from prospects.models import Person

SOON = "A worker looks within a minute."


@member_view("people.edit")
@require_POST
def person_verify(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """Look at one address anew."""
    person = get_object_or_404(Person.objects.all(), pk=person_id)
    url = reverse("person_detail", args=[request.workspace.slug, person.pk])
    try:
        if not person.email:
            raise Invalid(f"{person} has no e-mail address to verify.", field="email")
        ask_verification(ids=[person.pk], by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, url, toast=f"{person.email} is looked at anew. {SOON}")


@member_view("people.edit")
@require_POST
def person_confirm(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """The facts still hold, says somebody who looked."""
    person = get_object_or_404(Person.objects.all(), pk=person_id)
    confirm_person(person=person, by=actor_of(request), now=clock.now())
    url = reverse("person_detail", args=[request.workspace.slug, person.pk])
    return hx_redirect(request, url, toast=f"Noted: what is known of {person} holds.")
