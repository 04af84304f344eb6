"""The filters of messages, shared by page and API."""

from typing import Any

import django_filters
from django import forms

from campaigns.models import Mailbox, Message, Sequence
from prospects.forms.fields import ListFilter, select
from prospects.forms.leads import campaign_words, in_campaign
from prospects.models import Person
from prospects.queries.people import containing as people_containing


class MessageFilter(ListFilter):
    """What messages may be filtered by."""

    q = django_filters.CharFilter(method="by_text", label="Person or address")
    state = select(list(Message.State.choices), "Any state", label="State")
    sequence = django_filters.UUIDFilter(field_name="enrolment__sequence", label="Sequence")
    campaign = django_filters.CharFilter(method="by_campaign", label="Campaign", help_text="An id, a name or `none`.")
    mailbox = django_filters.UUIDFilter(field_name="mailbox", label="Mailbox")
    person = django_filters.UUIDFilter(field_name="person", label="Person")
    enrolment = django_filters.UUIDFilter(field_name="enrolment", label="Enrolment")
    kind = select(list(Message.Kind.choices), "Any kind", label="Kind")
    reason_code = django_filters.CharFilter(label="Reason")
    event = select(
        [("replied", "Replied"), ("bounced", "Bounced"), ("held", "Held")], "Any outcome", method="by_event",
        label="What happened",
    )  # fmt: skip

    chip_prefixes = {"q": "Contains", "state": "State:", "kind": "Kind:", "reason_code": "Reason:"}

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(person__in=people_containing(Person.objects.all(), value).values("pk"))

    def by_campaign(self, queryset: Any, name: str, value: str) -> Any:
        return in_campaign(queryset, value)

    def by_event(self, queryset: Any, name: str, value: str) -> Any:
        if value == "held":
            return queryset.filter(state=Message.State.PLANNED).exclude(hold_reason="")
        return queryset.filter(**{"replied_at__isnull" if value == "replied" else "bounced_at__isnull": False})

    @property
    def owners(self) -> list[tuple[str, str]]:
        return []

    def offer_owners(self) -> Any:
        return self.form

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "campaign":
            return f"Campaign: {campaign_words(value)}"
        named: dict[str, Any] = {"sequence": Sequence, "mailbox": Mailbox, "person": Person}
        if name in named:
            found = named[name].objects.filter(pk=self.form.cleaned_data.get(name)).first()
            return f"{name.title()}: {found or 'none of these'}"
        if name == "enrolment":
            return "One enrolment"
        return super().chip_label(name, field, value)
