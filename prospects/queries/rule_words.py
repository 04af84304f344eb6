"""A rule as a person reads it, with what only the database knows: an owner is kept as an address and called by name."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from accounts.models import Member
from leadgen.core.errors import Invalid
from leadgen.core.rulelang import AllOf, AnyOf, Leaf, Node, Not, describe, leaves, parse
from prospects.models import Segment, Tag
from prospects.rules import agreements
from prospects.rules.segments import CATALOGUES

OWNERS = frozenset({"person.owner", "company.owner"})
WHOLE = frozenset({"is", "is_not", "in", "not_in"})


def rule_words(rule: Node) -> str:
    """The rule as one line of English. Asks the database only where a rule names an owner."""
    addresses: set[str] = set()
    for leaf in leaves(rule):
        if leaf.field.name in OWNERS and leaf.op.name in WHOLE:
            addresses.update(map(str, leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)))
    if not addresses:
        return describe(rule)
    members = Member.objects.filter(email__in=addresses).only("name", "email")
    return describe(_named(rule, {member.email: str(member) for member in members}))


def _named(rule: Node, names: Mapping[str, str]) -> Node:
    match rule:
        case AllOf(children):
            return AllOf(tuple(_named(child, names) for child in children))
        case AnyOf(children):
            return AnyOf(tuple(_named(child, names) for child in children))
        case Not(child):
            return Not(_named(child, names))
        case Leaf(field) if field.name in OWNERS:
            return replace(rule, field=replace(field, names=lambda address: names.get(address, address)))
    return rule


def names_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """Names of segments, lists and tags by id, for the audit log."""
    tags = Tag.objects.filter(pk__in=ids).values_list("pk", "name")
    rows = Segment.objects.filter(pk__in=ids).values_list("pk", "name").union(tags)
    return {pk: f"“{name}”" for pk, name in rows}


def words_of_json(rule: Mapping[str, Any]) -> str | None:
    """A stored rule in words whatever it is about, for the audit log; None for what is no rule of ours."""
    if not rule.keys() <= {"field", "op", "value"} and not (len(rule) == 1 and rule.keys() <= {"all", "any", "not"}):
        return None
    for catalogue in (CATALOGUES["people"], CATALOGUES["companies"], agreements.CATALOGUE):
        try:
            return rule_words(parse(rule, catalogue))
        except Invalid:
            continue
    return None
