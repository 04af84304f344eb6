"""Custom fields: definitions of a workspace, who has a value, and rows by a value."""

import re
from typing import Any

from django.db.models import Q, QuerySet

from prospects.models import Company, CustomField, Person
from prospects.rules import custom as rules
from prospects.rules.normalise_text import Unusable

_MODELS: dict[str, Any] = {"people": Person, "companies": Company}
_TERM = re.compile(r"([a-z0-9_]{1,60})\s*(>=|<=|=)\s*(.*)", re.DOTALL)
_LOOKUPS = {">=": "gte", "<=": "lte"}


def definitions(subject: str) -> list[CustomField]:
    """The fields of people or companies, in the order they were made."""
    return list(CustomField.objects.filter(subject=subject).order_by("created_at", "id"))


def holders(field: CustomField) -> int:
    """How many rows have a value."""
    return int(_MODELS[field.subject].objects.filter(custom__has_key=field.key).count())


def filter_by(queryset: QuerySet[Any], subject: str, text: str) -> QuerySet[Any]:
    """Rows by `key=value`, `key>=value`, `key<=value`; `key=` finds those without one. Nobody, for what is no field or
    cannot be read as its kind."""
    term = _TERM.fullmatch(text.strip())
    field = CustomField.objects.filter(subject=subject, key=term[1]).first() if term else None
    if term is None or field is None:
        return queryset.none()
    if term[2] == "=" and not term[3].strip():
        return queryset.filter(~Q(custom__has_key=field.key))
    try:
        value = rules.read(field.kind, term[3], field.choices, "EUR" if field.kind == "money" else "")
    except Unusable:
        return queryset.none()
    queryset = queryset.exclude(custom={})  # as the index says it
    if field.kind == CustomField.Kind.MONEY:
        amount = value["amount"]
        if term[2] == "=":
            return queryset.filter(custom__contains={field.key: {"amount": amount}})
        return queryset.filter(**{f"custom__{field.key}__amount__{_LOOKUPS[term[2]]}": amount})
    if term[2] == "=":
        return queryset.filter(custom__contains={field.key: value})
    return queryset.filter(**{f"custom__{field.key}__{_LOOKUPS[term[2]]}": value})


def rows_of(subject: str, row: Any) -> list[tuple[str, str | None]]:
    """(label, value in words) of every custom field, for a detail page; None is unknown."""
    return [(field.label, rules.shown(field.kind, row.custom.get(field.key)) or None) for field in definitions(subject)]
