"""Undo an import: delete what it made, give back what it overwrote, and leave alone what people changed or used since.

The journal (ImportBatch) is undone from its end, batch by batch, each in one transaction that also takes the batch out of
the journal: a worker that dies loses the batch in hand, and the next one goes on. The plan judges with the same code and
writes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import ForeignKey, Func, IntegerField, Q, Sum
from django.db.models.functions import Now
from django.utils.dateparse import parse_datetime

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member
from leadgen.core.errors import Conflict
from leadgen.core.tenancy import TenantModel, workspace_scope
from prospects.actions.fit import rescore
from prospects.actions.imports_lease import LEASE, claim, fence, hand_over
from prospects.actions.imports_memo import forget_memo
from prospects.actions.imports_store import Rows, Unit, as_json
from prospects.models import Activity, ActivityKind, BasisEntry, Company, Import, ImportBatch, Person, TagLink

KEPT_DAYS = 30
AT_ONCE = 20_000  # records a request may judge itself
EXAMPLES = 10  # kept records named for each reason
_State = Import.State
_MODELS: dict[str, type[TenantModel]] = {"company": Company, "person": Person}
# What follows from the record by itself and goes with it: no reason to keep it.
_DERIVED = frozenset(
    {
        "prospects.PersonFit", "prospects.CompanyFit", "prospects.PersonKeys", "prospects.CompanyKeys",
        "prospects.PersonPair", "prospects.CompanyPair", "prospects.SegmentChange", "prospects.Engagement", "prospects.FieldOrigin",
    }
)  # fmt: skip
_WORDS = {
    "prospects.Activity": "has something on its timeline", "prospects.Lead": "has a lead", "prospects.Deal": "has a deal",
    "prospects.Customer": "is a customer", "prospects.Task": "has a task", "prospects.Meeting": "has a meeting",
    "prospects.Consent": "has a consent on record", "prospects.Merge": "was merged with another record",
    "prospects.SegmentMember": "is on a list", "prospects.TagLink": "has a tag", "prospects.Person": "has people who stay",
    "prospects.PointEntry": "has points", "campaigns.Enrolment": "is enrolled in a sequence", "campaigns.Message": "was written to",
    "campaigns.InboundMail": "wrote to us", "campaigns.Submission": "filled in a form",
}  # fmt: skip
_BY_TERRITORY = Q(kind=ActivityKind.ASSIGNED, detail__has_any_keys=["territory", "follows"])
CHANGED = "was changed since"
TAKEN = "its former address, id or domain belongs to another record now"


@dataclass(slots=True)
class Outcome:
    """What undoing does: records deleted, records given back (in part: some fields were changed since and stay so),
    tags taken off again, records kept by reason, records that were gone already."""

    deleted: Counter[str] = field(default_factory=Counter)
    restored: Counter[str] = field(default_factory=Counter)
    partly: int = 0
    untagged: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    gone: int = 0
    examples: dict[str, list[list[str]]] = field(default_factory=dict)  # reason -> [subject, id, name]

    def keep(self, reason: str, subject: str, key: UUID, name: str) -> None:
        self.kept[reason] += 1
        named = self.examples.setdefault(reason, [])
        if len(named) < EXAMPLES:
            named.append([subject, str(key), name])

    def as_json(self) -> dict[str, Any]:
        return {
            "deleted": dict(self.deleted), "restored": dict(self.restored), "partly": self.partly,
            "untagged": self.untagged, "kept": dict(self.kept), "gone": self.gone, "examples": self.examples,
        }  # fmt: skip

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Outcome":
        return cls(
            Counter(found.get("deleted", {})), Counter(found.get("restored", {})), int(found.get("partly", 0)),
            int(found.get("untagged", 0)), Counter(found.get("kept", {})), int(found.get("gone", 0)), dict(found.get("examples", {})),
        )  # fmt: skip


# Asking


def why_not(run: Import, now: datetime) -> str:
    """Why this import cannot be undone, in words; "" where it can."""
    if run.state == _State.UNDONE:
        return "This import was undone already."
    if run.state not in (_State.DONE, _State.CANCELLED, _State.FAILED):
        return f"It is {run.get_state_display().lower()}; an import is undone once it has ended."
    if run.kind not in ("people", "companies"):
        return (
            "Only imports of people and companies can be undone: leads, spend and activities are facts others count on."
        )
    if run.started_at is None or run.started_at < now - timedelta(days=KEPT_DAYS):
        return f"It is older than {KEPT_DAYS} days; what it changed is not kept longer."
    if not ImportBatch.objects.filter(import_run=run.pk).exists():
        return "It made and changed nothing." if run.done_rows else "Nothing was imported."
    return ""


def size_of(run: Import) -> int:
    """Records in the journal of a run."""
    made = Func("made", function="cardinality", output_field=IntegerField())
    changed = Func("changed", function="jsonb_array_length", output_field=IntegerField())
    found = ImportBatch.objects.filter(import_run=run.pk).aggregate(n=Sum(made + changed))["n"]
    return int(found or 0)


def settled(run: Import) -> int:
    """Records an undo has settled so far."""
    found = Outcome.from_json(run.undo)
    return found.deleted.total() + found.restored.total() + found.kept.total() + found.gone


def undo_plan(run: Import) -> Outcome:
    """Exactly what undoing would do now. Reads only."""
    judge, total = _Judge(run), Outcome()
    for key in _journal(run).values_list("pk", flat=True):
        batch = ImportBatch.objects.get(pk=key)
        judge.judge(batch, total)
    return total


def count_undo(*, run: Import, now: datetime) -> Import:
    """Count what undoing would do: at once for a small import, else by a worker. The counts stand in `undo["plan"]`.
    Raises Conflict where it cannot be undone."""
    locked = _undoable(run, now)
    if size_of(locked) > AT_ONCE:
        locked.undo = {"was": locked.state, "counting": True}
        locked.save(update_fields=["undo"])
        return hand_over(locked, _State.UNDOING, now)
    locked.undo = {"plan": undo_plan(locked).as_json(), "counted_at": now.isoformat()}
    locked.save(update_fields=["undo"])
    return locked


def request_undo(*, run: Import, by: Actor, now: datetime) -> Import:
    """Undo the import in the background. Asked for twice it happens once. Raises Conflict where it cannot be undone."""
    locked = Import.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.state == _State.UNDOING and not locked.undo.get("counting"):
        return locked
    locked = _undoable(run, now)
    locked.undo = {"member": str(by.member.pk) if by.member else None, "total": size_of(locked), "at": now.isoformat()}
    locked.save(update_fields=["undo"])
    write_audit(by=by, action="import.undo_asked", now=now, target=locked, label=locked.file_name)
    return hand_over(locked, _State.UNDOING, now)


def _undoable(run: Import, now: datetime) -> Import:
    locked: Import = Import.objects.select_for_update(no_key=True).get(pk=run.pk)
    if reason := why_not(locked, now):
        raise Conflict(reason, code="not_undoable")
    return locked


def drop_old(now: datetime) -> None:
    """Forget journals nobody may undo any more, and what is known of rows nobody sent again for long."""
    forget_memo(now)
    ImportBatch.objects.filter(at__lt=now - timedelta(days=KEPT_DAYS + 1)).delete()


# Doing


def undo_import(*, workspace_id: UUID, run_id: UUID, now: datetime) -> None:
    """Undo (or count) to the end. Returns early where another worker has it."""
    with workspace_scope(workspace_id):
        run = claim(run_id, (_State.UNDOING,))
        if run is None:
            return
        attempt = run.attempt
        if run.undo.get("counting"):
            run.state, run.lease_until = run.undo["was"], None
            run.undo = {"plan": undo_plan(run).as_json(), "counted_at": now.isoformat()}
            run.save(update_fields=["state", "lease_until", "undo"])
            return
    while True:
        with workspace_scope(workspace_id):
            run = fence(run_id, attempt, _State.UNDOING)
            if run is None:
                return
            batch = _journal(run).first()
            if batch is None:
                _finish(run, now)
                return
            total = Outcome.from_json(run.undo)
            _undo_batch(run, batch, total, now)
            batch.delete()
            run.undo = {**run.undo, **total.as_json()}
            run.settings = {**run.settings, "tries": 0}
            run.lease_until = Now() + LEASE
            run.save(update_fields=["undo", "settings", "lease_until"])


def _finish(run: Import, now: datetime) -> None:
    run.state, run.lease_until = _State.UNDONE, None
    run.undo = {**Outcome.from_json(run.undo).as_json(), **run.undo, "undone_at": now.isoformat()}
    run.save(update_fields=["state", "lease_until", "undo"])
    member = Member.objects.filter(pk=run.undo.get("member")).first()
    found = Outcome.from_json(run.undo)
    write_audit(
        by=Actor(member=member, source="system"), action="import.undone", now=now, target=run, label=run.file_name,
        detail={
            "deleted": dict(found.deleted), "restored": dict(found.restored), "kept": dict(found.kept), "gone": found.gone,
        },
    )  # fmt: skip


def _journal(run: Import) -> Any:
    """Last batch first; of one batch the people before their companies."""
    return ImportBatch.objects.filter(import_run=run.pk).order_by("-position", "-subject")


def _undo_batch(run: Import, batch: ImportBatch, total: Outcome, now: datetime) -> None:
    judged = Outcome.from_json(total.as_json())
    delete, restore, untag = _Judge(run).judge(batch, judged, lock=True)
    model = _MODELS[batch.subject]
    try:
        with transaction.atomic():
            touched = _write(model, delete, restore, now)
    except IntegrityError:
        # Somebody took an address, an id or a domain since: one by one, so that only that record is kept.
        judged, touched = Outcome.from_json(total.as_json()), set()
        _Judge(run).judge(batch, judged, lock=True)
        for key in delete:
            touched |= _one(model, [key], [], now, judged, batch.subject, _FREED)
        for row in restore:
            touched |= _one(model, [], [row], now, judged, batch.subject, TAKEN)
    TagLink.objects.filter(pk__any=untag).delete()
    total.untagged = judged.untagged
    total.deleted, total.restored, total.partly = judged.deleted, judged.restored, judged.partly
    total.kept, total.gone, total.examples = judged.kept, judged.gone, judged.examples
    if model is Person:
        rescore(now=now, person_ids=touched)
    else:
        rescore(now=now, company_ids=touched)


_FREED = "is used elsewhere"


def _one(
    model: type[TenantModel],
    delete: list[UUID],
    restore: list["_Back"],
    now: datetime,
    judged: Outcome,
    subject: str,
    why: str,
) -> set[UUID]:
    try:
        with transaction.atomic():
            return _write(model, delete, restore, now)
    except IntegrityError:
        counts, key = (judged.deleted, delete[0]) if delete else (judged.restored, restore[0].key)
        counts[subject] -= 1
        judged.keep(why, subject, key, restore[0].name if restore else "")
        return set()


def _write(model: type[TenantModel], delete: list[UUID], restore: list["_Back"], now: datetime) -> set[UUID]:
    if delete:
        model.objects.filter(pk__any=delete).delete()
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for back in restore:
        row = {"id": back.key, **back.values, "updated_at": back.updated_at or now}
        groups.setdefault(tuple(sorted(back.values)), []).append(row)
    rows = Rows(model, Unit())
    for columns, listed in groups.items():
        rows.update((*columns, "updated_at"), listed)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return {back.key for back in restore}


# Judging


@dataclass(frozen=True, slots=True)
class _Back:
    """A record to be given back its former columns; `updated_at` None: somebody else changed it, too."""

    key: UUID
    values: dict[str, Any]
    updated_at: datetime | None
    name: str


class _Judge:
    """Says what becomes of each record of a batch. Remembers what earlier calls decided, as the plan never writes it."""

    def __init__(self, run: Import) -> None:
        self._own = set(ImportBatch.objects.filter(import_run=run.pk).values_list("at", flat=True).distinct())
        self._deleted: set[UUID] = set()
        self._given: dict[tuple[UUID, str], Any] = {}
        self._counted: set[UUID] = set()

    def judge(
        self, batch: ImportBatch, total: Outcome, *, lock: bool = False
    ) -> tuple[list[UUID], list[_Back], list[UUID]]:
        """What to delete, what to give back, which tags (TagLinks) to take off; the counts are added to `total`. `lock`:
        nobody may begin to use those records before the transaction ends."""
        model = _MODELS[batch.subject]
        changed = [(UUID(key), before, after) for key, before, after in batch.changed]
        keys = [*batch.made, *(key for key, _, _ in changed)]
        columns = sorted({name for _, before, _ in changed for name in before} | {"updated_at"})
        rows = model.objects.filter(pk__any=keys)
        if lock:
            rows = rows.order_by("pk").select_for_update()
        label = "full_name" if model is Person else "name"
        found = {row["id"]: row for row in rows.values("id", label, *columns)}
        back = self._restore(batch, model, changed, found, label, total)
        delete = self._delete(batch, model, found, label, total)
        links = TagLink.objects.filter(pk__any=batch.tagged).exclude(**{f"{batch.subject}__any": delete})
        untag = list(links.values_list("pk", flat=True)) if batch.tagged else []
        total.untagged += len(untag)
        return delete, back, untag

    def _restore(
        self, batch: ImportBatch, model: Any, changed: Any, found: Mapping[UUID, Any], label: str, total: Outcome
    ) -> list[_Back]:
        backs = []
        for key, before, after in changed:
            row = found.get(key)
            if row is None:
                total.gone += 1
                continue
            values, stays = {}, False
            for name in before:
                if name == "updated_at":
                    continue
                now_is = self._given.get((key, name), as_json(row[name]))
                if now_is == after[name]:
                    values[name] = model._meta.get_field(name).to_python(before[name])
                    self._given[key, name] = before[name]
                else:
                    stays = True
            if not values:
                total.keep(CHANGED, batch.subject, key, row[label])
                continue
            if key not in self._counted:
                self._counted.add(key)
                total.restored[batch.subject] += 1
            total.partly += stays
            ours = row["updated_at"] in self._own and "updated_at" in before
            backs.append(_Back(key, values, parse_datetime(before["updated_at"]) if ours else None, row[label]))
        return backs

    def _delete(
        self, batch: ImportBatch, model: type[TenantModel], found: Mapping[UUID, Any], label: str, total: Outcome
    ) -> list[UUID]:
        here = [key for key in batch.made if key in found]
        total.gone += len(batch.made) - len(here)
        later = [key for key in here if found[key]["updated_at"] not in self._own]
        given = self._given_owners(model, later)
        why = {key: CHANGED for key in later if found[key]["updated_at"] not in given.get(key, ())}
        untouched = [key for key in here if key not in why]
        for key, words in self._uses(model, untouched):
            why.setdefault(key, words)
        for key, words in why.items():
            total.keep(words, batch.subject, key, found[key][label])
        delete = [key for key in here if key not in why]
        self._deleted.update(delete)
        total.deleted[batch.subject] += len(delete)
        return delete

    def _given_owners(self, model: type[TenantModel], keys: list[UUID]) -> dict[UUID, set[datetime]]:
        """When these records got an owner by territory: nobody's act. An edit before it stands on the timeline."""
        column, rows = ("person", _BY_TERRITORY) if model is Person else ("company", _BY_TERRITORY & Q(person=None))
        found: dict[UUID, set[datetime]] = {}
        if keys:
            lines = Activity.objects.filter(rows, **{f"{column}__any": keys})
            for key, at in lines.values_list(f"{column}_id", "at"):
                found.setdefault(key, set()).add(at)
        return found

    def _uses(self, model: type[TenantModel], keys: list[UUID]) -> Iterable[tuple[UUID, str]]:
        if not keys:
            return
        for label, other, name in references(model):
            rows = other.objects.filter(**{f"{name}__any": keys})
            if other is Activity:
                rows = rows.exclude(Q(kind=ActivityKind.NOTE) & Q(key__startswith="import-note:")).exclude(
                    _BY_TERRITORY
                )
            if other is BasisEntry:
                rows = rows.exclude(member=None, recorded_at__in=self._own)  # what its file said
            if other is TagLink:
                rows = rows.exclude(added_by=None, added_at__in=self._own)  # its own tags go with it
            words = _WORDS.get(label, f"is used by {other._meta.verbose_name_plural}")
            if other is Person:
                for key, person in rows.values_list(name, "pk"):
                    if person not in self._deleted:
                        yield key, words
                continue
            for key in rows.order_by().values_list(name, flat=True).distinct():
                yield key, words


def references(model: type[TenantModel]) -> list[tuple[str, Any, str]]:
    """(label, model, column) of everything that points to a record and is not derived from it, in any app."""
    found = [
        (other._meta.label, other, fk.attname)
        for other in apps.get_models()
        for fk in other._meta.concrete_fields
        if isinstance(fk, ForeignKey) and fk.related_model is model and other._meta.label not in _DERIVED
    ]
    return sorted(found, key=lambda entry: (entry[0] != "prospects.Person", entry[0]))  # the plainest reason first
