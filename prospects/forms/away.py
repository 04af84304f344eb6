"""The form of an absence."""

from typing import Any

from django import forms

from accounts.models import Member
from prospects.actions.away import KINDS, holders_without_right
from prospects.forms.fields import kept_owner, owner_choices
from prospects.models import Absence


class AbsenceForm(forms.Form):
    """Who is away, who takes over, until when, and what."""

    member = forms.ChoiceField(label="Who is away")
    cover = forms.ChoiceField(label="Who takes over")
    mode = forms.ChoiceField(label="How", choices=list(reversed(Absence.Mode.choices)), initial=Absence.Mode.COVER)
    returns_on = forms.DateField(
        required=False, label="Back on", help_text="On that day everything goes back by itself."
    )
    kinds = forms.MultipleChoiceField(
        label="What moves", choices=[(kind, kind.capitalize()) for kind in KINDS], initial=list(KINDS),
        widget=forms.CheckboxSelectMultiple, help_text="Of leads, deals and tasks the open ones.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = owner_choices("Choose…")
        held = [kept_owner(member) for member in holders_without_right()]  # theirs may be handed over, not to them
        for name, offered in (("member", [*choices, *held]), ("cover", choices)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = offered

    def values(self) -> dict[str, Any]:
        """As the action takes them."""
        data = dict(self.cleaned_data)
        return data | {name: Member.objects.get(pk=data[name]) for name in ("member", "cover")}
