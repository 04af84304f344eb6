"""Take a merge back: both rows as they were, and every row it moved that is still where it put it.

What changed since stays as it is now, and is told. Nothing that would contact anybody starts again by itself.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict
from prospects.actions.activities import record_activity
from prospects.actions.fields import label_of
from prospects.actions.merges import derive
from prospects.actions.merges_rows import NOUNS, Reference, put_back, repoint, row_images
from prospects.actions.people import full_name
from prospects.actions.stages import move_stage
from prospects.models import ActivityKind, Lead, Merge, MergeMove, Stage
from prospects.models.choices import OPEN_STAGES
from prospects.models.duplicates import PairState
from prospects.models.locks import lock
from prospects.queries.duplicates import Subject, subject_of
from prospects.queries.leads import open_lead_of
from prospects.queries.merges import refuse_foreign

UNIQUE = ("email", "domain", "external_id")
# Of the kept row, but not facts: they follow, or keep the later date.
_PASSED_OVER = {"id", "workspace_id", "updated_at", "full_name"}


def undo_merge(*, merge: Merge, by: Actor, now: datetime) -> list[str]:
    """Undo; returns what could not be restored and why, in words. Raises Conflict where it cannot be undone at all."""
    merge = lock(Merge.objects.filter(pk=merge.pk)).get()
    subject = subject_of(merge.kind)
    kept = _refuse(merge, subject, now)
    refuse_foreign(by.member, [kept])
    left: list[str] = []
    _restore_kept(merge, subject, kept, left)
    _restore_gone(merge, subject, left)
    for move in MergeMove.objects.filter(merge=merge).order_by("-position"):
        _take_back(move, merge, left)
    _tell_effects(merge, by=by, now=now, left=left)
    gone = subject.model.objects.get(pk=merge.gone_id)
    _keep_apart(merge, subject, by=by, now=now)
    derive(subject, [merge.kept_id, merge.gone_id], now=now)
    merge.undone_at, merge.undone_by, merge.left = now, by.member, [words[:300] for words in left]
    merge.kept_before, merge.kept_after, merge.gone_before, merge.keys = {}, {}, {}, []
    merge.save()
    MergeMove.objects.filter(merge=merge).delete()
    for row, other in ((kept, gone), (gone, kept)):
        record_activity(
            kind=ActivityKind.EDITED, at=now, now=now, by=by, summary=f"The merge with {other} was undone"[:300],
            detail={"merge": str(merge.pk), "left": merge.left}, **{subject.noun: row},
        )  # fmt: skip
    write_audit(
        by=by, action=f"{subject.noun}.merge_undone", now=now, target=kept,
        detail={"restored": merge.gone_label, "id": str(merge.gone_id), "not restored": merge.left},
    )  # fmt: skip
    return merge.left


def why_not(merge: Merge, now: datetime) -> str:
    """Why a merge cannot be undone, '' where it can."""
    if merge.undone_at is not None:
        return "It was undone already."
    if merge.undo_until < now or not merge.gone_before:
        return "It can be undone for 30 days, and these are over."
    there = merge.person_id if merge.kind == Merge.Kind.PEOPLE else merge.company_id
    if there != merge.kept_id:
        return f"{merge.kept_label} became part of another record since. Undo that merge first."
    return ""


def _refuse(merge: Merge, subject: Subject, now: datetime) -> Any:
    words = why_not(merge, now)
    if words:
        raise Conflict(words, code="cannot_undo")
    kept = subject.model.objects.filter(pk=merge.kept_id).select_for_update().first()
    if kept is None:
        raise Conflict(f"{merge.kept_label} is deleted.", code="cannot_undo")
    if subject.model.objects.filter(pk=merge.gone_id).exists():
        raise Conflict(f"{merge.gone_label} is there already.", code="cannot_undo")
    return kept


def _restore_kept(merge: Merge, subject: Subject, kept: Any, left: list[str]) -> None:
    """Columns the merge changed, where they still hold what it wrote."""
    today = row_images(subject.model, [kept.pk])[0]
    image: dict[str, Any] = {}
    for column in subject.model._meta.concrete_fields:
        name = column.column
        if (
            name in _PASSED_OVER
            or name not in merge.kept_before
            or merge.kept_before[name] == merge.kept_after.get(name)
        ):
            continue
        if today.get(name) == merge.kept_after.get(name):
            image[name] = merge.kept_before[name]
        elif name not in ("last_touch_at", "last_reply_at"):
            words = label_of(kept, column.name)
            left.append(f"{words[:1].upper()}{words[1:]} of {kept} was changed after the merge and stays as it is.")
    for column in subject.model._meta.concrete_fields:
        if column.column in image:
            value = image[column.column]
            target: Any = column.related_model
            if column.name in UNIQUE and value and subject.model.objects.filter(**{column.name: value}).exists():
                left.append(f"{value} belongs to somebody else now: {kept} stays without it.")
                value = ""
            if target is not None and value is not None and not target.objects.filter(pk=value).exists():
                left.append(f"The {label_of(kept, column.name)} {kept} had is deleted.")
                value = None
            setattr(kept, column.attname, column.to_python(value) if target is None else value)
    if hasattr(kept, "full_name"):
        kept.full_name = full_name(kept)
    kept.updated_at = max(merge.at, kept.updated_at)
    kept.save()


def _restore_gone(merge: Merge, subject: Subject, left: list[str]) -> None:
    image = dict(merge.gone_before)
    for name in UNIQUE:
        value = image.get(name)
        other = subject.model.objects.filter(**{name: value}).first() if value else None
        if other is not None:
            image[name] = ""
            left.append(f"{value} belongs to {other} now: {merge.gone_label} comes back without it.")
    left.extend(f"The {name} {merge.gone_label} had is deleted." for name in put_back(subject.model, image))


def _take_back(move: MergeMove, merge: Merge, left: list[str]) -> None:
    model: Any = apps.get_model(move.model)
    noun = NOUNS.get(move.model, str(model._meta.verbose_name_plural).lower())
    if move.act == MergeMove.Act.DELETED:
        lost = sum(not _reborn(model, image) for image in move.rows)
        if lost:
            left.append(f"{lost} of {len(move.rows)} {noun} could not be put back: others took their place.")
        return
    field = next(field for field in model._meta.concrete_fields if field.column == move.column)
    ref = Reference(model, field.name)
    if move.act == MergeMove.Act.EMPTIED:
        target: Any = field.related_model
        if target.objects.filter(pk=move.value).exists():
            model.objects.filter(pk__in=move.ids, **{f"{field.name}__isnull": True}).update(
                **{field.attname: move.value}
            )
        return
    assert move.value is not None  # of a move
    now_at = merge.kept_id if move.value == merge.gone_id else _pointed_at(ref, move.ids)
    if now_at is None:
        return
    back = repoint(ref, move.ids, old=now_at, new=move.value)
    if back < len(move.ids):
        missing = len(move.ids) - back
        left.append(f"{missing} of {len(move.ids)} {noun} were deleted or belong to somebody else since.")


def _pointed_at(ref: Reference, ids: list[UUID]) -> UUID | None:
    """What moved rows that are not of the subject itself point at now (deals that went over to another lead)."""
    found = set(ref.model.objects.filter(pk__in=ids).values_list(ref.column, flat=True)) - {None}
    return next(iter(found)) if len(found) == 1 else None


def _reborn(model: Any, image: dict[str, Any]) -> bool:
    if model.objects.filter(pk=image["id"]).exists():
        return True
    try:
        with transaction.atomic():
            put_back(model, image)
    except IntegrityError:
        return False
    return True


def _tell_effects(merge: Merge, *, by: Actor, now: datetime, left: list[str]) -> None:
    """Leads are reopened; sequences and suppressions stay as they are: the safe side."""
    closed = merge.effects.get("closed_lead")
    if closed:
        lead = Lead.objects.filter(pk=closed[0]).first()
        if lead is None or lead.stage != Stage.DISQUALIFIED:
            left.append("The lead that was closed as a duplicate has moved on since.")
        elif closed[1] not in OPEN_STAGES or open_lead_of(lead.person_id) is not None:
            left.append("The lead that was closed stays closed: the person has another open one.")
        else:
            move_stage(lead=lead, to=closed[1], now=now, by=by, reason="The merge was undone")
    stopped, suppressed = merge.effects.get("stopped", []), merge.effects.get("suppressed", [])
    left.extend(f"{words} stays stopped: sequences do not start again by themselves." for words in stopped)
    left.extend(f"{hint} stays suppressed; lift it under Suppression if that is wrong." for hint in suppressed)


def _keep_apart(merge: Merge, subject: Subject, *, by: Actor, now: datetime) -> None:
    """Two that were taken apart by hand are not proposed again."""
    first, second = sorted([merge.kept_id, merge.gone_id])
    subject.pair.objects.update_or_create(
        first_id=first, second_id=second,
        defaults={
            "state": PairState.DISMISSED, "decided_at": now, "decided_by": by.member,
            "score": merge.score or 0, "reasons": merge.reasons, "found_at": now,
        },
    )  # fmt: skip
