"""Cells of the people and companies lists: each column's value as markup, with a way to edit it in place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from leadgen.core.names import country_name
from leadgen.core.templatetags.ui_show import badge, grade
from leadgen.core.templatetags.ui_text import DASH, money, number, when
from prospects.models import CustomField, Stage, Tag
from prospects.queries.tags import tags_of
from prospects.rules import custom as custom_rules
from prospects.rules.columns import CUSTOM, Column

NOUNS = {"people": "person", "companies": "company"}
NOTHING = mark_safe(f'<span class="muted">{DASH}</span>')
Show = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Cell:
    column: Column
    html: Any
    edit_url: str = ""
    words: str = ""  # what the cell is, for screen readers: "Owner of Ana Ferreira"

    @property
    def css(self) -> str:
        return " ".join(
            filter(None, ["text-end" if self.column.end else "", "" if self.column.small else "max-md:hidden"])
        )


def word(tag: Tag) -> SafeString:
    """A tag as lists and pages show it."""
    return format_html('<span class="word word-{}">{}</span>', tag.colour, tag.name)


def tag_words(tags: Sequence[Tag], most: int = 3) -> SafeString:
    """Some tags in one line; the rest are counted and named on hover."""
    shown = format_html_join("", "{}", ((word(tag),) for tag in tags[:most]))
    rest = tags[most:]
    if not rest:
        return shown
    return format_html(
        '{}<span class="muted text-xs" title="{}">+{}</span>', shown, ", ".join(map(str, rest)), len(rest)
    )


def dress(
    rows: Sequence[Any],
    columns: Sequence[Column],
    *,
    subject: str,
    slug: str,
    fields: Sequence[CustomField],
    can_edit: bool,
) -> None:
    """Give each row of a page its `cells`. Two queries at most, whatever the columns: tags, and nothing else."""
    tags = tags_of(subject, [row.pk for row in rows]) if any(column.key == "tags" for column in columns) else {}
    own = {f"{CUSTOM}{field.key}": field for field in fields}
    for row in rows:
        row.x_tags = tags.get(row.pk, [])
        row.cells = [cell_of(row, column, subject=subject, slug=slug, own=own, can_edit=can_edit) for column in columns]


def cell_of(
    row: Any, column: Column, *, subject: str, slug: str, own: dict[str, CustomField], can_edit: bool
) -> Cell:  # fmt: skip
    """One cell, as the list shows it."""
    url = ""
    if can_edit and column.key == "tags":
        url = reverse(f"{NOUNS[subject]}_tags", args=[slug, row.pk])
    elif can_edit and column.edit:
        url = reverse(f"{NOUNS[subject]}_cell", args=[slug, row.pk, column.key])
    return Cell(column, _show(row, column, subject, own), url, f"{column.label} of {row}")


def _show(row: Any, column: Column, subject: str, own: dict[str, CustomField]) -> Any:
    if column.key in own:
        field = own[column.key]
        return custom_rules.shown(field.kind, row.custom.get(field.key)) or NOTHING
    found = (_PEOPLE if subject == "people" else _COMPANIES)[column.key](row)
    return found if found not in (None, "") else NOTHING


def _email_status(row: Any) -> Any:
    return render_to_string("prospects/verification_badge.html", {"person": row})


def _stage(row: Any) -> Any:
    stage = row.x_lead_stage
    return badge(Stage(stage).label, tone="primary") if stage else None


def _outside(value: str) -> Any:
    words = value.partition("://")[2].removeprefix("www.").rstrip("/") or value
    return words if len(words) <= 40 else f"{words[:39]}…"


def _at(name: str, empty: str = DASH) -> Show:
    return lambda row: when(getattr(row, name), empty=empty)


def _plain(name: str) -> Show:
    return lambda row: getattr(row, name)


def _of_company(name: str) -> Show:
    return lambda row: getattr(row.company, name) if row.company_id and row.company is not None else None


_BOTH: dict[str, Show] = {
    "owner": _plain("owner"),
    "fit": lambda row: grade(row.x_fit_grade, row.x_fit_score),
    "tags": lambda row: tag_words(row.x_tags),
    "added": _at("created_at"),
    "changed": _at("updated_at"),
    "phone": _plain("phone"),
    "city": _plain("city"),
    "country": lambda row: country_name(row.country) if row.country else None,
    "time_zone": _plain("time_zone"),
    "source": _plain("source"),
    "external_id": _plain("external_id"),
    "linkedin": lambda row: _outside(row.linkedin_url),
}
_PEOPLE: dict[str, Show] = _BOTH | {
    "company": _of_company("name"),
    "industry": _of_company("industry"),
    "employees": lambda row: number(row.company.employees) if row.company_id and row.company is not None else None,
    "title": _plain("title"),
    "stage": _stage,
    "email_status": _email_status,
    "last_touch": _at("last_touch_at", "never"),
    "last_reply": _at("last_reply_at", "never"),
    "email": _plain("email"),
    "seniority": lambda row: row.get_seniority_display() if row.seniority else None,
    "department": lambda row: row.get_department_display() if row.department else None,
    "lawful_basis": _plain("lawful_basis"),
    "lawful_basis_at": _at("lawful_basis_at"),
}
_COMPANIES: dict[str, Show] = _BOTH | {
    "industry": _plain("industry"),
    "employees": lambda row: number(row.employees) if row.employees is not None else None,
    "domain": _plain("domain"),
    "website": lambda row: _outside(row.website),
    "sub_industry": _plain("sub_industry"),
    "naics": _plain("naics"),
    "revenue": lambda row: money(row.revenue, row.revenue_currency) if row.revenue is not None else None,
    "founded": _plain("founded"),
    "technologies": lambda row: ", ".join(row.technologies[:4]) + ("…" if len(row.technologies) > 4 else ""),
    "funding_stage": _plain("funding_stage"),
}
