"""Forms of hand-offs: the list's filters, passing a lead on, accepting with a deal, rejecting with a reason."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import F, Q

from accounts.models import Member, Role
from prospects.forms.fields import ME, NOBODY, ListFilter, select
from prospects.models import AgreementVersion, Handoff

OUTCOMES = [
    ("back", "Back to the team it came from"),
    ("recycled", "Let it rest until a day"),
    ("disqualified", "Take it out for good"),
]


class HandoffFilter(ListFilter):
    kind = select(list(Handoff.Kind.choices), "Both kinds", label="Kind")
    state = select(list(Handoff.State.choices), "Any state", label="State")
    owner = django_filters.CharFilter(method="by_owner", label="For", help_text="A member's id, `me` or `none`.")
    late = select([("yes", "Past its SLA")], "On time or late", method="by_sla", label="SLA")
    reason = django_filters.CharFilter(label="Reason")
    lead = django_filters.UUIDFilter(field_name="lead", label="Lead")

    chip_prefixes = {"owner": "For:", "reason": "Reason:"}

    def by_owner(self, queryset: Any, name: str, value: str) -> Any:
        if value == ME:
            return queryset.filter(to_member=self.member)
        if value == NOBODY:
            return queryset.filter(to_member__isnull=True)
        return queryset.filter(to_member=value) if is_id(value) else queryset.none()

    def by_sla(self, queryset: Any, name: str, value: str) -> Any:
        waiting = Q(state=Handoff.State.PENDING, due_at__lt=self.now)
        return queryset.filter(waiting | Q(decided_at__gt=F("due_at")))

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "lead":
            return "One lead"
        return super().chip_label(name, field, value)


def is_id(value: str) -> bool:
    """Whether a text is a row's id."""
    try:
        UUID(value)
    except ValueError:
        return False
    return True


class HandOnForm(forms.Form):
    """Pass an SQL to an AE."""

    to: "forms.ModelChoiceField[Member]" = forms.ModelChoiceField(
        queryset=None, required=False, label="Account executive", empty_label="By rotation"
    )
    note = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="What the brief does not say by itself."
    )

    def __init__(self, *args: Any, role: str = Role.AE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Member.objects.filter(is_active=True, role=role).order_by("name")
        self.fields["to"].queryset = people  # type: ignore[attr-defined]  # a ModelChoiceField


class GiveOnForm(forms.Form):
    """Give a waiting hand-off to a colleague."""

    to: "forms.ModelChoiceField[Member]" = forms.ModelChoiceField(queryset=None, label="To")

    def __init__(self, *args: Any, handoff: Handoff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = Role.SDR if handoff.kind == Handoff.Kind.MARKETING_TO_SDR else Role.AE
        people = Member.objects.filter(is_active=True, role__in=(role, Role.LEADER)).order_by("name")
        self.fields["to"].queryset = people  # type: ignore[attr-defined]  # a ModelChoiceField


class AcceptDealForm(forms.Form):
    """The deal an AE opens with the acceptance; all of it may be filled in later."""

    name = forms.CharField(max_length=200, required=False, help_text="The company's name if empty.")
    value = forms.DecimalField(
        max_digits=18, decimal_places=2, min_value=0, required=False, label="Total contract value"
    )
    mrr = forms.DecimalField(max_digits=18, decimal_places=2, min_value=0, required=False, label="Recurring, a month")
    term_months = forms.IntegerField(min_value=1, max_value=600, required=False, label="Term in months")
    currency = forms.CharField(max_length=3, min_length=3)
    expected_close = forms.DateField(required=False, label="Expected close")


class RejectForm(forms.Form):
    reason = forms.ChoiceField(widget=forms.RadioSelect)
    outcome = forms.ChoiceField(
        choices=OUTCOMES, initial="back", label="What becomes of the lead", widget=forms.RadioSelect
    )
    until = forms.DateField(required=False, label="Rests until", help_text="Only where it rests.")
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, version: AgreementVersion, today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"until": today + timedelta(days=90), "outcome": "back"})
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = [(word, word) for word in version.reject_reasons]  # type: ignore[attr-defined]  # a ChoiceField
