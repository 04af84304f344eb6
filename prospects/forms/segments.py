"""Forms of segments: name and kind, the list's filters, files of a list, the choice of a list."""

import csv
import io
from typing import Any

from django import forms

from prospects.models import Segment
from prospects.sources.csv.encoding import find_encoding, open_text

MAX_BYTES = 5 * 1024 * 1024


class SegmentForm(forms.Form):
    """What a segment is called; its rule stands beside it (forms.segments_rule)."""

    name = forms.CharField(max_length=120, error_messages={"required": "Give the segment a name."})
    description = forms.CharField(
        required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}), label="What it is for"
    )


class SegmentFilterForm(forms.Form):
    """Filters of the list of segments."""

    q = forms.CharField(required=False, label="Name")
    subject = forms.ChoiceField(required=False, choices=[("", "Of anybody"), *Segment.Subject.choices], label="Of whom")
    kind = forms.ChoiceField(required=False, choices=[("", "Rules and lists"), *Segment.Kind.choices], label="Kind")


class LinesForm(forms.Form):
    """Whom to put on a list: a file, or lines."""

    file = forms.FileField(required=False, help_text="CSV or text, at most 5 MB. Any column may name them.")
    lines = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 8}), label="Or paste, one a line")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.get("file")
        if not file and not data.get("lines", "").strip():
            self.add_error("lines", "Choose a file or paste some lines.")
        if file and file.size > MAX_BYTES:
            self.add_error("file", "The file is larger than 5 MB. Split it.")
        return data

    def rows(self) -> list[tuple[int, list[str]]]:
        """(number, cells) of every line, of the file first."""
        text = self.cleaned_data.get("lines", "")
        file = self.cleaned_data.get("file")
        if file:
            raw = file.read()
            text = open_text(io.BytesIO(raw), find_encoding(lambda: io.BytesIO(raw))).read() + "\n" + text
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        return list(enumerate(csv.reader(io.StringIO(text.replace("\x00", "")), delimiter=delimiter), 1))


class PickForm(forms.Form):
    """A list to put people or companies on: one there is, or a new one by its name."""

    segment = forms.ChoiceField(required=False, label="List")
    name = forms.CharField(required=False, max_length=120, label="Or a new list")

    def __init__(self, *args: Any, subject: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lists = Segment.objects.filter(kind=Segment.Kind.STATIC, subject=subject, is_archived=False).order_by("name")
        self.found = {str(segment.pk): segment for segment in lists}
        field = self.fields["segment"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", "Choose a list…" if self.found else "No list yet"),
            *((k, str(v)) for k, v in self.found.items()),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("segment") and not data.get("name"):
            self.add_error("segment", "Choose a list, or name a new one.")
        if data.get("segment") and data.get("name"):
            self.add_error("name", "Choose a list or name a new one, not both.")
        return data
