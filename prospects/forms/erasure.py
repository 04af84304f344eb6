"""The form that erases somebody."""

from django import forms


class ErasureForm(forms.Form):
    reference = forms.CharField(
        label="Reference of the request", required=False, max_length=120,
        help_text="Such as a ticket's number: it stands on the certificate. No name, no address.",
    )  # fmt: skip
    suppress = forms.BooleanField(
        label="Never write to them again: keep a keyed hash of the address and number", required=False, initial=True
    )
