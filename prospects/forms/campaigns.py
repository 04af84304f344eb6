"""Forms of campaigns: the list's filters (shared with the API), the sheet, pausing."""

from typing import Any

import django_filters
from django import forms

from prospects.forms.fields import ListFilter, OwnerField, select
from prospects.models import Campaign, Channel, Icp, Offer
from prospects.queries.campaigns import containing


class CampaignFilter(ListFilter):
    """What campaigns may be filtered by."""

    q = django_filters.CharFilter(method="by_text", label="Name or goal")
    state = select(list(Campaign.State.choices), "Any state", label="State")
    motion = select(list(Campaign.Motion.choices), "Any motion", label="Motion")
    channel = select(list(Channel.choices), "Any channel", label="Channel")
    owner = django_filters.CharFilter(method="by_owner", label="Owner", help_text="A member's id, `me` or `none`.")
    offer = django_filters.UUIDFilter(field_name="offer", label="Offer")
    external_id = django_filters.CharFilter(label="External id")

    chip_prefixes = {
        "q": "Contains", "state": "State:", "motion": "Motion:", "channel": "Channel:", "owner": "Owner:",
        "external_id": "External id:",
    }  # fmt: skip

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        return containing(queryset, value)

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "offer":
            found = Offer.objects.filter(pk=self.form.cleaned_data.get("offer")).first()
            return f"Offer: {found or 'none of these'}"
        return super().chip_label(name, field, value)


class CampaignForm(forms.Form):
    """The sheet of a campaign."""

    name = forms.CharField(max_length=120)
    goal = forms.CharField(
        max_length=200, required=False, help_text="What it is to bring, such as “12 first talks with plant managers”."
    )
    motion = forms.ChoiceField(
        choices=Campaign.Motion.choices, help_text="Outbound: we write first. Inbound: they find us."
    )
    channel = forms.ChoiceField(choices=Channel.choices, help_text="Cost and leads are counted here.")
    offer: "forms.ModelChoiceField[Offer]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="No offer", help_text="What is sold to whom."
    )
    icp: "forms.ModelChoiceField[Icp]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="No ICP", label="ICP", help_text="Who it is for."
    )
    budget = forms.DecimalField(max_digits=18, decimal_places=2, min_value=0, required=False)
    currency = forms.CharField(min_length=3, max_length=3)
    starts_on = forms.DateField(required=False, label="Starts on")
    ends_on = forms.DateField(required=False, label="Ends on")
    owner = OwnerField(required=False)
    external_id = forms.CharField(max_length=120, required=False, label="External id", help_text="Its id elsewhere.")

    def __init__(self, *args: Any, campaign: Campaign | None = None, **kwargs: Any) -> None:
        if campaign is not None:
            values: dict[str, Any] = {name: getattr(campaign, name) for name in self.base_fields}
            ids = {"owner": str(campaign.owner_id or ""), "offer": campaign.offer_id, "icp": campaign.icp_id}
            kwargs["initial"] = values | ids
        super().__init__(*args, **kwargs)
        offers, icps, owner = self.fields["offer"], self.fields["icp"], self.fields["owner"]
        offers.queryset = Offer.objects.order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        shown = Icp.objects.filter(is_archived=False)
        if campaign is not None and campaign.icp_id:
            shown = shown | Icp.objects.filter(pk=campaign.icp_id)
        icps.queryset = shown.order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        assert isinstance(owner, OwnerField)
        owner.load(campaign.owner if campaign else None)

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data}


class PauseForm(forms.Form):
    reason = forms.CharField(
        max_length=200, help_text="Everybody who waits for it reads this, such as “price list changes on Monday”."
    )


class ConfirmForm(forms.Form):
    """Nothing to fill in: the dialog says what happens, the button does it."""
