"""A search service's request and answer, pure: criteria into an address or a body, an answer into rows of our fields.

An operation is {"url", "method", "body", "results", "mapping", "id", "cursor", "total", "page_size", "price"}. In address and
body `{countries}` stands for a criterion, `{limit}`, `{page}` (from 1), `{offset}` and `{cursor}` for the page. In a body a
text that is nothing but a place keeps its kind: a list stays a list. What is not known is left out with its name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from leadgen.core.errors import Invalid
from prospects.rules.enrichment import COMPANY_FIELDS, PERSON_FIELDS
from prospects.rules.finding import CRITERIA

OPERATIONS = ("companies", "people", "email", "phone")
PAGING = ("limit", "page", "offset", "cursor")
WHO = ("first_name", "last_name", "name", "domain", "company_name", "email", "linkedin_url")
PERSON_RESULT = (
    *(name for name in PERSON_FIELDS if name != "name"), "seniority", "department",
    *(f"company_{name}" for name in ("name", "domain", "industry", "employees", "country", "technologies", "linkedin_url", "revenue")),
)  # fmt: skip
RESULT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "companies": tuple(name for name in COMPANY_FIELDS if name != "website"),
    "people": PERSON_RESULT,
    "email": ("email", "status"),
    "phone": ("phone",),
}
PAGE_SIZE, MAX_PAGE = 100, 500
_PLACE = re.compile(r"{([a-z_]*)}")
_KEYS = {"url", "method", "body", "results", "mapping", "id", "cursor", "total", "page_size", "price"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation costs: each request, and each result that is taken (or, of a finder, each answer found)."""

    request: Decimal = Decimal(0)
    result: Decimal = Decimal(0)


def places_of(operation: str) -> tuple[str, ...]:
    return (*CRITERIA[operation], *PAGING) if operation in CRITERIA else WHO


def check_operation(operation: str, raw: Any) -> dict[str, Any]:
    """An operation as it is kept. Raises Invalid naming it, in words."""
    if not isinstance(raw, Mapping):
        raise Invalid('Write a JSON object with "url" and "mapping".', field=operation)
    if unknown := sorted(set(raw) - _KEYS):
        raise Invalid(f"“{unknown[0]}” is none of: {', '.join(sorted(_KEYS))}.", field=operation)
    url = str(raw.get("url") or "").strip()
    method = str(raw.get("method") or ("POST" if raw.get("body") else "GET")).upper()
    if method not in ("GET", "POST"):
        raise Invalid("“method” is GET or POST.", field=operation)
    host = re.match(r"https?://[^/?#]+", url)
    if host is None or "{" in host[0] or len(url) > 1000:
        raise Invalid("“url” begins with https:// and a fixed host.", field=operation)
    body = raw.get("body") or {}
    if not isinstance(body, Mapping):
        raise Invalid("“body” is a JSON object.", field=operation)
    known = places_of(operation)
    used = set(_PLACE.findall(url)) | set(_texts(body))
    if wrong := sorted(used - set(known)):
        raise Invalid(f"“{{{wrong[0]}}}” is none of: {', '.join(known)}.", field=operation)
    if not used - set(PAGING):
        raise Invalid(f"Say where the request takes what is looked for, such as {{{known[0]}}}.", field=operation)
    kept: dict[str, Any] = {"url": url, "method": method, "body": dict(body)}
    kept["mapping"] = _mapping(operation, raw.get("mapping"))
    for name in ("results", "id", "cursor", "total"):
        if raw.get(name):
            kept[name] = _path(operation, name, raw[name])
    if operation in CRITERIA and "results" not in kept:
        raise Invalid(
            "“results” says where the answer holds the list of rows, such as data.companies.", field=operation
        )
    size = raw.get("page_size") or PAGE_SIZE
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_PAGE:
        raise Invalid(f"“page_size” is a number from 1 to {MAX_PAGE}.", field=operation)
    return kept | {"page_size": size, "price": check_price(operation, raw.get("price"))}


def check_price(operation: str, raw: Any) -> dict[str, str]:
    """What each request and each result costs. Raises Invalid naming the operation."""
    price = raw or {}
    if not isinstance(price, Mapping) or set(price) - {"request", "result"}:
        raise Invalid('“price” is such as {"request": "0.10"} or {"result": "0.02"}.', field=operation)
    return {name: str(_amount(operation, text)) for name, text in price.items() if text not in (None, "")}


def cost_of(operation: Mapping[str, Any]) -> Cost:
    price = operation.get("price") or {}
    return Cost(Decimal(price.get("request", 0)), Decimal(price.get("result", 0)))


def _amount(operation: str, text: Any) -> Decimal:
    try:
        amount = Decimal(str(text)).quantize(Decimal("0.0001"))
    except (InvalidOperation, ValueError) as error:
        raise Invalid("A price is written in digits, such as 0.05.", field=operation) from error
    if not 0 <= amount < 100_000:
        raise Invalid("A price is from 0 to 99,999.", field=operation)
    return amount


def _mapping(operation: str, raw: Any) -> dict[str, str]:
    if not isinstance(raw, Mapping) or not raw:
        raise Invalid('“mapping” says where a row holds our fields, such as {"name": "title"}.', field=operation)
    for name, path in raw.items():
        if name not in RESULT_FIELDS[operation]:
            raise Invalid(f"“{name}” is none of: {', '.join(RESULT_FIELDS[operation])}.", field=operation)
        _path(operation, name, path)
    needed = {"companies": {"name", "domain"}, "people": {"first_name", "last_name", "email", "linkedin_url"}}
    asked = needed.get(operation, {operation})
    if not asked & set(raw):
        raise Invalid(f"“mapping” gives at least one of: {', '.join(sorted(asked))}.", field=operation)
    return {str(name): str(path) for name, path in raw.items()}


def _path(operation: str, name: str, path: Any) -> str:
    if not isinstance(path, str) or not 0 < len(path) <= 300:
        raise Invalid(f"“{name}”: give a path of at most 300 characters.", field=operation)
    try:
        jmespath.compile(path)
    except (JMESPathError, ValueError, RecursionError) as error:
        raise Invalid(f"“{name}”: “{path[:60]}” is no JMESPath.", field=operation) from error
    return path


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [name for inner in value.values() for name in _texts(inner)]
    if isinstance(value, list):
        return [name for inner in value for name in _texts(inner)]
    return _PLACE.findall(value) if isinstance(value, str) else []
