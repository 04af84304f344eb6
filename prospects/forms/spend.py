"""Forms of spend: the list's filters (shared with the API) and one line."""

from functools import cached_property
from typing import Any

import django_filters
from django import forms

from prospects.forms.fields import ListFilter, select
from prospects.forms.leads import campaign_words, campaigns, in_campaign
from prospects.models import Campaign, Channel, Spend


class SpendFilter(ListFilter):
    """What spend may be filtered by; `from` and `to` keep the lines that touch these days, both ends counted."""

    channel = select(list(Channel.choices), "Any channel", label="Channel")
    campaign = django_filters.CharFilter(method="by_campaign", label="Campaign", help_text="An id, a name or `none`.")
    kind = select(list(Spend.Kind.choices), "Any kind", label="Kind")
    purpose = select(list(Spend.Purpose.choices), "Any purpose", label="Purpose")
    to = django_filters.DateFilter(field_name="starts_on", lookup_expr="lte", label="To")
    currency = django_filters.CharFilter(field_name="currency", lookup_expr="iexact", label="Currency")
    external_id = django_filters.CharFilter(label="External id")
    # A keyword of Python, and the word of every other period in this product.
    locals()["from"] = django_filters.DateFilter(field_name="ends_on", lookup_expr="gte", label="From")

    chip_prefixes = {
        "channel": "Channel:", "kind": "Kind:", "purpose": "Purpose:", "from": "From", "to": "To",
        "currency": "Currency:", "external_id": "External id:",
    }  # fmt: skip

    def by_campaign(self, queryset: Any, name: str, value: str) -> Any:
        return in_campaign(queryset, value)

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "campaign":
            return f"Campaign: {campaign_words(value)}"
        return super().chip_label(name, field, value)

    @cached_property
    def owners(self) -> list[tuple[str, str]]:
        """Spend belongs to nobody."""
        return []

    def offer_owners(self) -> Any:
        return self.form


class SpendForm(forms.Form):
    """One line of spend."""

    amount = forms.DecimalField(max_digits=18, decimal_places=2, min_value=0)
    currency = forms.CharField(min_length=3, max_length=3)
    starts_on = forms.DateField(label="First day")
    ends_on = forms.DateField(required=False, label="Last day", help_text="Empty: the same day. It is spread evenly.")
    campaign: "forms.ModelChoiceField[Campaign]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="No campaign"
    )
    channel = forms.ChoiceField(
        choices=[("", "That of the campaign"), *Channel.choices], required=False, label="Channel"
    )
    kind = forms.ChoiceField(choices=Spend.Kind.choices)
    purpose = forms.ChoiceField(choices=Spend.Purpose.choices, help_text="Awareness is part of no cost per lead.")
    subchannel = forms.CharField(
        max_length=80, required=False, help_text="Your own second level, such as “LinkedIn Ads”."
    )
    note = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: Any, spend: Spend | None = None, **kwargs: Any) -> None:
        if spend is not None:
            values = {name: getattr(spend, name) for name in self.base_fields}
            kwargs["initial"] = values | {"campaign": spend.campaign_id}
        super().__init__(*args, **kwargs)
        campaigns(self)

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data}
