"""Erase a person: what goes, what stays and why, the act, and its certificate."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.actions.erasure import plan_erasure, start_erasure
from prospects.forms.erasure import ErasureForm
from prospects.models import Erasure, Person
from prospects.queries.retention import overview
from prospects.views.listing import add_app_error


@member_view("people.erase")
def person_erase(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """GET counts and asks; POST erases."""
    person = get_object_or_404(Person.objects.select_related("company"), pk=person_id)
    form = ErasureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            erasure = start_erasure(people=[person], by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            gone = erasure.state != Erasure.State.WAITING
            words = "Erased." if gone else "A mail is being handed over just now: they are erased as soon as it is."
            return hx_redirect(
                request, reverse("erasure_detail", args=[request.workspace.slug, erasure.pk]), toast=words
            )
    context = {"person": person, "form": form, "plan": plan_erasure([person]), "nav_active": "people"}
    return render(request, "prospects/erasure_ask.html", context, status=422 if form.errors else 200)


@member_view("privacy.view")
def privacy_settings(request: MemberRequest) -> HttpResponse:
    """Settings → Privacy: erasures with their certificates, and the retention rules."""
    rows = Erasure.objects.select_related("member", "rule")
    try:
        page = keyset(rows, order=Order("asked_at", descending=True), cursor=request.GET.get("cursor", ""), size=25)
    except AppError as error:
        return refusal(request, error)
    context = {"page": page, "rules": overview(), "back": reverse("settings", args=[request.workspace.slug])}
    return render_page(request, "prospects/privacy_settings.html", context, partial="results")


@member_view("privacy.view")
def erasure_detail(request: MemberRequest, erasure_id: UUID) -> HttpResponse:
    """The certificate: when, who asked, how much; nothing of the person."""
    erasure = get_object_or_404(Erasure.objects.select_related("member", "rule"), pk=erasure_id)
    kept = f"{erasure.suppressed:,} address{'' if erasure.suppressed == 1 else 'es'} or number{'' if erasure.suppressed == 1 else 's'}"
    context = {
        "erasure": erasure, "back": reverse("privacy_settings", args=[request.workspace.slug]),
        "facts": [
            ("People", f"{erasure.people:,}"), ("Why", erasure.get_cause_display()), ("Reference", erasure.reference or "–"),
            ("Asked by", str(erasure.member or "Leadgen")), ("Asked", f"{erasure.asked_at:%-d %b %Y, %H:%M} UTC"),
            ("Erased", f"{erasure.erased_at:%-d %b %Y, %H:%M} UTC" if erasure.erased_at else "not yet"),
            ("Looked through to the end", f"{erasure.done_at:%-d %b %Y, %H:%M} UTC" if erasure.done_at else "under way"),
            ("Kept as keyed hashes", f"{kept} nobody may write to or call" if erasure.suppressed else "none"),
        ],
        "parts": [
            ("Removed", erasure.removed, "Rows that are gone."),
            ("Emptied", erasure.emptied, "Rows that stay as facts about nobody, so that past figures do not change."),
            ("Mentions taken out", erasure.mentions, "Other rows that named them: notes, reports, the log."),
        ],
    }  # fmt: skip
    return render(request, "prospects/erasure_detail.html", context)
