"""Filters of the audit log."""

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import Member


class AuditFilterForm(forms.Form):
    member = forms.ChoiceField(required=False, label="Member")
    action = forms.ChoiceField(required=False, label="Action")
    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To")

    def __init__(
        self, *args: Any, members: Sequence[Member], actions: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(member.pk), str(member)) for member in members]
        self.fields["member"].choices = [("", "Everybody"), ("system", "Leadgen itself"), *people]  # type: ignore[attr-defined]
        self.fields["action"].choices = [("", "Every action"), *actions]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("since") and cleaned.get("until") and cleaned["until"] < cleaned["since"]:
            self.add_error("until", "This day lies before the first one.")
        return cleaned
