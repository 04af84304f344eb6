"""Territories, pure: what of a rule can be asked of a company alone, and what becomes of a record.

A rule asks facts of people and of their companies. Of a company only what it says itself is known: the rule holds for it
where the rest could not make a difference.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prospects.rules.fields import COMPANY_FIELDS

# Outcomes of a record, in the order pages show them.
GAIN, CHANGE, SAME, HAND, POLICY, NOBODY, NONE = "gain", "change", "same", "hand", "policy", "nobody", "none"
OUTCOMES = {
    GAIN: "Get an owner",
    CHANGE: "Change owner",
    SAME: "Have the right owner already",
    HAND: "Stay: somebody set the owner by hand",
    POLICY: "Stay: they have an owner",
    NOBODY: "Stay: nobody in the territory is active",
    NONE: "In no territory",
}
# The same, once it has happened.
CAME = {
    GAIN: "Got an owner",
    CHANGE: "Changed owner",
    SAME: "Had the right owner already",
    HAND: "Stayed: somebody set the owner by hand",
    POLICY: "Stayed: they have an owner",
    NOBODY: "Stayed: nobody in the territory is active",
    NONE: "In no territory",
}
MOVES = (GAIN, CHANGE)


def of_companies(rule: Mapping[str, Any]) -> dict[str, Any] | None:
    """The rule as far as a company by itself can fulfil it; None where it never can."""
    return _when(rule, True)


def _when(node: Mapping[str, Any], holds: bool) -> dict[str, Any] | None:
    """A rule over companies that is true only where `node` certainly holds (or certainly does not)."""
    if "not" in node:
        return _when(node["not"], not holds)
    if "all" in node or "any" in node:
        every = ("all" in node) == holds
        parts = [_when(child, holds) for child in node["all" if "all" in node else "any"]]
        known = [part for part in parts if part is not None]
        if every:
            return {"all": known} if len(known) == len(parts) else None
        return {"any": known} if known else None
    if node["field"] not in COMPANY_FIELDS:
        return None
    return dict(node) if holds else {"not": dict(node)}


@dataclass(frozen=True, slots=True)
class Target:
    """Whose a record should be: any of `members` is right, by the territory `key`; without one it is a company's owner."""

    members: Collection[UUID]
    key: str = ""
    name: str = ""


def outcome(*, owner: UUID | None, target: Target | None, by_hand: bool, change: bool) -> str:
    """What becomes of a record with this owner (None: nobody)."""
    if target is None:
        return NONE
    if owner is not None and owner in target.members:
        return SAME
    if by_hand:
        return HAND
    if not target.members:
        return NOBODY
    if owner is None:
        return GAIN
    return CHANGE if change else POLICY


def fresh_counts() -> dict[str, Any]:
    """Counts of a run before its first row."""
    return {
        "companies": dict.fromkeys(OUTCOMES, 0), "people": dict.fromkeys(OUTCOMES, 0), "leads": 0, "deals": 0,
        "territories": {},
    }  # fmt: skip
