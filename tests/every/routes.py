"""Every page and API operation of the product, read from the URL resolver: nobody keeps a list by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

API_PREFIX = "api/v1/"
PAGE_PREFIX = "w/<slug:slug>/"


@dataclass(frozen=True)
class Route:
    """One URL pattern: its full route, name, callback and the names of its parameters."""

    route: str
    name: str
    callback: Any
    params: tuple[str, ...]

    @property
    def is_page(self) -> bool:
        return self.route.startswith(PAGE_PREFIX)

    @property
    def is_api(self) -> bool:
        return self.route.startswith(API_PREFIX)

    @property
    def actions(self) -> dict[str, str]:
        """HTTP method -> action of a viewset route. Without HEAD, which DRF adds to GET once a route has answered: what stands
        in the tables must not follow from which tests ran before."""
        return {m: name for m, name in (getattr(self.callback, "actions", None) or {}).items() if m != "head"}

    def __str__(self) -> str:
        return self.name or self.route


def all_routes() -> list[Route]:
    return list(_walk(get_resolver(), "", ()))


def _walk(resolver: URLResolver, prefix: str, params: tuple[str, ...]) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern).removeprefix("^").replace("$", "").replace("\\Z", "")
        mine = params + tuple(entry.pattern.converters or entry.pattern.regex.groupindex)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, route, mine)
        elif isinstance(entry, URLPattern):
            yield Route(route, entry.name or "", entry.callback, mine)


def pages() -> list[Route]:
    return [route for route in all_routes() if route.is_page]


def api_routes() -> list[Route]:
    """Viewset routes, without the schema and documentation pages and the format suffixes."""
    return [r for r in all_routes() if r.is_api and r.actions and "format" not in r.params]
