"""Forms of deals: the list's filters, the fact sheet, winning and losing."""

from datetime import date
from typing import Any

import django_filters
from django import forms

from prospects.forms.fields import ListFilter, OwnerField, select
from prospects.forms.leads import MomentFilter, PersonChoiceField, campaign_words, campaigns, in_campaign
from prospects.forms.people import CompanyChoiceField
from prospects.models import Campaign, Channel, Company, Deal, Person
from prospects.queries.companies import containing as companies_containing
from prospects.rules.deals import OPEN_STAGES

STAGE_CHOICES = [(stage, Deal.DealStage(stage).label) for stage in OPEN_STAGES]
REASONS = ["No budget", "Price", "Competitor", "No decision", "Bad timing", "Missing feature", "Lost contact"]


class DealFilter(ListFilter):
    """What deals may be filtered by; `*_from` counts, `*_to` does not (dates are midnight of the workspace's zone)."""

    q = django_filters.CharFilter(method="by_text", label="Deal or company")
    outcome = select(list(Deal.Outcome.choices), "Any outcome", label="Outcome")
    stage = select(list(Deal.DealStage.choices), "Any stage", label="Stage")
    owner = django_filters.CharFilter(method="by_owner", label="Owner", help_text="A member's id, `me` or `none`.")
    channel = select(list(Channel.choices), "Any channel", label="Channel")
    campaign = django_filters.CharFilter(method="by_campaign", label="Campaign", help_text="An id, a name or `none`.")
    closed_from = MomentFilter(field_name="closed_at", lookup_expr="gte", label="Closed from")
    closed_to = MomentFilter(field_name="closed_at", lookup_expr="lt", label="Closed before")
    opened_from = MomentFilter(field_name="opened_at", lookup_expr="gte", label="Opened from")
    opened_to = MomentFilter(field_name="opened_at", lookup_expr="lt", label="Opened before")
    person = django_filters.UUIDFilter(field_name="person", label="Person")
    company = django_filters.UUIDFilter(field_name="company", label="Company")
    lead = django_filters.UUIDFilter(field_name="lead", label="Lead")
    customer = django_filters.UUIDFilter(field_name="customer", label="Customer")
    external_id = django_filters.CharFilter(label="External id")

    chip_prefixes = {
        "q": "Contains", "outcome": "Outcome:", "stage": "Stage:", "owner": "Owner:", "channel": "Channel:",
        "closed_from": "Closed from", "closed_to": "Closed before", "opened_from": "Opened from",
        "opened_to": "Opened before", "external_id": "External id:", "lead": "Lead", "customer": "Customer",
    }  # fmt: skip

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        firms = companies_containing(Company.objects.all(), value).values("pk")
        return queryset.filter(name__icontains=value) | queryset.filter(company__in=firms)

    def by_campaign(self, queryset: Any, name: str, value: str) -> Any:
        return in_campaign(queryset, value)

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "campaign":
            return f"Campaign: {campaign_words(value)}"
        if name in ("person", "company"):
            model: Any = Person if name == "person" else Company
            found = model.objects.filter(pk=self.form.cleaned_data.get(name)).first()
            return f"{name.title()}: {found or 'none of these'}"
        return super().chip_label(name, field, value)


class DealForm(forms.Form):
    """The fact sheet of a deal."""

    name = forms.CharField(max_length=200)
    company = CompanyChoiceField(required=False, max_length=460, help_text="Its domain or name.")
    person = PersonChoiceField(required=False, max_length=520, help_text="Their e-mail address or name.")
    owner = OwnerField(required=False)
    stage = forms.ChoiceField(choices=STAGE_CHOICES)
    value = forms.DecimalField(
        max_digits=18, decimal_places=2, min_value=0, required=False, label="Total contract value",
        help_text="Empty: the recurring part over its term.",
    )  # fmt: skip
    currency = forms.CharField(min_length=3, max_length=3)
    mrr = forms.DecimalField(max_digits=18, decimal_places=2, min_value=0, required=False, label="Recurring, a month")
    term_months = forms.IntegerField(min_value=1, max_value=600, required=False, label="Term in months")
    expected_close = forms.DateField(required=False, label="Expected close")
    next_step = forms.CharField(max_length=200, required=False, label="Next step")
    channel = forms.ChoiceField(choices=Channel.choices)
    campaign: "forms.ModelChoiceField[Campaign]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="No campaign"
    )

    def __init__(self, *args: Any, deal: Deal | None = None, **kwargs: Any) -> None:
        if deal is not None:
            values = {name: getattr(deal, name) for name in self.base_fields}
            kwargs["initial"] = values | {"owner": str(deal.owner_id or "")}
        super().__init__(*args, **kwargs)
        campaigns(self)
        owner = self.fields["owner"]
        assert isinstance(owner, OwnerField)
        owner.load(deal.owner if deal else None)
        if deal is not None:
            # Moved on the board and closed by won or lost: each writes its own fact.
            del self.fields["stage"]

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class WinForm(forms.Form):
    on = forms.DateField(label="Won on", required=False)


class LoseForm(forms.Form):
    reason = forms.CharField(
        max_length=120, help_text="In their words if you can: " + ", ".join(REASONS[:4]).lower() + "…"
    )
    on = forms.DateField(label="Lost on", required=False)


class CustomerFilter(ListFilter):
    q = django_filters.CharFilter(method="by_text", label="Name")
    state = select([("active", "Active"), ("ended", "Ended")], "Active and ended", method="by_state", label="State")
    owner = django_filters.CharFilter(
        method="by_deal_owner", label="Owner of a deal", help_text="A member's id, `me` or `none`."
    )
    ended_from = MomentFilter(field_name="ended_at", lookup_expr="gte", label="Ended from")
    ended_to = MomentFilter(field_name="ended_at", lookup_expr="lt", label="Ended before")
    started_from = MomentFilter(field_name="started_at", lookup_expr="gte", label="Customer from")
    started_to = MomentFilter(field_name="started_at", lookup_expr="lt", label="Customer before")

    chip_prefixes = {
        "q": "Contains", "owner": "Owner:", "ended_from": "Ended from", "ended_to": "Ended before",
        "started_from": "Customer from", "started_to": "Customer before",
    }  # fmt: skip

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(name__icontains=value)

    def by_state(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(ended_at__isnull=value == "active")

    def by_deal_owner(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(
            pk__in=self.by_owner(Deal.objects.filter(customer__isnull=False), name, value).values("customer")
        )


class EndForm(forms.Form):
    on = forms.DateField(label="Ended on")
    reason = forms.CharField(max_length=120, help_text="Why they left.")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"on": today})
        super().__init__(*args, **kwargs)
