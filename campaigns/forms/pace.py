"""Forms of a mailbox's pace: caps, gaps and window; a rest; the end of its ramp."""

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

from django import forms

from accounts.queries.zones import zone_choices
from campaigns.actions.mailboxes import PACE_FIELDS
from campaigns.forms.mailboxes import MailboxForm
from campaigns.models import Mailbox


class PaceForm(forms.Form):
    """How fast one mailbox writes. The fields are those of the mailbox's own page."""

    def __init__(self, *args: Any, mailbox: Mailbox, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(mailbox, name) for name in PACE_FIELDS}
        super().__init__(*args, **kwargs)
        given: Any = MailboxForm.base_fields
        for name in PACE_FIELDS:
            self.fields[name] = deepcopy(given[name])
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
