"""The port of finding: whoever can be searched for companies and people, or asked for an address or a number, has these
four operations. One that a provider does not offer is named in none of its `operations`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from leadgen.core.web import WebError


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for: how many rows, and where it begins as the page before said ('' for the first)."""

    limit: int
    cursor: str = ""
    number: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of (the provider's id or '', our fields as told), where the next page begins ('': nowhere), and how many there
    are in all, where that is known."""

    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    cursor: str = ""
    total: int | None = None


class SearchProvider(Protocol):
    """Raises WebError in words; RateLimited where it is only too early."""

    def companies(self, criteria: Mapping[str, Any], page: Page) -> Found: ...

    def people(self, criteria: Mapping[str, Any], page: Page) -> Found: ...

    def email(self, who: Mapping[str, str]) -> dict[str, Any]:
        """{"email", "status"?, "guess"?} for somebody by name and company domain; {} where nothing is known."""
        ...

    def phone(self, who: Mapping[str, str]) -> dict[str, Any]:
        """{"phone"} or {}."""
        ...


class RateLimited(WebError):
    """Too many requests: `seconds` from now the next is welcome."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds
