"""Pages of sequences: list, steps, settings, versions, and the steps of their life."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.permissions import member_allows
from campaigns.actions.drafts import draft_of
from campaigns.actions.sequences import (
    archive_sequence,
    create_sequence,
    draft_version,
    pause_sequence,
    publish_checks,
    publish_sequence,
    published_version,
    resume_sequence,
    update_sequence,
)
from campaigns.forms.sequences import SequenceFilter, SequenceForm
from campaigns.models import Enrolment, Mailbox, Message, Sequence, SequenceVersion, Step
from campaigns.queries import sequences as queries
from campaigns.queries.domains import warnings_of
from campaigns.queries.enrolments import daily_capacity
from campaigns.queries.pace import shares_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.forms.campaigns import PauseForm
from prospects.models import Campaign
from prospects.views.campaigns import outreach_tabs
from prospects.views.listing import add_app_error, build_listing, sheet_or_page
from prospects.views.stages import form_act

LIST: dict[str, Any] = {"orders": queries.ORDERS, "nullable": (), "default": "-created_at"}
TONES: dict[str, str] = {"draft": "neutral", "active": "success", "paused": "neutral", "archived": "neutral"}
KIND_ICONS: dict[str, str] = {
    Step.Kind.EMAIL: "mail", Step.Kind.LINKEDIN_REQUEST: "user-plus", Step.Kind.LINKEDIN_MESSAGE: "message-square",
    Step.Kind.CALL: "phone", Step.Kind.WAIT: "hourglass",
}  # fmt: skip
KINDS = [{"kind": kind.value, "label": kind.label, "icon": KIND_ICONS[kind]} for kind in Step.Kind]


def get_sequence(sequence_id: UUID) -> Sequence:
    """The sequence with what every page of it shows; 404 outside this workspace."""
    found: Sequence = get_object_or_404(Sequence.objects.select_related("campaign", "owner"), pk=sequence_id)
    return found


def sequence_url(request: MemberRequest, sequence: Sequence, name: str = "sequence_detail") -> str:
    return reverse(name, args=[request.workspace.slug, sequence.pk])


LINKEDIN = (Step.Kind.LINKEDIN_REQUEST, Step.Kind.LINKEDIN_MESSAGE)


def head(request: MemberRequest, sequence: Sequence, tab: str) -> dict[str, Any]:
    """Context of the head and the tabs every page of a sequence has."""
    draft, published = draft_version(sequence), published_version(sequence)
    counts = queries.counts_of([sequence])[sequence.pk]
    mails = Message.objects.filter(enrolment__sequence=sequence).count()
    tabs: list[dict[str, Any]] = [
        {"key": "steps", "label": "Steps", "url": sequence_url(request, sequence)},
        {"key": "people", "label": "People", "count": counts.all, "url": sequence_url(request, sequence, "sequence_people")},
        {"key": "messages", "label": "Messages", "count": mails, "url": sequence_url(request, sequence, "sequence_messages")},
        {"key": "settings", "label": "Settings", "url": sequence_url(request, sequence, "sequence_settings")},
    ]  # fmt: skip
    by_linkedin = published is not None and Step.objects.filter(version=published, kind__in=LINKEDIN).exists()
    return {
        "by_linkedin": by_linkedin, "sequence": sequence, "tone": TONES[sequence.state], "draft": draft, "published": published, "counts": counts,
        "tabs": tabs, "tab": tab, "nav_active": "sequences", "version_words": _version_words(draft, published),
        "campaign_waits": sequence.campaign.state != Campaign.State.ACTIVE,
    }  # fmt: skip


def _version_words(draft: SequenceVersion | None, published: SequenceVersion | None) -> str:
    if published is None:
        return "draft"
    return f"v{published.number}, draft of v{draft.number}" if draft else f"v{published.number}"


@member_view("sequences.view")
def sequence_list(request: MemberRequest) -> HttpResponse:
    """Sequences by filters, in keyset pages, with the people in them."""
    try:
        listing = build_listing(
            request, SequenceFilter, Sequence.objects.all(),
            show=lambda rows: rows.select_related("campaign", "owner"), **LIST,
        )  # fmt: skip
    except AppError as error:
        return refusal(request, error)
    counts = queries.counts_of(listing.page.rows)
    for sequence in listing.page.rows:
        sequence.x_counts, sequence.x_tone = counts[sequence.pk], TONES[sequence.state]
    context = listing.context("sequences") | outreach_tabs(request, "sequences")
    words = f"{listing.count} sequences match"
    return render_page(request, "campaigns/sequence_list.html", context, partial="results", announce=words)


@member_view("sequences.edit")
def sequence_create(request: MemberRequest) -> HttpResponse:
    """A new sequence; `?campaign=` fills that in. Its steps are written next."""
    initial: dict[str, Any] = {"owner": str(request.member.pk), "weekdays": [0, 1, 2, 3, 4]}
    initial |= {"window_start": "09:00", "window_end": "17:00"}
    if request.method == "GET":
        initial["campaign"] = request.GET.get("campaign") or _only_campaign()
        initial["mailboxes"] = [row.pk for row in Mailbox.objects.filter(member=request.member)]
    form = SequenceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            sequence = create_sequence(by=actor_of(request), now=clock.now(), mailboxes=form.pool(), **form.values())
        except AppError as error:
            add_app_error(form, error)
        else:
            words = "Write its steps, then publish it."
            return hx_redirect(request, sequence_url(request, sequence), toast=words)
    context = {
        "form": form, "nav_active": "sequences", "back": reverse("sequence_list", args=[request.workspace.slug]),
        "has_campaigns": Campaign.objects.exclude(state=Campaign.State.ENDED).exists(),
        "has_mailboxes": Mailbox.objects.exists(),
    }  # fmt: skip
    return render(request, "campaigns/sequence_create.html", context, status=422 if form.errors else 200)


@member_view("sequences.view", post="sequences.edit")
def sequence_settings(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """Name, campaign, mailboxes, window, stop rule, and the versions."""
    sequence = get_sequence(sequence_id)
    form = SequenceForm(request.POST or None, sequence=sequence)
    if request.method == "POST" and form.is_valid():
        try:
            update_sequence(
                sequence=sequence, changes=form.values(), mailboxes=form.pool(), by=actor_of(request), now=clock.now()
            )
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, sequence_url(request, sequence, "sequence_settings"), toast="Saved.")
        sequence = get_sequence(sequence_id)
    context = head(request, sequence, "settings") | {
        "form": form, "versions": queries.versions_of(sequence), "shares": shares_of(queries.mailboxes_of(sequence)),
    }  # fmt: skip
    return render(request, "campaigns/sequence_settings.html", context, status=422 if form.errors else 200)


@member_view("sequences.view")
def sequence_version(request: MemberRequest, sequence_id: UUID, version_id: UUID) -> HttpResponse:
    """The steps of one version, as they are or were."""
    sequence = get_sequence(sequence_id)
    version = get_object_or_404(
        SequenceVersion.objects.select_related("published_by"), pk=version_id, sequence=sequence
    )
    inside = Enrolment.objects.filter(version=version, state__in=["active", "paused"]).count()
    context = head(request, sequence, "settings") | {
        "version": version, "cards": step_cards(sequence, version, outcomes=True), "inside": inside,
    }  # fmt: skip
    return render(request, "campaigns/sequence_version.html", context)


@member_view("sequences.edit")
@require_POST
def sequence_draft(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """Edit a published sequence: a draft copy; people inside stay on their version."""
    sequence = get_sequence(sequence_id)
    try:
        draft = draft_of(sequence=sequence, now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = f"This is the draft of v{draft.number}. People inside stay on their version."
    return hx_redirect(request, sequence_url(request, sequence), toast=words)


@member_view("sequences.view", post="sequences.publish")
def sequence_publish(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """The list before publishing, then the act."""
    sequence = get_sequence(sequence_id)
    draft = draft_version(sequence)
    if request.method == "POST":
        try:
            version = publish_sequence(sequence=sequence, by=actor_of(request), now=clock.now())
        except AppError as error:
            return refusal(request, error)
        words = f"Version {version.number} is published. New people go through it."
        return hx_redirect(request, sequence_url(request, sequence), toast=words)
    checks = publish_checks(sequence=sequence, version=draft) if draft else []
    counts = queries.counts_of([sequence])[sequence.pk]
    context = {
        "sequence": sequence, "draft": draft, "checks": checks, "inside": counts.inside,
        "ready": draft is not None and not any(check.problems for check in checks),
        "title": f"Publish v{draft.number}" if draft else "Publish",
        "notes": _publish_notes(sequence), "warnings": warnings_of(queries.mailboxes_of(sequence)) if draft else [],
        "back": sequence_url(request, sequence), "nav_active": "sequences",
    }  # fmt: skip
    return sheet_or_page(request, "campaigns/sequence_publish.html", context)


@member_view("sequences.view", post="sequences.publish")
def sequence_pause(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """Hold a sequence, with the reason."""
    sequence = get_sequence(sequence_id)
    inside = queries.counts_of([sequence])[sequence.pk].inside

    def do(values: dict[str, Any]) -> str:
        pause_sequence(sequence=sequence, reason=values["reason"], by=actor_of(request), now=clock.now())
        return f"{sequence} is paused: {inside:,} people wait."

    return form_act(
        request, PauseForm(request.POST or None), title="Pause the sequence", subject=str(sequence),
        label=f"Pause for {inside:,} people" if inside else "Pause", back=sequence_url(request, sequence), do=do,
        nav="sequences", note="No step begins and no e-mail leaves until it is resumed. Open tasks stay open.",
    )  # fmt: skip


@member_view("sequences.publish")
@require_POST
def sequence_resume(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """Let a paused sequence go on."""
    sequence = get_sequence(sequence_id)
    try:
        resume_sequence(sequence=sequence, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = f"{sequence} goes on; what waited is looked at now."
    return hx_redirect(request, sequence_url(request, sequence), toast=words)


@member_view("sequences.publish")
@require_POST
def sequence_archive(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """Out of the lists, once nobody is inside."""
    sequence = get_sequence(sequence_id)
    try:
        archive_sequence(sequence=sequence, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(
        request, reverse("sequence_list", args=[request.workspace.slug]), toast=f"{sequence} is archived."
    )


def step_cards(sequence: Sequence, version: SequenceVersion | None, *, outcomes: bool = False) -> list[dict[str, Any]]:
    """Cards of a version's steps: {step, icon, day, delay, subject, text, missing, counts}, rendered for somebody real."""
    steps = queries.steps_in(version)
    person = queries.sample_person(sequence) if steps else None
    pool = queries.mailboxes_of(sequence)
    counts = queries.outcomes_by_step(version) if outcomes and version else {}
    cards = []
    first_mail = next((step.pk for step in steps if step.kind == Step.Kind.EMAIL), None)
    for step, day in zip(steps, queries.day_rail(steps), strict=True):
        card: dict[str, Any] = {
            "step": step, "icon": KIND_ICONS[step.kind], "day": day, "delay": queries.delay_words(step),
            "subject": step.subject, "text": step.body, "no_subject": "No subject yet" if step.pk == first_mail else "same thread", "missing": [], "counts": counts.get(step.pk, {}),
            "is_wait": step.kind == Step.Kind.WAIT, "is_empty": not step.body.strip() and step.kind != Step.Kind.WAIT,
        }  # fmt: skip
        if person is not None and step.kind != Step.Kind.WAIT:
            shown = queries.preview_step(
                subject=step.subject, body=step.body, person=person, mailbox=pool[0] if pool else None,
                member=person.owner, signed=False,
            )  # fmt: skip
            card |= {"subject": shown.subject, "text": shown.text, "missing": shown.missing}
        cards.append(card)
    return cards


def _publish_notes(sequence: Sequence) -> list[str]:
    """What does not stand in the way, and should be known."""
    notes = []
    pool = queries.mailboxes_of(sequence)
    if sequence.campaign.state != Campaign.State.ACTIVE:
        notes.append(
            f"Campaign {sequence.campaign} is {sequence.campaign.get_state_display().lower()}: everything waits until it runs."
        )
    if pool:
        notes.append(f"Its mailboxes carry {daily_capacity(pool):,} e-mails a day.")
    held = [mailbox.address for mailbox in pool if not mailbox.sends]
    if held:
        notes.append(f"Not sending now: {', '.join(held)}.")
    return notes


def _only_campaign() -> Any:
    """The campaign to suggest: the newest that runs or is being prepared."""
    return (
        Campaign.objects.exclude(state=Campaign.State.ENDED)
        .order_by("-created_at", "-id")
        .values_list("pk", flat=True)
        .first()
    )


def may_edit(request: MemberRequest) -> bool:
    return member_allows(request.member, "sequences.edit")
