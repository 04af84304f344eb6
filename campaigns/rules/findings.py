"""The shapes of a deliverability check: what a name server answered, and what a check makes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OK, WARN, FAIL, UNKNOWN = "ok", "warn", "fail", "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """One DNS answer. `status`: found, none (the name has no such record), nxdomain, or error with `words`.

    `records` are texts: joined strings of a TXT, "preference host" of an MX, hosts and addresses without a final dot.
    """

    status: str
    records: tuple[str, ...] = ()
    words: str = ""

    @property
    def found(self) -> bool:
        return self.status == "found"

    @property
    def is_void(self) -> bool:
        """Nothing there: what RFC 7208 section 4.6.4 counts as a void lookup."""
        return self.status in {"none", "nxdomain"}


Lookup = Callable[[str, str], Answer]  # (name, type) -> Answer; asked twice, answered from memory


@dataclass(frozen=True, slots=True)
class Finding:
    """One result: `kind` spf, dkim, dmarc, mx, tracking or unsubscribe; `name` what was asked for; the fix in words.

    `detail["record"]` is {"type", "name", "value"} where there is a record to copy.
    """

    kind: str
    name: str
    state: str
    words: str
    fix: str = ""
    raw: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def no_answer(kind: str, name: str, answer: Answer) -> Finding:
    """A name server that does not answer proves nothing about the domain."""
    return Finding(
        kind, name, UNKNOWN, f"The name server did not answer for {name}: {answer.words or 'no reason given'}.",
        "Nothing to do yet: it is asked again tomorrow, or with “Check now”.",
    )  # fmt: skip


def record(kind: str, name: str, value: str) -> dict[str, str]:
    """A record to publish, as the page shows it for copying."""
    return {"type": kind, "name": name, "value": value}
