"""Whose records each role sees."""

from typing import Any

from django import forms

from accounts.models import Role, Workspace
from accounts.rules.visibility import ALL, CHOICES, ROLES

HELP = {
    "marketer": "Segments, campaigns and imports work on the whole workspace whatever they see.",
    "sdr": "People who work lists and inbound leads.",
    "ae": "People who close deals.",
    "leader": "Usually their team's, or all.",
    "viewer": "Owns nothing: with “their own” they see what nobody owns.",
}


class VisibilityForm(forms.Form):
    def __init__(self, data: Any = None, *, workspace: Workspace) -> None:
        super().__init__(data)
        for role in ROLES:
            self.fields[role] = forms.ChoiceField(
                label=Role(role).label,
                choices=CHOICES,
                initial=workspace.visibility.get(role, ALL),
                help_text=HELP[role],
            )

    @property
    def rows(self) -> list[Any]:
        """The fields, in the order of the roles."""
        return [self[role] for role in ROLES]

    def setting(self) -> dict[str, str]:
        """As the workspace stores it."""
        return {role: self.cleaned_data[role] for role in ROLES}
