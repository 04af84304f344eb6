"""People of a sequence and one enrolment; pause, resume and stop one or many."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions.enrolments import change_enrolments
from campaigns.forms.enrolments import EnrolmentFilter, ReasonForm
from campaigns.models import Enrolment
from campaigns.queries import enrolments as queries
from campaigns.queries.messages import TONES as MESSAGE_TONES
from campaigns.views.sequences import KIND_ICONS, get_sequence, head, sequence_url
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.queries.panels import contact_panel
from prospects.views.listing import build_listing, selected_ids
from prospects.views.stages import form_act

LIST: dict[str, Any] = {"orders": queries.ORDERS, "nullable": queries.NULLABLE, "default": "-enrolled_at"}
DONE = {"pause": "paused", "resume": "go on", "stop": "stopped"}


@member_view("enrolments.view")
def sequence_people(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """People of a sequence: the next action of each, and why it waits."""
    sequence, now = get_sequence(sequence_id), clock.now()
    try:
        listing = build_listing(
            request, EnrolmentFilter, Enrolment.objects.filter(sequence=sequence), show=queries.with_related, **LIST
        )
    except AppError as error:
        return refusal(request, error)
    following = queries.next_actions(listing.page.rows, now)
    for enrolment in listing.page.rows:
        enrolment.x_next = following[enrolment.pk]
        enrolment.x_tone = queries.TONES[enrolment.state]
        enrolment.x_ended = queries.STOPPED_BY.get(enrolment.stopped_by_type, "")
    counts = queries.state_counts(sequence=sequence)
    context = listing.context("enrolments") | head(request, sequence, "people")
    context["state_chips"] = [
        {"key": key, "label": label, "count": counts[key], "on": request.GET.get("state") == key}
        for key, label in Enrolment.State.choices
    ]
    context["everybody"] = sum(counts.values())
    words = f"{listing.count} people match"
    return render_page(request, "campaigns/sequence_people.html", context, partial="results", announce=words)


@member_view("enrolments.view")
def enrolment_detail(request: MemberRequest, enrolment_id: UUID) -> HttpResponse:
    """One person going through one version: steps done with their texts, what comes, and why it waits."""
    enrolment, now = _get(enrolment_id), clock.now()
    steps = queries.steps_of(enrolment)
    context = {
        "enrolment": enrolment,
        "tone": queries.TONES[enrolment.state],
        "ended_by": queries.STOPPED_BY.get(enrolment.stopped_by_type, ""),
        "next": queries.next_actions([enrolment], now)[enrolment.pk],
        "is_inside": enrolment.state in {Enrolment.State.ACTIVE, Enrolment.State.PAUSED},
        "steps": [
            {
                "done": done, "icon": KIND_ICONS[done.step.kind],
                "tone": MESSAGE_TONES[done.message.state] if done.message else "neutral",
            }
            for done in steps
        ],
        "version_words": f"of version {enrolment.version.number}",
        "facts": _facts(enrolment),
        "contact": contact_panel(enrolment.person, now),
        "list_url": sequence_url(request, enrolment.sequence, "sequence_people"),
        "nav_active": "sequences",
    }  # fmt: skip
    return render(request, "campaigns/enrolment_detail.html", context)


@member_view("enrolments.view", post="enrolments.stop")
def enrolment_pause(request: MemberRequest, enrolment_id: UUID) -> HttpResponse:
    """Hold one person, with the reason."""
    return _one(
        request, _get(enrolment_id), "pause", "Pause", "Nothing more goes to this person until somebody resumes it."
    )


@member_view("enrolments.view", post="enrolments.stop")
def enrolment_stop(request: MemberRequest, enrolment_id: UUID) -> HttpResponse:
    """Take one person out for good, with the reason."""
    return _one(
        request, _get(enrolment_id), "stop", "Stop",
        "Planned e-mail is blocked, open tasks are cancelled. They do not go through this sequence again.",
    )  # fmt: skip


@member_view("enrolments.stop")
@require_POST
def enrolment_resume(request: MemberRequest, enrolment_id: UUID) -> HttpResponse:
    """Let one person go on where they were held."""
    enrolment = _get(enrolment_id)
    try:
        changed = change_enrolments(enrolments=[enrolment], act="resume", by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = f"{enrolment.person} goes on." if changed else f"{enrolment.person} was not paused."
    return hx_redirect(request, _url(request, enrolment), toast=words)


@member_view("enrolments.stop")
@require_POST
def enrolment_bulk(request: MemberRequest) -> HttpResponse:
    """Pause, resume or stop the selected people of a sequence."""
    act = request.POST.get("action", "")
    try:
        rows = list(queries.with_related(Enrolment.objects.filter(pk__in=selected_ids(request))))
        count = change_enrolments(
            enrolments=rows, act=act, reason=request.POST.get("reason", ""), by=actor_of(request), now=clock.now()
        )
    except AppError as error:
        return refusal(request, error)
    names = {row.sequence_id for row in rows}
    back = reverse("sequence_list", args=[request.workspace.slug])
    if len(names) == 1:
        back = sequence_url(request, rows[0].sequence, "sequence_people")
        if request.POST.get("query"):
            back = f"{back}?{request.POST['query']}"
    rest = len(rows) - count
    words = f"{count:,} {'person' if count == 1 else 'people'} {DONE[act]}."
    return hx_redirect(request, back, toast=words + (f" {rest:,} were in another state already." if rest else ""))


def _one(request: MemberRequest, enrolment: Enrolment, act: str, label: str, note: str) -> HttpResponse:
    def do(values: dict[str, Any]) -> str:
        changed = change_enrolments(
            enrolments=[enrolment], act=act, reason=values["reason"], by=actor_of(request), now=clock.now()
        )
        state = {"pause": "is paused", "stop": "is stopped"}[act]
        return (
            f"{enrolment.person} {state}." if changed else f"Nothing changed: {enrolment.get_state_display().lower()}."
        )

    return form_act(
        request, ReasonForm(request.POST or None), title=f"{label} {enrolment.person}",
        subject=str(enrolment.sequence), label=label, back=_back(request, enrolment), do=do, danger=act == "stop",
        nav="sequences", note=note,
    )  # fmt: skip


def _back(request: MemberRequest, enrolment: Enrolment) -> str:
    """The page the act was asked from: the person's where `?from=person`, else the enrolment's."""
    if request.GET.get("from") == "person":
        return reverse("person_detail", args=[request.workspace.slug, enrolment.person_id])
    return _url(request, enrolment)


def _url(request: MemberRequest, enrolment: Enrolment) -> str:
    return reverse("enrolment_detail", args=[request.workspace.slug, enrolment.pk])


def _get(enrolment_id: UUID) -> Enrolment:
    found: Enrolment = get_object_or_404(queries.with_related(Enrolment.objects.all()), pk=enrolment_id)
    return found


def _facts(enrolment: Enrolment) -> list[tuple[Any, ...]]:
    """(label, value, note) of an enrolment."""
    return [
        ("Sequence", f"{enrolment.sequence} v{enrolment.version.number}"),
        ("Campaign", str(enrolment.sequence.campaign)),
        ("Sends from", enrolment.mailbox.address if enrolment.mailbox else None),
        ("Tasks go to", str(enrolment.owner) if enrolment.owner else "anybody"),
        ("Enrolled", enrolment.enrolled_at, f"by {enrolment.enrolled_by}" if enrolment.enrolled_by else ""),
        *([("Why", enrolment.cause)] if enrolment.cause else []),
        ("Ended", enrolment.ended_at) if enrolment.ended_at else ("At step", enrolment.position or "not begun"),
        ("External id", enrolment.external_id or None),
    ]
