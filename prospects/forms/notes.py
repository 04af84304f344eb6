"""The note form, the same on people, companies, leads and deals."""

from django import forms


class NoteForm(forms.Form):
    """One note."""

    text = forms.CharField(
        label="Note", max_length=10_000, widget=forms.Textarea(attrs={"rows": 5}), strip=True,
        error_messages={"required": "Write something first."},
    )  # fmt: skip
