"""Audit rows as sentences. What other apps write follows `<noun>.<verb>`, so it reads well without being listed here."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

# `{}` is the row's label. Only what the pattern of `describe` would say badly.
SENTENCES = {
    "workspace.created": "created the workspace {}",
    "workspace.updated": "changed the workspace's settings",
    "workspace.transferred": "handed the ownership to {}",
    "member.role_changed": "changed the role of {}",
    "member.updated": "changed how {} is shown and routed to",
    "member.deactivated": "took access away from {}",
    "member.reactivated": "gave {} access again",
    "member.left": "left the workspace",
    "invitation.sent": "invited {}",
    "invitation.resent": "sent the invitation of {} again",
    "invitation.revoked": "withdrew the invitation of {}",
    "invitation.accepted": "accepted the invitation of {}",
    "token.created": "made the API token {}",
    "token.revoked": "revoked the API token {}",
}
NOUNS = {"icp": "ICP", "handoff": "hand-off", "api_token": "API token"}
FIELDS = {"mql": "MQL", "sql": "SQL", "icp": "ICP", "id": "ID", "ip": "IP"}
LONGEST = 120
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def words(name: str) -> str:
    """`role_changed` -> `role changed`; known abbreviations in capitals."""
    return " ".join(FIELDS.get(part, part) for part in name.replace(".", " ").split("_"))


def describe(action: str, label: str) -> str:
    """What was done, to stand after who did it: `deleted the person “Ana Ferreira”`."""
    shown = f"“{label}”" if label else ""
    if action in SENTENCES:
        return SENTENCES[action].format(shown).strip()
    noun, _, verb = action.partition(".")
    thing = f"the {NOUNS.get(noun, words(noun))} {shown}".strip()
    if "_" not in verb:
        return f"{verb} {thing}"
    return f"{thing}: {words(verb)}"


def action_label(action: str) -> str:
    """An action in a filter's list: `person.deleted` -> `Person deleted`."""
    noun, _, verb = action.partition(".")
    text = f"{NOUNS.get(noun, words(noun))} {words(verb)}"
    return text[:1].upper() + text[1:]


# Say a JSON object in words, None for what it does not know. Rules of the apps above are kept as JSON.
Reader = Callable[[Mapping[str, Any]], str | None]
_readers: list[Reader] = []


def register_reader(reader: Reader) -> None:
    """How an app above says objects of its own that stand in details."""
    if reader not in _readers:
        _readers.append(reader)


def ids_in(detail: Any) -> set[UUID]:
    """Ids anywhere in details: of members and rows, to be called by name."""
    if isinstance(detail, Mapping):
        return set().union(*map(ids_in, detail.values()))
    if isinstance(detail, list | tuple):
        return set().union(*map(ids_in, detail))
    return {UUID(detail)} if isinstance(detail, str) and _ID.fullmatch(detail) else set()


def _shown(value: Any, names: Mapping[UUID, str]) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        text = ", ".join(_shown(item, names) for item in value) or "nothing"
    elif isinstance(value, Mapping):
        said = next((said for reader in _readers if (said := reader(value)) is not None), None)
        if said:
            return said  # whole: half a rule says another thing
        text = ", ".join(f"{words(str(key))} {_shown(item, names)}" for key, item in value.items()) or "nothing"
    elif isinstance(value, str) and _ID.fullmatch(value):
        text = names.get(UUID(value), value)
    else:
        text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def details(detail: Mapping[str, Any], names: Mapping[UUID, str] | None = None) -> list[tuple[str, str]]:
    """Lines (what, value) under a sentence: changes as `old → new`, the rest as it is. `names` of the ids in it."""
    lines, names = [], names or {}
    for key, value in detail.items():
        if key == "changes" and isinstance(value, Mapping):
            for field, change in value.items():
                if isinstance(change, list | tuple) and len(change) == 2:
                    lines.append(
                        (words(str(field)).capitalize(), f"{_shown(change[0], names)} → {_shown(change[1], names)}")
                    )
                else:
                    lines.append((words(str(field)).capitalize(), _shown(change, names)))
        else:
            lines.append((words(str(key)).capitalize(), _shown(value, names)))
    return lines
