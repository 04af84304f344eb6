"""The form of a retention rule."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from prospects.models import RetentionRule
from prospects.rules.retention import KEEPS, KINDS, Kind


class RetentionForm(forms.Form):
    """How long, and whether it runs. Grace, exceptions and suppression are of people only."""

    is_active = forms.BooleanField(label="This rule runs", required=False)
    period = forms.IntegerField(label="After")
    grace_days = forms.IntegerField(
        label="Days between the notice and the erasure", min_value=7, max_value=365, initial=30,
        help_text="Until then anybody who may edit people can keep them.",
    )  # fmt: skip
    keeps = forms.MultipleChoiceField(
        label="Keep who has", choices=list(KEEPS.items()), required=False, widget=forms.CheckboxSelectMultiple,
        help_text="Whoever has an open lead or deal, is in a sequence or is a customer stays in any case.",
    )  # fmt: skip
    suppress = forms.BooleanField(
        label="Suppress their addresses, too, so that an import cannot make us write to them again", required=False
    )

    @classmethod
    def of(cls, rule: RetentionRule, data: Any = None) -> "RetentionForm":
        kind = KINDS[rule.kind]
        form = cls(
            data,
            initial={
                "is_active": rule.is_active, "period": rule.period, "grace_days": rule.grace_days, "keeps": rule.keeps,
                "suppress": rule.suppress,
            },
        )  # fmt: skip
        form.fields["period"].validators += [
            MinValueValidator(kind.least, _bounds(kind)),
            MaxValueValidator(kind.most, _bounds(kind)),
        ]
        form.fields["period"].help_text = f"{kind.unit.capitalize()}, from {kind.least} to {kind.most}."
        form.fields["period"].label = f"After ({kind.unit})"
        if rule.kind != RetentionRule.Kind.PEOPLE:
            for name in ("grace_days", "keeps", "suppress"):
                del form.fields[name]
        return form


def _bounds(kind: Kind) -> str:
    return f"From {kind.least} to {kind.most} {kind.unit}."
