"""Forms of sequences: the list's filters (shared with the API), the settings, one step."""

from typing import Any

import django_filters
from django import forms

from campaigns.models import Mailbox, Sequence, Step
from campaigns.queries.sequences import containing, mailboxes_of
from prospects.forms.fields import ListFilter, OwnerField, select
from prospects.forms.leads import PersonChoiceField, campaign_words, in_campaign
from prospects.models import Campaign

WEEKDAYS = [
    (0, "Monday"), (1, "Tuesday"), (2, "Wednesday"), (3, "Thursday"), (4, "Friday"), (5, "Saturday"), (6, "Sunday"),
]  # fmt: skip


class SequenceFilter(ListFilter):
    """What sequences may be filtered by; archived ones are shown where the filter asks for them."""

    q = django_filters.CharFilter(method="by_text", label="Name")
    state = select(list(Sequence.State.choices), "Not archived", label="State")
    campaign = django_filters.CharFilter(method="by_campaign", label="Campaign", help_text="An id, a name or `none`.")
    owner = django_filters.CharFilter(method="by_owner", label="Owner", help_text="A member's id, `me` or `none`.")
    external_id = django_filters.CharFilter(label="External id")

    chip_prefixes = {"q": "Contains", "state": "State:", "owner": "Owner:", "external_id": "External id:"}

    def filter_queryset(self, queryset: Any) -> Any:
        rows = super().filter_queryset(queryset)
        asked = self.form.cleaned_data
        if asked.get("state") or asked.get("external_id"):
            return rows
        return rows.exclude(state=Sequence.State.ARCHIVED)

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        return containing(queryset, value)

    def by_campaign(self, queryset: Any, name: str, value: str) -> Any:
        return in_campaign(queryset, value)

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "campaign":
            return f"Campaign: {campaign_words(value)}"
        return super().chip_label(name, field, value)


class MailboxesField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Mailbox) -> str:
        state = "" if obj.state == Mailbox.State.ACTIVE else f", {obj.get_state_display().lower()}"
        weight = f", weight {obj.weight}" if obj.weight != 1 else ""
        return f"{obj.address} ({obj.cap} a day{weight}{state})"


class SequenceForm(forms.Form):
    """Name, campaign, who sends, and when."""

    name = forms.CharField(max_length=120)
    campaign: "forms.ModelChoiceField[Campaign]" = forms.ModelChoiceField(
        queryset=None, empty_label="Choose a campaign", help_text="Its cost and results are counted there."
    )
    owner = OwnerField(required=False, help_text="Does the tasks of people nobody owns.")
    mailboxes = MailboxesField(
        queryset=None, required=False, widget=forms.CheckboxSelectMultiple, label="Send from",
        help_text="New people are shared out by weight and daily cap; those inside keep their mailbox.",
    )  # fmt: skip
    window_start = forms.TimeField(label="From", initial="09:00", widget=forms.TimeInput(format="%H:%M"))
    window_end = forms.TimeField(
        label="To", initial="17:00", widget=forms.TimeInput(format="%H:%M"), help_text="00:00 is midnight."
    )
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple, initial=[0, 1, 2, 3, 4], label="On"
    )
    stop_on_company_reply = forms.BooleanField(
        required=False, label="When somebody replies, stop their colleagues of the same company too"
    )
    linkedin_check_days = forms.IntegerField(
        min_value=0, max_value=90, initial=7, required=False, label="Look on LinkedIn every (days)",
        help_text="A LinkedIn request or message nobody looked after for so long holds the next touch. 0: never.",
    )  # fmt: skip
    external_id = forms.CharField(max_length=120, required=False, label="External id", help_text="Its id elsewhere.")

    def __init__(self, *args: Any, sequence: Sequence | None = None, **kwargs: Any) -> None:
        if sequence is not None:
            names = [name for name in self.base_fields if name not in {"mailboxes", "campaign", "owner"}]
            values: dict[str, Any] = {name: getattr(sequence, name) for name in names}
            values |= {"campaign": sequence.campaign_id, "owner": str(sequence.owner_id or "")}
            kwargs["initial"] = values | {"mailboxes": [mailbox.pk for mailbox in mailboxes_of(sequence)]}
        super().__init__(*args, **kwargs)
        open_ones = Campaign.objects.exclude(state=Campaign.State.ENDED)
        if sequence is not None:
            open_ones = open_ones | Campaign.objects.filter(pk=sequence.campaign_id)
        self.fields["campaign"].queryset = open_ones.order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["mailboxes"].queryset = Mailbox.objects.order_by("address")  # type: ignore[attr-defined]  # likewise
        owner = self.fields["owner"]
        assert isinstance(owner, OwnerField)
        owner.load(sequence.owner if sequence else None)

    def values(self) -> dict[str, Any]:
        values = {name: value for name, value in self.cleaned_data.items() if name != "mailboxes"}
        if values["linkedin_check_days"] is None:  # left empty: as it is
            del values["linkedin_check_days"]
        return values

    def pool(self) -> list[Mailbox]:
        return list(self.cleaned_data["mailboxes"])


class StepForm(forms.Form):
    """One step of a draft. Which fields it has follows its kind; texts are judged by the action, with line and column."""

    delay_days = forms.IntegerField(min_value=0, max_value=365, initial=0, label="Days")
    delay_hours = forms.IntegerField(min_value=0, max_value=23, initial=0, label="Hours")
    business_days = forms.BooleanField(required=False, initial=True, label="Count business days only")
    subject = forms.CharField(max_length=250, required=False)
    body = forms.CharField(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 8}))

    WORDS = {
        Step.Kind.EMAIL: (
            "Text",
            "Plain text; links are made clickable. Your signature and the footer follow by themselves.",
        ),
        Step.Kind.LINKEDIN_REQUEST: ("Note to the request", "A person sends it by hand and may change it."),
        Step.Kind.LINKEDIN_MESSAGE: ("Message", "A person sends it by hand and may change it."),
        Step.Kind.CALL: ("What to say", "Notes for whoever calls."),
    }

    def __init__(self, *args: Any, step: Step, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {name: getattr(step, name) for name in self.base_fields})
        super().__init__(*args, **kwargs)
        kind = Step.Kind(step.kind)
        if kind != Step.Kind.EMAIL:
            del self.fields["subject"]
        else:
            self.fields["subject"].help_text = "Empty after the first e-mail: it goes on in the same thread."
        if kind == Step.Kind.WAIT:
            del self.fields["body"]
        else:
            self.fields["body"].label, self.fields["body"].help_text = self.WORDS[kind]

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class PreviewForm(forms.Form):
    """Who to preview a text as."""

    person = PersonChoiceField(required=False, max_length=520, label="Preview as")
    subject = forms.CharField(required=False, max_length=1000)
    body = forms.CharField(required=False, strip=False)
