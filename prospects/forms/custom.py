"""Forms of custom fields: their definition, and their values on the sheets of people and companies."""

from typing import Any

from django import forms

from prospects.models import CustomField
from prospects.queries.custom import definitions
from prospects.rules.custom import MAX_TEXT, shown


class CustomFieldForm(forms.Form):
    """A definition. Subject and kind are chosen once."""

    label = forms.CharField(max_length=80, label="Name")
    subject = forms.ChoiceField(label="Of", choices=CustomField.Subject.choices)
    kind = forms.ChoiceField(
        choices=CustomField.Kind.choices, help_text="It cannot be changed later: values are kept by it."
    )
    choices = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="For a choice: one a line."
    )

    def __init__(self, *args: Any, field: CustomField | None = None, **kwargs: Any) -> None:
        if field is not None:
            kwargs["initial"] = {"label": field.label, "choices": "\n".join(field.choices)}
        super().__init__(*args, **kwargs)
        if field is not None:
            del self.fields["subject"], self.fields["kind"]
            if field.kind != CustomField.Kind.CHOICE:
                del self.fields["choices"]

    def clean_choices(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["choices"].splitlines() if line.strip()]


class CustomValues(forms.Form):
    """The custom fields of a sheet, as `custom_<key>`; cleaned together into `custom`. Call `load_custom` in __init__."""

    def load_custom(self, subject: str, row: Any = None) -> None:
        self._custom = definitions(subject)
        for field in self._custom:
            value = row.custom.get(field.key) if row is not None else None
            self.fields[f"custom_{field.key}"] = _form_field(field)
            self.initial[f"custom_{field.key}"] = shown(field.kind, value) if value is not None else None

    @property
    def custom_fields(self) -> list[Any]:
        """The bound fields, for the template."""
        return [self[f"custom_{field.key}"] for field in self._custom]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        given = {field.key: data.pop(f"custom_{field.key}", None) for field in self._custom}
        if given:
            data["custom"] = given
        return data

    def changes(self) -> dict[str, Any]:
        """The cleaned values of the fields somebody changed: the others are not written, so two editors do not undo each
        other, and nothing is re-read that was not typed."""
        changed = set(self.changed_data)
        found = {name: self.cleaned_data[name] for name in self.changed_data if name in self.cleaned_data}
        custom = {f.key: self.cleaned_data["custom"][f.key] for f in self._custom if f"custom_{f.key}" in changed}
        return found | ({"custom": custom} if custom else {})


def _form_field(field: CustomField) -> forms.Field:
    match field.kind:
        case CustomField.Kind.NUMBER:
            return forms.DecimalField(required=False, label=field.label)
        case CustomField.Kind.DATE:
            return forms.DateField(required=False, label=field.label)
        case CustomField.Kind.CHOICE:
            return forms.ChoiceField(
                required=False, label=field.label, choices=[("", "Not known"), *((c, c) for c in field.choices)]
            )
        case CustomField.Kind.MONEY:
            return forms.CharField(required=False, label=field.label, max_length=60, help_text="Such as 1234.50 EUR.")
    return forms.CharField(required=False, label=field.label, max_length=MAX_TEXT)
