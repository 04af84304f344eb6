"""Which records a role sees: all, those of its team, or its own. Owner, admin and RevOps always see all."""

from collections.abc import Mapping
from typing import Any

from leadgen.core.errors import Invalid

ALL, TEAM, OWN = "all", "team", "own"
CHOICES = ((ALL, "All records"), (TEAM, "Their team's records"), (OWN, "Their own records"))
# Those who set the workspace up and keep its data must be able to see what they keep.
ROLES = ("marketer", "sdr", "ae", "leader", "viewer")
SEEN = ((ALL, "All records"), (TEAM, "Your team's records"), (OWN, "Your own records"))


def level_of(setting: Mapping[str, str], role: str) -> str:
    """What a role sees by the workspace's setting."""
    return setting.get(role, ALL) if role in ROLES else ALL


def cleaned(value: Any) -> dict[str, str]:
    """The setting as it is stored: roles that see all are not named. Raises Invalid, field `visibility`, in words."""
    if not isinstance(value, Mapping):
        raise Invalid("Give an object of roles, for example {“sdr”: “own”}.", field="visibility")
    found = {}
    for role, level in value.items():
        if role not in ROLES:
            raise Invalid(
                f"What “{role}” sees cannot be set. Choose among: {', '.join(ROLES)}; owner, admin and RevOps see all.",
                field="visibility",
            )
        if level not in (ALL, TEAM, OWN):
            raise Invalid(f"“{level}” is not one of: all, team, own.", field="visibility")
        if level != ALL:
            found[role] = str(level)
    return {role: found[role] for role in ROLES if role in found}
