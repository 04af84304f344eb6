"""A search service's request and answer: criteria into an address or a body, an answer into rows of our fields. No network.

What an operation is, `rules.finding_service.check_operation` says; it was checked by that before it came here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import jmespath
from jmespath.exceptions import JMESPathError

from leadgen.core.errors import Invalid

MAX_PAGE = 500
LISTS = frozenset({"technologies", "keywords"})  # fields that hold several texts
_PLACE = re.compile(r"{([a-z_]*)}")


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [name for inner in value.values() for name in _texts(inner)]
    if isinstance(value, list):
        return [name for inner in value for name in _texts(inner)]
    return _PLACE.findall(value) if isinstance(value, str) else []


# --- the request


def fill_url(url: str, places: Mapping[str, Any]) -> str:
    """The address with its places filled; parameters that nothing is known for are left out. '' where the path itself
    needs something that is not known."""
    parts = urlsplit(url)
    if any(_empty(places.get(name)) for name in _PLACE.findall(parts.path)):
        return ""
    path = _PLACE.sub(lambda found: quote(_text(places[found[1]]), safe=""), parts.path)
    pairs = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        used = _PLACE.findall(value)
        if not used or not all(_empty(places.get(one)) for one in used):
            pairs.append((name, _PLACE.sub(lambda found: _text(places.get(found[1])), value)))
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(pairs), ""))


def fill_body(value: Any, places: Mapping[str, Any]) -> Any:
    """A body with its places filled; None where nothing of it is known."""
    if isinstance(value, Mapping):
        inner = {name: filled for name, one in value.items() if (filled := fill_body(one, places)) is not None}
        return inner or None
    if isinstance(value, list):
        return [filled for one in value if (filled := fill_body(one, places)) is not None] or None
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value)
    if whole is not None:
        found = places.get(whole[1])
        return None if _empty(found) else found
    used = _PLACE.findall(value)
    if used and all(_empty(places.get(name)) for name in used):
        return None
    return _PLACE.sub(lambda found: _text(places.get(found[1])), value)


def _empty(value: Any) -> bool:
    return value is None or value in ("", [])


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)


# --- the answer


@dataclass(frozen=True, slots=True)
class Told:
    """One page of an answer: rows of (the provider's id, our fields as told), where the next page begins ('': there is
    none), how many there are in all."""

    rows: list[tuple[str, dict[str, Any]]]
    cursor: str = ""
    total: int | None = None


def read_page(operation: Mapping[str, Any], told: Any, *, page: int) -> Told:
    """Raises Invalid in words where the answer is not of the form that was mapped. `page` counts from 1."""
    listed = _look(operation["results"], told)
    if listed is None:
        listed = []
    if not isinstance(listed, list):
        raise Invalid(f"the answer holds no list at “{operation['results']}”")
    rows = []
    for item in listed[:MAX_PAGE]:
        if isinstance(item, Mapping):
            key = _look(operation["id"], item) if operation.get("id") else ""
            rows.append((str(key or "")[:200] if not isinstance(key, list | dict) else "", read_row(operation, item)))
    total = _look(operation["total"], told) if operation.get("total") else None
    total = total if isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 2**31 else None
    if operation.get("cursor"):
        following = _look(operation["cursor"], told)
        cursor = str(following)[:2000] if following and not isinstance(following, list | dict | bool) else ""
    else:
        pages = {"page", "offset"} & {*_PLACE.findall(operation["url"]), *_texts(operation["body"])}
        cursor = str(page + 1) if pages and len(listed) >= operation["page_size"] else ""
    return Told(rows, cursor if rows else "", total)


def read_row(operation: Mapping[str, Any], item: Any) -> dict[str, Any]:
    """Our fields of one row; what a path does not find is left out."""
    found: dict[str, Any] = {}
    for name, path in operation["mapping"].items():
        value = _look(path, item)
        listed = name.removeprefix("company_") in LISTS
        if isinstance(value, list):
            texts = [
                str(one) for one in value[:200] if isinstance(one, str | int | float) and not isinstance(one, bool)
            ]
            value = texts if listed else "; ".join(texts)
        if isinstance(value, str | int | float | list) and not isinstance(value, bool) and not _empty(value):
            found[name] = value[:2000] if isinstance(value, str) else value
    return found


def _look(path: str, told: Any) -> Any:
    try:
        return jmespath.search(path, told)
    except (JMESPathError, TypeError, ValueError, RecursionError):
        return None
