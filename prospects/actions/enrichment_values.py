"""A provider's value as our column keeps it: the same cleaning as a person's own typing goes through."""

from decimal import Decimal
from typing import Any

from leadgen.core.errors import AppError
from prospects.actions import fields as cleaning
from prospects.models import Company, Person
from prospects.rules import normalise


def clean_value(subject: str, name: str, value: Any) -> tuple[Any, str]:
    """(the value as the column keeps it, '') or (None, why it cannot be used)."""
    model: Any = Company if subject == "companies" else Person
    try:
        return cleaning.clean(model, {name: _text(name, value)}, (name,))[name], ""
    except AppError as error:
        return None, f"{name} “{str(value)[:40]}”: {error.message}"


def _text(name: str, value: Any) -> Any:
    if name in ("revenue", "funding_total") and isinstance(value, str):
        try:
            return Decimal(normalise.money(value).amount)
        except (normalise.Unusable, ArithmeticError, AttributeError):
            return value
    return value
