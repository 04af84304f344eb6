"""Forms of the inbox: the answer."""

from typing import Any
from uuid import uuid4

from django import forms

from campaigns.actions.inbox import MAX_TEXT


class ReplyForm(forms.Form):
    """An answer in plain text. `key` makes a double click one e-mail."""

    text = forms.CharField(
        max_length=MAX_TEXT, label="Your answer", strip=True, widget=forms.Textarea(attrs={"rows": 6})
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, initial={"key": uuid4().hex}, **kwargs)
