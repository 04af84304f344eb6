"""The form of a remembered mapping."""

from collections.abc import Mapping
from typing import Any

from django import forms

from leadgen.core.errors import Invalid
from prospects.models import ImportTemplate


class TemplateForm(forms.Form):
    """Its name; the columns stand beside it."""

    name = forms.CharField(max_length=80)


def read_columns(template: ImportTemplate, data: Mapping[str, Any]) -> dict[str, str]:
    """`column-<n>`: the field the n-th column of its file fills. Raises Invalid where two columns fill one field."""
    found: dict[str, str] = {}
    for n, column in enumerate(template.header):
        name = str(data.get(f"column-{n}", ""))
        if name and name in found:
            raise Invalid(
                f"“{found[name]}” and “{column}” cannot both fill {name}. Leave one of them out.", code="twice"
            )
        if name:
            found[name] = column
    return found
