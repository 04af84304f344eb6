"""Forms of bulk acts: what each kind asks for."""

from typing import Any
from uuid import UUID

from django import forms

from prospects.actions.bulk_kinds import SETTABLE, field_label
from prospects.forms.fields import country_choices, owner_choices
from prospects.forms.people import KNOWN_DEPARTMENTS, KNOWN_SENIORITIES
from prospects.models import BulkAct, Segment
from prospects.queries.custom import definitions
from prospects.queries.tags import vocabulary
from prospects.rules.columns import CUSTOM


class BulkForm(forms.Form):
    """The fields of one kind; `params()` is what the action takes."""

    def __init__(self, *args: Any, kind: str, subject: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        if kind == BulkAct.Kind.ASSIGN:
            self.fields["owner"] = forms.ChoiceField(required=False, choices=owner_choices(), label="New owner")
        elif kind == BulkAct.Kind.TAG:
            tags = [(str(tag.pk), tag.name) for tag in vocabulary()]
            self.fields["tags"] = forms.MultipleChoiceField(
                required=False, choices=tags, label="Tags", widget=forms.CheckboxSelectMultiple
            )
            self.fields["new"] = forms.CharField(
                required=False, max_length=200, label="New tags", help_text="Several by commas."
            )
            self.fields["untag"] = forms.BooleanField(required=False, label="Take them away instead")
        elif kind == BulkAct.Kind.LIST:
            lists = Segment.objects.filter(kind="static", subject=subject, is_archived=False).order_by("name")
            self.fields["segment"] = forms.ChoiceField(
                required=False, label="List", choices=[("", "Choose a list…"), *((str(s.pk), s.name) for s in lists)]
            )
            self.fields["name"] = forms.CharField(required=False, max_length=120, label="Or a new list")
        elif kind == BulkAct.Kind.FIELD:
            own = [(f"{CUSTOM}{field.key}", field.label) for field in definitions(subject)]
            named = [(name, field_label(subject, name).capitalize()) for name in SETTABLE[subject]]
            self.fields["field"] = forms.ChoiceField(choices=[*named, *own], label="Field")
            self.fields["value"] = forms.CharField(
                required=False, max_length=500, label="Value",
                help_text="As on the sheet: a country by its code or name, a choice by its words. Empty takes the value away.",
            )  # fmt: skip
            self.fields["overwrite"] = forms.BooleanField(required=False, label="Also where another value stands")

    def params(self) -> dict[str, Any]:
        """The values as the action takes them."""
        data = self.cleaned_data
        if self.kind == BulkAct.Kind.ASSIGN:
            return {"owner": data["owner"] or None}
        if self.kind == BulkAct.Kind.TAG:
            return {"tags": [str(UUID(key)) for key in data["tags"]]}
        if self.kind == BulkAct.Kind.LIST:
            return {"segment": data["segment"] or None}
        if self.kind == BulkAct.Kind.VERIFY:
            return {}
        return {
            "field": data["field"],
            "value": as_stored(data["field"], data["value"]),
            "overwrite": data["overwrite"],
        }


def as_stored(name: str, text: str) -> str:
    """A choice may be typed by its label: "VP" is vp, "Germany" is DE."""
    labels = {"seniority": KNOWN_SENIORITIES, "department": KNOWN_DEPARTMENTS, "country": country_choices()}
    for value, label in labels.get(name, ()):
        if text.strip().casefold() in (str(label).casefold(), str(value).casefold()):
            return str(value)
    return text
