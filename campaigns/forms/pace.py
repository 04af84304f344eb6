"""Forms of a mailbox's pace: caps, gaps and window; a rest; the end of its ramp."""

from datetime import date, timedelta
from typing import Any

from django import forms

from accounts.queries.zones import zone_choices
from campaigns.actions.mailboxes import PACE_FIELDS
from campaigns.models import Mailbox

WEEKDAYS = [(day, name) for day, name in enumerate(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])]


def _time(label: str, words: str = "") -> forms.TimeField:
    return forms.TimeField(
        required=False, label=label, help_text=words, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )


class PaceForm(forms.Form):
    """How fast one mailbox writes, and when."""

    daily_cap = forms.IntegerField(
        min_value=1, max_value=10_000, initial=30, label="Daily limit",
        help_text="E-mails in any 24 hours, not per calendar day.",
    )  # fmt: skip
    min_gap_seconds = forms.IntegerField(
        min_value=0, max_value=86_400, initial=60, label="Gap between e-mails",
        help_text="0: as fast as the server takes them.",
    )  # fmt: skip
    gap_jitter_seconds = forms.IntegerField(
        min_value=0, max_value=86_400, initial=0, required=False, label="Random extra gap",
        help_text="Each gap is longer by up to this much.",
    )  # fmt: skip
    domain_cap = forms.IntegerField(
        min_value=1, max_value=10_000, required=False, label="Daily limit per company",
        help_text="E-mails to one recipient domain. Empty: no limit.",
    )  # fmt: skip
    weight = forms.IntegerField(
        min_value=1, max_value=100, initial=1, required=False, label="Weight in a pool",
        help_text="A mailbox with 2 gets twice as many people as one with 1.",
    )  # fmt: skip
    window_start = _time("Sends from", "Empty: whenever the sequence may.")
    window_end = _time("Sends until", "00:00 is midnight.")
    window_weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple, initial=[0, 1, 2, 3, 4], label="Days",
        required=False,
    )  # fmt: skip
    time_zone = forms.ChoiceField(required=False, label="Time zone")

    def __init__(self, *args: Any, mailbox: Mailbox, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(mailbox, name) for name in PACE_FIELDS}
        super().__init__(*args, **kwargs)
        zone: Any = self.fields["time_zone"]
        zone.choices = [("", "The workspace’s"), *zone_choices()]

    def values(self) -> dict[str, Any]:
        """What the action takes."""
        found = {name: self.cleaned_data[name] for name in PACE_FIELDS}
        return found | {
            "gap_jitter_seconds": found["gap_jitter_seconds"] or 0,
            "weight": found["weight"] or 1,
            "window_weekdays": [int(day) for day in found["window_weekdays"]],
        }


class RestForm(forms.Form):
    """From now until the morning of a day."""

    until = forms.DateField(
        label="Until the morning of", help_text="It goes on by itself then; what is planned waits.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )  # fmt: skip
    reason = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"placeholder": "such as “Ana is on holiday”"}),
        help_text="Everybody who waits for this mailbox reads it.",
    )  # fmt: skip

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"until": today + timedelta(days=7)})
        super().__init__(*args, **kwargs)
        self.fields["until"].widget.attrs["min"] = (today + timedelta(days=1)).isoformat()


class EndRampForm(forms.Form):
    """Why a mailbox needs no more warming up."""

    reason = forms.CharField(
        max_length=250, label="How do you know?",
        widget=forms.TextInput(attrs={"placeholder": "such as “in daily use for two years”"}),
        help_text="It stands in the audit log. From then on the daily cap alone counts.",
    )  # fmt: skip


class MoveForm(forms.Form):
    """Whose mailbox the people who were not written to yet get instead."""

    to: "forms.ModelChoiceField[Mailbox]" = forms.ModelChoiceField(
        queryset=None, label="Give them to", empty_label="Choose a mailbox"
    )

    def __init__(self, *args: Any, mailbox: Mailbox, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others: Any = self.fields["to"]
        others.queryset = Mailbox.objects.exclude(pk=mailbox.pk).exclude(state=Mailbox.State.HELD).order_by("address")
