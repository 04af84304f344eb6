"""Pages of meetings: the list, booking or logging one, saying how it went."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import refusal, render_page
from prospects.actions.meetings import book_meeting, settle_meeting
from prospects.actions.routing import lead_label
from prospects.forms.meetings import MeetingFilter, MeetingForm, SettleForm
from prospects.models import Deal, Lead, Meeting, Person
from prospects.views.leads import lead_tabs
from prospects.views.listing import build_listing
from prospects.views.stages import form_act, posted

LIST: dict[str, Any] = {"orders": ("starts_at",), "nullable": (), "default": "-starts_at"}
TONES = {"booked": "info", "held": "success", "no_show": "danger", "cancelled": "neutral"}


def _shown(queryset: Any) -> Any:
    return queryset.select_related("lead__person", "lead__company", "deal", "person", "member")


@member_view("meetings.view")
def meeting_list(request: MemberRequest) -> HttpResponse:
    """Meetings by state and time."""
    try:
        listing = build_listing(request, MeetingFilter, Meeting.objects.all(), show=_shown, **LIST)
    except AppError as error:
        return refusal(request, error)
    now = clock.now()
    for meeting in listing.page.rows:
        meeting.x_tone = TONES[meeting.state]
        meeting.x_asks = meeting.state == Meeting.State.BOOKED and meeting.starts_at <= now
    context = listing.context("meetings") | lead_tabs(request, "meetings")
    words = f"{listing.count} meetings match"
    return render_page(request, "prospects/meeting_list.html", context, partial="results", announce=words)


@member_view("meetings.view", post="meetings.edit")
def meeting_create(request: MemberRequest) -> HttpResponse:
    """Book a meeting or log one that was held; `?lead=`, `?deal=` or `?person=` says whom it is with."""
    about = _about(request)
    now = clock.now()
    form = MeetingForm(posted(request), about=bool(about))

    def do(values: dict[str, Any]) -> str:
        state = values.pop("state")
        by = actor_of(request)
        meeting = book_meeting(by=by, now=now, **{**values, **about})
        if state != Meeting.State.BOOKED:
            settle_meeting(meeting=meeting, state=state, by=by, now=now)
        return f"{meeting.get_state_display()}: {meeting.title}."

    subject = next((lead_label(row) if isinstance(row, Lead) else str(row) for row in about.values()), "")
    return form_act(
        request, form, title="Log a meeting", subject=subject, label="Save", back=_back(request, about), do=do,
        people_url=reverse("lead_people", args=[request.workspace.slug]),
    )  # fmt: skip


@member_view("meetings.view", post="meetings.edit")
def meeting_settle(request: MemberRequest, meeting_id: UUID) -> HttpResponse:
    """Say how a meeting went."""
    meeting = get_object_or_404(_shown(Meeting.objects.all()), pk=meeting_id)

    def do(values: dict[str, Any]) -> str:
        settle_meeting(meeting=meeting, by=actor_of(request), now=clock.now(), **values)
        return f"{meeting.get_state_display()}: {meeting.title}."

    about: dict[str, Any] = {"lead": meeting.lead} if meeting.lead else {"deal": meeting.deal} if meeting.deal else {}
    return form_act(
        request, SettleForm(posted(request)), title="How did it go?", subject=meeting.title, label="Save",
        back=_back(request, about), do=do,
    )  # fmt: skip


def _about(request: MemberRequest) -> dict[str, Any]:
    models: dict[str, Any] = {"lead": Lead, "deal": Deal, "person": Person}
    for name, model in models.items():
        asked = request.GET.get(name, "")
        if asked:
            try:
                return {name: get_object_or_404(model.objects.all(), pk=UUID(asked))}
            except ValueError as error:
                raise Http404("No such row.") from error
    return {}


def _back(request: MemberRequest, about: dict[str, Any]) -> str:
    for name, row in about.items():
        return reverse(f"{name}_detail", args=[request.workspace.slug, row.pk])
    return reverse("meeting_list", args=[request.workspace.slug])
