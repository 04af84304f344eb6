"""Segments: made, changed, archived, deleted; people and companies put on lists and taken off."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from accounts.actions.audit import Actor, write_audit
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.rulelang import parse, to_json
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import as_asked, asker
from prospects.models import Company, Person, Segment, SignalTrigger
from prospects.models.locks import lock_row
from prospects.queries.rule_words import rule_words
from prospects.rules.segments import CATALOGUES

LANE = "segments"
MAX_AT_ONCE = 10_000  # rows added or taken off in one act


@dataclass(frozen=True, slots=True)
class Moved:
    """What adding or taking off did: `changed` rows; `same` were there (or not) before; `missing` are not in the workspace."""

    changed: int = 0
    same: int = 0
    missing: int = 0


def create_segment(
    *,
    by: Actor,
    now: datetime,
    name: str,
    kind: str,
    subject: str,
    rule: Mapping[str, Any] | None = None,
    description: str = "",
) -> Segment:
    """A new segment; a rule is checked and stored normalised. Raises Invalid (field named) and Conflict for a taken name."""
    if kind not in Segment.Kind.values:
        raise Invalid("A segment is dynamic or static.", field="kind")
    if subject not in Segment.Subject.values:
        raise Invalid("A segment is of people or of companies.", field="subject")
    segment = Segment(
        name=_name(name), description=_words(description), kind=kind, subject=subject, owner=by.member,
        rule=checked_rule(subject, rule or {}) if kind == Segment.Kind.DYNAMIC else {},
        created_at=now, updated_at=now,
    )  # fmt: skip
    if kind == Segment.Kind.STATIC:
        if rule:
            raise Invalid("A list has no rule. Make a dynamic segment of it.", field="rule")
        segment.count, segment.counted_at = 0, now
    _save(segment)
    write_audit(by=by, action="segment.created", now=now, target=segment, detail={"rule": segment.rule})
    ring(segment, now)
    return segment


def update_segment(*, segment: Segment, by: Actor, now: datetime, changes: Mapping[str, Any]) -> Segment:
    """Change name, description, rule or `is_archived`; what is not given stays. Another rule is evaluated anew."""
    lock_row(segment)
    new: dict[str, Any] = {}
    if "name" in changes:
        new["name"] = _name(changes["name"])
    if "description" in changes:
        new["description"] = _words(changes["description"])
    if "is_archived" in changes:
        new["is_archived"] = bool(changes["is_archived"])
    if "rule" in changes:
        if not segment.is_dynamic:
            raise Invalid("A list has no rule. Make a dynamic segment of it.", field="rule")
        new["rule"] = checked_rule(segment.subject, changes["rule"])
    new = {key: value for key, value in new.items() if getattr(segment, key) != value}
    if not new:
        return segment
    told = {key: [getattr(segment, key), value] for key, value in new.items()}
    for key, value in new.items():
        setattr(segment, key, value)
    if "rule" in new:
        segment.counted_at = None
    segment.updated_at = now
    _save(segment)
    action = {True: "segment.archived", False: "segment.restored"}.get(new.get("is_archived", ""), "segment.edited")
    write_audit(by=by, action=action, now=now, target=segment, detail={"changes": told})
    if "rule" in new or new.get("is_archived") is False:
        ring(segment, now)
    return segment


def delete_segment(*, segment: Segment, by: Actor, now: datetime) -> None:
    """Delete a segment with its history, and with the triggers of signals that are about it. People and companies stay."""
    lock_row(segment)
    detail: dict[str, Any] = {"rule": segment.rule}
    if triggers := list(SignalTrigger.objects.filter(segment=segment).order_by("name").values_list("name", flat=True)):
        detail["triggers"] = triggers
    write_audit(by=by, action="segment.deleted", now=now, target=segment, detail=detail)
    segment.delete()


def add_members(*, segment: Segment, ids: Iterable[UUID], by: Actor, now: datetime) -> Moved:
    """Put people (or companies) on a list; who is on it stays as they are. Ids of another workspace are `missing`."""
    keys, column = _keys(segment, ids)
    lock_row(segment)
    found = list(as_asked(_model(segment).objects.filter(pk__in=keys)).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH came AS (
                INSERT INTO prospects_segmentmember (workspace_id, segment_id, {column}, added_at, added_by_id)
                SELECT %(workspace)s, %(segment)s, id, %(now)s, %(by)s FROM unnest(%(ids)s::uuid[]) AS id ORDER BY id
                ON CONFLICT (workspace_id, segment_id, {column}) WHERE ({column} IS NOT NULL) DO NOTHING
                RETURNING {column} AS id
            ), told AS (
                INSERT INTO prospects_segmentchange (workspace_id, segment_id, {column}, at, entered)
                SELECT %(workspace)s, %(segment)s, id, %(now)s, true FROM came
            )
            SELECT count(*) FROM came
            """,  # noqa: S608  the column's name is ours
            {
                "workspace": current_workspace_id(), "segment": segment.pk, "now": now,
                "by": by.member.pk if by.member else None, "ids": found,
            },
        )  # fmt: skip
        came = cursor.fetchone()[0]
    moved = Moved(came, len(found) - came, len(keys) - len(found))
    _moved(segment, came, "segment.members_added", by, now)
    return moved


def remove_members(*, segment: Segment, ids: Iterable[UUID], by: Actor, now: datetime) -> Moved:
    """Take people (or companies) off a list."""
    keys, column = _keys(segment, ids)
    lock_row(segment)
    if asker() is not None:
        keys = list(as_asked(_model(segment).objects.filter(pk__in=keys)).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH gone AS (
                DELETE FROM prospects_segmentmember
                WHERE workspace_id = %(workspace)s AND segment_id = %(segment)s AND {column} = ANY(%(ids)s)
                RETURNING {column} AS id
            ), told AS (
                INSERT INTO prospects_segmentchange (workspace_id, segment_id, {column}, at, entered)
                SELECT %(workspace)s, %(segment)s, id, %(now)s, false FROM gone
            )
            SELECT count(*) FROM gone
            """,  # noqa: S608  the column's name is ours
            {"workspace": current_workspace_id(), "segment": segment.pk, "now": now, "ids": keys},
        )
        gone = cursor.fetchone()[0]
    _moved(segment, -gone, "segment.members_removed", by, now)
    return Moved(gone, len(keys) - gone, 0)


def checked_rule(subject: str, rule: Any) -> dict[str, Any]:
    """The rule normalised. Raises Invalid with the place in `field` ("all[2].value"), also for one that asks nothing."""
    node = parse(rule, CATALOGUES[subject])
    found = to_json(node)
    if found in ({"all": []}, {"any": []}):
        raise Invalid("Add at least one condition.", field="rule", code="rule_invalid")
    return found


def words_of(segment: Segment) -> str:
    """Its rule in English; empty for a list. A field that is gone does not break a page."""
    if not segment.is_dynamic:
        return ""
    try:
        return rule_words(parse(segment.rule, CATALOGUES[segment.subject]))
    except Invalid as error:
        return f"cannot be read any more: {error.message}"


def ring(segment: Segment, now: datetime) -> None:
    """Let the worker look at everybody soon."""
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now, key=str(segment.pk))
    enqueue("prospects.refresh_segments")


def _model(segment: Segment) -> type[Person] | type[Company]:
    return Person if segment.of_people else Company


def _keys(segment: Segment, ids: Iterable[UUID]) -> tuple[list[UUID], str]:
    if segment.is_dynamic:
        raise Invalid(f"“{segment}” is a rule: who meets it is in it. Only lists are filled by hand.", field="segment")
    keys = list(dict.fromkeys(ids))
    if not keys:
        raise Invalid(f"Choose some {segment.noun} first.", field="ids")
    if len(keys) > MAX_AT_ONCE:
        raise Invalid(f"At most {MAX_AT_ONCE:,} at a time.", field="ids")
    return keys, "person_id" if segment.of_people else "company_id"


def _moved(segment: Segment, by_so_many: int, action: str, by: Actor, now: datetime) -> None:
    if not by_so_many:
        return
    segment.count = max((segment.count or 0) + by_so_many, 0)
    segment.counted_at = segment.updated_at = now
    segment.save(update_fields=["count", "counted_at", "updated_at"])
    write_audit(by=by, action=action, now=now, target=segment, detail={"count": abs(by_so_many)})


def _name(text: Any) -> str:
    name = " ".join(str(text or "").split())
    if not name:
        raise Invalid("Give the segment a name.", field="name")
    if len(name) > 120:
        raise Invalid("A name has at most 120 characters.", field="name")
    return name


def _words(text: Any) -> str:
    words = " ".join(str(text or "").split())
    if len(words) > 500:
        raise Invalid("A description has at most 500 characters.", field="description")
    return words


def _save(segment: Segment) -> None:
    try:
        with transaction.atomic():
            segment.save()
    except IntegrityError:
        raise Conflict(f"There is a segment “{segment.name}” already.", code="duplicate", field="name") from None
