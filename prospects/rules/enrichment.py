"""Enrichment, pure: what is still missing, what may be written over what, and what an answer's JSON means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import jmespath
from jmespath.exceptions import JMESPathError

from leadgen.core.errors import Invalid

# What providers may fill; never what says who somebody is to us (owner, source, external id).
COMPANY_FIELDS = (
    "name", "domain", "website", "industry", "sub_industry", "employees", "revenue", "revenue_currency", "founded", "country",
    "region", "city", "phone", "linkedin_url", "description", "technologies", "keywords", "funding_stage", "funding_total",
    "funding_currency", "funded_on",
)  # fmt: skip
PERSON_FIELDS = (
    "first_name", "last_name", "email", "phone", "linkedin_url", "title", "country", "region", "city",
)  # fmt: skip
FIELDS: Mapping[str, tuple[str, ...]] = {"companies": COMPANY_FIELDS, "people": PERSON_FIELDS}
LISTS = frozenset({"technologies", "keywords"})
# A name is how people know a row: a provider may give one only where there is none.
PLACES = frozenset({"domain", "name", "email", "first_name", "last_name", "linkedin_url", "company_name"})
MAX_URL = 1000


@dataclass(frozen=True, slots=True)
class Ask:
    """What a provider is told about one company or person. `key` names them in the cache: a domain or an address."""

    subject: str
    key: str
    domain: str = ""
    name: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    linkedin_url: str = ""
    company_name: str = ""
    want: str = ""  # of a finder: email or phone

    def places(self) -> dict[str, str]:
        """Values for the `{...}` of an address."""
        return {name: getattr(self, name) for name in PLACES}


@dataclass(frozen=True, slots=True)
class Present:
    """What a row has now: `origins` are values enrichment wrote, `edited` when a person set a field, `barred` values that
    proved wrong."""

    values: Mapping[str, Any]
    origins: Mapping[str, tuple[Any, datetime]] = field(default_factory=dict)
    edited: Mapping[str, datetime] = field(default_factory=dict)
    barred: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def is_ours(self, name: str) -> bool:
        """Whether the value there now is one that enrichment wrote and nobody touched since."""
        origin = self.origins.get(name)
        return origin is not None and origin[0] == plain(self.values.get(name)) and name not in self.edited


def empty(value: Any) -> bool:
    return value is None or value in ("", [])


def open_fields(present: Present, wanted: Sequence[str]) -> list[str]:
    """The wanted fields a provider may fill: those with nothing in them, those enrichment wrote itself, and lists (which are
    only added to). Never one that a person set, not even to nothing."""
    return [
        name
        for name in wanted
        if name not in present.edited and (empty(present.values.get(name)) or present.is_ours(name) or name in LISTS)
    ]


def missing(present: Present, wanted: Sequence[str], filled: Mapping[str, Any]) -> list[str]:
    """Fields to go on asking for: open, and not filled by a provider before in the waterfall."""
    return [name for name in open_fields(present, wanted) if name not in filled]


def is_barred(present: Present, name: str, value: Any) -> bool:
    """Whether a value is known to be wrong, such as a number at which a call found somebody else."""
    return str(value) in present.barred.get(name, ())


def merged(name: str, present: Any, found: Any) -> Any:
    """The value to write: lists grow, everything else is replaced."""
    if name in LISTS and present:
        known = {str(item).casefold() for item in present}
        return [*present, *(item for item in found if str(item).casefold() not in known)]
    return found


def plain(value: Any) -> Any:
    """A value as JSON keeps it, so that what was written can be compared with what is there."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def month_start(now: datetime) -> datetime:
    """Budgets are of calendar months, in UTC."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def check_template(url: str) -> str:
    """An address with `{domain}`, `{email}`...; raises Invalid naming `url`. The host is fixed: no value may choose it."""
    url = url.strip()
    for name in re.findall(r"{([^{}]*)}", url):
        if name not in PLACES:
            raise Invalid(f"“{{{name}}}” is none of: {', '.join(sorted(PLACES))}.", field="url")
    if not 0 < len(url) <= MAX_URL:
        raise Invalid("Give the address of the service.", field="url")
    host = re.match(r"https?://[^/?#]*", url)
    if host is None or "{" in host[0]:
        raise Invalid("The address begins with https:// and a fixed host.", field="url")
    if "{" not in url:
        raise Invalid("Say where the domain or address goes, such as ?domain={domain}.", field="url")
    return url


def fill(url: str, ask: Ask) -> str:
    """The address for one row; '' where a value it needs is not known."""
    places = ask.places()
    names = re.findall(r"{([^{}]*)}", url)
    if any(not places.get(name) for name in names):
        return ""
    return re.sub(r"{([^{}]*)}", lambda found: quote(places[found[1]], safe=""), url)


def check_mapping(subject: str, mapping: Mapping[str, Any]) -> dict[str, str]:
    """Our field -> JMESPath into the answer. Raises Invalid naming `mapping`, in words."""
    if not isinstance(mapping, Mapping) or not mapping:
        raise Invalid('Map at least one field, such as {"industry": "company.industry"}.', field="mapping")
    cleaned: dict[str, str] = {}
    for name, path in mapping.items():
        if name not in FIELDS[subject]:
            raise Invalid(f"“{name}” is none of: {', '.join(FIELDS[subject])}.", field="mapping")
        if not isinstance(path, str) or not 0 < len(path) <= 300:
            raise Invalid(f"{name}: give a path of at most 300 characters.", field="mapping")
        try:
            jmespath.compile(path)
        except (JMESPathError, ValueError, RecursionError) as error:
            raise Invalid(f"{name}: “{path[:60]}” is no JMESPath.", field="mapping") from error
        cleaned[name] = path
    return cleaned


def read_json(mapping: Mapping[str, str], told: Any) -> dict[str, Any]:
    """The fields an answer holds; what a path does not find, or finds as an object, is left out."""
    found: dict[str, Any] = {}
    for name, path in mapping.items():
        try:
            value = jmespath.search(path, told)
        except (JMESPathError, ValueError, TypeError, RecursionError):
            continue
        if isinstance(value, list):
            value = [str(item)[:120] for item in value if isinstance(item, str | int | float)][:200]
            value = value if name in LISTS else (value[0] if value else None)
        if isinstance(value, bool | Mapping) or empty(value):
            continue
        found[name] = value if isinstance(value, list | int) else str(value)[:5000]
    return found
