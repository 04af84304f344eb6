"""Scopes of API tokens: rows of the permission table, or patterns over it."""

from collections.abc import Iterable

GROUPS = {
    "workspace": "Workspace",
    "members": "Members",
    "audit": "Audit log",
    "tokens": "API tokens",
    "icps": "ICPs",
    "handoffs": "Hand-offs",
    "inbox": "Inbox",
}


def group_label(noun: str) -> str:
    """The heading of a noun's scopes ("people" -> "People")."""
    return GROUPS.get(noun, noun.replace("_", " ").capitalize())


def scope_covers(scope: str, permission: str) -> bool:
    """`*` is all, `<noun>.*` all of a noun, `*.view` every look, else the permission itself."""
    noun, _, verb = permission.partition(".")
    return scope in {"*", permission, f"{noun}.*", f"*.{verb}"}


def unknown_scopes(scopes: Iterable[str], permissions: Iterable[str]) -> list[str]:
    """Scopes that cover nothing of the permission table, sorted."""
    known = list(permissions)
    return sorted(scope for scope in set(scopes) if not any(scope_covers(scope, name) for name in known))
