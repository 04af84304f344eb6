"""The editor of a sequence's steps: cards at the left, the chosen one and its preview at the right."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions.drafts import add_step, discard_draft, edit_step, move_step, remove_step
from campaigns.actions.sequences import publish_checks
from campaigns.forms.sequences import PreviewForm, StepForm
from campaigns.models import Sequence, Step
from campaigns.queries import sequences as queries
from campaigns.queries.mail import VARIABLES, template_data
from campaigns.views.sequences import KINDS, get_sequence, head, may_edit, sequence_url, step_cards
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal
from prospects.forms.leads import person_text
from prospects.models import Person
from prospects.views.listing import add_app_error


@member_view("sequences.view")
def sequence_detail(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """The steps: of the draft where there is one, else of the published version."""
    sequence = get_sequence(sequence_id)
    return _editor(request, sequence, None, None)


@member_view("sequences.view", post="sequences.edit")
def step_edit(request: MemberRequest, sequence_id: UUID, step_id: UUID) -> HttpResponse:
    """One step of the draft beside its preview; saving names line and column of what cannot be used."""
    sequence, step = get_sequence(sequence_id), _step(sequence_id, step_id)
    form = None
    if request.method == "POST":
        form = StepForm(request.POST, step=step)
        if form.is_valid():
            try:
                edit_step(step=step, changes=form.values(), now=clock.now())
            except AppError as error:
                add_app_error(form, error)
            else:
                return hx_redirect(request, _step_url(request, step, sequence), toast=f"Step {step.position} is saved.")
    return _editor(request, sequence, step, form)


@member_view("sequences.edit")
@require_POST
def step_create(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """A new step of `kind` at `position`."""
    sequence = get_sequence(sequence_id)
    kind, position = request.POST.get("kind", ""), request.POST.get("position", "")
    place = int(position) if position.isdigit() else 999
    try:
        step = add_step(sequence=sequence, position=place, by=actor_of(request), now=clock.now(), kind=kind)
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _step_url(request, step, sequence))


@member_view("sequences.edit")
@require_POST
def step_move(request: MemberRequest, sequence_id: UUID, step_id: UUID) -> HttpResponse:
    """One place up or down."""
    sequence, step = get_sequence(sequence_id), _step(sequence_id, step_id)
    try:
        move_step(step=step, up=request.POST.get("direction") == "up", now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _step_url(request, step, sequence), toast=f"It is step {step.position} now.")


@member_view("sequences.edit")
@require_POST
def step_delete(request: MemberRequest, sequence_id: UUID, step_id: UUID) -> HttpResponse:
    """Out of the draft."""
    sequence, step = get_sequence(sequence_id), _step(sequence_id, step_id)
    position = step.position
    try:
        remove_step(step=step, now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, sequence_url(request, sequence), toast=f"Step {position} is gone.")


@member_view("sequences.edit")
@require_POST
def sequence_discard(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """Throw the draft away."""
    sequence = get_sequence(sequence_id)
    try:
        discard_draft(sequence=sequence, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, sequence_url(request, sequence), toast="The draft is gone; what is published stays.")


@member_view("sequences.view")
@require_POST
def step_preview(request: MemberRequest, sequence_id: UUID, step_id: UUID) -> HttpResponse:
    """The unsaved texts as a real person would get them. Nothing is stored."""
    sequence, step = get_sequence(sequence_id), _step(sequence_id, step_id)
    form = PreviewForm(request.POST)
    form.is_valid()
    person = form.cleaned_data.get("person") or queries.sample_person(sequence)
    texts = {name: str(form.data.get(name, "")) for name in ("subject", "body")}
    context = _preview(sequence, step, person, **texts) | {"person_errors": form.errors.get("person", [])}
    return render(request, "campaigns/sequence_preview.html", context)


def _step(sequence_id: UUID, step_id: UUID) -> Step:
    found: Step = get_object_or_404(Step.objects.select_related("version"), pk=step_id, version__sequence=sequence_id)
    return found


def _step_url(request: MemberRequest, step: Step, sequence: Sequence) -> str:
    return reverse("step_edit", args=[request.workspace.slug, sequence.pk, step.pk])


def _editor(request: MemberRequest, sequence: Sequence, chosen: Step | None, form: StepForm | None) -> HttpResponse:
    context = head(request, sequence, "steps")
    version = context["draft"] or context["published"]
    is_draft = version is not None and version.published_at is None
    editable = is_draft and may_edit(request) and sequence.state != Sequence.State.ARCHIVED
    cards = step_cards(sequence, version, outcomes=not is_draft)
    if chosen is not None and chosen.version_id != getattr(version, "pk", None):
        # An old link to a step of another version: show what stands now.
        chosen, form = None, None
    if chosen is None and cards:
        chosen = cards[0]["step"]
    context |= {
        "version": version, "is_draft": is_draft, "editable": editable, "cards": cards, "chosen": chosen, "kinds": KINDS,
        "problems": sum(len(c.problems) for c in publish_checks(sequence=sequence, version=version)) if is_draft and version else 0,
    }  # fmt: skip
    if chosen is not None:
        person = queries.sample_person(sequence)
        step_form = form or StepForm(step=chosen)
        context["form"] = step_form
        context["chosen_title"] = f"Step {chosen.position}, {chosen.get_kind_display()}"
        context["chosen_is_wait"] = chosen.kind == Step.Kind.WAIT
        context["people_url"] = reverse("lead_people", args=[request.workspace.slug])
        context["variables"] = _variables(request, sequence, person)
        context |= _preview(
            sequence, chosen, person,
            subject=str(step_form["subject"].value() or "") if "subject" in step_form.fields else "",
            body=str(step_form["body"].value() or "") if "body" in step_form.fields else "",
        )  # fmt: skip
    return render(
        request, "campaigns/sequence_detail.html", context, status=422 if form is not None and form.errors else 200
    )


def _preview(sequence: Sequence, step: Step, person: Person | None, *, subject: str, body: str) -> dict[str, Any]:
    """Context of the preview: the person, the rendered texts, what is missing, what is broken."""
    pool = queries.mailboxes_of(sequence)
    shown = None
    if person is not None:
        shown = queries.preview_step(
            subject=subject, body=body, person=person, mailbox=pool[0] if pool else None, member=person.owner,
            signed=step.kind == Step.Kind.EMAIL,
        )  # fmt: skip
    earlier = Step.objects.filter(version=step.version_id, kind=Step.Kind.EMAIL, position__lt=step.position).exists()
    hint = f'{{{{ {shown.missing[0]} | default: "…" }}}}' if shown and shown.missing else ""
    return {
        "fallback_hint": hint, "preview": shown, "preview_person": person, "preview_as": person_text(person) if person else "",
        "preview_mailbox": pool[0] if pool else None, "preview_step": step, "is_email": step.kind == Step.Kind.EMAIL,
        "follows_thread": not subject.strip() and earlier,
    }  # fmt: skip


def _variables(request: MemberRequest, sequence: Sequence, person: Person | None) -> list[dict[str, str]]:
    """The picker: each variable with this person's value and a fallback to start from."""
    values: dict[str, Any] = {}
    if person is not None:
        pool = queries.mailboxes_of(sequence)
        values = template_data(
            person=person, workspace=request.workspace, mailbox=pool[0] if pool else None, member=person.owner
        )
    found = []
    for name in VARIABLES:
        group, _, key = name.partition(".")
        value = values.get(group, {}).get(key)
        fallback = queries.FALLBACKS.get(name)
        code = f'{{{{ {name} | default: "{fallback}" }}}}' if fallback else f"{{{{ {name} }}}}"
        found.append({"name": name, "value": "" if value in (None, "") else str(value), "code": code})
    return found
