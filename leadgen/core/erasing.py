"""How a column forgets: emptied whole, or with what matches a pattern taken out. One place, so that ordinary tables (by the
app itself) and ledgers (by `leadgen_erase`, which may do nothing else) forget in the same way."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

MARK = "[erased]"
# Codes inside JSON that figures are made of: which move of a lead a later one corrects, the stage a deal went to.
KEPT_KEYS = ("corrects", "stage")


def holds_words(field: Any) -> bool:
    """Whether somebody could have written a name into this column."""
    if field.choices or field.primary_key:
        return False
    if isinstance(field, ArrayField):
        return isinstance(field.base_field, models.CharField | models.TextField)
    return isinstance(field, models.CharField | models.TextField | models.JSONField)


def is_trace(field: Any) -> bool:
    """Words, or an address on the net."""
    return holds_words(field) or isinstance(field, models.GenericIPAddressField | models.BinaryField)


def is_key(field: Any) -> bool:
    """Whether two rows may not hold the same."""
    return any(
        isinstance(rule, models.UniqueConstraint) and field.name in rule.fields
        for rule in field.model._meta.constraints
    )


def emptied(field: Any) -> str:
    """SQL of what stands in the column afterwards. The marker stays where something stood."""
    column = f'"{field.column}"'
    if isinstance(field, ArrayField):
        return "'{}'"
    if isinstance(field, models.BinaryField):
        return "''::bytea"
    if isinstance(field, models.GenericIPAddressField | models.UUIDField):
        return "NULL"
    if isinstance(field, models.JSONField):
        kept = ", ".join(f"'{key}'" for key in KEPT_KEYS)
        # A subquery in a CASE is not read unless its branch is taken.
        object_ = (
            f"coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each({column}) WHERE key IN ({kept})"  # noqa: S608  our own names
            " AND length(value::text) <= 26), '{}')"
        )
        return f"CASE jsonb_typeof({column}) WHEN 'array' THEN '[]'::jsonb WHEN 'object' THEN {object_} ELSE '{{}}'::jsonb END"
    words = (
        f"'erased ' || id::text, {field.max_length or 60}" if is_key(field) else f"'{MARK}', {field.max_length or 60}"
    )
    # A marker that does not fit would be cut in two.
    filled = f"left({words})" if (field.max_length or 60) >= len(MARK) else "''"
    return f"CASE WHEN {column} = '' THEN '' ELSE {filled} END"


def redacted(field: Any, pattern: str) -> str:
    """SQL of the column without what matches; `pattern` is the SQL of a regular expression (a placeholder)."""
    column = f'"{field.column}"'
    if isinstance(field, ArrayField):
        return f"regexp_replace({column}::text, {pattern}, '{MARK}', 'gi')::text[]"
    if isinstance(field, models.JSONField):
        return f"regexp_replace({column}::text, {pattern}, '{MARK}', 'gi')::jsonb"
    if not holds_words(field) or is_key(field):
        return emptied(field)
    replaced = f"regexp_replace({column}, {pattern}, '{MARK}', 'gi')"
    return f"left({replaced}, {field.max_length})" if field.max_length else replaced
