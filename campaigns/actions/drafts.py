"""The draft of a sequence: its steps while they may still be changed. A published version is never touched."""

from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from datetime import datetime
from typing import Any

from django.db.models import F

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.sequences import draft_version
from campaigns.models import Sequence, SequenceVersion, Step
from campaigns.queries.mail import VARIABLES
from campaigns.rules import liquid
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import bulk_insert

STEP_FIELDS = ("kind", "delay_days", "delay_hours", "business_days", "subject", "body")
MAX_STEPS = 30


def draft_of(*, sequence: Sequence, now: datetime) -> SequenceVersion:
    """The draft version, the sequence locked; made as a copy of the newest published one where there is none.

    People inside stay on their version. Raises Refused for an archived sequence.
    """
    locked = Sequence.objects.select_for_update(of=("self",)).get(pk=sequence.pk)
    if locked.state == Sequence.State.ARCHIVED:
        raise Refused("This sequence is archived.", code="archived")
    draft = draft_version(sequence)
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


def discard_draft(*, sequence: Sequence, by: Actor, now: datetime) -> None:
    """Throw the draft away and keep what is published. Raises Refused where nothing is."""
    draft = draft_of(sequence=sequence, now=now)
    if not SequenceVersion.objects.filter(sequence=sequence, published_at__isnull=False).exists():
        raise Refused("Nothing is published yet: this draft is all there is.", code="only_draft")
    write_audit(by=by, action="sequence.draft_discarded", now=now, target=sequence, detail={"version": draft.number})
    draft.delete()


def save_steps(
    *, sequence: Sequence, steps: SequenceOf[Mapping[str, Any]], by: Actor, now: datetime
) -> SequenceVersion:
    """Replace the draft's steps. Raises Invalid with `field` "steps.<n>.<field>"; a published version is never touched."""
    cleaned = [_clean_step(position, step, f"steps.{position}.") for position, step in enumerate(steps, start=1)]
    if len(cleaned) > MAX_STEPS:
        raise Invalid(f"A sequence has at most {MAX_STEPS} steps.", field="steps")
    draft = draft_of(sequence=sequence, now=now)
    Step.objects.filter(version=draft).delete()
    bulk_insert(Step, [Step(version=draft, position=n, **values) for n, values in enumerate(cleaned, start=1)])
    return draft


def add_step(*, sequence: Sequence, position: int, by: Actor, now: datetime, **values: Any) -> Step:
    """A new step at `position` (1-based; beyond the end: the last). Raises Invalid, the field named.

    Unless said otherwise the first begins at once, the others two days after the one before.
    """
    draft = draft_of(sequence=sequence, now=now)
    count = Step.objects.filter(version=draft).count()
    if count >= MAX_STEPS:
        raise Invalid(f"A sequence has at most {MAX_STEPS} steps.", field="steps")
    at = min(max(position, 1), count + 1)
    values.setdefault("delay_days", 0 if at == 1 else 2)
    step = Step(version=draft, position=at, **_clean_step(at, values, ""))
    Step.objects.filter(version=draft, position__gte=at).update(position=F("position") + 1)
    step.save()
    return step


def edit_step(*, step: Step, changes: Mapping[str, Any], now: datetime) -> Step:
    """Change a draft's step. Raises Invalid with line and column of a broken text, Conflict if it was published meanwhile."""
    version = _locked(step)
    merged = {name: getattr(step, name) for name in STEP_FIELDS} | dict(changes)
    for name, value in _clean_step(step.position, merged, "").items():
        setattr(step, name, value)
    step.version = version
    step.save(update_fields=list(STEP_FIELDS))
    return step


def move_step(*, step: Step, up: bool, now: datetime) -> Step:
    """Change places with the step before or after it; at an end nothing changes."""
    version = _locked(step)
    step.refresh_from_db()
    other = Step.objects.filter(version=version, position=step.position + (-1 if up else 1)).first()
    if other is not None:
        # The unique key is checked at commit, so the two may pass each other.
        Step.objects.filter(pk=other.pk).update(position=step.position)
        Step.objects.filter(pk=step.pk).update(position=other.position)
        step.refresh_from_db()
    return step


def remove_step(*, step: Step, now: datetime) -> None:
    """Take a step out of the draft; those after it move up."""
    version = _locked(step)
    step.refresh_from_db()
    position = step.position
    step.delete()
    Step.objects.filter(version=version, position__gt=position).update(position=F("position") - 1)


def _locked(step: Step) -> SequenceVersion:
    """The step's version, its sequence locked. Raises Conflict where it is published: published versions never change."""
    version = SequenceVersion.objects.select_related("sequence").get(pk=step.version_id)
    Sequence.objects.select_for_update(of=("self",)).get(pk=version.sequence_id)
    version.refresh_from_db()
    if version.published_at is not None:
        raise Conflict(
            f"Version {version.number} is published and stays as it is. Edit the draft instead.", code="published"
        )
    return version


def _clean_step(position: int, step: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values of a step; errors name `<where><field>` ("steps.2.body", or "body" alone)."""
    unknown = set(step) - set(STEP_FIELDS)
    if unknown:
        raise Invalid(f"Step {position}: unknown field {', '.join(sorted(unknown))}.", field=f"{where}{min(unknown)}")
    if step.get("kind") not in Step.Kind.values:
        raise Invalid(f"Step {position}: choose one of {', '.join(Step.Kind.values)}.", field=f"{where}kind")
    cleaned = {name: step[name] for name in STEP_FIELDS if name in step}
    for name, most in (("delay_days", 365), ("delay_hours", 23)):
        value = int(cleaned.get(name) or 0)
        if not 0 <= value <= most:
            raise Invalid(f"Step {position}: use 0 to {most}.", field=f"{where}{name}")
        cleaned[name] = value
    for name in ("subject", "body"):
        cleaned[name] = str(cleaned.get(name) or "").strip()
        try:
            liquid.check(cleaned[name], VARIABLES, field=name)
        except Invalid as error:
            message = f"Step {position}: {error.message}" if where else error.message
            raise Invalid(message, code=error.code, field=f"{where}{name}", detail=error.detail) from error
    if len(cleaned["subject"]) > 250:
        raise Invalid(f"Step {position}: the subject has more than 250 characters.", field=f"{where}subject")
    if "\n" in cleaned["subject"]:
        raise Invalid(f"Step {position}: a subject is one line.", field=f"{where}subject")
    return cleaned
