"""Why data on people may be kept: each change is an entry with its date, its words and who said so."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actions.audit import Actor
from leadgen.core.tenancy import bulk_insert
from prospects.models import BasisEntry, Person

FIELDS = ("lawful_basis", "lawful_basis_at", "lawful_basis_note")


def settle_basis(values: dict[str, Any], *, before: str, now: datetime) -> None:
    """What goes with a changed basis: it holds from now on, without the old note, unless `values` say otherwise."""
    if "lawful_basis" in values and values["lawful_basis"] != before:
        values["lawful_basis_at"] = (values.get("lawful_basis_at") or now) if values["lawful_basis"] else None
        values["lawful_basis_note"] = values.get("lawful_basis_note") or ""


def note_basis(*, people: Iterable[Person], by: Actor, now: datetime, source: str = "") -> None:
    """Write down what their columns say now."""
    note_rows(
        ((p.pk, p.lawful_basis, p.lawful_basis_note, p.lawful_basis_at) for p in people), by=by, now=now, source=source
    )


def note_rows(
    rows: Iterable[tuple[UUID, str, str, datetime | None]], *, by: Actor, now: datetime, source: str = ""
) -> None:
    """(person, basis, note, since when)."""
    bulk_insert(
        BasisEntry,
        [
            BasisEntry(
                person_id=key,
                basis=basis,
                note=note,
                at=at or now,
                recorded_at=now,
                member=by.member,
                source=source[:160],
            )
            for key, basis, note, at in rows
        ],
        batch_size=1000,
    )
