"""What undoing an import would do to each record of a batch, and why one stays: it was changed or is used since.

Reads only. The plan and the undo judge with it, so that what was announced is what happens.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import ForeignKey, Q
from django.utils.dateparse import parse_datetime

from leadgen.core.tenancy import TenantModel
from prospects.actions.imports_store import as_json
from prospects.models import Activity, ActivityKind, BasisEntry, Company, Import, ImportBatch, Person, TagLink

EXAMPLES = 10  # kept records named for each reason
MODELS: dict[str, type[TenantModel]] = {"company": Company, "person": Person}
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


@dataclass(frozen=True, slots=True)
class Back:
    """A record to be given back its former columns; `updated_at` None: somebody else changed it, too."""

    key: UUID
    values: dict[str, Any]
    updated_at: datetime | None
    name: str


class Judge:
    """Says what becomes of each record of a batch. Remembers what earlier calls decided, as the plan never writes it."""

    def __init__(self, run: Import) -> None:
        self._own = set(ImportBatch.objects.filter(import_run=run.pk).values_list("at", flat=True).distinct())
        self._deleted: set[UUID] = set()
        self._given: dict[tuple[UUID, str], Any] = {}
        self._counted: set[UUID] = set()

    def judge(
        self, batch: ImportBatch, total: Outcome, *, lock: bool = False
    ) -> tuple[list[UUID], list[Back], list[UUID]]:
        """What to delete, what to give back, which tags (TagLinks) to take off; the counts are added to `total`. `lock`:
        nobody may begin to use those records before the transaction ends."""
        model = MODELS[batch.subject]
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
    ) -> list[Back]:
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
            backs.append(Back(key, values, parse_datetime(before["updated_at"]) if ours else None, row[label]))
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
