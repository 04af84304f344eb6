"""The filters of hits on tracked links, shared by page and API."""

from datetime import timedelta
from typing import Any

import django_filters
from django import forms

from campaigns.models import LinkHit, Message
from campaigns.queries.hits import CLASSES, WAITING, judged_before, of_class
from campaigns.rules.hits import current_version
from prospects.forms.fields import ListFilter, select
from prospects.models import Person
from prospects.queries.people import containing as people_containing

DAYS = [("1", "Last 24 hours"), *((str(days), f"Last {days} days") for days in (7, 30, 90))]
MOST_IDS = 1000
CLASS_CHOICES = [*((name, name.capitalize()) for name in CLASSES), (WAITING, "Not classified yet")]


class HitFilter(ListFilter):
    """What hits may be filtered by; without `days` all of history."""

    q = django_filters.CharFilter(method="by_text", label="Person or address")
    hit_class = select(CLASS_CHOICES, "Any class", method="by_class", label="Class")
    days = select(DAYS, "Any time", method="by_days", label="Time")
    older = select([("yes", "Judged by an older classifier")], "Any classifier", method="by_older", label="Classifier")
    message = django_filters.UUIDFilter(field_name="message", label="Message")

    chip_prefixes = {"q": "Contains", "hit_class": "Class:"}

    class Meta:
        model = LinkHit
        fields: list[str] = []

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        people = people_containing(Person.objects.all(), value).values_list("pk", flat=True)
        # Ids where they are few: one statement over all five tables loops over their product where statistics are missing.
        few = list(people[: MOST_IDS + 1])
        return queryset.filter(message__person__in=few if len(few) <= MOST_IDS else people)

    def by_class(self, queryset: Any, name: str, value: str) -> Any:
        return of_class(queryset, value)

    def by_days(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(at__gte=self.now - timedelta(days=int(value)))

    def by_older(self, queryset: Any, name: str, value: str) -> Any:
        return judged_before(queryset, current_version())

    @property
    def owners(self) -> list[tuple[str, str]]:
        return []

    def offer_owners(self) -> Any:
        return self.form

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "message":
            found = Message.objects.filter(pk=self.form.cleaned_data.get(name)).first()
            return f"Message: {found.subject if found else 'none of these'}"
        return super().chip_label(name, field, value)
