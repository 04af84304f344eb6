"""Forms that write down a consent, and why somebody may be kept."""

from django import forms

from prospects.rules.basis import SUGGESTED


class ConsentForm(forms.Form):
    given = forms.ChoiceField(
        label="What they did", choices=[("yes", "Agreed"), ("no", "Took it back: the address is suppressed too")]
    )
    text = forms.CharField(label="The words", max_length=5000, widget=forms.Textarea(attrs={"rows": 2}))
    source = forms.CharField(label="How you know", max_length=120, help_text="Such as “by phone, call of 3 March”.")


class BasisForm(forms.Form):
    """What holds, since when, and why in words."""

    lawful_basis = forms.CharField(
        label="Lawful basis", required=False, max_length=200, help_text=f"Such as: {', '.join(SUGGESTED[:3])}."
    )
    lawful_basis_at = forms.DateField(label="Since", required=False, help_text="Today if left empty.")
    lawful_basis_note = forms.CharField(
        label="Why, in words", required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Such as “public register; sells what they buy; balancing test of 3 March”.",
    )  # fmt: skip
