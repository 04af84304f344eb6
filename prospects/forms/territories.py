"""Forms of territories: name and owners (the rule stands beside it, forms.segments_rule), and what a run may change."""

from typing import Any
from uuid import UUID

from django import forms

from accounts.models import Member
from prospects.forms.fields import kept_owner, owner_choices
from prospects.models import Territory, TerritoryRun


class TerritoryForm(forms.Form):
    """What it is called and whose it is."""

    name = forms.CharField(max_length=80, error_messages={"required": "Give the territory a name."})
    members = forms.MultipleChoiceField(
        label="Owners", widget=forms.CheckboxSelectMultiple, help_text="Several get what comes in turn.",
        error_messages={"required": "Choose at least one owner."},
    )  # fmt: skip
    is_active = forms.BooleanField(
        required=False, initial=True, label="In use", help_text="Out of use it matches nobody; the next one is tried."
    )

    def __init__(self, *args: Any, territory: Territory | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = owner_choices()[1:]
        known = {key for key, _ in choices}
        gone = [key for key in (territory.members if territory else []) if str(key) not in known]
        choices += [kept_owner(row) for row in Member.objects.filter(pk__in=gone)]
        field = self.fields["members"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices

    def clean_members(self) -> list[UUID]:
        return [UUID(key) for key in self.cleaned_data["members"]]


class TerritoryRunForm(forms.Form):
    """What may change."""

    policy = forms.ChoiceField(
        label="Which records", choices=TerritoryRun.Policy.choices, initial=TerritoryRun.Policy.UNOWNED,
        widget=forms.RadioSelect, help_text="Owners somebody set by hand always stay.",
    )  # fmt: skip
    moves_open = forms.BooleanField(
        required=False, label="Open leads and deals go along",
        help_text="Those of whoever had the record. Not ticked, they stay with who works on them.",
    )  # fmt: skip
