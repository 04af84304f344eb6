"""Form of a new API token: scopes as check boxes, grouped by noun from the permission table."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from accounts.models import Member
from accounts.permissions import PERMISSIONS
from accounts.rules.scopes import group_label

EXPIRY = [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("never", "No end")]
NOT_FOR_TOKENS = {"tokens.edit"}  # a token may revoke none and make none


@dataclass(frozen=True)
class ScopeGroup:
    """The scopes of one noun, each with the words beside its box."""

    label: str
    field: BoundField


class TokenForm(forms.Form):
    """One field of check boxes for each noun; `scopes` in cleaned_data is their union, sorted."""

    name = forms.CharField(max_length=80, label="Name", help_text="What will use it, for example “Website form”.")
    expires = forms.ChoiceField(label="Ends after", choices=EXPIRY, initial="365")

    def __init__(self, *args: Any, by: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.nouns: dict[str, list[tuple[str, str]]] = {}
        for permission, roles in PERMISSIONS.items():
            noun, _, verb = permission.partition(".")
            if by.role in roles and permission not in NOT_FOR_TOKENS:
                self.nouns.setdefault(noun, []).append((permission, verb.replace("_", " ").capitalize()))
        for noun, choices in self.nouns.items():
            self.fields[f"scopes_{noun}"] = forms.MultipleChoiceField(
                label=group_label(noun), choices=choices, required=False, widget=forms.CheckboxSelectMultiple
            )

    @property
    def scope_groups(self) -> list[ScopeGroup]:
        return [ScopeGroup(group_label(noun), self[f"scopes_{noun}"]) for noun in self.nouns]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["scopes"] = sorted(scope for noun in self.nouns for scope in cleaned.get(f"scopes_{noun}") or [])
        if not cleaned["scopes"]:
            self.add_error(None, "Choose at least one scope: a token without any can do nothing.")
        return cleaned

    def expires_at(self, now: datetime) -> datetime | None:
        choice = self.cleaned_data["expires"]
        return None if choice == "never" else now + timedelta(days=int(choice))
