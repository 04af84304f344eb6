"""Everything held about one person, wherever it stands: for whoever asks what is known of them (GDPR article 15).

Found in the models: every table that points at people is read, so one that is added later is part of the answer too.
"""

import json
from typing import Any
from uuid import UUID

from django.db import connection

from leadgen.core.tenancy import TenantForeignKey, TenantModel, current_workspace_id, tenant_models
from prospects.models import CompanyKeys, CompanyPair, MergeMove, Person, PersonKeys, PersonPair, Suppression
from prospects.queries.suppressions import suppression_digest, suppression_digests

# Hashes to compare by, and what others are: they tell the person nothing about themselves.
LEFT_OUT: tuple[type[TenantModel], ...] = (CompanyKeys, CompanyPair, MergeMove, PersonKeys, PersonPair)
MOST = 20_000  # rows of one table


def everything_about(person: Person) -> dict[str, Any]:
    """{"person": {...}, "company": name, "tables": {"prospects.Activity": [rows]}, "suppressions": [...]}, values as JSON.

    Suppressions are kept by keyed hash: those of the address and number held now, and of the address's domain.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    for model in tenant_models():
        if model in LEFT_OUT:
            continue
        names = [
            str(field.column)
            for field in model._meta.concrete_fields
            if isinstance(field, TenantForeignKey) and field.related_model is Person
        ]
        if names and (rows := _rows(model, names, person.pk)):
            tables[model._meta.label] = rows
    digests = suppression_digests(person.email) + ([suppression_digest(person.phone)] if person.phone else [])
    held = Suppression.objects.filter(kind__in=Suppression.Kind.values, digest__any=digests).order_by("at", "id")
    return {
        "person": _rows(Person, ["id"], person.pk)[0],
        "company": str(person.company) if person.company_id else None,
        "tables": tables,
        "suppressions": [
            {"kind": row.kind, "act": row.act, "reason": row.reason, "at": row.at.isoformat(), "masked": row.hint, "note": row.note}
            for row in held
        ],
    }  # fmt: skip


def _rows(model: type[TenantModel], columns: list[str], key: UUID) -> list[dict[str, Any]]:
    """Rows of a table that name the person in one of `columns`, whole but for the workspace's id, in the order they came."""
    places = " OR ".join(f"t.{column} = %(key)s" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT to_jsonb(t) - 'workspace_id' FROM {model._meta.db_table} AS t"  # noqa: S608  names of our own tables
            f" WHERE t.workspace_id = %(workspace)s AND ({places}) ORDER BY t.id LIMIT {MOST}",
            {"workspace": current_workspace_id(), "key": key},
        )
        # On a plain cursor Django leaves jsonb as text.
        return [json.loads(row[0]) for row in cursor.fetchall()]
