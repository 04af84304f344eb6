"""Forms of meetings: filters, booking, how it went."""

from typing import Any

import django_filters
from django import forms
from django.utils import timezone

from prospects.forms.fields import ME, NOBODY, ListFilter, select
from prospects.forms.handoffs import is_id
from prospects.forms.leads import MomentFilter, PersonChoiceField
from prospects.models import Meeting

WENT = [("booked", "It is booked"), ("held", "It was held"), ("no_show", "Nobody came")]


class MeetingFilter(ListFilter):
    state = select(list(Meeting.State.choices), "Any state", label="State")
    owner = django_filters.CharFilter(method="by_owner", label="With", help_text="A member's id, `me` or `none`.")
    starts_from = MomentFilter(field_name="starts_at", lookup_expr="gte", label="From")
    starts_to = MomentFilter(field_name="starts_at", lookup_expr="lt", label="Before")
    lead = django_filters.UUIDFilter(field_name="lead", label="Lead")
    person = django_filters.UUIDFilter(field_name="person", label="Person")
    deal = django_filters.UUIDFilter(field_name="deal", label="Deal")

    chip_prefixes = {"owner": "With:", "starts_from": "From", "starts_to": "Before"}

    def by_owner(self, queryset: Any, name: str, value: str) -> Any:
        if value == ME:
            return queryset.filter(member=self.member)
        if value == NOBODY:
            return queryset.filter(member__isnull=True)
        return queryset.filter(member=value) if is_id(value) else queryset.none()

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name in ("lead", "person", "deal"):
            return f"One {name}"
        return super().chip_label(name, field, value)


class MeetingForm(forms.Form):
    """Book a meeting, or log one that took place."""

    person = PersonChoiceField(required=False, max_length=520, help_text="Their e-mail address or name.")
    title = forms.CharField(max_length=200, required=False, label="Subject")
    starts_at = forms.DateTimeField(label="Starts", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    duration_minutes = forms.IntegerField(min_value=5, max_value=720, initial=30, label="Minutes")
    state = forms.ChoiceField(choices=WENT, initial="booked", label="How it stands", widget=forms.RadioSelect)
    notes = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, about: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if about:
            del self.fields["person"]
        else:
            self.fields["person"].required = True
        self.fields["starts_at"].help_text = f"In {timezone.get_current_timezone_name()}."


class SettleForm(forms.Form):
    state = forms.ChoiceField(
        choices=[("held", "It was held"), ("no_show", "Nobody came"), ("cancelled", "It is cancelled")],
        widget=forms.RadioSelect, label="How it went",
    )  # fmt: skip
    notes = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="What was said.")
