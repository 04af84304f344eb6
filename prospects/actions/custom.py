"""Custom fields as business events: define, rename, delete; and values judged by their definition."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from accounts.actions.audit import Actor, write_audit
from accounts.models import Workspace
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Company, CustomField, Person
from prospects.queries.custom import definitions, holders
from prospects.rules import custom as rules
from prospects.rules.normalise_text import Unusable, clean_text

MAX_FIELDS = 60  # of people, and of companies
MODELS: dict[str, Any] = {"people": Person, "companies": Company}


def create_custom_field(
    *, by: Actor, now: datetime, subject: str, label: str, kind: str, choices: Sequence[str] = ()
) -> CustomField:
    """A new field of people or companies. Its key follows from the label. Raises Invalid or Conflict, the field named."""
    if subject not in CustomField.Subject.values:
        raise Invalid(f"Choose one of: {', '.join(CustomField.Subject.values)}.", field="subject")
    if kind not in CustomField.Kind.values:
        raise Invalid(f"Choose one of: {', '.join(CustomField.Kind.values)}.", field="kind")
    if CustomField.objects.filter(subject=subject).count() >= MAX_FIELDS:
        raise Invalid(
            f"There are {MAX_FIELDS} fields of {subject} already. Delete one that is not used.", field="label"
        )
    name = _label(label)
    field = CustomField(
        subject=subject, label=name, key=rules.key_of(name), kind=kind, choices=_choices(kind, choices), created_at=now
    )
    try:
        with transaction.atomic():
            field.save()
    except IntegrityError as error:
        raise Conflict(
            f"{subject.capitalize()} have a field “{name}” already.", code="duplicate", field="label"
        ) from error
    write_audit(
        by=by,
        action="custom_field.created",
        now=now,
        target=field,
        label=name,
        detail={"subject": subject, "kind": kind},
    )
    return field


def update_custom_field(
    *, by: Actor, now: datetime, field: CustomField, label: str | None = None, choices: Sequence[str] | None = None
) -> CustomField:
    """Another label, other choices; key and kind stay. A choice somebody has cannot go."""
    before = {"label": field.label, "choices": list(field.choices)}
    if label is not None:
        field.label = _label(label)
    if choices is not None and field.kind == CustomField.Kind.CHOICE:
        wanted = _choices(field.kind, choices)
        gone = [choice for choice in field.choices if choice not in wanted]
        used = [c for c in gone if MODELS[field.subject].objects.filter(custom__contains={field.key: c}).exists()]
        if used:
            raise Conflict(
                f"{', '.join(used)} cannot go: {field.subject} have it. Change them first.",
                code="in_use",
                field="choices",
            )
        field.choices = wanted
    after = {"label": field.label, "choices": list(field.choices)}
    if after != before:
        field.save(update_fields=["label", "choices"])
        write_audit(
            by=by, action="custom_field.changed", now=now, target=field, detail={"before": before, "after": after}
        )
    return field


def delete_custom_field(*, by: Actor, now: datetime, field: CustomField) -> int:
    """Remove a field and every value of it; returns how many rows had one. Nothing of it comes back."""
    count = holders(field)
    table = MODELS[field.subject]._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET custom = custom - %s, updated_at = %s WHERE workspace_id = %s AND custom ? %s",  # noqa: S608  a table of ours
            [field.key, now, current_workspace_id(), field.key],
        )
    write_audit(
        by=by, action="custom_field.deleted", now=now, target=field, label=field.label,
        detail={"subject": field.subject, "key": field.key, "kind": field.kind, "values": count},
    )  # fmt: skip
    field.delete()
    return count


def with_values(subject: str, known: Mapping[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with its `custom` (key -> value as typed) judged by the definitions and laid over what is `known`; an empty
    value takes one away. Raises Invalid naming `custom_<key>`."""
    found = dict(values)
    if "custom" not in found:
        return found
    given = found["custom"]
    if not isinstance(given, Mapping):
        raise Invalid("custom is an object of keys and values.", field="custom")
    fields = {field.key: field for field in definitions(subject)} if given else {}
    merged = dict(known or {})
    currency = ""
    for key, value in given.items():
        field = fields.get(str(key))
        if field is None:
            names = ", ".join(fields) or "none yet"
            raise Invalid(f"{subject.capitalize()} have no field “{key}”. The fields are: {names}.", field="custom")
        if field.kind == CustomField.Kind.MONEY and not currency:
            currency = Workspace.objects.values_list("currency", flat=True).get(pk=current_workspace_id())
        try:
            read = rules.read(field.kind, value, field.choices, currency)
        except Unusable as error:
            raise Invalid(f"{field.label}: {error}. {error.remedy}".strip(), field=f"custom_{key}") from error
        if read is None:
            merged.pop(field.key, None)
        else:
            merged[field.key] = read
    found["custom"] = merged
    return found


def _label(text: str) -> str:
    label = " ".join(clean_text(text).split())
    if not label:
        raise Invalid("Give the field a name.", field="label")
    if len(label) > 80 or not rules.key_of(label):
        raise Invalid("A name has letters, and at most 80 characters.", field="label")
    return label


def _choices(kind: str, choices: Sequence[str]) -> list[str]:
    if kind != CustomField.Kind.CHOICE:
        return []
    found = list(dict.fromkeys(" ".join(clean_text(str(choice)).split()) for choice in choices if str(choice).strip()))
    if not found:
        raise Invalid("Name the choices, one a line.", field="choices")
    if len(found) > 200 or any(len(choice) > 120 for choice in found):
        raise Invalid("At most 200 choices of 120 characters.", field="choices")
    return found
