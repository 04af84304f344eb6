"""The sheet of an offer."""

from typing import Any

from django import forms

from prospects.models import Channel, Offer


class OfferForm(forms.Form):
    name = forms.CharField(max_length=120)
    audience = forms.CharField(
        max_length=200, required=False, help_text="Who buys it, such as “plant managers, 200 to 1,000 employees”."
    )
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    deal_min = forms.DecimalField(max_digits=18, decimal_places=2, min_value=0, required=False, label="Smallest deal")
    deal_max = forms.DecimalField(max_digits=18, decimal_places=2, min_value=0, required=False, label="Largest deal")
    currency = forms.CharField(min_length=3, max_length=3)
    cycle_days = forms.IntegerField(min_value=0, max_value=3650, required=False, label="Sales cycle in days")
    channels = forms.MultipleChoiceField(
        choices=Channel.choices, required=False, widget=forms.CheckboxSelectMultiple, label="Channels that suit it",
        help_text="A campaign on another channel says so on its page.",
    )  # fmt: skip

    def __init__(self, *args: Any, offer: Offer | None = None, **kwargs: Any) -> None:
        if offer is not None:
            kwargs["initial"] = {name: getattr(offer, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data}
