"""What an export of people or companies is made of: its columns, and each value as a cell the import reads back.

Its first column is the Leadgen id, by which the import knows the file as one of ours. Columns that can be imported carry the
label of their field (rules.imports_fields); the others tell more and are left out by the import.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from prospects.rules import custom as custom_rules
from prospects.rules.imports_fields import CATALOGUE, OWN_ID, Kind
from prospects.rules.normalise import Unusable, words_list

type Cell = str | int | float | Decimal | date | None
Form = Literal["text", "count", "amount", "day", "instant", "words", "member"]


@dataclass(frozen=True, slots=True)
class Column:
    """`path`: where the value lies on the record. `field`: of the import; "" for what is only told. `custom`: the kind of a
    custom field, whose key is the path."""

    header: str
    path: str
    form: Form = "text"
    field: str = ""
    custom: str = ""


_PEOPLE: tuple[tuple[str, str, Form], ...] = (
    (OWN_ID, "id", "text"), ("first_name", "first_name", "text"), ("last_name", "last_name", "text"),
    ("email", "email", "text"), ("title", "title", "text"), ("company", "company.name", "text"),
    ("domain", "company.domain", "text"), ("company_external_id", "company.external_id", "text"), ("phone", "phone", "text"),
    ("linkedin_url", "linkedin_url", "text"), ("seniority", "seniority", "text"), ("department", "department", "text"),
    ("country", "country", "text"), ("region", "region", "text"), ("city", "city", "text"), ("time_zone", "time_zone", "text"),
    ("owner", "owner", "member"), ("source", "source", "text"), ("lawful_basis", "lawful_basis", "text"),
    ("lawful_basis_at", "lawful_basis_at", "instant"), ("lawful_basis_note", "lawful_basis_note", "text"),
    ("external_id", "external_id", "text"), ("tags", "x_tags", "words"), ("changed_at", "updated_at", "instant"),
)  # fmt: skip
_COMPANIES: tuple[tuple[str, str, Form], ...] = (
    (OWN_ID, "id", "text"), ("name", "name", "text"), ("domain", "domain", "text"), ("full_website", "website", "text"),
    ("linkedin_url", "linkedin_url", "text"), ("phone", "phone", "text"), ("industry", "industry", "text"),
    ("sub_industry", "sub_industry", "text"), ("naics", "naics", "text"), ("employees", "employees", "count"), ("revenue", "revenue", "amount"),
    ("revenue_currency", "revenue_currency", "text"), ("country", "country", "text"), ("region", "region", "text"),
    ("city", "city", "text"), ("time_zone", "time_zone", "text"), ("founded", "founded", "count"),
    ("technologies", "technologies", "words"), ("keywords", "keywords", "words"), ("pains", "pains", "words"),
    ("goals", "goals", "words"), ("funding_stage", "funding_stage", "text"), ("funding_total", "funding_total", "amount"),
    ("funding_currency", "funding_currency", "text"), ("funded_on", "funded_on", "day"), ("description", "description", "text"),
    ("owner", "owner", "member"), ("source", "source", "text"), ("external_id", "external_id", "text"),
    ("tags", "x_tags", "words"), ("changed_at", "updated_at", "instant"),
)  # fmt: skip
# Told beside them: what follows from other rows, and is not read back.
_TOLD: dict[str, tuple[tuple[str, str, Form], ...]] = {
    "people": (
        ("E-mail status", "email_status", "text"), ("E-mail status on", "email_status_at", "instant"),
        ("E-mail status because", "email_status_reason", "text"), ("Lead stage", "x_lead_stage", "text"),
        ("Fit grade", "x_fit_grade", "text"), ("Fit score", "x_fit_score", "count"),
        ("Last touch", "last_touch_at", "instant"), ("Last reply", "last_reply_at", "instant"),
        ("Added", "created_at", "instant"),
    ),
    "companies": (
        ("Fit grade", "x_fit_grade", "text"), ("Fit score", "x_fit_score", "count"), ("Added", "created_at", "instant"),
    ),
}  # fmt: skip


def columns_of(kind: Kind, fields: Sequence[Any]) -> list[Column]:
    """The columns of an export, in order. `fields`: definitions of custom fields (key, label, kind)."""
    labels = {spec.name: spec.label for spec in CATALOGUE[kind]}
    listed = _PEOPLE if kind == "people" else _COMPANIES
    headers = custom_headers(kind, fields)
    return [
        *(Column(labels[name], path, form, name) for name, path, form in listed),
        *(Column(headers[field.key], field.key, "text", f"custom.{field.key}", field.kind) for field in fields),
        *(Column(header, path, form) for header, path, form in _TOLD[kind]),
    ]


def custom_headers(kind: Kind, fields: Sequence[Any]) -> dict[str, str]:
    """Key of a custom field -> its column: the label, with the key behind it where something else is called so."""
    taken = {spec.label.casefold() for spec in CATALOGUE[kind]} | {header.casefold() for header, _, _ in _TOLD[kind]}
    found: dict[str, str] = {}
    for field in fields:
        header = field.label if field.label.casefold() not in taken else f"{field.label} ({field.key})"
        taken.add(header.casefold())
        found[field.key] = header
    return found


def value_of(record: Any, column: Column) -> Any:
    """The value of a record, None for none."""
    if column.custom:
        return record.custom.get(column.path)
    for name in column.path.split("."):
        if record is None:
            return None
        record = getattr(record, name, None)
    return record


def cell(column: Column, value: Any) -> Cell:
    """A value as its cell: text, or a number or day where a spreadsheet may have it typed."""
    if value is None or value == "" or value == []:
        return None
    if column.custom:
        return _custom(column.custom, value)
    match column.form:
        case "count" | "day":
            return value
        case "amount":
            return Decimal(value).quantize(Decimal("0.01"))
        case "instant":
            assert isinstance(value, datetime)
            return value.isoformat(timespec="seconds").replace("+00:00", "Z")
        case "words":
            return words(value)
        case "member":
            return str(value.email or value.name)
        case _:
            return str(value)


def words(listed: Sequence[str]) -> str:
    """A list as the import splits it: "a; b", or JSON where a word holds what would split it."""
    text = "; ".join(listed)
    # An apostrophe, too: it may stand there to disarm what follows, and would be taken off.
    return text if words_list(text) == list(listed) else json.dumps(list(listed), ensure_ascii=False)


def _custom(kind: str, value: Any) -> Cell:
    if kind == "date":
        return date.fromisoformat(value)
    text = custom_rules.shown(kind, value)
    if kind != "number":
        return text
    if _reads(text, value):
        return value
    # 1.234 could be a thousand and more; 1.2340 cannot.
    return next((longer for zeros in ("0", "00") if _reads(longer := text + zeros, value)), text)


def _reads(text: str, value: Any) -> bool:
    try:
        return bool(custom_rules.read("number", text) == value)
    except Unusable:
        return False


def csv_text(found: Cell, safe: Callable[[str], str]) -> str:
    """A cell of a CSV file: numbers as they are, texts so that no spreadsheet runs them."""
    if found is None:
        return ""
    if isinstance(found, str):
        return safe(found)
    if isinstance(found, float):
        return format(Decimal(repr(found)), "f")
    return str(found)  # int, Decimal, ISO date
