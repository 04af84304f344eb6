"""The form that writes down a consent."""

from django import forms


class ConsentForm(forms.Form):
    given = forms.ChoiceField(
        label="What they did", choices=[("yes", "Agreed"), ("no", "Took it back: the address is suppressed too")]
    )
    text = forms.CharField(label="The words", max_length=5000, widget=forms.Textarea(attrs={"rows": 2}))
    source = forms.CharField(label="How you know", max_length=120, help_text="Such as “by phone, call of 3 March”.")
