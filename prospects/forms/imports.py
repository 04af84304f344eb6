"""Forms of imports: the upload, the mapping of columns, fixed values, words and the order of dates."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict

from leadgen.core.errors import Invalid
from prospects.actions.imports import MAX_BYTES
from prospects.actions.imports_setup import CUSTOM_KINDS
from prospects.models import CustomField, Import
from prospects.queries.custom import definitions
from prospects.rules.imports import CATALOGUE, CUSTOM, Handling, ImportOptions, Kind
from prospects.rules.imports_fields import CHANGED_AT
from prospects.rules.imports_policy import MATCH_KEYS, POLICIES, STANDARD, read_handling
from prospects.rules.normalise import clean_text

LEAVE_OUT = ""
NEW = "new."  # before the kind of a custom field that is made for a column


class UploadForm(forms.Form):
    """What the file is about, and the file."""

    kind = forms.ChoiceField(label="What is in the file?", choices=Import.Kind.choices, widget=forms.RadioSelect)
    file = forms.FileField(
        label="CSV file or workbook",
        help_text="Click to choose, or drop it here. CSV, TSV, Excel or OpenDocument, at most 50 MB; any encoding and delimiter.",
        allow_empty_file=True,  # said in better words below
        error_messages={"required": "Choose a file."},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError("The file is larger than 50 MB. Split it, or use the command on the server.")
        return file


class ImportFilterForm(forms.Form):
    """What the list of imports shows."""

    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *Import.Kind.choices])
    state = forms.ChoiceField(required=False, choices=[("", "All states"), *Import.State.choices])


class HandlingForm(forms.Form):
    """Whom a row is about, and what happens to what is there already."""

    match_1 = forms.ChoiceField(label="Rows are matched by", required=False)
    match_2 = forms.ChoiceField(label="else by", required=False)
    match_3 = forms.ChoiceField(label="else by", required=False)
    policy = forms.ChoiceField(label="Where something is filled already", required=False)
    as_of = forms.DateField(
        label="The list is from", required=False,
        help_text="Only for “keep the newest”, where no column says when a row was changed.",
    )  # fmt: skip

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keys = list(MATCH_KEYS[kind].items())
        standard = "The standard rule"
        for number in (1, 2, 3):
            empty = standard if number == 1 else "nothing else"
            self.fields[f"match_{number}"].choices = [("", empty), *keys]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["match_1"].help_text = f"Standard: {STANDARD[kind]}."
        self.fields["policy"].choices = [("", "Overwrite, but never the source"), *POLICIES.items()]  # type: ignore[attr-defined]  # a ChoiceField

    @classmethod
    def of(cls, kind: str, handling: Handling) -> "HandlingForm":
        keys = dict(zip(("match_1", "match_2", "match_3"), handling.match, strict=False))
        return cls(kind=kind, initial={**keys, "policy": handling.policy, "as_of": handling.as_of})


def read_posted_handling(
    kind: str, header: Sequence[str], data: Mapping[str, Any], columns: Mapping[str, str]
) -> Handling:
    """What the page says of match rule and policies; `policy-<n>` is that of what the n-th column fills. Raises Invalid."""
    if kind not in MATCH_KEYS:
        return Handling()
    form = HandlingForm(data, kind=kind)
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        raise Invalid(f"{form.fields[name].label}: {errors[0]}", field=str(name))
    said = form.cleaned_data
    filled = {column: name for name, column in columns.items() if column}
    policies = {filled[c]: str(data.get(f"policy-{n}", "")) for n, c in enumerate(header) if c in filled}
    return read_handling(
        kind, match=[said["match_1"], said["match_2"], said["match_3"]], policy=said["policy"], policies=policies,
        as_of=said["as_of"].isoformat() if said["as_of"] else "",
    )  # fmt: skip


class FixedValueForm(forms.Form):
    """One field with the text that rows without a value get."""

    field = forms.ChoiceField(label="Field", required=False)
    value = forms.CharField(label="Value for rows without one", required=False, max_length=200)

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["field"].choices = field_choices(kind, "Choose a field")  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("field") and not data.get("value", "").strip():
            self.add_error("value", "Give the value, or remove the row.")
        if data.get("value", "").strip() and not data.get("field"):
            self.add_error("field", "Choose the field this value is for.")
        return data


FixedValues = forms.formset_factory(FixedValueForm, extra=0, can_delete=True, max_num=20)


def fixed_values(kind: Kind, data: Any = None, initial: Sequence[Mapping[str, str]] = ()) -> Any:
    """The formset of fixed values of one kind."""
    return FixedValues(data, initial=list(initial), prefix="fixed", form_kwargs={"kind": kind})


def field_choices(kind: Kind, empty: str) -> list[tuple[str, str]]:
    return [(LEAVE_OUT, empty), *((spec.name, spec.label) for spec in CATALOGUE[kind])]


def column_choices(kind: Any, empty: str, *, new: bool = True) -> list[tuple[str, str]]:
    """What a column may fill: fields, custom fields, and (`new`) custom fields that are made for it."""
    choices = field_choices(kind, empty)
    if kind not in CUSTOM_KINDS:
        return choices
    own = [(f"{CUSTOM}{field.key}", f"{field.label} (custom)") for field in definitions(kind)]
    if not new:
        return [*choices, *own]
    return [
        *choices,
        *own,
        *((f"{NEW}{value}", f"New field: {label.lower()}") for value, label in CustomField.Kind.choices),
    ]


def wanted_fields(kind: Kind, header: Sequence[str], data: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """(number of the column, its name, kind of field) of the custom fields to make."""
    if kind not in CUSTOM_KINDS:
        return []
    asked = ((n, column, str(data.get(f"column-{n}", ""))) for n, column in enumerate(header))
    return [(n, column, said.removeprefix(NEW)) for n, column, said in asked if said.startswith(NEW)]


def read_options(kind: Kind, header: Sequence[str], data: "MultiValueDict[str, Any]", fixed: Any) -> ImportOptions:
    """What the mapping page says: `column-<n>` the field of the header's n-th column, `word|<field>|<text>` what a word
    means, `dates` the order. Raises Invalid where two columns fill one field."""
    names = {spec.name: spec for spec in CATALOGUE[kind]}
    columns: dict[str, str] = {}
    for n, column in enumerate(header):
        name = str(data.get(f"column-{n}", LEAVE_OUT))
        if name not in names and not name.startswith(CUSTOM):
            continue
        if name in columns:
            label = names[name].label if name in names else name.removeprefix(CUSTOM)
            raise Invalid(
                f"“{columns[name]}” and “{column}” cannot both fill {label}. Leave one of them out.",
                code="twice", field=name,
            )  # fmt: skip
        columns[name] = column
    constants = {
        form.cleaned_data["field"]: clean_text(form.cleaned_data["value"])
        for form in fixed
        if form.cleaned_data.get("field") and not form.cleaned_data.get("DELETE")
    }
    translations: dict[str, dict[str, str]] = {}
    for key in data:
        mark, _, rest = key.partition("|")
        name, _, word = rest.partition("|")
        if mark == "word" and name in names and data[key]:
            translations.setdefault(name, {})[clean_text(word).casefold()] = str(data[key])[:120]
    dates = str(data.get("dates", "")) or None
    # Every field is said, so that nothing is guessed against what the page shows.
    said = {name: columns.get(name, "") for name in names if name not in constants or name in columns}
    said |= {name: column for name, column in columns.items() if name.startswith(CUSTOM)}
    if kind in CUSTOM_KINDS:
        said = {f"{CUSTOM}{field.key}": "" for field in definitions(kind)} | said
    handling = read_posted_handling(kind, header, data, columns)
    if handling.dates_rows and CHANGED_AT not in columns:
        said.pop(CHANGED_AT, None)  # asked for only now: the guess may find it
    order = dates if dates in ("dmy", "mdy", "ymd") else None
    return ImportOptions(said, constants, translations, order, handling=handling)
