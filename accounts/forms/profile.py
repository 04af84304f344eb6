"""Form of a person's own profile."""

from django import forms

from accounts.queries.zones import zone_choices


class ProfileForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    time_zone = forms.ChoiceField(
        required=False,
        label="Time zone",
        choices=lambda: [("", "That of the workspace"), *zone_choices()],
        help_text="Times on your screen follow it. Sending windows and reports follow the workspace.",
    )
    shortcuts_enabled = forms.BooleanField(
        required=False,
        label="Single-key shortcuts",
        help_text="J, K, E and others move through lists. Switch them off if you dictate or use a screen reader.",
    )
