"""Pages of hand-offs: who waits for a decision, the brief, accept, reject, give on."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.clock import local_date
from leadgen.core.errors import AppError
from leadgen.core.htmx import refusal, render_page
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.handoffs import accept_handoff, reassign_handoff, reject_handoff
from prospects.actions.routing import lead_label
from prospects.forms.handoffs import AcceptDealForm, GiveOnForm, HandoffFilter, RejectForm
from prospects.models import Channel, Department, Handoff, Lead, Person, Seniority
from prospects.queries.handoffs import COMPANY, PERSON
from prospects.queries.panels import contact_panel
from prospects.rules.agreements import SQL_ITEMS
from prospects.views.leads import lead_tabs
from prospects.views.listing import build_listing
from prospects.views.stages import form_act, lead_url, posted

LIST: dict[str, Any] = {"orders": ("created_at", "due_at"), "nullable": ("due_at",), "default": "-created_at"}
LEAD = ("channel", "subchannel", "source", "campaign", "origin", "route_reason")
LABELS = {
    "email": "E-mail", "email_status": "E-mail is", "linkedin_url": "LinkedIn", "subchannel": "Second level",
    "route_reason": "Why to them",
}  # fmt: skip
_WORDS: dict[str, dict[Any, str]] = {
    "channel": dict(Channel.choices), "origin": dict(Lead.Origin.choices), "seniority": dict(Seniority.choices),
    "department": dict(Department.choices), "email_status": dict(Person.EmailStatus.choices),
}  # fmt: skip
TONES = {"pending": "warning", "accepted": "success", "rejected": "danger", "withdrawn": "neutral"}


def _shown(queryset: Any) -> Any:
    return queryset.select_related("lead__person", "lead__company", "to_member", "from_member", "decided_by", "version")


def _get(handoff_id: UUID) -> Handoff:
    found: Handoff = get_object_or_404(_shown(Handoff.objects.all()), pk=handoff_id)
    return found


@member_view("handoffs.view")
def handoff_list(request: MemberRequest) -> HttpResponse:
    """Hand-offs of both kinds, newest first; who waits, and who decided what."""
    try:
        listing = build_listing(request, HandoffFilter, Handoff.objects.all(), show=_shown, **LIST)
    except AppError as error:
        return refusal(request, error)
    for handoff in listing.page.rows:
        handoff.x_name, handoff.x_tone = lead_label(handoff.lead), TONES[handoff.state]
    context = listing.context("handoffs") | lead_tabs(request, "handoffs")
    words = f"{listing.count} hand-offs match"
    return render_page(request, "prospects/handoff_list.html", context, partial="results", announce=words)


@member_view("handoffs.view")
def handoff_detail(request: MemberRequest, handoff_id: UUID) -> HttpResponse:
    """The brief as it was when the lead was passed on, and the decision."""
    handoff = _get(handoff_id)
    person = handoff.lead.person
    context = {
        "handoff": handoff, "name": lead_label(handoff.lead), "brief": handoff.brief, "tone": TONES[handoff.state],
        "waits": handoff.state == Handoff.State.PENDING, "to_ae": handoff.kind == Handoff.Kind.SDR_TO_AE,
        "person_rows": _rows(handoff.brief.get("person"), PERSON), "company_rows": _rows(handoff.brief.get("company"), COMPANY),
        "lead_rows": _rows(handoff.brief.get("lead"), LEAD), "confirmed": _confirmed(handoff.brief),
        "history": [{**row, "at": datetime.fromisoformat(row["at"])} for row in handoff.brief.get("timeline", ())],
        "contact": contact_panel(person, clock.now()) if person else None, "nav_active": "leads",
    }  # fmt: skip
    return render(request, "prospects/handoff_detail.html", context)


@member_view("handoffs.view", post="handoffs.decide")
def handoff_accept(request: MemberRequest, handoff_id: UUID) -> HttpResponse:
    """Take the lead. For an AE the form opens the deal with it; an SDR accepts with one click."""
    handoff, now = _get(handoff_id), clock.now()
    name, back = lead_label(handoff.lead), lead_url(request, handoff.lead)
    to_ae = handoff.kind == Handoff.Kind.SDR_TO_AE
    form: forms.Form = forms.Form(posted(request))
    if to_ae:
        form = AcceptDealForm(posted(request), initial={"currency": request.workspace.currency})

    def do(values: dict[str, Any]) -> str:
        terms = {field: value for field, value in values.items() if value not in (None, "")}
        _, deal = accept_handoff(handoff=handoff, by=actor_of(request), now=now, deal=terms)
        return f"Accepted. The deal {deal} is open." if deal else f"{name} is yours."

    if not to_ae:
        return form_act(request, form, title="Accept", subject=name, label="Accept", back=back, do=do)
    return form_act(
        request, form, title="Accept and open the deal", subject=name, label="Accept", back=back, do=do, columns=2,
        note="What is not known yet may stay empty.",
    )  # fmt: skip


@member_view("handoffs.view", post="handoffs.decide")
def handoff_reject(request: MemberRequest, handoff_id: UUID) -> HttpResponse:
    """Send a lead back, with one of the agreement's reasons."""
    handoff, now = _get(handoff_id), clock.now()
    form = RejectForm(
        posted(request), version=handoff.version or ensure_first_agreement(now),
        today=local_date(now, request.workspace.time_zone),
    )  # fmt: skip

    def do(values: dict[str, Any]) -> str:
        rests = values["outcome"] == "recycled"
        reject_handoff(
            handoff=handoff, reason=values["reason"], outcome=values["outcome"], note=values["note"],
            until=values["until"] if rests else None, by=actor_of(request), now=now,
        )  # fmt: skip
        return f"Rejected: {values['reason']}."

    return form_act(
        request, form, title="Reject", subject=lead_label(handoff.lead), label="Reject", danger=True,
        back=reverse("handoff_detail", args=[request.workspace.slug, handoff.pk]), do=do,
    )  # fmt: skip


@member_view("handoffs.view", post="handoffs.decide")
def handoff_give(request: MemberRequest, handoff_id: UUID) -> HttpResponse:
    """Give a waiting hand-off to a colleague."""
    handoff = _get(handoff_id)

    def do(values: dict[str, Any]) -> str:
        reassign_handoff(handoff=handoff, to=values["to"], by=actor_of(request), now=clock.now())
        return f"Given to {values['to']}."

    return form_act(
        request, GiveOnForm(posted(request), handoff=handoff), title="Give to a colleague",
        subject=lead_label(handoff.lead), label="Give",
        back=reverse("handoff_detail", args=[request.workspace.slug, handoff.pk]), do=do,
    )  # fmt: skip


def _rows(facts: dict[str, Any] | None, order: tuple[str, ...]) -> list[tuple[str, Any]]:
    """(label, value) of one part of a brief, unknown ones too: what is not known is part of a brief."""
    if not facts:
        return []
    rows = []
    for name in order:
        value = facts.get(name)
        value = ", ".join(value) if isinstance(value, list) else value
        value = "none" if name == "campaign" and not value else value
        rows.append(
            (LABELS.get(name, name.replace("_", " ").capitalize()), _WORDS.get(name, {}).get(value, value) or None)
        )
    return rows


def _confirmed(brief: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person confirmed for SQL, in the order of the checklist."""
    said: dict[str, str] = next(
        (row["facts"]["confirmed"] for row in brief.get("qualification", ()) if "confirmed" in row["facts"]), {}
    )
    return [(item.capitalize(), said[item]) for item in SQL_ITEMS if item in said]
