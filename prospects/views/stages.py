"""Moves of a lead: qualify, hand on, disqualify, recycle, reopen, assign. And the small form they all share."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.clock import local_date
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.handoffs import create_handoff
from prospects.actions.leads import assign_lead, disqualify_lead, qualify_lead, recycle_lead, reopen_lead
from prospects.actions.routing import lead_label
from prospects.forms.handoffs import HandOnForm
from prospects.forms.leads import AssignForm, DisqualifyForm, QualifyForm, RecycleForm, ReopenForm
from prospects.models import Handoff, Lead
from prospects.queries.leads import conversation_of
from prospects.views.listing import add_app_error, sheet_or_page

FORM = "prospects/lead_act.html"


def form_act(
    request: MemberRequest,
    form: forms.Form,
    *,
    title: str,
    subject: str,
    label: str,
    back: str,
    do: Callable[[dict[str, Any]], str],
    danger: bool = False,
    nav: str = "leads",
    **context: Any,
) -> HttpResponse:
    """A question with a form, in a dialog or on a page of its own. `do` gets the cleaned values and returns the notice.

    Refusals of the action stand at the field they name, with status 422.
    """
    if request.method == "POST" and form.is_valid():
        try:
            notice = do(form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, back, toast=notice)
    values = {
        "form": form, "title": title, "subject": subject, "label": label, "danger": danger, "back": back,
        "action_url": request.get_full_path(), "nav_active": nav, **context,
    }  # fmt: skip
    return sheet_or_page(request, FORM, values, status=422 if form.errors else 200)


def posted(request: MemberRequest) -> QueryDict | None:
    """The data of a bound form: what was posted, also where that is nothing; None when only looking."""
    return request.POST if request.method == "POST" else None


def lead_url(request: MemberRequest, lead: Lead) -> str:
    return reverse("lead_detail", args=[request.workspace.slug, lead.pk])


def get_lead(lead_id: UUID) -> Lead:
    """The lead with what every page of it shows; 404 outside this workspace."""
    related = ("person__company", "company", "owner", "campaign", "version", "previous")
    found: Lead = get_object_or_404(Lead.objects.select_related(*related), pk=lead_id)
    return found


@member_view("leads.view", post="leads.edit")
def lead_qualify(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """The checklist to SQL: what a person confirms, and the conversation the ledger holds."""
    lead, now = get_lead(lead_id), clock.now()
    form = QualifyForm(posted(request), version=ensure_first_agreement(now))

    def do(values: dict[str, Any]) -> str:
        qualify_lead(lead=lead, confirmed=form.confirmed(), note=values["note"], by=actor_of(request), now=now)
        return f"{lead_label(lead)} is an SQL."

    return form_act(
        request, form, title="Qualify to SQL", subject=lead_label(lead), label="Confirm and qualify",
        back=lead_url(request, lead), do=do, conversation=conversation_of(lead, now), asks_conversation=True,
        meeting_url=f"{reverse('meeting_create', args=[request.workspace.slug])}?lead={lead.pk}",
    )  # fmt: skip


@member_view("leads.view", post="leads.edit")
def lead_hand_on(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """Pass an SQL to an AE, chosen or by rotation."""
    lead, now = get_lead(lead_id), clock.now()

    def do(values: dict[str, Any]) -> str:
        handoff = create_handoff(
            lead=lead, kind=Handoff.Kind.SDR_TO_AE, to=values["to"], note=values["note"], by=actor_of(request), now=now
        )
        return f"Handed to {handoff.to_member or 'whoever takes it'}."

    return form_act(
        request, HandOnForm(posted(request)), title="Hand to an AE", subject=lead_label(lead), label="Hand over",
        back=lead_url(request, lead), do=do,
        note="The brief goes along: person, company, fit, engagement, sources, answers, meetings and timeline as they stand now.",
    )  # fmt: skip


@member_view("leads.view", post="leads.edit")
def lead_disqualify(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """Take a lead out, for a reason of the agreement."""
    lead, now = get_lead(lead_id), clock.now()

    def do(values: dict[str, Any]) -> str:
        disqualify_lead(lead=lead, by=actor_of(request), now=now, **values)
        return f"{lead_label(lead)} is disqualified: {values['reason']}."

    form = DisqualifyForm(posted(request), version=ensure_first_agreement(now))
    return form_act(
        request, form, title="Disqualify", subject=lead_label(lead), label="Disqualify", back=lead_url(request, lead), do=do,
        danger=True, note="It counts as disqualified in every report. It can be reopened as long as no newer lead is open.",
    )  # fmt: skip


@member_view("leads.view", post="leads.edit")
def lead_recycle(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """Put a lead to rest until a day."""
    lead, now = get_lead(lead_id), clock.now()

    def do(values: dict[str, Any]) -> str:
        recycle_lead(lead=lead, by=actor_of(request), now=now, **values)
        return f"{lead_label(lead)} rests until {values['until']:%d %b %Y}."

    form = RecycleForm(posted(request), today=local_date(now, request.workspace.time_zone))
    return form_act(
        request,
        form,
        title="Recycle",
        subject=lead_label(lead),
        label="Let it rest",
        back=lead_url(request, lead),
        do=do,
    )


@member_view("leads.view", post="leads.edit")
def lead_reopen(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """Undo a disqualification or a rest."""
    lead, now = get_lead(lead_id), clock.now()

    def do(values: dict[str, Any]) -> str:
        reopen_lead(lead=lead, by=actor_of(request), now=now, **values)
        return f"{lead_label(lead)} is open again."

    return form_act(
        request, ReopenForm(posted(request)), title="Reopen", subject=lead_label(lead), label="Reopen",
        back=lead_url(request, lead), do=do,
    )  # fmt: skip


@member_view("leads.view", post="leads.assign")
def lead_assign(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """Give a lead to somebody by hand."""
    lead, now = get_lead(lead_id), clock.now()

    def do(values: dict[str, Any]) -> str:
        assign_lead(lead=lead, owner=values["owner"], by=actor_of(request), now=now)
        return f"{lead_label(lead)} belongs to {values['owner'] or 'nobody'}."

    return form_act(
        request, AssignForm(posted(request), lead=lead), title="Assign", subject=lead_label(lead), label="Assign",
        back=lead_url(request, lead), do=do,
    )  # fmt: skip
