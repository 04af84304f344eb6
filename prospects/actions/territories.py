"""Territories: made, changed, put in order, deleted. What is there keeps its owner until a run is applied."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member
from accounts.permissions import refuse_owner
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.rulelang import parse
from prospects.actions.segments import checked_rule
from prospects.models import Territory, TerritoryLook
from prospects.models.locks import lock, lock_row
from prospects.queries.rule_words import rule_words
from prospects.rules.segments import CATALOGUES

MOST = 200
MOST_MEMBERS = 50


def create_territory(
    *, by: Actor, now: datetime, name: str, rule: Mapping[str, Any], members: Iterable[UUID], is_active: bool = True,
) -> Territory:  # fmt: skip
    """A new territory, last in order. Raises Invalid (field named) and Conflict for a taken name."""
    last = Territory.objects.aggregate(last=Max("position"))["last"]
    if Territory.objects.count() >= MOST:
        raise Invalid(f"A workspace has at most {MOST} territories.", field="name")
    territory = Territory(
        name=_name(name), rule=checked_rule("people", rule), members=_members(members), is_active=bool(is_active),
        position=0 if last is None else last + 1, created_at=now, updated_at=now,
    )  # fmt: skip
    if territory.is_active:
        _begin(now)
    _save(territory)
    write_audit(by=by, action="territory.created", now=now, target=territory, detail=_facts(territory))
    return territory


def update_territory(*, territory: Territory, by: Actor, now: datetime, changes: Mapping[str, Any]) -> Territory:
    """Change name, rule, members or `is_active`; what is not given stays."""
    lock_row(territory)
    clean: dict[str, Callable[[Any], Any]] = {
        "name": _name, "rule": lambda rule: checked_rule("people", rule), "is_active": bool,
    }  # fmt: skip
    new = {key: clean[key](changes[key]) for key in clean if key in changes}
    if "members" in changes:
        new["members"] = _members(changes["members"], had=territory.members)
    new = {key: value for key, value in new.items() if getattr(territory, key) != value}
    if not new:
        return territory
    before = _facts(territory)
    if new.get("is_active"):
        _begin(now)
    for key, value in new.items():
        setattr(territory, key, value)
    territory.updated_at = now
    _save(territory)
    detail = {"before": before, "after": _facts(territory)}
    write_audit(by=by, action="territory.edited", now=now, target=territory, detail=detail)
    return territory


def delete_territory(*, territory: Territory, by: Actor, now: datetime) -> None:
    """Delete a territory. Owners it gave stay."""
    lock_row(territory)
    write_audit(by=by, action="territory.deleted", now=now, target=territory, detail=_facts(territory))
    territory.delete()


def order_territories(*, ids: Sequence[UUID], by: Actor, now: datetime) -> list[Territory]:
    """Put all of them in this order: the first match wins. Raises Invalid where one is missing or unknown."""
    rows = {row.pk: row for row in lock(Territory.objects.all())}
    if len(ids) != len(rows) or set(ids) != rows.keys():
        raise Invalid("Name every territory of the workspace once.", field="ids")
    return _put(rows, ids, by, now)


def move_territory(*, territory: Territory, up: bool, by: Actor, now: datetime) -> None:
    """One place up or down; at the end nothing happens, nor where it is gone by now."""
    # Read under the lock: two who move at once would undo each other's move, and one that is made meanwhile is last anyway.
    rows = {row.pk: row for row in lock(Territory.objects.all())}
    ids = sorted(rows, key=lambda key: (rows[key].position, key))
    here = ids.index(territory.pk) if territory.pk in rows else -1
    there = here - 1 if up else here + 1
    if here >= 0 and 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        _put(rows, ids, by, now)


def _put(rows: Mapping[UUID, Territory], ids: Sequence[UUID], by: Actor, now: datetime) -> list[Territory]:
    """Write the order of locked rows."""
    for position, key in enumerate(ids):
        rows[key].position = position
    Territory.objects.bulk_update(rows.values(), ["position"])
    ordered = [rows[key] for key in ids]
    write_audit(
        by=by, action="territory.ordered", now=now, target_type="territory", label=f"{len(ids)} territories",
        detail={"order": [row.name for row in ordered]},
    )  # fmt: skip
    return ordered


def words_of(territory: Territory) -> str:
    """Its rule in English. A field that is gone does not break a page."""
    try:
        return rule_words(parse(territory.rule, CATALOGUES["people"]))
    except Invalid as error:
        return f"cannot be read any more: {error.message}"


def _begin(now: datetime) -> None:
    """With the first active territory new records get owners from now on; what is there waits for a run."""
    if not Territory.objects.filter(is_active=True).exists() and not TerritoryLook.objects.update(at=now):
        TerritoryLook(at=now).save()


def _name(text: Any) -> str:
    name = " ".join(str(text or "").split())
    if not name:
        raise Invalid("Give the territory a name.", field="name")
    if len(name) > 80:
        raise Invalid("A name has at most 80 characters.", field="name")
    return name


def _members(keys: Iterable[UUID], had: Sequence[UUID] = ()) -> list[UUID]:
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        raise Invalid("Choose at least one owner.", field="members")
    if len(wanted) > MOST_MEMBERS:
        raise Invalid(f"At most {MOST_MEMBERS} owners.", field="members")
    known = Member.objects.in_bulk(wanted)
    for key in wanted:
        if key not in known:
            raise Invalid("There is no such member in this workspace.", field="members")
        if key not in had:
            refuse_owner(known[key], field="members")
    return wanted


def _facts(territory: Territory) -> dict[str, Any]:
    members = [str(key) for key in territory.members]
    return {"name": territory.name, "rule": territory.rule, "members": members, "is_active": territory.is_active}


def _save(territory: Territory) -> None:
    try:
        with transaction.atomic():
            territory.save()
    except IntegrityError:
        raise Conflict(f"There is a territory “{territory.name}” already.", code="duplicate", field="name") from None
