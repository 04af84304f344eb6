"""Forms of signals, their sources and triggers; the list's filters are the API's too."""

from functools import cached_property
from typing import Any
from uuid import UUID

import django_filters
from django import forms

from prospects.actions.signals_enrolling import MAX_PER_DAY, PER_DAY, enroller
from prospects.forms.fields import ListFilter, OwnerField, select
from prospects.models import Segment, Signal, SignalSource, SignalTrigger


class SignalFilter(ListFilter):
    """What signals may be filtered by."""

    state = select(list(Signal.State.choices), "Any state", label="State")
    kind = select(list(Signal.Kind.choices), "Any kind", label="Kind")
    q = django_filters.CharFilter(field_name="title", lookup_expr="icontains", label="Words in the headline")
    company = django_filters.UUIDFilter(field_name="company", label="Company")
    person = django_filters.UUIDFilter(field_name="person", label="Person")
    source = django_filters.UUIDFilter(field_name="source", label="Source")
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte", label="Since")

    chip_prefixes = {
        "state": "State:", "kind": "Kind:", "q": "Headline:", "company": "Company", "person": "Person",
        "source": "Source", "since": "Since",
    }  # fmt: skip

    @cached_property
    def owners(self) -> list[tuple[str, str]]:
        """Signals belong to nobody."""
        return []

    def offer_owners(self) -> Any:
        return self.form


class SignalForm(forms.Form):
    """A signal somebody tells by hand."""

    kind = forms.ChoiceField(choices=Signal.Kind.choices)
    title = forms.CharField(
        max_length=300, label="What happened", help_text="One line, such as “Raised 20 M EUR, Series B”."
    )
    at = forms.DateField(required=False, label="When", help_text="Empty: today.")
    domain = forms.CharField(
        max_length=253,
        required=False,
        label="Company domain",
        help_text="Such as lumen.example. A name alone is not matched.",
    )
    company_name = forms.CharField(max_length=200, required=False, label="Company name")
    email = forms.CharField(max_length=254, required=False, label="E-mail of the person")
    url = forms.CharField(
        max_length=500, required=False, label="Where it stands", help_text="The address of the article."
    )
    text = forms.CharField(max_length=2000, required=False, label="More", widget=forms.Textarea(attrs={"rows": 3}))


class SourceForm(forms.Form):
    """A feed or a webhook."""

    name = forms.CharField(max_length=120)
    url = forms.CharField(max_length=500, label="Address of the feed", help_text="RSS or Atom.")
    signal_kind = forms.ChoiceField(choices=Signal.Kind.choices, label="Kind of its signals")
    domain = forms.CharField(
        max_length=253, required=False, label="Company domain",
        help_text="Where all of it is about one company, such as its newsroom. Empty: entries are matched by the links in them.",
    )  # fmt: skip
    words = forms.CharField(
        required=False, label="Only entries with one of these words", widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line, such as “Series B”. Empty: every entry.",
    )  # fmt: skip
    every_minutes = forms.TypedChoiceField(
        coerce=int, label="Poll",
        choices=[(15, "every 15 minutes"), (60, "every hour"), (240, "every 4 hours"), (1440, "once a day")],
    )  # fmt: skip
    is_active = forms.BooleanField(required=False, initial=True, label="Switched on")

    def __init__(self, *args: Any, kind: str, source: SignalSource | None = None, **kwargs: Any) -> None:
        if source is not None:
            kwargs["initial"] = {
                "name": source.name, "url": source.url, "signal_kind": source.signal_kind, "is_active": source.is_active,
                "words": "\n".join(source.words), "every_minutes": source.every_minutes,
                "domain": source.company.domain or source.company.name if source.company else "",
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        if kind == SignalSource.Kind.WEBHOOK:
            del self.fields["url"], self.fields["words"], self.fields["every_minutes"]
            self.fields["signal_kind"].help_text = "Where a call names none."
        if source is None:
            self.initial.setdefault("every_minutes", 60)

    def clean_words(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["words"].splitlines() if line.strip()]


class TriggerForm(forms.Form):
    """News of these kinds about who is in a segment makes a to-do."""

    name = forms.CharField(max_length=120)
    kinds = forms.MultipleChoiceField(
        choices=Signal.Kind.choices, widget=forms.CheckboxSelectMultiple, label="Kinds of signals"
    )
    segment: "forms.ModelChoiceField[Segment]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Anybody", label="About whom", help_text="A segment or list."
    )
    grades = forms.MultipleChoiceField(
        choices=[(grade, f"Fit {grade}") for grade in "ABCD"], required=False, widget=forms.CheckboxSelectMultiple,
        label="Only companies with", help_text="None ticked: whatever their fit.",
    )  # fmt: skip
    owner = OwnerField(
        required=False, label="Whose to-do", help_text="Where neither the person nor the company has an owner."
    )
    sequence = forms.TypedChoiceField(
        coerce=UUID, empty_value=None, required=False, label="Enrol into",
        help_text="People of the segment whom the news is about, where they are eligible. Where somebody is enrolled no to-do is made.",
    )  # fmt: skip
    per_day = forms.IntegerField(
        min_value=1, max_value=MAX_PER_DAY, required=False, label="People enrolled a day, at most",
        help_text="By the clock of the workspace. Who comes above that waits in line for the next days, the oldest signal first.",
    )  # fmt: skip
    is_active = forms.BooleanField(required=False, initial=True, label="Switched on")

    def __init__(self, *args: Any, trigger: SignalTrigger | None = None, **kwargs: Any) -> None:
        if trigger is not None:
            kwargs["initial"] = {
                "name": trigger.name, "kinds": trigger.kinds, "segment": trigger.segment_id, "grades": trigger.grades,
                "owner": str(trigger.owner_id or ""), "is_active": trigger.is_active,
            }  # fmt: skip
        enrols = enroller().enrolling().get(trigger.pk) if trigger is not None else None
        chosen = {"sequence": enrols.sequence if enrols else "", "per_day": enrols.per_day if enrols else PER_DAY}
        kwargs["initial"] = kwargs.get("initial", {}) | chosen
        super().__init__(*args, **kwargs)
        sequences: Any = self.fields["sequence"]
        sequences.choices = [("", "Nobody: a to-do only"), *enroller().choices(enrols.sequence if enrols else None)]
        segments: Any = self.fields["segment"]
        segments.queryset = Segment.objects.filter(is_archived=False).order_by("name")
        owner: Any = self.fields["owner"]
        owner.load(trigger.owner if trigger is not None else None)
