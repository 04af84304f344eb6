"""Form fields of accounts."""

from decimal import Decimal
from typing import Any

from django import forms


class PercentField(forms.DecimalField):
    """Typed and shown in percent, kept as a ratio: 80 <-> 0.8."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 0)
        kwargs.setdefault("max_value", 100)
        kwargs.setdefault("decimal_places", 3)
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        # A Decimal is the ratio (initial data); text is what somebody just typed.
        return f"{(value * 100).normalize():f}" if isinstance(value, Decimal) else value

    def clean(self, value: Any) -> Any:
        percent = super().clean(value)
        return None if percent is None else percent / 100

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)
