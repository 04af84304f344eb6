"""Sequences: create, draft steps, publish, pause."""

from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from accounts.models import Workspace
from campaigns.actions.steps import mark_enrolments, mark_mailbox
from campaigns.models import Enrolment, Mailbox, Message, Sequence, SequenceMailbox, SequenceVersion, Step
from campaigns.queries.mail import VARIABLES, window_of
from campaigns.rules import liquid
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from prospects.models import Campaign

FIELDS = ("name", "campaign", "owner", "window_start", "window_end", "weekdays", "stop_on_company_reply", "external_id")
STEP_FIELDS = ("kind", "delay_days", "delay_hours", "business_days", "subject", "body")
MAX_STEPS = 30


def create_sequence(*, by: Actor, now: datetime, mailboxes: SequenceOf[Mailbox] = (), **values: Any) -> Sequence:
    """A draft sequence with an empty draft version. Raises Invalid or Conflict, the field named."""
    sequence = Sequence(created_at=now, **_clean(values))
    sequence.owner = sequence.owner or by.member
    _save(sequence)
    SequenceVersion.objects.create(sequence=sequence, number=1, created_at=now)
    set_mailboxes(sequence=sequence, mailboxes=mailboxes)
    write_audit(by=by, action="sequence.created", now=now, target=sequence)
    return sequence


def update_sequence(
    *,
    sequence: Sequence,
    changes: Mapping[str, Any],
    by: Actor,
    now: datetime,
    mailboxes: SequenceOf[Mailbox] | None = None,
) -> list[str]:
    """Change name, window, pool; what waits is looked at again under the new window at its point of no return."""
    before = {name: getattr(sequence, name) for name in changes}
    for name, value in _clean(changes, partial=True).items():
        setattr(sequence, name, value)
    window_of(sequence)
    _save(sequence)
    changed = [name for name in changes if before[name] != getattr(sequence, name)]
    if mailboxes is not None and set_mailboxes(sequence=sequence, mailboxes=mailboxes):
        changed.append("mailboxes")
    if changed:
        write_audit(by=by, action="sequence.changed", now=now, target=sequence, detail={"fields": changed})
    return changed


def set_mailboxes(*, sequence: Sequence, mailboxes: SequenceOf[Mailbox]) -> bool:
    """The pool new enrolments get their mailbox from; running enrolments keep theirs."""
    wanted = {mailbox.pk for mailbox in mailboxes}
    have = set(SequenceMailbox.objects.filter(sequence=sequence).values_list("mailbox_id", flat=True))
    SequenceMailbox.objects.filter(sequence=sequence, mailbox_id__in=have - wanted).delete()
    bulk_insert(SequenceMailbox, [SequenceMailbox(sequence=sequence, mailbox_id=pk) for pk in wanted - have])
    return wanted != have


def draft_of(*, sequence: Sequence, now: datetime) -> SequenceVersion:
    """The draft version; made as a copy of the published one where there is none."""
    draft = SequenceVersion.objects.filter(sequence=sequence, published_at__isnull=True).first()
    if draft is not None:
        return draft
    latest = SequenceVersion.objects.filter(sequence=sequence).order_by("-number").first()
    draft = SequenceVersion.objects.create(sequence=sequence, number=latest.number + 1 if latest else 1, created_at=now)
    if latest is not None:
        copies = [
            Step(version=draft, position=step.position, **{name: getattr(step, name) for name in STEP_FIELDS})
            for step in Step.objects.filter(version=latest).order_by("position")
        ]
        bulk_insert(Step, copies)
    return draft


def save_steps(
    *, sequence: Sequence, steps: SequenceOf[Mapping[str, Any]], by: Actor, now: datetime
) -> SequenceVersion:
    """Replace the draft's steps. Raises Invalid with `field` "steps.<n>.<field>"; a published version is never touched."""
    cleaned = [_clean_step(position, step) for position, step in enumerate(steps, start=1)]
    if len(cleaned) > MAX_STEPS:
        raise Invalid(f"A sequence has at most {MAX_STEPS} steps.", field="steps")
    draft = draft_of(sequence=sequence, now=now)
    Step.objects.filter(version=draft).delete()
    bulk_insert(Step, [Step(version=draft, position=n, **values) for n, values in enumerate(cleaned, start=1)])
    return draft


def publish_problems(*, sequence: Sequence, version: SequenceVersion) -> list[str]:
    """Why this draft cannot go live, in words; empty when it can."""
    steps = list(Step.objects.filter(version=version).order_by("position"))
    workspace = Workspace.objects.get(pk=current_workspace_id())
    found = []
    if not [step for step in steps if step.kind != Step.Kind.WAIT]:
        found.append("Add at least one touch.")
    emails = [step for step in steps if step.kind == Step.Kind.EMAIL]
    if emails and not emails[0].subject.strip():
        found.append(f"Step {emails[0].position}: the first e-mail needs a subject.")
    if emails and not workspace.postal_address.strip():
        found.append("Enter your postal address under Settings, Workspace: every sales mail must carry it.")
    if emails and not SequenceMailbox.objects.filter(sequence=sequence).exists():
        found.append("Choose at least one mailbox to send from.")
    for step in steps:
        if step.kind in {Step.Kind.EMAIL, Step.Kind.LINKEDIN_MESSAGE} and not step.body.strip():
            found.append(f"Step {step.position}: write the text.")
        for name in ("subject", "body"):
            try:
                liquid.check(getattr(step, name), VARIABLES, field=name)
            except Invalid as error:
                found.append(f"Step {step.position}, {name}: {error.message}")
    return found


def publish_sequence(*, sequence: Sequence, by: Actor, now: datetime) -> SequenceVersion:
    """Make the draft an immutable version; people already enrolled stay on theirs. Raises Refused listing what is missing."""
    draft = SequenceVersion.objects.select_for_update().filter(sequence=sequence, published_at__isnull=True).first()
    if draft is None:
        raise Conflict("There is no draft to publish.", code="no_draft")
    problems = publish_problems(sequence=sequence, version=draft)
    if problems:
        raise Refused(" ".join(problems), code="not_ready", detail={"problems": problems})
    draft.published_at, draft.published_by = now, by.member
    draft.save(update_fields=["published_at", "published_by"])
    if sequence.state == Sequence.State.DRAFT:
        sequence.state = Sequence.State.ACTIVE
        sequence.save(update_fields=["state"])
    write_audit(by=by, action="sequence.published", now=now, target=sequence, detail={"version": draft.number})
    return draft


def published_version(sequence: Sequence) -> SequenceVersion | None:
    """The newest published version: the one people are enrolled into."""
    return SequenceVersion.objects.filter(sequence=sequence, published_at__isnull=False).order_by("-number").first()


def pause_sequence(*, sequence: Sequence, reason: str, by: Actor, now: datetime) -> None:
    """Hold everything of it, with the reason on each held row."""
    changed = Sequence.objects.filter(pk=sequence.pk, state=Sequence.State.ACTIVE).update(
        state=Sequence.State.PAUSED, pause_reason=reason.strip()[:200]
    )
    if changed:
        sequence.refresh_from_db()
        write_audit(by=by, action="sequence.paused", now=now, target=sequence, detail={"reason": reason})


def resume_sequence(*, sequence: Sequence, by: Actor, now: datetime) -> None:
    """Go on: what was held is looked at again now."""
    changed = Sequence.objects.filter(pk=sequence.pk, state=Sequence.State.PAUSED).update(
        state=Sequence.State.ACTIVE, pause_reason=""
    )
    if changed:
        sequence.refresh_from_db()
        write_audit(by=by, action="sequence.resumed", now=now, target=sequence)
        wake_sequence(sequence=sequence, now=now)


def wake_sequence(*, sequence: Sequence, now: datetime) -> None:
    """Look at everything of this sequence that waits because something was paused."""
    Enrolment.objects.filter(sequence=sequence, state="active", wait_reason__startswith="Held").update(next_at=now)
    Message.objects.filter(enrolment__sequence=sequence, state="planned", hold_reason__startswith="Held").update(
        due_at=now
    )
    mark_enrolments(now)
    for pk in SequenceMailbox.objects.filter(sequence=sequence).values_list("mailbox_id", flat=True):
        mark_mailbox(pk, now)


def archive_sequence(*, sequence: Sequence, by: Actor, now: datetime) -> None:
    """Out of the lists; refused while people are inside."""
    inside = Enrolment.objects.filter(sequence=sequence, state__in=["active", "paused"]).count()
    if inside:
        raise Refused(f"{inside} people are still in this sequence. Stop them first.", code="people_inside")
    Sequence.objects.filter(pk=sequence.pk).update(state=Sequence.State.ARCHIVED)
    write_audit(by=by, action="sequence.archived", now=now, target=sequence)


def _clean(values: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Invalid(f"Unknown field: {', '.join(sorted(unknown))}.", field=min(unknown))
    cleaned = dict(values)
    if "name" in cleaned or not partial:
        cleaned["name"] = " ".join(str(cleaned.get("name", "")).split())
        if not cleaned["name"]:
            raise Invalid("Give the sequence a name.", field="name")
    if not partial and not isinstance(cleaned.get("campaign"), Campaign):
        raise Invalid(
            "Choose the campaign this sequence belongs to: its cost and results are counted there.", field="campaign"
        )
    if "weekdays" in cleaned:
        days = sorted({int(day) for day in cleaned["weekdays"]})
        if not days or not set(days) <= set(range(7)):
            raise Invalid("Choose at least one weekday.", field="weekdays")
        cleaned["weekdays"] = days
    return cleaned


def _clean_step(position: int, step: Mapping[str, Any]) -> dict[str, Any]:
    where = f"steps.{position}"
    if step.get("kind") not in Step.Kind.values:
        raise Invalid(f"Step {position}: choose one of {', '.join(Step.Kind.values)}.", field=f"{where}.kind")
    cleaned = {name: step[name] for name in STEP_FIELDS if name in step}
    for name, most in (("delay_days", 365), ("delay_hours", 23)):
        value = int(cleaned.get(name) or 0)
        if not 0 <= value <= most:
            raise Invalid(f"Step {position}: use 0 to {most}.", field=f"{where}.{name}")
        cleaned[name] = value
    for name in ("subject", "body"):
        cleaned[name] = str(cleaned.get(name) or "").strip()
        try:
            liquid.check(cleaned[name], VARIABLES, field=name)
        except Invalid as error:
            raise Invalid(f"Step {position}: {error.message}", field=f"{where}.{name}", detail=error.detail) from error
    if len(cleaned["subject"]) > 250:
        raise Invalid(f"Step {position}: the subject has more than 250 characters.", field=f"{where}.subject")
    return cleaned


def _save(sequence: Sequence) -> None:
    try:
        with transaction.atomic():
            sequence.save()
    except IntegrityError as error:
        if "sequence_name" in str(error):
            raise Conflict(f"There is a sequence named {sequence.name} already.", field="name") from error
        if "sequence_external" in str(error):
            raise Conflict("Another sequence has this external id.", field="external_id") from error
        raise
