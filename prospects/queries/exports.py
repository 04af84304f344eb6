"""The records of an export: which, fixed at one moment, then read a part at a time."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from leadgen.core.tenancy import workspace_scope
from prospects.models import Company, Person
from prospects.queries import companies, people
from prospects.queries.tags import tags_of

PART = 2000
_MODELS: dict[str, Any] = {"people": Person, "companies": Company}


def keys_of(rows: QuerySet[Any]) -> bytes:
    """The ids of the rows in their order, sixteen bytes each: a million take 16 MB."""
    return b"".join(key.bytes for key in rows.values_list("pk", flat=True).iterator(chunk_size=10_000))


def count(keys: bytes) -> int:
    return len(keys) // 16


def records(subject: str, keys: bytes, workspace_id: UUID) -> Iterator[Sequence[Any]]:
    """The records in their order, in parts, each read in a short transaction: a slow download holds none open. What was
    deleted meanwhile is left out."""
    shown = people.with_fields if subject == "people" else companies.with_fit
    related = ("company", "owner") if subject == "people" else ("owner",)
    model = _MODELS[subject]
    for part in batched(range(0, len(keys), 16), PART):
        ids = [UUID(bytes=keys[at : at + 16]) for at in part]
        with workspace_scope(workspace_id):
            found: dict[UUID, Any] = {
                row.pk: row for row in shown(model.objects.filter(pk__any=ids)).select_related(*related)
            }
            tags = tags_of(subject, ids)
        for key, row in found.items():
            row.x_tags = [tag.name for tag in tags.get(key, ())]
        yield [found[key] for key in ids if key in found]
