"""Columns of the people and companies lists: what may be shown, in which order, sorted how, edited in place or not.

The name always stands first. Custom fields are columns too, by `custom:<key>`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CUSTOM = "custom:"
MOST = 16  # columns beside the name: a wider table is nobody's friend


@dataclass(frozen=True, slots=True)
class Column:
    """`sort`: the list's order it heads. `edit`: the row's attribute that is edited in the cell. `small`: also on a phone."""

    key: str
    label: str
    sort: str = ""
    end: bool = False
    edit: str = ""
    small: bool = False


PEOPLE = (
    Column("company", "Company", small=True),
    Column("title", "Job title", edit="title"),
    Column("fit", "Fit", sort="x_fit_score", end=True, small=True),
    Column("stage", "Stage", small=True),
    Column("email_status", "E-mail"),
    Column("owner", "Owner", edit="owner", small=True),
    Column("tags", "Tags", small=True),
    Column("last_touch", "Last touch", sort="last_touch_at", end=True),
    Column("last_reply", "Last reply", sort="last_reply_at", end=True),
    Column("added", "Added", sort="created_at", end=True),
    Column("changed", "Changed", end=True),
    Column("email", "E-mail address", edit="email"),
    Column("phone", "Phone", edit="phone"),
    Column("linkedin", "LinkedIn", edit="linkedin_url"),
    Column("seniority", "Seniority", edit="seniority"),
    Column("department", "Department", edit="department"),
    Column("country", "Country", edit="country"),
    Column("city", "City", edit="city"),
    Column("time_zone", "Time zone", edit="time_zone"),
    Column("industry", "Industry"),
    Column("employees", "Employees", end=True),
    Column("source", "Why we have them", edit="source"),
    Column("lawful_basis", "Lawful basis", edit="lawful_basis"),
    Column("lawful_basis_at", "Lawful basis since", end=True),
    Column("external_id", "External id", edit="external_id"),
)
COMPANIES = (
    Column("industry", "Industry", sort="industry", edit="industry", small=True),
    Column("employees", "Employees", sort="employees", end=True, edit="employees", small=True),
    Column("country", "Country", edit="country"),
    Column("fit", "Fit", sort="x_fit_score", end=True, small=True),
    Column("owner", "Owner", edit="owner", small=True),
    Column("tags", "Tags", small=True),
    Column("added", "Added", sort="created_at", end=True),
    Column("changed", "Changed", end=True),
    Column("domain", "Domain", edit="domain"),
    Column("website", "Website", edit="website"),
    Column("linkedin", "LinkedIn", edit="linkedin_url"),
    Column("phone", "Phone", edit="phone"),
    Column("sub_industry", "Sub-industry", edit="sub_industry"),
    Column("naics", "NAICS", edit="naics"),
    Column("revenue", "Revenue", end=True),
    Column("city", "City", edit="city"),
    Column("time_zone", "Time zone", edit="time_zone"),
    Column("founded", "Founded", end=True, edit="founded"),
    Column("technologies", "Technologies", edit="technologies"),
    Column("funding_stage", "Funding", edit="funding_stage"),
    Column("source", "Why we have it", edit="source"),
    Column("external_id", "External id", edit="external_id"),
)
KNOWN = {"people": PEOPLE, "companies": COMPANIES}
DEFAULTS = {
    "people": ("company", "fit", "stage", "email_status", "owner", "tags", "last_touch", "added"),
    "companies": ("industry", "employees", "country", "fit", "owner", "tags", "added"),
}


def every(subject: str, custom: Iterable[tuple[str, str, str]] = ()) -> list[Column]:
    """All columns there are; `custom` are (key, label, kind) of the workspace's own fields."""
    own = [
        Column(f"{CUSTOM}{key}", label, end=kind in ("number", "money"), edit=f"{CUSTOM}{key}")
        for key, label, kind in custom
    ]
    return [*KNOWN[subject], *own]


def chosen(subject: str, keys: Sequence[str], custom: Iterable[tuple[str, str, str]] = ()) -> list[Column]:
    """The columns of these keys in this order. A field that is gone is left out; where none is left, the defaults."""
    known = {column.key: column for column in every(subject, custom)}
    found = [known[key] for key in dict.fromkeys(keys) if key in known][:MOST]
    return found or [known[key] for key in DEFAULTS[subject]]
