"""Forms of tags: a word of the vocabulary, and which of them a row has."""

from django import forms

from prospects.models import Tag


class TagForm(forms.Form):
    """A word and its colour."""

    name = forms.CharField(max_length=40)
    colour = forms.ChoiceField(choices=Tag.Colour.choices, initial=Tag.Colour.GREY)


def split_names(text: str) -> list[str]:
    """Names typed with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
