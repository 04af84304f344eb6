"""How two rows are shown side by side."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from accounts.models import Member
from leadgen.core.names import country_name
from prospects.actions.fields import label_of, shown
from prospects.models import Person
from prospects.queries.duplicates import Subject
from prospects.queries.visibility import owner_words
from prospects.rules.merges import Choice


def tabs_of(slug: str) -> list[dict[str, str]]:
    """People, companies, what was merged."""
    kinds = [
        {"key": kind, "label": label, "url": reverse("duplicate_list", args=[slug, kind])}
        for kind, label in (("people", "People"), ("companies", "Companies"))
    ]
    return [*kinds, {"key": "merges", "label": "Merged", "url": reverse("merge_list", args=[slug])}]


_ONE = {
    "activities": "activity", "people": "person", "places in lists": "place in a list", "lawful bases": "lawful basis",
}  # fmt: skip


def counted(counts: Iterable[tuple[str, int]]) -> str:
    """ "1 lead, 3 tasks" of what hangs on a row; '' for nothing."""
    return ", ".join(f"{count:,} {_one(noun) if count == 1 else noun}" for noun, count in counts)


def _one(noun: str) -> str:
    """ "e-mails sent" is "e-mail sent", "form submissions" "form submission"."""
    first, _, rest = noun.partition(" ")
    if first.endswith("s"):
        return _ONE.get(noun, f"{first.removesuffix('s')} {rest}".strip())
    return _ONE.get(noun, noun.removesuffix("s"))


def person_line(row: Any, member: Member, *, unseen: bool = False) -> dict[str, str]:
    """A row in two lines: its name, and what tells it from others. `unseen`: only that it is there, and whose it is."""
    if unseen:
        noun = "person" if isinstance(row, Person) else "company"
        detail = "Its fields are shown to whom it belongs."
        return {"name": f"A {noun} you may not see", "detail": detail, "owner": f"owned by {owner_words(row)}"}
    if isinstance(row, Person):
        parts = [row.title, row.company.name if row.company_id and row.company else "", row.email]
    else:
        parts = [row.domain or "no domain", row.city, country_name(row.country)]
    owner = "yours" if row.owner_id == member.pk else f"owned by {row.owner}" if row.owner_id else "nobody's"
    return {"name": str(row), "detail": " · ".join(filter(None, parts)) or "nothing else known", "owner": owner}


def field_rows(subject: Subject, kept: Any, gone: Any, asked: list[Choice]) -> list[dict[str, Any]]:
    """Every field with both values in words and what is chosen by default."""
    found = []
    for choice in asked:
        label = label_of(kept, choice.name)
        found.append(
            {
                "name": choice.name,
                "label": f"{label[:1].upper()}{label[1:]}",
                "kept": _words(kept, choice.name, choice.kept),
                "gone": _words(gone, choice.name, choice.gone),
                "chosen": choice.chosen,
                "why": choice.why,
                "differs": choice.differs and bool(choice.kept or choice.gone),
                "can_join": choice.can_join,
            }
        )
    return found


def _words(row: Any, name: str, value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return ""
    column = row._meta.get_field(name)
    if column.is_relation:
        return str(getattr(row, column.name) or "")
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return str(shown(row, name, value))
