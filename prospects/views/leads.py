"""Pages of leads: list, page, opening by hand, correcting where one came from, timeline, suggestions of people."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.leads import edit_lead, mark_seen, open_lead
from prospects.actions.routing import lead_label
from prospects.forms.leads import LeadEditForm, LeadFilter, LeadForm, person_text
from prospects.models import Deal, Handoff, Lead, Meeting, Person, Stage
from prospects.models.choices import OPEN_STAGES
from prospects.queries.activities import GROUPS, group_chips, timeline
from prospects.queries.engagement import scores_of
from prospects.queries.handoffs import fit_in_words
from prospects.queries.leads import conversation_of, first_entries
from prospects.queries.panels import contact_panel
from prospects.queries.people import containing
from prospects.rules.agreements import SQL_ITEMS
from prospects.rules.stages import path
from prospects.views.listing import add_app_error, build_listing, neighbours_in
from prospects.views.stages import form_act, get_lead, lead_url, posted

LIST: dict[str, Any] = {
    "orders": ("created_at", "opened_at", "stage_at"), "nullable": ("opened_at", "stage_at"), "default": "-created_at",
}  # fmt: skip
TONES: dict[str, str] = {
    Stage.CUSTOMER: "success",
    Stage.DISQUALIFIED: "danger",
    Stage.LOST: "danger",
    Stage.RECYCLED: "neutral",
}
SUGGESTIONS = 8


def _shown(queryset: Any) -> Any:
    return queryset.select_related("person", "company", "owner", "campaign", "version")


def lead_tabs(request: MemberRequest, active: str) -> dict[str, Any]:
    """The tabs above every page around leads."""
    slug = request.workspace.slug
    pages = [
        ("leads", "Leads", "lead_list"), ("handoffs", "Hand-offs", "handoff_list"), ("meetings", "Meetings", "meeting_list"),
        ("agreement", "Agreement", "agreement_detail"),
    ]  # fmt: skip
    tabs = [{"key": key, "label": label, "url": reverse(name, args=[slug])} for key, label, name in pages]
    return {"lead_tabs": tabs, "lead_tab": active, "nav_active": "leads"}


@member_view("leads.view")
def lead_list(request: MemberRequest) -> HttpResponse:
    """Leads by filters, in keyset pages; also the set behind a figure of the funnel."""
    now = clock.now()
    try:
        listing = build_listing(request, LeadFilter, Lead.objects.all(), show=_shown, **LIST)
    except AppError as error:
        return refusal(request, error)
    scores = scores_of(
        [lead.person_id for lead in listing.page.rows if lead.person_id], ensure_first_agreement(now), now
    )
    for lead in listing.page.rows:
        lead.x_score = scores.get(lead.person_id)
        lead.x_tone = TONES.get(lead.stage, "primary")
        lead.x_sla = lead.touch_due_at if lead.first_touch_at is None and lead.stage in OPEN_STAGES else None
    context = listing.context("leads") | lead_tabs(request, "leads")
    return render_page(
        request, "prospects/lead_list.html", context, partial="results", announce=f"{listing.count} leads match"
    )


@member_view("leads.view")
def lead_detail(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """One buying cycle: its path with dates and versions, what met each clause, hand-offs, meetings, deals, timeline."""
    lead, now = get_lead(lead_id), clock.now()
    mark_seen(lead=lead, by=actor_of(request), now=now)
    version = ensure_first_agreement(now)
    moves = first_entries(lead)
    sql = next((move for move in reversed(moves) if move.to_stage == Stage.SQL), None)
    before, after = neighbours_in(request, lead, LeadFilter, Lead.objects.all(), show=_shown, **LIST)
    within = request.GET.get("in", "")
    conversation = conversation_of(lead, now)
    confirmed = (sql.facts.get("confirmed") or {}) if sql else {}
    context = {
        "lead": lead,
        "name": lead_label(lead),
        "tone": TONES.get(lead.stage, "primary"),
        "is_open": lead.stage in OPEN_STAGES,
        "steps": _steps(moves, lead),
        "moves": list(reversed(moves)),
        "version": (reached := _version_of(moves, lead)),
        "version_tail": f" v{reached}",
        "checklist": [
            {
                "item": item, "label": SQL_ITEMS.get(item, item), "said": confirmed.get(item, ""),
                "done": conversation is not None if item == "conversation" else item in confirmed,
                "conversation": conversation if item == "conversation" else None,
            }
            for item in version.sql_clause.get("required", ())
        ],
        "sql": sql,
        "conversation": conversation,
        "facts": facts_of(lead),
        "fit": fit_in_words(lead, version),
        "handoffs": list(
            Handoff.objects.filter(lead=lead).select_related("to_member", "decided_by", "from_member").order_by("-created_at")
        ),
        "meetings": meetings_of(now, lead=lead),
        "deals": list(Deal.objects.filter(lead=lead).select_related("owner").order_by("-created_at")),
        "contact": contact_panel(lead.person, now) if lead.person else None,
        "sla": lead.touch_due_at if lead.first_touch_at is None and lead.stage in OPEN_STAGES else None,
        "before": before,
        "after": after,
        "within": f"?{urlencode({'in': within})}" if within else "",
        "list_url": reverse("lead_list", args=[request.workspace.slug]) + (f"?{within}" if within else ""),
        "nav_active": "leads",
    }  # fmt: skip
    return render(request, "prospects/lead_detail.html", context | _timeline(request, lead))


@member_view("leads.view")
def lead_timeline(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """One page of a lead's timeline."""
    try:
        context = _timeline(request, get_lead(lead_id))
    except AppError as error:
        return refusal(request, error)
    part = "items" if request.GET.get("cursor") else "list"
    return render(request, f"prospects/timeline.html#{part}", context)


@member_view("leads.edit")
def lead_create(request: MemberRequest) -> HttpResponse:
    """Open a lead by hand; `?person=<id>` from a person's page fills that in."""
    initial: dict[str, Any] = {"owner": str(request.member.pk)}
    asked = request.GET.get("person", "")
    if asked:
        try:
            initial["person"] = Person.objects.filter(pk=UUID(asked)).first()
        except ValueError:
            initial["person"] = None
    form = LeadForm(posted(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        try:
            lead = open_lead(origin=Lead.Origin.MANUAL, at=now, now=now, by=actor_of(request), **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            words = (
                "The lead is open." if lead.opened_at == now else "This person has an open lead already: here it is."
            )
            return hx_redirect(request, lead_url(request, lead), toast=words)
    context = {"form": form, "nav_active": "leads", "back": reverse("lead_list", args=[request.workspace.slug])}
    return render(request, "prospects/lead_form.html", context, status=422 if form.errors else 200)


@member_view("leads.view", post="leads.edit")
def lead_edit(request: MemberRequest, lead_id: UUID) -> HttpResponse:
    """Correct the channel, campaign and source of a lead."""
    lead = get_lead(lead_id)

    def do(values: dict[str, Any]) -> str:
        edit_lead(lead=lead, changes=values, by=actor_of(request), now=clock.now())
        return "Saved."

    return form_act(
        request, LeadEditForm(posted(request), lead=lead), title="Where it came from", subject=lead_label(lead),
        label="Save", back=lead_url(request, lead), do=do,
        note="The channel decides in which row of the funnel this lead is counted, in the past too. Both values stay on the timeline.",
    )  # fmt: skip


@member_view("people.view")
def lead_people(request: MemberRequest) -> HttpResponse:
    """Suggestions for a person field, as options of a datalist."""
    text = request.GET.get("person", "").strip()
    people = (
        containing(Person.objects.all(), text, companies=False).order_by("full_name")[:SUGGESTIONS]
        if len(text) > 1
        else []
    )
    return render(request, "prospects/lead_people.html", {"people": [person_text(person) for person in people]})


def facts_of(lead: Lead) -> list[tuple[Any, ...]]:
    """(label, value, note) of where a lead came from and how fast it was answered."""
    rows: list[tuple[Any, ...]] = [
        ("Channel", lead.get_channel_display(), lead.subchannel or None),
        ("Source", lead.source or None),
        ("Campaign", str(lead.campaign) if lead.campaign else "none"),
        ("Origin", lead.get_origin_display()),
        ("Opened", moment(lead.opened_at) or "undated"),
    ]
    if lead.routed_at:
        rows += [("Routed", moment(lead.routed_at)), ("Why to them", lead.route_reason or None)]
    rows += [
        ("First seen by its owner", moment(lead.seen_at) or "not yet"),
        ("First human touch", moment(lead.first_touch_at) or "not yet"),
    ]
    return [*rows, ("External id", lead.external_id)] if lead.external_id else rows


def meetings_of(now: datetime, **about: Any) -> list[Meeting]:
    """Meetings of a lead or deal, newest first; `x_asks`: it has begun and nobody said how it went."""
    rows: list[Any] = list(Meeting.objects.filter(**about).select_related("member").order_by("-starts_at"))
    for meeting in rows:
        meeting.x_asks = meeting.state == Meeting.State.BOOKED and meeting.starts_at <= now
    return rows


def moment(at: datetime | None) -> str | None:
    """ "11 Nov 2026, 23:22" in the reader's zone; None for none."""
    return date_format(timezone.localtime(at), "j M Y, H:i") if at else None


def _steps(moves: list[Any], lead: Lead) -> list[dict[str, Any]]:
    versions = {move.to_stage: move.version.number for move in reversed(moves) if move.version}
    return [
        {
            "stage": step.stage, "label": Stage(step.stage).label, "at": step.at, "state": step.state,
            "skipped": step.skipped, "version": versions.get(step.stage) if step.state != "ahead" else None,
        }
        for step in path([(move.to_stage, move.at) for move in moves], lead.stage)
    ]  # fmt: skip


def _version_of(moves: list[Any], lead: Lead) -> int | None:
    """The version of the agreement the lead's present stage was reached under."""
    for move in reversed(moves):
        if move.to_stage == lead.stage and move.version is not None:
            return int(move.version.number)
    return lead.version.number if lead.version else None


def _timeline(request: MemberRequest, lead: Lead) -> dict[str, Any]:
    """The person's whole ledger where there is one: what happened before the lead opened belongs to its story."""
    group = request.GET.get("kinds", "")
    group = group if group in GROUPS else ""
    about: dict[str, Any] = {"person": lead.person} if lead.person else {"lead": lead}
    found = timeline(**about, group=group, cursor=request.GET.get("cursor", ""))
    url = reverse("lead_timeline", args=[request.workspace.slug, lead.pk])
    return {
        "timeline": found, "timeline_url": url, "timeline_group": group, "timeline_chips": group_chips(group),
        "timeline_more": f"{url}?{urlencode({'kinds': group, 'cursor': found.older})}" if found.older else "",
    }  # fmt: skip


def get_person(person_id: UUID) -> Person:
    found: Person = get_object_or_404(Person.objects.select_related("company", "owner"), pk=person_id)
    return found
