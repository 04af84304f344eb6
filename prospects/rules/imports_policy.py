"""Whom a row is about, and what happens to what is there already: the match rule and the policy of each field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from leadgen.core.errors import Invalid
from prospects.rules.imports_fields import Kind

Policy = Literal["overwrite", "fill", "newest"]
POLICIES: dict[str, str] = {
    "overwrite": "Overwrite with what the file says",
    "fill": "Fill only what is empty",
    "newest": "Keep the newest",
}
# Where we have somebody from, and on what basis, is said once: a later list does not rewrite it by itself.
FIRST_STAYS = frozenset({"source", "lawful_basis"})
MATCHED_KINDS: tuple[Kind, ...] = ("people", "companies")

MATCH_KEYS: dict[str, dict[str, str]] = {
    "people": {
        "email": "E-mail address", "external_id": "External id", "linkedin_url": "LinkedIn page",
        "domain_name": "Company domain and name",
    },
    "companies": {"domain": "Domain", "external_id": "External id", "linkedin_url": "LinkedIn page"},
}  # fmt: skip
STANDARD: dict[str, str] = {
    "people": "external id, then e-mail address; by LinkedIn page where a row has neither, by name where it has nothing else",
    "companies": "external id, then domain; by name where a row has nothing else",
}
# One letter a row, kept beside its fate.
LETTERS: dict[str, str] = {
    "leadgen_id": "k", "external_id": "x", "email": "e", "domain": "h", "linkedin_url": "l", "domain_name": "d", "name": "n",
}  # fmt: skip
KEY_WORDS: dict[str, str] = {
    "k": "Leadgen id", "x": "external id", "e": "e-mail address", "h": "domain", "l": "LinkedIn page",
    "d": "company domain and name", "n": "name alone", ".": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Handling:
    """`match`: the keys in order, empty for the standard. `policy`: of fields that have none of their own in `policies`;
    "" for the default of each. `as_of`: an ISO date, how old a list without a column of dates is."""

    match: tuple[str, ...] = ()
    policy: str = ""
    policies: Mapping[str, str] = field(default_factory=dict)
    as_of: str = ""

    def of(self, name: str) -> str:
        """The policy of a field (custom ones as `custom.key`)."""
        return self.policies.get(name) or self.policy or ("fill" if name in FIRST_STAYS else "overwrite")

    @property
    def dates_rows(self) -> bool:
        """Whether anything asks how old a row is."""
        return "newest" in (self.policy, *self.policies.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "match": list(self.match), "policy": self.policy, "policies": dict(self.policies), "as_of": self.as_of,
        }  # fmt: skip

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Handling":
        return cls(
            tuple(said.get("match") or ()), str(said.get("policy") or ""), dict(said.get("policies") or {}),
            str(said.get("as_of") or ""),
        )  # fmt: skip


def read_handling(
    kind: str,
    *,
    match: Iterable[str] = (),
    policy: str = "",
    policies: Mapping[str, str] | None = None,
    as_of: str = "",
) -> Handling:
    """What somebody said of match rule and policies. Raises Invalid, the option named."""
    keys = list(dict.fromkeys(key.strip() for key in match if key.strip()))
    said = {name: text for name, text in (policies or {}).items() if text}
    if kind not in MATCHED_KINDS:
        if keys or policy or said or as_of:
            raise Invalid("Only imports of people and companies take a match rule and policies.", field="match")
        return Handling()
    known = MATCH_KEYS[kind]
    for key in keys:
        if key not in known:
            raise Invalid(f"“{key}” is no key of {kind}. Use {', '.join(known)}.", code="bad_option", field="match")
    for name, text in (("policy", policy), *((f"policy of {name}", text) for name, text in said.items())):
        if text and text not in POLICIES:
            raise Invalid(f"{name}: “{text}” is none of {', '.join(POLICIES)}.", code="bad_option", field="policy")
    if as_of:
        try:
            datetime.fromisoformat(as_of)
        except ValueError as error:
            raise Invalid(
                f"“{as_of[:40]}” is no date. Write it like 2026-11-21.", code="bad_option", field="as_of"
            ) from error
    return Handling(tuple(keys), policy, said, as_of)


def day_of(handling: Handling) -> datetime | None:
    """The instant the whole list counts as: the beginning of its day, so that a change of that day is newer."""
    if not handling.as_of:
        return None
    found = datetime.fromisoformat(handling.as_of)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def check_handling(handling: Handling, *, mapped: Iterable[str]) -> None:
    """Raises Invalid where "keep the newest" could not tell how old any row is."""
    if handling.dates_rows and not handling.as_of and "changed_at" not in set(mapped):
        raise Invalid(
            "Keep the newest needs to know how old the rows are: name the column that says when a row was changed "
            "(changed_at), or the day the list is from (as_of).", code="no_dates", field="as_of",
        )  # fmt: skip


def words_of(kind: str, handling: Handling) -> list[str]:
    """How rows are matched and merged, for the findings."""
    if kind not in MATCHED_KINDS:
        return []
    names = MATCH_KEYS[kind]
    rule = ", then ".join(names[key].lower().replace("linkedin", "LinkedIn") for key in handling.match)
    found = [f"Matched by {rule or STANDARD[kind]}"]
    if handling.policy:
        found.append(f"{POLICIES[handling.policy]}, where something is there already")
    found += [f"{name}: {POLICIES[text].lower()}" for name, text in handling.policies.items()]
    if handling.dates_rows:
        found.append(f"The list counts as of {handling.as_of}" if handling.as_of else "Each row has its own date")
    return found
