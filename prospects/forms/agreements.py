"""The draft of an agreement as a form: check boxes, numbers, and rows of conditions that become rules."""

from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from leadgen.core.errors import Invalid
from leadgen.core.rulelang import OPERATORS, describe, operators_of, parse
from leadgen.core.rulelang.text import fold
from prospects.models import AgreementVersion, Icp
from prospects.rules.agreements import CATALOGUE, EARNING, INTEREST, SQL_ITEMS

FIELD_CHOICES = [(field.name, field.label[0].upper() + field.label[1:]) for field in CATALOGUE]
_SEEN: dict[str, str] = {}
for _field in CATALOGUE:
    for _op in operators_of(_field.kind):
        _SEEN.setdefault(_op.name, _op.label)
OPERATOR_CHOICES = list(_SEEN.items())


class ConditionForm(forms.Form):
    """One condition of an alternative. Rows with the same alternative must hold together."""

    alternative = forms.CharField(max_length=60, label="Alternative")
    field = forms.ChoiceField(choices=FIELD_CHOICES, label="Fact")
    op = forms.ChoiceField(choices=OPERATOR_CHOICES, label="Is")
    value = forms.CharField(max_length=300, required=False, label="Value")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.errors or not values.get("field"):
            return values
        field = CATALOGUE.get(values["field"])
        assert field is not None  # a choice of the catalogue
        operator = OPERATORS[field.kind].get(values["op"])
        if operator is None:
            offered = ", ".join(op.label for op in operators_of(field.kind))
            self.add_error("op", f"For {field.label} choose one of: {offered}.")
            return values
        leaf: dict[str, Any] = {"field": field.name, "op": operator.name}
        text = values.get("value", "").strip()
        if operator.shape != "none":
            if not text:
                self.add_error("value", "Give a value.")
                return values
            parts = [part.strip() for part in text.split(",") if part.strip()]
            parts = [_stored(field, part) for part in parts]
            leaf["value"] = (
                parts
                if operator.shape in ("many", "pair")
                else int(text)
                if operator.shape == "days" and text.isdigit()
                else parts[0]
            )
        try:
            parse(leaf, CATALOGUE)
        except Invalid as error:
            self.add_error("value", error.message)
        values["leaf"] = leaf
        return values


def _stored(field: Any, text: str) -> Any:
    """What a person typed as the rule keeps it: the value of a choice by its label, numbers as they are."""
    for value, label in field.choices:
        if fold(text) in (fold(value), fold(label)):
            return value
    return text


class ConditionFormSet(BaseFormSet):
    """All conditions; the clause they make is `clause()`."""

    def clause(self) -> dict[str, Any]:
        """{"any": [{"name", "rule"}]}: one alternative a name, its conditions in the order of the rows."""
        named: dict[str, list[dict[str, Any]]] = {}
        for form in self.forms:
            data = form.cleaned_data
            if not data.get("DELETE") and "leaf" in data:
                named.setdefault(" ".join(data["alternative"].split()), []).append(data["leaf"])
        return {
            "any": [
                {"name": name, "rule": leaves[0] if len(leaves) == 1 else {"all": leaves}}
                for name, leaves in named.items()
            ]
        }


def condition_formset(version: AgreementVersion, data: Any = None) -> tuple[ConditionFormSet, list[dict[str, Any]]]:
    """The rows of a version's MQL clause, and the alternatives too deep for rows (kept as they are, shown in words)."""
    rows, deep = [], []
    for item in version.mql_clause.get("any", ()):
        rule = item["rule"]
        leaves = [rule] if "field" in rule else rule.get("all", ())
        if leaves and all("field" in leaf for leaf in leaves):
            for leaf in leaves:
                value = leaf.get("value", "")
                text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                rows.append({"alternative": item["name"], "field": leaf["field"], "op": leaf["op"], "value": text})
        else:
            deep.append({**item, "words": describe(parse(rule, CATALOGUE))})
    made: Any = formset_factory(ConditionForm, formset=ConditionFormSet, extra=0, can_delete=True, max_num=60)
    # What was posted stands for itself: a row left as it was is still a condition.
    return made(data, initial=None if data is not None else rows, prefix="conditions"), deep


class AgreementForm(forms.Form):
    """Everything of a draft but the MQL conditions."""

    kinds = forms.MultipleChoiceField(
        choices=[(kind, words[0].upper() + words[1:]) for kind, words in INTEREST.items()],
        widget=forms.CheckboxSelectMultiple, label="A lead opens with",
    )  # fmt: skip
    imports = forms.BooleanField(required=False, label="An import that says so")
    icp: "forms.ModelChoiceField[Icp]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="The primary profile", label="Fit is read from",
    )  # fmt: skip
    required = forms.MultipleChoiceField(
        choices=[(item, words) for item, words in SQL_ITEMS.items() if item != "conversation"],
        widget=forms.CheckboxSelectMultiple, required=False, label="Beside a held conversation, a person confirms",
    )  # fmt: skip
    half_life_days = forms.IntegerField(min_value=1, max_value=365, label="Points halve every")
    first_touch_minutes = forms.IntegerField(
        min_value=1, max_value=20_000, label="First human touch of an inbound lead"
    )
    sdr_decision_minutes = forms.IntegerField(min_value=1, max_value=20_000, label="An SDR decides on an MQL")
    ae_decision_minutes = forms.IntegerField(min_value=1, max_value=20_000, label="An AE decides on an SQL")
    reject_reasons = forms.CharField(widget=forms.Textarea(attrs={"rows": 7}), help_text="One a line.")
    disqualify_reasons = forms.CharField(widget=forms.Textarea(attrs={"rows": 7}), help_text="One a line.")
    note = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Why this change",
        help_text="Read by those who sign.",
    )

    def __init__(self, data: Any = None, *, version: AgreementVersion) -> None:
        initial = {
            "kinds": version.lead_clause.get("kinds", []), "imports": version.lead_clause.get("imports", True),
            "icp": version.icp_id, "required": version.sql_clause.get("required", []), "note": version.note,
            "half_life_days": version.half_life_days, "first_touch_minutes": version.first_touch_minutes,
            "sdr_decision_minutes": version.sdr_decision_minutes, "ae_decision_minutes": version.ae_decision_minutes,
            "reject_reasons": "\n".join(version.reject_reasons), "disqualify_reasons": "\n".join(version.disqualify_reasons),
        }  # fmt: skip
        super().__init__(data, initial=initial)
        self.fields["icp"].queryset = Icp.objects.filter(is_archived=False).order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        for kind, words in EARNING.items():
            rule = version.points.get(kind, {})
            self.fields[f"points_{kind}"] = forms.DecimalField(
                min_value=0, max_value=1000, max_digits=7, decimal_places=2, required=False, label=words,
                initial=rule.get("points", 0),
            )  # fmt: skip
            self.fields[f"cap_{kind}"] = forms.DecimalField(
                min_value=0, max_value=10_000, max_digits=8, decimal_places=2, required=False,
                label=f"Most a day: {words.lower()}", initial=rule.get("cap_per_day", 0),
            )  # fmt: skip

    def points_rows(self) -> list[tuple[str, Any, Any]]:
        """(words, points field, cap field) for the table of points."""
        return [(words, self[f"points_{kind}"], self[f"cap_{kind}"]) for kind, words in EARNING.items()]

    def changes(self) -> dict[str, Any]:
        """The terms as actions.agreements.edit_draft takes them."""
        data = self.cleaned_data
        points = {
            kind: {
                "points": float(data[f"points_{kind}"]),
                "cap_per_day": float(data.get(f"cap_{kind}") or data[f"points_{kind}"]),
            }
            for kind in EARNING
            if data.get(f"points_{kind}")
        }
        return {
            "lead_clause": {"kinds": data["kinds"], "imports": data["imports"]},
            "sql_clause": {"required": ["conversation", *data["required"]]},
            "points": points,
            "icp": data["icp"],
            **{name: data[name] for name in ("half_life_days", "first_touch_minutes", "sdr_decision_minutes", "ae_decision_minutes", "note")},
            "reject_reasons": data["reject_reasons"].splitlines(),
            "disqualify_reasons": data["disqualify_reasons"].splitlines(),
        }  # fmt: skip
