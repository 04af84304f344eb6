"""The rows that hang on a person or company: counted before a merge, moved by it, put back by its undo.

Every table that refers to the subject is found in the models, so one that is added later moves too. Derived rows (fit,
engagement, keys, pairs) are made anew instead. Where the row that stays has its own of what may be there once (a list's
member), the other's is deleted and kept as a pre-image.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, UniqueConstraint

from leadgen.core.tenancy import (
    AppendOnlyModel,
    TenantForeignKey,
    TenantModel,
    bulk_insert,
    current_workspace_id,
    tenant_models,
)
from prospects.models import (
    CompanyFit,
    CompanyKeys,
    CompanyPair,
    Engagement,
    Merge,
    MergeMove,
    PersonFit,
    PersonKeys,
    PersonPair,
    Verification,
)

DERIVED = (CompanyFit, CompanyKeys, CompanyPair, Engagement, PersonFit, PersonKeys, PersonPair, Verification)
CHUNK = 10_000
# Model -> what its rows are called where they are counted; in this order.
NOUNS = {
    "campaigns.Message": "e-mails sent", "campaigns.InboundMail": "e-mails received", "campaigns.Enrolment": "enrolments",
    "prospects.Lead": "leads", "prospects.Deal": "deals", "prospects.Customer": "customers", "prospects.Meeting": "meetings",
    "prospects.Task": "tasks", "prospects.Activity": "activities", "campaigns.Submission": "form submissions",
    "prospects.Consent": "consents", "prospects.PointEntry": "engagement points", "prospects.Person": "people",
    "prospects.SegmentMember": "places in lists", "prospects.TagLink": "tags", "prospects.Signal": "signals",
    "prospects.BasisEntry": "lawful bases", "prospects.PhoneOutcome": "outcomes of calls", "prospects.FieldOrigin": "origins of values",
    "prospects.EnrichmentItem": "enrichment answers", "prospects.FindingResult": "results of searches",
    "prospects.SegmentChange": "changes of segments", "prospects.RetentionNotice": "retention notices",
    "prospects.SignalSource": "signal sources", "prospects.Merge": "earlier merges",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key that points at people or companies."""

    model: type[TenantModel]
    name: str

    @property
    def column(self) -> str:
        field: Any = self.model._meta.get_field(self.name)
        return str(field.column)

    @property
    def noun(self) -> str:
        return NOUNS.get(self.model._meta.label, str(self.model._meta.verbose_name_plural).lower())

    def of(self, key: UUID) -> Any:
        return self.model.objects.filter(**{self.name: key})


def references(subject: type[TenantModel]) -> list[Reference]:
    """Every pointer at `subject` that is not derived, in the order of NOUNS."""
    found = [
        Reference(model, field.name)
        for model in tenant_models()
        if model not in DERIVED
        for field in model._meta.concrete_fields
        if isinstance(field, TenantForeignKey) and field.related_model is subject
    ]
    order = list(NOUNS)
    return sorted(
        found,
        key=lambda ref: (order.index(ref.model._meta.label) if ref.model._meta.label in order else 99, ref.column),
    )


def count_rows(subject: type[TenantModel], key: UUID) -> dict[str, int]:
    """What hangs on a row, by noun, in order; merges before this one are not counted."""
    found: dict[str, int] = {}
    for ref in references(subject):
        if ref.model is Merge:
            continue
        count = ref.of(key).order_by().count()
        if count:
            found[ref.noun] = found.get(ref.noun, 0) + count
    return found


@dataclass(slots=True)
class Mover:
    """Moves rows and remembers each step for the undo."""

    merge: Merge
    moves: list[MergeMove] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def move_all(self, subject: type[TenantModel], gone: UUID, kept: UUID) -> None:
        """Point everything of `gone` at `kept`."""
        for ref in references(subject):
            self._make_room(ref, gone, kept)
            self.move(ref, gone, kept)

    def move(self, ref: Reference, gone: UUID, kept: UUID, rows: Any = None) -> None:
        ids = list((rows if rows is not None else ref.of(gone)).order_by("pk").values_list("pk", flat=True))
        if issubclass(ref.model, AppendOnlyModel) and ref.name not in ref.model.movable:
            # The database takes these away, or their pointer, when the row goes: kept for the undo as they are.
            self._note(MergeMove.Act.DELETED, ref.model, rows=row_images(ref.model, ids))
            return
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            repoint(ref, part, old=gone, new=kept)
            self._note(MergeMove.Act.MOVED, ref.model, column=ref.column, value=gone, ids=part)
        if ids and ref.model is not Merge:
            self.counts[ref.noun] = self.counts.get(ref.noun, 0) + len(ids)

    def delete(self, model: type[TenantModel], ids: list[UUID]) -> None:
        """Delete rows with what hangs on them, keeping pre-images."""
        if not ids:
            return
        for other in tenant_models():
            for column in other._meta.concrete_fields:
                if not isinstance(column, TenantForeignKey) or column.related_model is not model:
                    continue
                below = list(
                    other.objects.filter(**{f"{column.name}__in": ids}).order_by("pk").values_list("pk", column.attname)
                )
                if not below:
                    continue
                if getattr(column.remote_field.on_delete, "__name__", "") == "DB_CASCADE":
                    self.delete(other, [key for key, _ in below])
                else:
                    for value in sorted({pointed for _, pointed in below}):
                        part = [key for key, pointed in below if pointed == value]
                        self._note(MergeMove.Act.EMPTIED, other, column=column.column, value=value, ids=part)
        self._note(MergeMove.Act.DELETED, model, rows=row_images(model, ids))
        if not issubclass(model, AppendOnlyModel):
            model.objects.filter(pk__in=ids).delete()

    def _make_room(self, ref: Reference, gone: UUID, kept: UUID) -> None:
        """What may be there once and is there twice: the kept row's stays."""
        for rule in ref.model._meta.constraints:
            if not isinstance(rule, UniqueConstraint) or ref.name not in rule.fields:
                continue
            others = [name for name in rule.fields if name not in ("workspace", ref.name)]
            if not others and rule.condition is None:
                continue
            condition = rule.condition or Q()
            twin = ref.of(kept).filter(condition, **{name: OuterRef(name) for name in others})
            twice = ref.of(gone).filter(condition).filter(Exists(twin))
            self.delete(ref.model, list(twice.order_by("pk").values_list("pk", flat=True)))

    def _note(self, act: str, model: type[TenantModel], **values: Any) -> None:
        if not values.get("ids") and not values.get("rows"):
            return
        self.moves.append(
            MergeMove(merge=self.merge, position=len(self.moves) + 1, act=act, model=model._meta.label, **values)
        )

    def store(self) -> None:
        bulk_insert(MergeMove, self.moves)


def repoint(ref: Reference, ids: Iterable[UUID], *, old: UUID, new: UUID) -> int:
    """Point those of `ids` that still point at `old` at `new`; how many did."""
    table, keys = ref.model._meta.db_table, list(ids)
    with connection.cursor() as cursor:
        if issubclass(ref.model, AppendOnlyModel):
            cursor.execute("SELECT leadgen_repoint(%s, %s, %s, %s, %s)", [table, ref.column, old, new, keys])
            return int(cursor.fetchone()[0])
        cursor.execute(
            f"UPDATE {table} SET {ref.column} = %s WHERE workspace_id = %s AND {ref.column} = %s AND id = ANY(%s)",  # noqa: S608  names of our own tables
            [new, current_workspace_id(), old, keys],
        )
        return int(cursor.rowcount)


def row_images(model: type[TenantModel], ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Rows as JSON, whole, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT to_jsonb(t) FROM {model._meta.db_table} AS t WHERE workspace_id = %s AND id = ANY(%s) ORDER BY id",  # noqa: S608  the same
            [current_workspace_id(), list(ids)],
        )
        # On a plain cursor Django leaves jsonb as text.
        return [json.loads(row[0]) for row in cursor.fetchall()]


def put_back(model: type[TenantModel], image: dict[str, Any]) -> list[str]:
    """Insert a row from its image; returns the names of pointers left empty because their rows are gone.

    Columns that were added since get their default. Raises IntegrityError where the row cannot be.
    """
    lost: list[str] = []
    values = dict(image)
    for column in model._meta.concrete_fields:
        if isinstance(column, TenantForeignKey) and values.get(column.column) is not None:
            target: Any = column.related_model
            if not target.objects.filter(pk=values[column.column]).exists():
                values[column.column] = None
                lost.append(column.name)
    names = [str(column.column) for column in model._meta.concrete_fields if column.column in values]
    listed = ", ".join(f'"{name}"' for name in names)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM jsonb_populate_record(NULL::{table}, %s::jsonb)",  # noqa: S608  the same
            [json.dumps(values)],
        )
    return lost
