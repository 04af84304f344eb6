"""Rows of the ICP editor: conditions (field, operator, value) and personas.

What the API made more intricate than a row can say stands as one row in words, kept as it is (`raw`).
"""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django import forms

from leadgen.core.errors import Invalid
from leadgen.core.names import country_name
from leadgen.core.rulelang import Field, Operator, operators_of, parse, to_json
from prospects.queries.icps import values_present
from prospects.rules import icps as rules
from prospects.rules.fields import COMPANY_FACTS, DEPARTMENTS, SENIORITIES
from prospects.rules.normalise import Unusable
from prospects.rules.normalise_places import country
from prospects.rules.technologies import technology

PREFIX = re.compile(r"(criteria|must|exclude|personas)-(\d{1,3}|__prefix__)\Z")
# Facts of a company in the order an ICP asks for them; the rest follow.
FIRST = (
    "industry", "sub_industry", "naics", "employees", "revenue", "country", "region", "technologies",
    "funding_stage", "funding_total", "funded_on", "pains", "keywords", "goals",
)  # fmt: skip
NEW_WEIGHT = 10


class ManyValues(forms.Field):
    """Every value posted under a name: tick boxes whose choices the workspace's data decide."""

    widget = forms.SelectMultiple

    def clean(self, value: Any) -> list[str]:
        return [str(item) for item in value or () if str(item)]


def _fields() -> list[tuple[str, str]]:
    listed = [COMPANY_FACTS.get(f"company.{name}") for name in FIRST]
    known = [item for item in listed if item is not None]
    known += [item for item in COMPANY_FACTS if item not in known]
    return [("", "Choose a fact…"), *((item.name, item.label) for item in known)]


def split_lines(text: str) -> list[str]:
    """One value a line, without doubles."""
    return list(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))


class ConditionForm(forms.Form):
    """One condition over a company fact; as a criterion it also has a label and a weight."""

    use_required_attribute = False

    key = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    label = forms.CharField(required=False, max_length=120)
    weight = forms.IntegerField(required=False, min_value=0, max_value=rules.MAX_WEIGHT, initial=NEW_WEIGHT)
    field = forms.ChoiceField(required=False, choices=_fields)
    op = forms.CharField(required=False, max_length=30)
    picked = ManyValues(required=False)
    text = forms.CharField(required=False, max_length=20_000, strip=True)
    low = forms.CharField(required=False, max_length=40)
    high = forms.CharField(required=False, max_length=40)
    raw = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, values: dict[str, list[tuple[str, int]]] | None = None, **kwargs: Any) -> None:
        self.values = values if values is not None else {}
        super().__init__(*args, **kwargs)

    @cached_property
    def asked(self) -> Field | None:
        """The field chosen, if any."""
        return COMPANY_FACTS.get(str(self["field"].value() or ""))

    @cached_property
    def operators(self) -> list[Operator]:
        return list(operators_of(self.asked.kind)) if self.asked else []

    @cached_property
    def operator(self) -> Operator | None:
        """The operator chosen; the one that fits most where none is, or one of another kind of fact."""
        wanted = str(self["op"].value() or "") or {"text": "in", "country": "in", "list": "has_any"}.get(
            self.asked.kind if self.asked else "", "gte"
        )
        return next((op for op in self.operators if op.name == wanted), next(iter(self.operators), None))

    @property
    def described(self) -> str:
        """A rule that is no single condition, in words."""
        try:
            return rules.describe_rule(json.loads(self["raw"].value() or "{}"))
        except ValueError:
            return ""

    @property
    def input_type(self) -> str:
        kind = self.asked.kind if self.asked else "text"
        return "date" if kind == "date" and self.operator and self.operator.shape != "days" else "text"

    @property
    def numeric(self) -> bool:
        return bool(
            self.asked and (self.asked.kind in ("number", "money") or (self.operator and self.operator.shape == "days"))
        )

    @property
    def selected(self) -> list[str]:
        """The values of a many-valued condition, ticked or typed."""
        return list(dict.fromkeys([*(self["picked"].value() or []), *split_lines(str(self["text"].value() or ""))]))

    @cached_property
    def present(self) -> list[tuple[str, str, int]]:
        """(value, label, rows) of the values the workspace has for the field."""
        if self.asked is None:
            return []
        if self.asked.name not in self.values:
            self.values[self.asked.name] = values_present(self.asked)
        named = country_name if self.asked.kind == "country" else self.asked.value_label
        return [(value, named(value), count) for value, count in self.values[self.asked.name]]

    @property
    def options(self) -> list[tuple[str, str, int, bool]]:
        """Tick boxes of a many-valued condition: value, label, rows, ticked. Words are typed, not picked."""
        if self.operator is not None and self.operator.name == "contains_any":
            return []
        chosen = set(self.selected)
        rows = [(value, label, count, value in chosen) for value, label, count in self.present]
        return sorted(rows, key=lambda row: not row[3])  # the ticked first: the list scrolls

    @property
    def others(self) -> str:
        """Chosen values that are no tick box, one a line."""
        offered = {value for value, *_ in self.options}
        rest = [value for value in self.selected if value not in offered]
        if self.asked and self.asked.kind == "country":
            rest = [country_name(value) for value in rest]
        return "\n".join(rest)

    @property
    def other_lines(self) -> int:
        """How high the box for typed values stands."""
        return min(max(len(self.others.splitlines()), 1 if self.options else 2), 6)

    @property
    def is_empty(self) -> bool:
        """Nothing was said: the row is left out."""
        data = getattr(self, "cleaned_data", {})
        return not data.get("field") and not data.get("raw") and not data.get("label")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("raw") and not data.get("field"):
            data["rule"] = self._kept(data["raw"])
        elif data.get("field"):
            data["rule"] = self._leaf(data)
        elif data.get("label"):
            self.add_error("field", "Choose the fact this criterion asks for.")
        return data

    def _kept(self, raw: str) -> Any:
        try:
            return to_json(parse(json.loads(raw), COMPANY_FACTS))
        except (ValueError, Invalid) as error:
            self.add_error(None, f"This condition cannot be read: {error}")
            return None

    def _leaf(self, data: Mapping[str, Any]) -> Any:
        op = self.operator
        if self.asked is None or op is None:
            self.add_error("field", "Choose a fact from the list.")
            return None
        leaf: dict[str, Any] = {"field": self.asked.name, "op": op.name}
        place = {"pair": "low", "one": "text", "days": "text", "many": "text"}.get(op.shape, "field")
        try:
            if op.shape != "none":
                leaf["value"] = self._value(op, data)
            return to_json(parse(leaf, COMPANY_FACTS))
        except Unusable as error:
            self.add_error(place, error.message)
        except Invalid as error:
            self.add_error(place, error.message.partition(": ")[2] or error.message)
        return None

    def _value(self, op: Operator, data: Mapping[str, Any]) -> Any:
        if op.shape == "many":
            values = list(dict.fromkeys([*data.get("picked", ()), *split_lines(data.get("text", ""))]))
            if not values:
                raise Invalid("Choose or type at least one value.")
            return [self._read(value) for value in values]
        if op.shape == "pair":
            if not data.get("low") or not data.get("high"):
                raise Invalid("Give both ends.")
            return [self._read(data["low"]), self._read(data["high"])]
        if not data.get("text"):
            raise Invalid("Give a value.")
        return self._read(data["text"])

    def _read(self, text: str) -> Any:
        assert self.asked is not None
        if self.asked.kind == "country":
            return country(text).code
        if self.numeric:
            digits = re.sub(r"[\s,']", "", text)
            return int(digits) if digits.isascii() and digits.isdigit() else digits
        return technology(text) if self.asked.name == "company.technologies" else text

    def criterion(self) -> dict[str, Any]:
        """The criterion as content."""
        data = self.cleaned_data
        weight = data.get("weight")
        return {
            "key": data.get("key") or None, "label": data.get("label") or None,
            "weight": NEW_WEIGHT if weight is None else weight, "rule": data["rule"],
        }  # fmt: skip


class PersonaForm(forms.Form):
    """A buyer: all of what is given must hold. A persona that the API made otherwise keeps its rule (`raw`)."""

    use_required_attribute = False

    name = forms.CharField(required=False, max_length=80)
    weight = forms.IntegerField(required=False, min_value=0, max_value=rules.MAX_WEIGHT, initial=NEW_WEIGHT)
    titles = forms.CharField(required=False, max_length=5_000)
    seniority = forms.MultipleChoiceField(required=False, choices=SENIORITIES, widget=forms.CheckboxSelectMultiple)
    department = forms.MultipleChoiceField(required=False, choices=DEPARTMENTS, widget=forms.CheckboxSelectMultiple)
    pains = forms.CharField(required=False, max_length=3_000)
    raw = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    @property
    def choosers(self) -> list[Any]:
        """The two fields whose values are ticked."""
        return [self["seniority"], self["department"]]

    @property
    def described(self) -> str:
        try:
            return rules.describe_rule(json.loads(self["raw"].value() or "{}"), person=True)
        except ValueError:
            return ""

    @property
    def is_empty(self) -> bool:
        data = getattr(self, "cleaned_data", {})
        return not any(data.get(name) for name in ("name", "titles", "seniority", "department", "pains", "raw"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        given = ("titles", "seniority", "department", "pains", "raw")
        if not data.get("name") and any(data.get(name) for name in given):
            self.add_error("name", "Name the persona.")
        if data.get("name") and not any(data.get(name) for name in given[:3]) and not data.get("raw"):
            self.add_error("titles", "Say who it is: words of the title, seniority or department.")
        try:
            data["rule"] = self._rule(data)
        except (ValueError, Invalid) as error:
            self.add_error("titles", str(getattr(error, "message", error)))
        return data

    def _rule(self, data: Mapping[str, Any]) -> Any:
        if data.get("raw"):
            return to_json(parse(json.loads(data["raw"]), rules.PERSONA_FACTS))
        parts: list[dict[str, Any]] = []
        if data.get("titles"):
            parts.append({"field": "person.title", "op": "contains_any", "value": split_lines(data["titles"])})
        parts += [
            {"field": f"person.{name}", "op": "in", "value": list(data[name])}
            for name in ("seniority", "department")
            if data.get(name)
        ]
        if not parts:
            return {}
        return to_json(parse(parts[0] if len(parts) == 1 else {"all": parts}, rules.PERSONA_FACTS))

    def persona(self) -> dict[str, Any]:
        """The persona as content."""
        data = self.cleaned_data
        weight = data.get("weight")
        return {
            "name": data["name"], "weight": NEW_WEIGHT if weight is None else weight, "rule": data["rule"],
            "pains": split_lines(data.get("pains", "")),
        }  # fmt: skip


def fresh_row(prefix: str, data: Mapping[str, Any], *, field_changed: bool) -> ConditionForm | None:
    """A condition's row as it stands after its fact or operator was changed; None for a prefix that is none of ours.

    Another fact drops the value; another operator keeps what it can use.
    """
    if not PREFIX.match(prefix) or prefix.startswith("personas"):
        return None
    posted = ConditionForm(data, prefix=prefix)
    names = ["key", "label", "weight", "field"]
    names += [] if field_changed else ["op", "picked", "text", "low", "high"]
    return ConditionForm(initial={name: posted[name].value() for name in names}, prefix=prefix)
