"""Forms of enrolments: the list's filters (shared with the API), whom to enrol, and why to pause or stop."""

from typing import Any

import django_filters
from django import forms

from campaigns.models import Enrolment, Sequence
from campaigns.queries.enrolments import STOPPED_BY, containing
from prospects.forms.fields import ListFilter, select
from prospects.forms.leads import campaign_words
from prospects.models import Campaign


class EnrolmentFilter(ListFilter):
    """What enrolments may be filtered by."""

    q = django_filters.CharFilter(method="by_text", label="Name, e-mail or company")
    state = select([("inside", "Inside"), *Enrolment.State.choices], "Any state", method="by_state", label="State")
    stopped_by = select(list(STOPPED_BY.items()), "Any ending", field_name="stopped_by_type", label="Ended because")
    owner = django_filters.CharFilter(method="by_owner", label="Owner", help_text="A member's id, `me` or `none`.")
    sequence = django_filters.UUIDFilter(field_name="sequence", label="Sequence")
    campaign = django_filters.UUIDFilter(field_name="sequence__campaign", label="Campaign")
    person = django_filters.UUIDFilter(field_name="person", label="Person")
    external_id = django_filters.CharFilter(label="External id")

    chip_prefixes = {
        "q": "Contains", "state": "State:", "stopped_by": "Ended:", "owner": "Owner:", "external_id": "External id:",
    }  # fmt: skip

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        return containing(queryset, value)

    def by_state(self, queryset: Any, name: str, value: str) -> Any:
        if value == "inside":
            return queryset.filter(state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED])
        return queryset.filter(state=value)

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "campaign":
            return f"Campaign: {campaign_words(value)}"
        return super().chip_label(name, field, value)


class EnrolForm(forms.Form):
    """The sequence people go into: running or paused ones that are published, of campaigns that have not ended."""

    sequence: "forms.ModelChoiceField[Sequence]" = forms.ModelChoiceField(
        queryset=None, empty_label="Choose a sequence"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = (
            Sequence.objects.filter(state__in=[Sequence.State.ACTIVE, Sequence.State.PAUSED])
            .exclude(campaign__state=Campaign.State.ENDED)
            .select_related("campaign")
        )
        self.fields["sequence"].queryset = rows.order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=300, help_text="It stands beside the person, such as “back in January”.")
