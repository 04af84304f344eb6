"""Forms of forms: the editor with its fields, the filter of submissions, taking one in by hand."""

from typing import Any

import django_filters
from django import forms
from django.forms import BaseFormSet, formset_factory

from campaigns.models import Form, Submission
from campaigns.rules import capture as rules
from prospects.forms.fields import OwnerField, select
from prospects.models import Campaign, Channel

FACTS = (*rules.PERSON_FACTS, *rules.COMPANY_FACTS, "message")


class FieldForm(forms.Form):
    """One field of a form."""

    label = forms.CharField(max_length=160)
    name = forms.CharField(
        max_length=40,
        required=False,
        label="Fills",
        widget=forms.TextInput(attrs={"list": "facts", "placeholder": "from the label"}),
    )
    type = forms.ChoiceField(choices=list(rules.TYPES.items()), initial="text")
    options = forms.CharField(
        max_length=1000,
        required=False,
        label="Options",
        widget=forms.TextInput(attrs={"placeholder": "one, two, three"}),
    )
    required = forms.BooleanField(required=False, label="Required")


class FieldFormSet(BaseFormSet):
    """All fields, in order."""

    def fields(self) -> list[dict[str, Any]]:
        """As actions.capture takes them; rows marked for removal or left empty are out."""
        rows = [form.cleaned_data for form in self.forms if getattr(form, "cleaned_data", None)]
        return [
            {name: row[name] for name in ("name", "label", "type", "options", "required")}
            for row in rows
            if not row.get("DELETE") and row.get("label")
        ]


def field_formset(fields: list[dict[str, Any]], data: Any = None) -> Any:
    """The rows of a form's fields; what was posted stands for itself."""
    made: Any = formset_factory(FieldForm, formset=FieldFormSet, extra=0, can_delete=True, max_num=rules.MAX_FIELDS)
    initial = [row | {"options": ", ".join(row.get("options", ()))} for row in fields]
    return made(data, initial=None if data is not None else initial, prefix="fields")


class FormForm(forms.Form):
    """Everything of a form but its fields."""

    name = forms.CharField(max_length=120, help_text="For your team.")
    kind = forms.ChoiceField(
        choices=Form.Kind.choices, help_text="A demo request alone makes an MQL, if the agreement says so."
    )
    title = forms.CharField(max_length=160, help_text="The heading visitors read.")
    intro = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    button = forms.CharField(max_length=60, initial="Send")
    thank_you = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}), initial="Thank you. We will be in touch.", label="After sending"
    )
    consent_text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), initial=rules.DEFAULT_CONSENT, label="Consent",
        help_text="Another wording is its next version; each submission keeps the words it saw.",
    )  # fmt: skip
    consent_required = forms.BooleanField(required=False, initial=True, label="The box must be ticked")
    campaign: "forms.ModelChoiceField[Campaign]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="No campaign", help_text="Unless utm_campaign names another."
    )
    channel = forms.ChoiceField(
        choices=Channel.choices,
        initial=Channel.CONTENT,
        help_text="Where leads are counted, unless UTM values say more.",
    )
    default_owner = OwnerField(
        required=False, label="Gives its leads to", help_text="Nobody: by company owner, then the fair rotation."
    )
    is_active = forms.BooleanField(required=False, initial=True, label="Open for submissions")

    def __init__(self, data: Any = None, *, form: Form | None = None) -> None:
        initial: dict[str, Any] = {}
        if form is not None:
            initial = {name: getattr(form, name) for name in self.base_fields}
            initial |= {"campaign": form.campaign_id, "default_owner": str(form.default_owner_id or "")}
        super().__init__(data, initial=initial)
        shown = Campaign.objects.exclude(state=Campaign.State.ENDED)
        if form is not None and form.campaign_id:
            shown = shown | Campaign.objects.filter(pk=form.campaign_id)
        self.fields["campaign"].queryset = shown.order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        owner = self.fields["default_owner"]
        assert isinstance(owner, OwnerField)
        owner.load(form.default_owner if form else None)


class SubmissionFilter(django_filters.FilterSet):
    """What submissions may be filtered by, on the page and in the API."""

    state = select(list(Submission.State.choices), "Any state", label="State")
    form = django_filters.UUIDFilter(field_name="form", label="Form", widget=forms.HiddenInput)
    since = django_filters.IsoDateTimeFilter(
        field_name="at", lookup_expr="gte", label="Since", widget=forms.HiddenInput
    )


class AcceptForm(forms.Form):
    """Take in by hand; the address may be corrected."""

    email = forms.CharField(max_length=254, required=False, label="E-mail", help_text="Correct it if it was mistyped.")
