"""The ICP editor: all forms of a draft at once, and the content they make.

A criterion is one condition; the must-have is all, the exclusion any of its conditions.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from django import forms

from leadgen.core.errors import AppError, Invalid
from leadgen.core.names import country_name
from leadgen.core.rulelang import operators_of
from prospects.forms.icps_rows import ConditionForm, PersonaForm
from prospects.models import IcpVersion
from prospects.rules import icps as rules
from prospects.rules.fields import COMPANY_FACTS

PARTS = ("criteria", "must", "exclude", "personas")


class HeadForm(forms.Form):
    """What stands above the rows: the name, and the scores from which grades hold."""

    name = forms.CharField(max_length=120)
    grade_a = forms.IntegerField(min_value=1, max_value=100, label="A from")
    grade_b = forms.IntegerField(min_value=1, max_value=100, label="B from")
    grade_c = forms.IntegerField(min_value=1, max_value=100, label="C from")
    note = forms.CharField(required=False, max_length=300, label="What changed")


class NewIcpForm(forms.Form):
    """A profile begins as a name."""

    name = forms.CharField(max_length=120, help_text="Whom it is for, like “Plants” or “Mid-size SaaS”.")


class Editor:
    """All forms of a draft at once. Bound to `data` (a POST), else showing `version`."""

    def __init__(self, version: IcpVersion, data: Any = None, *, more: str = "") -> None:
        content = rules.content_of(version)
        self.version = version
        values: dict[str, list[tuple[str, int]]] = {}
        grades = content["grades"]
        self.head = HeadForm(
            data,
            initial={
                "name": version.icp.name, "note": version.note,
                "grade_a": grades["A"], "grade_b": grades["B"], "grade_c": grades["C"],
            },
        )  # fmt: skip
        rows = initial_rows(content)
        self.sets: dict[str, Any] = {}
        for part in PARTS:
            form = PersonaForm if part == "personas" else ConditionForm
            empty = data is None and ((not rows[part] and part == "criteria") or more == part)
            made = forms.formset_factory(form, extra=int(empty), can_delete=True, max_num=200)
            kwargs: dict[str, Any] = {} if part == "personas" else {"form_kwargs": {"values": values}}
            self.sets[part] = made(data, initial=rows[part] if data is None else None, prefix=part, **kwargs)

    @property
    def criteria(self) -> Any:
        return self.sets["criteria"]

    @property
    def must(self) -> Any:
        return self.sets["must"]

    @property
    def exclude(self) -> Any:
        return self.sets["exclude"]

    @property
    def personas(self) -> Any:
        return self.sets["personas"]

    def is_valid(self) -> bool:
        """All forms are, and together they make content that can be kept; else the errors stand at their rows."""
        valid = all([self.head.is_valid(), *(formset.is_valid() for formset in self.sets.values())])
        if not valid:
            return False
        try:
            self.content = rules.check_content(self._raw())
        except Invalid as error:
            self.add_error(error)
            return False
        return True

    def add_error(self, error: AppError) -> None:
        """Show what the rules or an action refused at the row it names, else above all."""
        found = re.match(r"(criteria|personas)\[(\d+)\]", error.field)
        forms_of = self._rows(found[1]) if found else []
        if found and int(found[2]) < len(forms_of):
            forms_of[int(found[2])].add_error(None, error.message)
        elif error.field == "name":
            self.head.add_error("name", error.message)
        else:
            self.head.add_error(None, error.message)

    @property
    def faults(self) -> list[str]:
        """Where something is wrong, in words, for the top of the page: a row may be out of sight."""
        found = []
        for part, name in (
            ("criteria", "Criterion"),
            ("must", "Must have"),
            ("exclude", "Exclude"),
            ("personas", "Persona"),
        ):
            forms_of = [form for form in self.sets[part].forms if not self._gone(form)]
            for number, form in enumerate(forms_of, 1):
                found += [f"{name} {number}: {words}" for errors in form.errors.values() for words in errors]
        return found

    def usable(self) -> tuple[dict[str, Any], int]:
        """For the preview while somebody types: the content of the rows that can be read, and how many cannot."""
        self.head.is_valid()
        broken = 0
        for formset in self.sets.values():
            formset.is_valid()
            broken += sum(bool(form.errors) and not self._gone(form) for form in formset.forms)
        raw = self._raw(only_valid=True)
        try:
            return rules.check_content(raw), broken
        except Invalid as error:
            if error.field == "grades":
                return rules.check_content(raw | {"grades": {}}), broken + 1
            raise

    def _raw(self, *, only_valid: bool = False) -> dict[str, Any]:
        must, exclude = (
            [form.cleaned_data["rule"] for form in self._rows(part, only_valid=only_valid)]
            for part in ("must", "exclude")
        )
        head = self.head.cleaned_data
        return {
            "criteria": [form.criterion() for form in self._rows("criteria", only_valid=only_valid)],
            "must": _joined("all", must),
            "exclude": _joined("any", exclude),
            "personas": [form.persona() for form in self._rows("personas", only_valid=only_valid)],
            "grades": {
                letter: head[f"grade_{letter.lower()}"]
                for letter in ("A", "B", "C")
                if head.get(f"grade_{letter.lower()}") is not None
            },
        }

    def _rows(self, part: str, *, only_valid: bool = False) -> list[Any]:
        return [
            form
            for form in self.sets[part].forms
            if not self._gone(form)
            and not (only_valid and form.errors)
            and not form.is_empty
            and form.cleaned_data.get("rule")
        ]

    def _gone(self, form: Any) -> bool:
        return bool(getattr(form, "cleaned_data", {}).get("DELETE"))


def _joined(word: str, found: list[Any]) -> Any:
    return {} if not found else found[0] if len(found) == 1 else {word: found}


def initial_rows(content: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each part as the forms show them."""
    return {
        "criteria": [
            {"key": item["key"], "label": _own_label(item), "weight": item["weight"], **_initial(item["rule"])}
            for item in content["criteria"]
        ],
        "must": [_initial(rule) for rule in _apart("all", content["must"])],
        "exclude": [_initial(rule) for rule in _apart("any", content["exclude"])],
        "personas": [_persona_initial(item) for item in content["personas"]],
    }


def _own_label(item: Mapping[str, Any]) -> str:
    """The label somebody gave; '' where it only repeats the rule, so that it follows when the rule changes."""
    label: str = item["label"]
    return "" if label == rules.describe_rule(item["rule"])[:120] else label


def _apart(word: str, rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if not rule:
        return []
    return list(rule[word]) if set(rule) == {word} and len(rule[word]) > 1 else [rule]


def _initial(rule: Mapping[str, Any]) -> dict[str, Any]:
    if "field" not in rule:
        return {"raw": json.dumps(rule)}
    shown: dict[str, Any] = {"field": rule["field"], "op": rule["op"]}
    value = rule.get("value")
    asked = COMPANY_FACTS.get(rule["field"])
    shape = next((op.shape for op in operators_of(asked.kind) if op.name == rule["op"]), "none") if asked else "none"
    if shape == "many":
        shown["picked"] = list(value or ())
    elif shape == "pair" and value:
        shown["low"], shown["high"] = (_number(rule["field"], end) for end in value)
    elif shape != "none":
        named = country_name(str(value)) if asked and asked.kind == "country" else value
        shown["text"] = "" if value is None else _number(rule["field"], named)
    return shown


def _number(field: str, value: Any) -> str:
    """A whole number with its thousands apart (a year without); anything else as it is."""
    return f"{value:,}" if isinstance(value, int) and field != "company.founded" else str(value)


def _persona_initial(item: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"name": item["name"], "weight": item["weight"], "pains": "\n".join(item.get("pains") or ())}
    parts = item["rule"].get("all") if set(item["rule"]) == {"all"} else [item["rule"]]
    asked: dict[str, Any] = {}
    for part in parts or ():
        key = (part.get("field"), part.get("op"))
        if key == ("person.title", "contains_any") and "titles" not in asked:
            asked["titles"] = "\n".join(part["value"])
        elif key[0] in ("person.seniority", "person.department") and key[1] in ("in", "is") and key[0][7:] not in asked:
            asked[key[0][7:]] = list(part["value"]) if key[1] == "in" else [part["value"]]
        else:
            return shown | {"raw": json.dumps(item["rule"])}
    return shown | asked
