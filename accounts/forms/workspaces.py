"""Forms of the workspace pages."""

from decimal import Decimal
from typing import Any

from django import forms

from accounts.forms.fields import PercentField
from accounts.models import Workspace
from accounts.queries.zones import currency_choices, zone_choices

ZONE_HELP = "Days, sending windows and reports follow it."
MARGIN_HELP = "What is left of revenue after the cost of delivery. Customer lifetime value is computed with it."


class WorkspaceCreateForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", help_text="Your company, or the team that sells.")
    slug = forms.CharField(
        max_length=48,
        required=False,
        label="Address",
        help_text="Stands in every link. Left empty, it is made from the name.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    time_zone = forms.ChoiceField(label="Time zone", choices=zone_choices, help_text=ZONE_HELP)
    currency = forms.ChoiceField(label="Currency", choices=currency_choices, initial="EUR")
    gross_margin = PercentField(label="Gross margin", initial=Decimal("0.8"), help_text=MARGIN_HELP)


class WorkspaceEditForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name")
    time_zone = forms.ChoiceField(label="Time zone", choices=zone_choices, help_text=ZONE_HELP)
    currency = forms.ChoiceField(
        label="Currency", choices=currency_choices, help_text="Reports add amounts in this currency only."
    )
    work_start = forms.TimeField(
        label="Working day starts", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    work_end = forms.TimeField(label="Working day ends", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    postal_address = forms.CharField(
        required=False,
        label="Postal address",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Stands at the foot of every e-mail. Without it no sequence sends: many countries' laws ask for it.",
    )
    gross_margin = PercentField(label="Gross margin", help_text=MARGIN_HELP)
    assumed_churn = PercentField(
        label="Assumed churn a month",
        help_text="Used, and labelled as an assumption, while fewer than 12 customers have ended.",
    )

    @classmethod
    def of(cls, workspace: Workspace, data: Any = None) -> "WorkspaceEditForm":
        return cls(data, initial={name: getattr(workspace, name) for name in cls.base_fields})
