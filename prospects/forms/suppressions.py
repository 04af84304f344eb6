"""Forms of the suppression page."""

from typing import Any

from django import forms

from prospects.models import Suppression

BY_HAND = [Suppression.Reason.OBJECTED, Suppression.Reason.MANUAL, Suppression.Reason.UNSUBSCRIBED]


class SuppressionFilterForm(forms.Form):
    """What the list shows, and the check of one address."""

    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *Suppression.Kind.choices])
    reason = forms.ChoiceField(required=False, choices=[("", "All reasons"), *Suppression.Reason.choices])
    check = forms.CharField(required=False, max_length=254, label="Is it suppressed?")


class SuppressionForm(forms.Form):
    """Suppress one address, domain or number."""

    kind = forms.ChoiceField(choices=Suppression.Kind.choices, initial=Suppression.Kind.EMAIL)
    value = forms.CharField(max_length=254, label="Address, domain or number")
    reason = forms.ChoiceField(choices=[(reason.value, reason.label) for reason in BY_HAND])
    note = forms.CharField(required=False, max_length=300)


class SuppressionListForm(forms.Form):
    """Suppress a list: a file or lines, one address or domain each."""

    file = forms.FileField(required=False, help_text="CSV or text; the first column counts. At most 10 MB.")
    lines = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 6}), label="Or paste the list")
    note = forms.CharField(required=False, max_length=300, help_text="Where the list comes from.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.get("file")
        if not file and not data.get("lines", "").strip():
            raise forms.ValidationError("Choose a file or paste some addresses.")
        if file and file.size > 10 * 1024 * 1024:
            self.add_error("file", "The file is larger than 10 MB. Split it.")
        return data


class LiftForm(forms.Form):
    """Why an address may be contacted again."""

    note = forms.CharField(
        max_length=300, label="Why may it be contacted again?",
        error_messages={"required": "Say why, such as “asked for the newsletter on 3 March”."},
    )  # fmt: skip
