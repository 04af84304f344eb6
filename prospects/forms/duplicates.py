"""Forms of duplicates: the list's filter, the confidence of a bulk merge, a draft read from a form that is being filled in."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms

from prospects.queries.duplicates import PEOPLE, Subject
from prospects.rules import normalise
from prospects.rules.duplicates import FLOOR, HIGH, MEDIUM, Firm, Human


class PairFilterForm(forms.Form):
    band = forms.ChoiceField(
        required=False, label="Confidence",
        choices=[
            ("", "Any confidence"), ("high", f"High ({HIGH}–99)"), ("medium", f"Medium ({MEDIUM}–{HIGH - 1})"),
            ("low", f"Low ({FLOOR}–{MEDIUM - 1})"),
        ],
    )  # fmt: skip
    state = forms.ChoiceField(
        required=False, choices=[("", "To review"), ("dismissed", "Not a duplicate")], label="State"
    )


class BulkForm(forms.Form):
    least = forms.IntegerField(
        min_value=MEDIUM, max_value=99, label="Confidence of at least", help_text=f"{MEDIUM} to 99."
    )


def draft_of(subject: Subject, data: Mapping[str, Any]) -> tuple[Human | Firm, UUID | None]:
    """What is typed so far, as it will be stored where it can be read; and the id of the row that is edited."""
    text = {name: str(data.get(name, "")).strip()[:300] for name in data}
    values = {name: _clean(reader, text.get(name, "")) for name, reader in _READERS.items()}
    try:
        but = UUID(text.get("id", ""))
    except ValueError:
        but = None
    if subject is PEOPLE:
        company = text.get("company", "")
        domain = _clean(normalise.domain, company.rpartition("(")[2].rstrip(")")) if "." in company else ""
        return (
            Human(
                text.get("first_name", ""), text.get("last_name", ""), values["email"], values["linkedin_url"],
                values["phone"], text.get("title", ""), "", domain, text.get("city", ""), text.get("country", ""),
            ),
            but,
        )  # fmt: skip
    return (
        Firm(
            text.get("name", ""), values["domain"], values["website"], values["linkedin_url"], values["phone"],
            text.get("city", ""), text.get("country", ""),
        ),
        but,
    )  # fmt: skip


def _clean(reader: Any, value: str) -> str:
    try:
        return str(reader(value)) if value else ""
    except normalise.Unusable:
        return ""


_READERS: dict[str, Any] = {
    "email": lambda value: normalise.email(value).address,
    "linkedin_url": normalise.linkedin,
    "phone": normalise.phone,
    "domain": normalise.domain,
    "website": normalise.url,
}
