"""The controls of the funnel page: a GET form whose state is the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from analytics.rules.ask import PRESETS, UNITS, Ask


class FunnelForm(forms.Form):
    """Shows what is asked; `analytics.rules.ask.parse_ask` reads it. Choices are the values the history knows."""

    period = forms.ChoiceField(choices=list(PRESETS.items()), label="Period")
    channel = forms.ChoiceField(required=False, label="Channel")
    campaign = forms.ChoiceField(required=False, label="Campaign")
    owner = forms.ChoiceField(required=False, label="Owner")
    unit = forms.ChoiceField(choices=list(UNITS.items()), label="Count")

    def __init__(self, ask: Ask, *, choices: Mapping[str, list[tuple[str, str]]], **options: Any) -> None:
        initial = {"period": ask.preset, "unit": ask.unit, "from": ask.start, "until": ask.until, **ask.where}
        super().__init__(initial=initial, **options)
        for name, words in (("channel", "All channels"), ("campaign", "All campaigns"), ("owner", "All owners")):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", words), *choices.get(name, [])]
        # "from" is no name Python lets a class have.
        self.fields["from"] = forms.DateField(label="From")
        self.fields["until"] = forms.DateField(label="Until, included")

    @property
    def start(self) -> forms.BoundField:
        return self["from"]

    @property
    def until(self) -> forms.BoundField:
        return self["until"]
