"""Merge two people or two companies into one, in one transaction, and undo it for 30 days.

What may be there once stays once: an open lead, an active enrolment, an address. Suppressions only grow. The row that goes
is deleted; its id answers with where it went, and everything it was stands in the merge until it can no longer be undone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Q

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import AppError, Conflict, Invalid
from leadgen.core.tenancy import AppendOnlyModel
from prospects.actions.activities import record_activity
from prospects.actions.duplicates import compare, write_keys
from prospects.actions.engagement import rebuild_engagement
from prospects.actions.fit import rescore
from prospects.actions.imports_store import MADE
from prospects.actions.merges_rows import Mover, Reference, references, row_images
from prospects.actions.people import full_name
from prospects.actions.stages import move_stage
from prospects.actions.suppressions import suppress
from prospects.models import (
    ActivityKind,
    AgreementVersion,
    Deal,
    Lead,
    Merge,
    Person,
    PointEntry,
    Stage,
)
from prospects.models.choices import OPEN_STAGES
from prospects.models.duplicates import PairState
from prospects.models.locks import lock
from prospects.queries.duplicates import PEOPLE, Subject
from prospects.queries.merges import bulk_plan, choices, keep_first, load_row, refuse_foreign
from prospects.queries.suppressions import suppressed_phones, suppression_of, suppressions_of
from prospects.rules import duplicates as rules
from prospects.rules.imports import CUSTOM
from prospects.rules.merges import BOTH, GONE, KEPT, Choice, value_of

UNDO_DAYS = 30
COMPARED = 500  # people of a merged company that are compared again at once
DUPLICATE = "Duplicate"

# Upper apps settle what they keep once a person, before rows move: (kept, gone, mover, by, now) -> words for the merge's
# `effects` (key -> list). Registered in their AppConfig.ready(); imports go down only.
Settle = Callable[[Any, Any, Mover, Actor, datetime], Mapping[str, list[str]]]
_settlers: list[Settle] = []
# The same, told before a merge: (kept, gone) -> sentences.
Warn = Callable[[Any, Any], list[str]]
_warners: list[Warn] = []
MOST_AT_ONCE = 100  # merges of one request


def register_settler(settle: Settle, warn: Warn) -> None:
    """Let an upper app settle its rules before rows move, and say so before; registering again changes nothing."""
    if settle not in _settlers:
        _settlers.append(settle)
        _warners.append(warn)


def merge_rows(
    *,
    subject: Subject,
    kept: Any,
    gone: Any,
    by: Actor,
    now: datetime,
    chosen: Mapping[str, str] | None = None,
) -> Merge:
    """Make `gone` part of `kept`; returns the merge, which `merges_undo.undo_merge` takes back.

    `chosen` maps fields to kept, gone or both; fields it does not name go by the preselection. Raises Invalid for a field
    or choice there is not, Refused where a row is somebody else's, Conflict where one is gone already.
    """
    if kept.pk == gone.pk:
        raise Invalid(f"Choose two different {subject.nouns}.", field="gone")
    _hold(subject, gone.pk)
    locked = {
        row.pk: row
        for row in subject.model.objects.filter(pk__in=[kept.pk, gone.pk]).order_by("pk").select_for_update()
    }
    if len(locked) < 2:
        raise Conflict(f"One of the two {subject.nouns} is not there any more. Reload the page.", code="gone")
    kept, gone = locked[kept.pk], locked[gone.pk]
    refuse_foreign(by.member, [kept, gone])
    asked = choices(subject, kept, gone)
    picked = _picked(asked, chosen or {})
    pair = _pair(subject, kept, gone)
    before = {row["id"]: row for row in row_images(subject.model, [kept.pk, gone.pk])}
    merge = Merge(
        kind=subject.kind, kept_id=kept.pk, gone_id=gone.pk, kept_label=str(kept)[:250], gone_label=str(gone)[:250], at=now,
        member=by.member, score=pair.score if pair else None, reasons=pair.reasons if pair else [],
        taken=[choice.name for choice in asked if choice.differs and picked[choice.name] != KEPT],
        kept_before=before[str(kept.pk)], gone_before=before[str(gone.pk)], undo_until=now + timedelta(days=UNDO_DAYS),
        **{subject.column.removesuffix("_id"): kept},
    )  # fmt: skip
    merge.save()
    mover = Mover(merge)
    effects: dict[str, Any] = {}
    if subject is PEOPLE:
        effects |= _one_open_lead(kept, gone, mover, by=by, now=now)
    for settle in _settlers:
        effects |= settle(kept, gone, mover, by, now)
    mover.move_all(subject.model, gone.pk, kept.pk)
    _carry_dismissals(subject, kept.pk, gone.pk, by=by, now=now)
    values = _values(asked, picked, kept, gone)
    values["fields_at"] = _ages(kept, values, now)
    suppressed = _suppressed(subject, kept, gone)
    subject.model.objects.filter(pk=gone.pk).delete()
    for name, value in values.items():
        setattr(kept, name, value)
    kept.updated_at = now
    kept.save(update_fields=[*values, "updated_at"])
    if suppressed:
        effects["suppressed"] = _suppress_too(kept, suppressed, by=by, now=now)
    mover.store()
    merge.kept_after = row_images(subject.model, [kept.pk])[0]
    merge.counts, merge.effects, merge.keys = mover.counts, effects, _former_keys(kept, before.values())
    merge.save(update_fields=["kept_after", "counts", "effects", "keys"])
    derive(subject, [kept.pk], now=now)
    moved = ", ".join(f"{count} {noun}" for noun, count in mover.counts.items())
    record_activity(
        kind=ActivityKind.EDITED, at=now, now=now, by=by, summary=f"{merge.gone_label} became part of this record"[:300],
        detail={"merge": str(merge.pk), "gone": str(gone.pk), "moved": mover.counts}, key=f"merge:{merge.pk}",
        **{subject.noun: kept},
    )  # fmt: skip
    write_audit(
        by=by, action=f"{subject.noun}.merged", now=now, target=kept, label=str(kept),
        detail={"gone": str(gone.pk), "name": merge.gone_label, "moved": moved or "nothing", "taken": merge.taken},
    )  # fmt: skip
    return merge


def _hold(subject: Subject, gone: UUID) -> None:
    """Lock what will move before the rows themselves, the order in which senders do: a mail under way makes us wait.

    Raises Conflict where somebody holds one for long.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
            for ref in references(subject.model):
                if not issubclass(ref.model, AppendOnlyModel):
                    list(lock(ref.of(gone)).values_list("pk", flat=True))
            cursor.execute("SET LOCAL lock_timeout = 0")
    except OperationalError as error:
        raise Conflict("Somebody works on one of the two just now. Try again in a minute.", code="busy") from error


def _picked(asked: list[Choice], chosen: Mapping[str, str]) -> dict[str, str]:
    known = {choice.name: choice for choice in asked}
    for name, side in chosen.items():
        if name not in known:
            raise Invalid(f"“{name}” is no field to choose.", field="choices")
        if side not in (KEPT, GONE, BOTH) or (side == BOTH and not known[name].can_join):
            raise Invalid(f"Choose kept or gone for {name}, not “{side}”.", field="choices")
    return {choice.name: chosen.get(choice.name, choice.chosen) for choice in asked}


def _pair(subject: Subject, kept: Any, gone: Any) -> Any:
    first, second = sorted([kept.pk, gone.pk])
    return subject.pair.objects.filter(first=first, second=second).first()


def _values(asked: list[Choice], picked: Mapping[str, str], kept: Any, gone: Any) -> dict[str, Any]:
    """Columns of the kept row that change."""
    values = {
        choice.name: value_of(choice, picked[choice.name])
        for choice in asked
        if value_of(choice, picked[choice.name]) != choice.kept
    }
    if "email" in values:
        values |= {name: getattr(gone, name) for name in ("email_status", "email_status_at", "email_status_reason")}
    if "lawful_basis" in values:
        values |= {name: getattr(gone, name) for name in ("lawful_basis_at", "lawful_basis_note")}
    for name in ("last_touch_at", "last_reply_at"):
        if hasattr(kept, name):
            at = max(filter(None, [getattr(kept, name), getattr(gone, name)]), default=None)
            if at != getattr(kept, name):
                values[name] = at
    if gone.created_at < kept.created_at:
        values["created_at"] = gone.created_at
    if isinstance(kept, Person):
        named = Person(
            first_name=values.get("first_name", kept.first_name), last_name=values.get("last_name", kept.last_name)
        )
        if full_name(named) != kept.full_name:
            values["full_name"] = full_name(named)
    return values


def _former_keys(kept: Any, before: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the two were known by and the one that stayed is not any more."""
    names = [name for name in ("email", "domain", "external_id", "linkedin_url") if hasattr(kept, name)]
    known = {f"{name}:{image[name]}" for image in before for name in names if image.get(name)}
    longest: int = Merge._meta.get_field("keys").base_field.max_length  # type: ignore[assignment]
    return sorted({key for key in known if len(key) <= longest} - {f"{name}:{getattr(kept, name)}" for name in names})


def _ages(kept: Any, values: Mapping[str, Any], now: datetime) -> dict[str, int] | None:
    """`fields_at` of the kept row: what was taken from the other was decided on now, and its own values grow no older by the
    other's earlier date. An import that keeps the newest asks for both."""
    stamps: dict[str, int] = dict(kept.fields_at or {})
    if "created_at" in values:
        stamps.setdefault(MADE, int(kept.created_at.timestamp()))
    at = int(now.timestamp())
    for name, value in values.items():
        if name == "custom":
            stamps |= {f"{CUSTOM}{key}": at for key in value if value[key] != (kept.custom or {}).get(key)}
        elif name not in ("created_at", "full_name", "last_touch_at", "last_reply_at"):
            stamps[type(kept)._meta.get_field(name).attname] = at
    return stamps or None


def _one_open_lead(kept: Person, gone: Person, mover: Mover, *, by: Actor, now: datetime) -> dict[str, Any]:
    """Two open leads: the further one stays (the older, where both stand the same); open deals of the other go over to it."""
    rows = Lead.objects.filter(person__in=[kept.pk, gone.pk], stage__in=OPEN_STAGES).select_related("person", "company")
    both = sorted(rows, key=lambda row: (-list(OPEN_STAGES).index(row.stage), row.opened_at or row.created_at, row.pk))
    if len(both) < 2:
        return {}
    stays, goes = both
    mover.move(Reference(Deal, "lead"), goes.pk, stays.pk, Deal.objects.filter(lead=goes, outcome=Deal.Outcome.OPEN))
    mover.counts.pop("deals", None)  # counted when they move with their person
    stage = goes.stage
    move_stage(
        lead=goes, to=Stage.DISQUALIFIED, now=now, by=by, reason=DUPLICATE, note=f"{gone} became part of {kept}.",
        facts={"words": "The same person had two open leads.", "stays": str(stays.pk)},
    )  # fmt: skip
    return {"closed_lead": [str(goes.pk), stage]}


def _carry_dismissals(subject: Subject, kept: UUID, gone: UUID, *, by: Actor, now: datetime) -> None:
    """Whoever is no duplicate of the one is none of both."""
    for pair in subject.pair.objects.filter(Q(first=gone) | Q(second=gone), state=PairState.DISMISSED):
        other = pair.second_id if pair.first_id == gone else pair.first_id
        if other == kept:
            continue
        first, second = sorted([kept, other])
        subject.pair.objects.update_or_create(
            first_id=first, second_id=second,
            defaults={
                "state": PairState.DISMISSED, "decided_at": pair.decided_at, "decided_by_id": pair.decided_by_id,
                "score": pair.score, "reasons": pair.reasons, "found_at": pair.found_at,
            },
        )  # fmt: skip


def _suppressed(subject: Subject, kept: Any, gone: Any) -> dict[str, tuple[str, str]]:
    """Column -> (reason, what was suppressed) where either row must not be contacted."""
    found: dict[str, tuple[str, str]] = {}
    if subject is not PEOPLE:
        return found
    mails = suppressions_of([kept.email, gone.email])
    if mails:
        mail = next(row.email for row in (kept, gone) if row.email in mails)
        found["email"] = (mails[mail].reason, mails[mail].hint)
    for number in suppressed_phones([kept.phone, gone.phone]):
        row = suppression_of("phone", number)
        if row is not None:
            found["phone"] = (row.reason, row.hint)
    return found


def _suppress_too(person: Person, found: dict[str, tuple[str, str]], *, by: Actor, now: datetime) -> list[str]:
    """The address and number that stay are suppressed if either's was; the ledger only gains rows."""
    added = []
    for column, (reason, hint) in found.items():
        value = getattr(person, column)
        known = suppressions_of([value]) if column == "email" else suppressed_phones([value])
        if value and value not in known:
            row = suppress(
                by=by, now=now, kind=column, value=value, reason=reason, note=f"Merged with {hint}, which was."
            )
            added.append(row.hint)
    return added


def derive(subject: Subject, ids: list[UUID], *, now: datetime) -> None:
    """What follows from the facts, made anew: fit, engagement, keys."""
    if subject is PEOPLE:
        rescore(now=now, person_ids=ids)
        for person in Person.objects.filter(pk__in=ids):
            versions = PointEntry.objects.filter(person=person).values("version")
            for version in AgreementVersion.objects.filter(pk__in=versions):
                rebuild_engagement(person=person, now=now, version=version)
    else:
        rescore(now=now, company_ids=ids)
        people = list(Person.objects.filter(company__in=ids).order_by("pk").values_list("pk", flat=True)[:COMPARED])
        if people:
            # They work under another domain now, which their own date does not tell.
            write_keys(PEOPLE, people)
            compare(PEOPLE, people, now=now)
    with transaction.atomic():
        write_keys(subject, ids)
        compare(subject, ids, now=now)


def warnings_of(subject: Subject, kept: Any, gone: Any, *, now: datetime) -> list[str]:
    """What a merge would do beside moving rows, in words."""
    found: list[str] = []
    if subject is PEOPLE:
        if Lead.objects.filter(person__in=[kept.pk, gone.pk], stage__in=OPEN_STAGES).count() > 1:
            found.append("Both have an open lead: the further one stays, the other is closed as a duplicate.")
        bad = suppressions_of([kept.email, gone.email])
        if bad and len(bad) < len({kept.email, gone.email} - {""}):
            found.append(f"{next(iter(bad))} is suppressed: the address that stays will be, too.")
    for warn in _warners:
        found += warn(kept, gone)
    return found


@dataclass(frozen=True, slots=True)
class BulkDone:
    """What a bulk merge did."""

    merged: int = 0
    refused: int = 0
    left: int = 0


def merge_all(*, subject: Subject, least: int, by: Actor, now: datetime, most: int = MOST_AT_ONCE) -> BulkDone:
    """Merge the groups that pairs of at least this score make, each with its preselection; at most `most` merges.

    Who stays is whom most is known of. One that is refused is left as it is and counted; the others go on.
    """
    if not rules.MEDIUM <= least <= 99:
        raise Invalid(f"Choose a confidence from {rules.MEDIUM} to 99.", field="least")
    plan = bulk_plan(subject, least, by.member)
    merged = refused = 0
    for group in plan.groups:
        rows = [row for row in (load_row(subject, key) for key in group) if row is not None]
        while len(rows) > 1 and merged + refused < most:
            kept, gone = keep_first(subject, rows[0], rows[1])
            try:
                with transaction.atomic():
                    merge_rows(subject=subject, kept=kept, gone=gone, by=by, now=now)
                merged += 1
            except AppError:
                refused += 1
            fresh = load_row(subject, kept.pk)
            rows = [fresh, *rows[2:]] if fresh is not None else rows[2:]
    if merged:
        write_audit(
            by=by, action="duplicate.bulk_merged", now=now, target_type=subject.noun, label=f"{merged} {subject.nouns}",
            detail={"confidence": least, "merged": merged, "refused": refused},
        )  # fmt: skip
    return BulkDone(merged, refused, plan.merges - merged - refused)
