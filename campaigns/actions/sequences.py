"""Sequences: create, change, publish, pause, resume, archive. Their draft steps are written in actions.drafts."""

from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.actions.audit import Actor, write_audit
from accounts.models import Workspace
from accounts.permissions import refuse_owner
from campaigns.actions.steps import mark_enrolments, mark_mailbox
from campaigns.models import Enrolment, Mailbox, Message, Sequence, SequenceMailbox, SequenceVersion, Step
from campaigns.queries.mail import VARIABLES, window_of
from campaigns.rules import liquid
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from prospects.models import Campaign

FIELDS = (
    "name", "campaign", "owner", "window_start", "window_end", "weekdays", "stop_on_company_reply",
    "linkedin_check_days", "external_id",
)  # fmt: skip


def create_sequence(*, by: Actor, now: datetime, mailboxes: SequenceOf[Mailbox] = (), **values: Any) -> Sequence:
    """A draft sequence with an empty draft version. Raises Invalid or Conflict, the field named."""
    sequence = Sequence(created_at=now, **_clean({"window_start": time(9), "window_end": time(17)} | values))
    sequence.owner = sequence.owner or by.member
    window_of(sequence)
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
    for name, value in _clean(changes, partial=True, had=sequence.owner_id).items():
        setattr(sequence, name, value)
    if not sequence.campaign_id:
        raise Invalid("Choose the campaign this sequence belongs to.", field="campaign")
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


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list before publishing: what is looked at, and what is wrong with it (nothing: it is fine)."""

    topic: str
    problems: list[str]


def publish_checks(*, sequence: Sequence, version: SequenceVersion) -> list[Check]:
    """What is looked at before a draft goes live, each with its problems in words."""
    steps = list(Step.objects.filter(version=version).order_by("position"))
    workspace = Workspace.objects.get(pk=current_workspace_id())
    emails = [step for step in steps if step.kind == Step.Kind.EMAIL]
    written = [step for step in steps if step.kind in {Step.Kind.EMAIL, Step.Kind.LINKEDIN_MESSAGE}]
    texts = [f"Step {step.position}: write the text." for step in written if not step.body.strip()]
    for step in steps:
        for name in ("subject", "body"):
            try:
                liquid.check(getattr(step, name), VARIABLES, field=name)
            except Invalid as error:
                texts.append(f"Step {step.position}, {name}: {error.message}")
    touches = any(step.kind != Step.Kind.WAIT for step in steps)
    checks = [Check("At least one touch", [] if touches else ["Add at least one touch."]), Check("Every text", texts)]
    if emails:
        subject, footer, pool = [], [], []
        if not emails[0].subject.strip():
            subject = [f"Step {emails[0].position}: the first e-mail needs a subject."]
        if not workspace.postal_address.strip():
            footer = ["Enter your postal address under Settings, Workspace: every sales mail must carry it."]
        if not SequenceMailbox.objects.filter(sequence=sequence).exists():
            pool = ["Choose at least one mailbox to send from."]
        checks += [
            Check("Subject of the first e-mail", subject),
            Check("Postal address and unsubscribe in the footer", footer),
            Check("Mailboxes to send from", pool),
        ]
    return checks


def publish_problems(*, sequence: Sequence, version: SequenceVersion) -> list[str]:
    """Why this draft cannot go live, in words; empty when it can."""
    return [problem for check in publish_checks(sequence=sequence, version=version) for problem in check.problems]


def publish_sequence(*, sequence: Sequence, by: Actor, now: datetime) -> SequenceVersion:
    """Make the draft an immutable version; people already enrolled stay on theirs. Raises Refused listing what is missing."""
    # Who edits the draft holds the same row: what is checked here is what goes live.
    Sequence.objects.select_for_update(of=("self",)).get(pk=sequence.pk)
    draft = draft_version(sequence)
    if draft is None:
        raise Conflict("There is no draft to publish.", code="no_draft")
    if sequence.state == Sequence.State.ARCHIVED:
        raise Refused("This sequence is archived.", code="archived")
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


def draft_version(sequence: Sequence) -> SequenceVersion | None:
    """The version that is being written, if any."""
    return SequenceVersion.objects.filter(sequence=sequence, published_at__isnull=True).first()


def published_version(sequence: Sequence) -> SequenceVersion | None:
    """The newest published version: the one people are enrolled into."""
    return SequenceVersion.objects.filter(sequence=sequence, published_at__isnull=False).order_by("-number").first()


def pause_sequence(*, sequence: Sequence, reason: str, by: Actor, now: datetime) -> None:
    """Hold everything of it, with the reason on each held row. Raises Invalid without one, Conflict if it does not run."""
    words = reason.strip()[:200]
    if not words:
        raise Invalid("Say why it is paused; everybody who waits for it reads this.", field="reason")
    changed = Sequence.objects.filter(pk=sequence.pk, state=Sequence.State.ACTIVE).update(
        state=Sequence.State.PAUSED, pause_reason=words
    )
    sequence.refresh_from_db()
    if not changed:
        raise Conflict(f"This sequence is {sequence.get_state_display().lower()}.", code="state")
    write_audit(by=by, action="sequence.paused", now=now, target=sequence, detail={"reason": words})


def resume_sequence(*, sequence: Sequence, by: Actor, now: datetime) -> None:
    """Go on: what was held is looked at again now. Raises Conflict if it is not paused."""
    changed = Sequence.objects.filter(pk=sequence.pk, state=Sequence.State.PAUSED).update(
        state=Sequence.State.ACTIVE, pause_reason=""
    )
    sequence.refresh_from_db()
    if not changed:
        raise Conflict(f"This sequence is {sequence.get_state_display().lower()}.", code="state")
    write_audit(by=by, action="sequence.resumed", now=now, target=sequence)
    wake_sequence(sequence=sequence, now=now)


def wake_sequence(*, sequence: Sequence, now: datetime) -> None:
    """Look at everything of this sequence that waits because it or its campaign was paused, and at nothing else.

    Somebody who is away, or outside their window, waits on.
    """
    paused = Q(hold_reason__startswith="Held: sequence ") | Q(hold_reason__startswith="Held: campaign ")
    held = Message.objects.filter(paused, enrolment__sequence=sequence, state=Message.State.PLANNED)
    mailboxes = list(held.order_by().values_list("mailbox_id", flat=True).distinct())
    held.update(due_at=now)
    Enrolment.objects.filter(
        Q(wait_reason__startswith="Held: sequence ") | Q(wait_reason__startswith="Held: campaign "),
        sequence=sequence, state=Enrolment.State.ACTIVE, next_at__isnull=False,
    ).update(next_at=now)  # fmt: skip
    mark_enrolments(now)
    for pk in mailboxes:
        mark_mailbox(pk, now)


def archive_sequence(*, sequence: Sequence, by: Actor, now: datetime) -> None:
    """Out of the lists; refused while people are inside."""
    # Enrolling locks this row too: nobody slips in between the count and the change.
    Sequence.objects.select_for_update(of=("self",)).get(pk=sequence.pk)
    inside = Enrolment.objects.filter(sequence=sequence, state__in=["active", "paused"]).count()
    if inside:
        raise Refused(f"{inside} people are still in this sequence. Stop them first.", code="people_inside")
    Sequence.objects.filter(pk=sequence.pk).update(state=Sequence.State.ARCHIVED, pause_reason="")
    sequence.refresh_from_db()
    write_audit(by=by, action="sequence.archived", now=now, target=sequence)


def _clean(values: Mapping[str, Any], *, partial: bool = False, had: UUID | None = None) -> dict[str, Any]:
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
    refuse_owner(cleaned.get("owner"), had=had)
    if "weekdays" in cleaned:
        days = sorted({int(day) for day in cleaned["weekdays"]})
        if not days or not set(days) <= set(range(7)):
            raise Invalid("Choose at least one weekday.", field="weekdays")
        cleaned["weekdays"] = days
    if not 0 <= int(cleaned.get("linkedin_check_days", 0)) <= 90:
        raise Invalid("Choose 0 to 90 days; 0 never holds.", field="linkedin_check_days")
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
