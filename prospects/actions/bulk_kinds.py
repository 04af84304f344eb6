"""What each kind of bulk act needs, whom it would change, and how a part of it is done."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.actions.audit import Actor
from accounts.models import Member
from accounts.permissions import refuse_owner
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import bulk_insert
from prospects.actions import fields
from prospects.actions.basis import note_basis
from prospects.actions.companies import assign_companies, industry_code_of
from prospects.actions.custom import with_values
from prospects.actions.fit import rescore
from prospects.actions.people import assign_people
from prospects.actions.segments import add_members
from prospects.actions.tags import tag_rows, untag_rows
from prospects.actions.verification import look_anew
from prospects.models import (
    Activity,
    ActivityKind,
    BulkAct,
    Company,
    CustomField,
    Person,
    Segment,
    SegmentMember,
    Tag,
    TagLink,
)
from prospects.models.locks import lock
from prospects.queries.tags import column_of
from prospects.rules.columns import CUSTOM

NO_ADDRESS = "has no e-mail address"
KEPT = "has another value, which stays"
GONE = "is gone: deleted or merged since"
MODELS: dict[str, Any] = {"people": Person, "companies": Company}
# What may be set for many at once: nothing that must be unique, nothing that makes a name or an address.
SETTABLE = {
    "people": ("seniority", "department", "country", "region", "city", "time_zone", "source", "lawful_basis"),
    "companies": ("industry", "sub_industry", "country", "region", "city", "time_zone", "funding_stage", "source"),
}
FACTS = {
    "seniority",
    "department",
    "country",
    "region",
    "city",
    "industry",
    "sub_industry",
    "funding_stage",
    "time_zone",
}


@dataclass(slots=True)
class Outcome:
    """What came of a part."""

    changed: int = 0
    same: int = 0
    blocked: dict[str, int] = field(default_factory=dict)
    examples: list[list[str]] = field(default_factory=list)  # [id, name, reason]


def check_params(subject: str, kind: str, params: dict[str, Any]) -> None:
    """Raises Invalid, the field named, where an act cannot be done as asked."""
    if subject not in MODELS:
        raise Invalid(f"Choose one of: {', '.join(MODELS)}.", field="subject")
    if kind == BulkAct.Kind.ASSIGN:
        refuse_owner(_owner(params))
    elif kind in (BulkAct.Kind.TAG, BulkAct.Kind.UNTAG):
        if not _tags(params):
            raise Invalid("Choose a tag.", field="tags")
    elif kind == BulkAct.Kind.LIST:
        segment = _segment(params)
        if segment.is_dynamic or segment.subject != subject:
            raise Invalid(f"“{segment}” is no list of {subject}. Only lists are filled by hand.", field="segment")
    elif kind == BulkAct.Kind.FIELD:
        _value(subject, params)
    elif kind == BulkAct.Kind.VERIFY:
        if subject != "people":
            raise Invalid("Companies have no e-mail address to verify. Choose people.", field="kind")
    else:
        raise Invalid(f"Choose one of: {', '.join(BulkAct.Kind.values)}.", field="kind")


def words_of(subject: str, kind: str, params: dict[str, Any]) -> str:
    """The act in words: "Assign to Ana Ferreira"."""
    match kind:
        case BulkAct.Kind.ASSIGN:
            return f"Assign to {_owner(params) or 'nobody'}"
        case BulkAct.Kind.TAG:
            return f"Tag: {', '.join(tag.name for tag in _tags(params))}"
        case BulkAct.Kind.UNTAG:
            return f"Take away: {', '.join(tag.name for tag in _tags(params))}"
        case BulkAct.Kind.LIST:
            return f"Put on the list “{_segment(params)}”"
        case BulkAct.Kind.VERIFY:
            return "Verify e-mail addresses"
    name, value = _value(subject, params)
    said = (
        fields.shown(MODELS[subject], name, value) if not name.startswith(CUSTOM) else params.get("value") or "nothing"
    )
    words = f"Set {field_label(subject, name)} to “{said}”"
    return words if params.get("overwrite") else f"{words} where nothing is known"


def field_label(subject: str, name: str) -> str:
    if name.startswith(CUSTOM):
        found = CustomField.objects.filter(subject=subject, key=name.removeprefix(CUSTOM)).first()
        return found.label if found is not None else name
    return fields.label_of(MODELS[subject], name)


def same_as_asked(rows: QuerySet[Any], subject: str, kind: str, params: dict[str, Any]) -> tuple[int, dict[str, int]]:
    """Of these rows: how many are so already, and how many are blocked, by reason."""
    column = column_of(subject)
    match kind:
        case BulkAct.Kind.ASSIGN:
            return rows.filter(owner=_owner(params)).count(), {}
        case BulkAct.Kind.TAG:
            held = TagLink.objects.filter(**{f"{column}__isnull": False}, tag__in=_tags(params)).values(f"{column}_id")
            every = held.annotate(n=Count("pk")).filter(n=len(_tags(params))).values(f"{column}_id")
            return rows.filter(pk__in=every).count(), {}
        case BulkAct.Kind.UNTAG:
            held = TagLink.objects.filter(**{f"{column}__isnull": False}, tag__in=_tags(params)).values(f"{column}_id")
            return rows.count() - rows.filter(pk__in=held).count(), {}
        case BulkAct.Kind.LIST:
            listed = SegmentMember.objects.filter(segment=_segment(params), **{f"{column}__isnull": False})
            return rows.filter(pk__in=listed.values(f"{column}_id")).count(), {}
        case BulkAct.Kind.VERIFY:
            without = rows.filter(email="").count()
            return 0, {NO_ADDRESS: without} if without else {}
    there, empty = _conditions(subject, params)
    same = rows.filter(there).count()
    if params.get("overwrite"):
        return same, {}
    kept = rows.count() - rows.filter(there | empty).count()
    return same, {KEPT: kept} if kept else {}


def do_part(*, act: BulkAct, ids: Sequence[UUID], by: Actor, now: datetime) -> Outcome:
    """Do it for these rows. Who was deleted or merged since is blocked, whoever has it already is the same."""
    model = MODELS[act.subject]
    rows = list(lock(model.objects.filter(pk__any=list(ids))))
    outcome = Outcome()
    gone = len(ids) - len(rows)
    if gone:
        outcome.blocked[GONE] = gone
        there = {row.pk for row in rows}
        outcome.examples = [[str(key), "", GONE] for key in ids if key not in there][:20]
    keys = [row.pk for row in rows]
    try:
        check_params(act.subject, act.kind, act.params)
    except Invalid as error:
        # The owner left, the tag or list was deleted while the act waited: nobody is changed, and the report says why.
        outcome.blocked[error.message] = len(rows)
        return outcome
    match act.kind:
        case BulkAct.Kind.ASSIGN:
            owner = _owner(act.params)
            outcome.changed = (
                assign_people(by=by, now=now, people=rows, owner=owner)
                if act.subject == "people"
                else assign_companies(by=by, now=now, companies=rows, owner=owner)
            )
        case BulkAct.Kind.TAG:
            outcome.changed = len(
                tag_rows(by=by, now=now, subject=act.subject, ids=keys, tags=_tags(act.params)).changed
            )
        case BulkAct.Kind.UNTAG:
            outcome.changed = len(
                untag_rows(by=by, now=now, subject=act.subject, ids=keys, tags=_tags(act.params)).changed
            )
        case BulkAct.Kind.LIST:
            outcome.changed = add_members(segment=_segment(act.params), ids=keys, by=by, now=now).changed if keys else 0
        case BulkAct.Kind.FIELD:
            return _set_field(act, rows, outcome, by, now)
        case BulkAct.Kind.VERIFY:
            asked = [row.pk for row in rows if row.email]
            outcome.changed = look_anew(asked, now=now)
            if len(rows) > len(asked):
                outcome.blocked[NO_ADDRESS] = len(rows) - len(asked)
                outcome.examples += [[str(row.pk), str(row), NO_ADDRESS] for row in rows if not row.email][:20]
            return outcome
    outcome.same = len(rows) - outcome.changed
    return outcome


def _set_field(act: BulkAct, rows: list[Any], outcome: Outcome, by: Actor, now: datetime) -> Outcome:
    """One value for all of them, set-based: one statement, one timeline row each, fit computed again once."""
    name, value = _value(act.subject, act.params)
    person = act.subject == "people"
    changed: list[Any] = []
    told: list[Activity] = []
    for row in rows:
        old = _now(row, name)
        if old == value or (old in (None, "") and value in (None, "")):
            outcome.same += 1
        elif old not in (None, "", []) and not act.params.get("overwrite"):
            outcome.blocked[KEPT] = outcome.blocked.get(KEPT, 0) + 1
            if len(outcome.examples) < 20:
                outcome.examples.append([str(row.pk), str(row), KEPT])
        else:
            pair = _change(row, name, value)
            changed.append(row)
            told.append(
                Activity(
                    at=now, recorded_at=now, kind=ActivityKind.EDITED, person=row if person else None,
                    company_id=row.company_id if person else row.pk, member=by.member,
                    summary=fields.in_words(row, pair)[:300], detail={"changes": fields.as_json(pair), "bulk": str(act.pk)},
                )
            )  # fmt: skip
            row.updated_at = now
    outcome.changed = len(changed)
    if not changed:
        return outcome
    columns = ["custom" if name.startswith(CUSTOM) else name, "updated_at"]
    if name in ("industry", "sub_industry"):
        columns.append("industry_code")
        for row in changed:
            row.industry_code = industry_code_of(row)
    if name == "lawful_basis":
        columns += ["lawful_basis_at", "lawful_basis_note"]
        for row in changed:
            row.lawful_basis_at, row.lawful_basis_note = (
                (now if value else None),
                str(act.params.get("note") or "")[:300],
            )
        note_basis(people=changed, by=by, now=now, source="bulk action")
    MODELS[act.subject].objects.bulk_update(changed, columns, batch_size=500)
    bulk_insert(Activity, told)
    if name in FACTS:
        keys = [row.pk for row in changed]
        rescore(now=now, person_ids=keys) if person else rescore(now=now, company_ids=keys)
    return outcome


def _now(row: Any, name: str) -> Any:
    return row.custom.get(name.removeprefix(CUSTOM)) if name.startswith(CUSTOM) else getattr(row, name)


def _change(row: Any, name: str, value: Any) -> fields.Changes:
    if not name.startswith(CUSTOM):
        return fields.apply(row, {name: value})
    key = name.removeprefix(CUSTOM)
    merged = {k: v for k, v in row.custom.items() if k != key} | ({key: value} if value is not None else {})
    return fields.apply(row, {"custom": merged})


def _conditions(subject: str, params: dict[str, Any]) -> tuple[Q, Q]:
    """(has the value already, has none)."""
    name, value = _value(subject, params)
    if name.startswith(CUSTOM):
        key = name.removeprefix(CUSTOM)
        empty = ~Q(custom__has_key=key)
        return (empty if value is None else Q(custom__contains={key: value})), empty
    return Q(**{name: value}), Q(**{name: ""})


def _value(subject: str, params: dict[str, Any]) -> tuple[str, Any]:
    """(field, value as stored) of a field act, judged as a sheet would. Raises Invalid."""
    name, given = str(params.get("field") or ""), params.get("value")
    if name.startswith(CUSTOM):
        key = name.removeprefix(CUSTOM)
        return name, with_values(subject, {}, {"custom": {key: given}})["custom"].get(key)
    if name not in SETTABLE[subject]:
        raise Invalid(f"Choose one of: {', '.join(SETTABLE[subject])}, or a custom field.", field="field")
    try:
        return name, fields.clean(MODELS[subject], {name: given or ""}, SETTABLE[subject])[name]
    except Invalid as error:
        raise Invalid(error.message, field="value") from error


def _owner(params: dict[str, Any]) -> Member | None:
    key = params.get("owner")
    if not key:
        return None
    found = Member.objects.filter(pk=key).first()
    if found is None:
        raise Invalid("Choose an owner from the list.", field="owner")
    return found


def _tags(params: dict[str, Any]) -> list[Tag]:
    return list(Tag.objects.filter(pk__in=params.get("tags") or ()).order_by("name"))


def _segment(params: dict[str, Any]) -> Segment:
    found = Segment.objects.filter(pk=params["segment"]).first() if params.get("segment") else None
    if found is None:
        raise Invalid("Choose a list.", field="segment")
    return found
