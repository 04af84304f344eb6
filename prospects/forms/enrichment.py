"""Forms of enrichment: a provider by its kind, and the file of a table."""

import json
from typing import Any

from django import forms

from prospects.models import EnrichmentProvider

Kind = EnrichmentProvider.Kind


class ProviderForm(forms.Form):
    """Who is asked, at what price."""

    name = forms.CharField(max_length=80)
    subject = forms.ChoiceField(choices=EnrichmentProvider.Subject.choices, label="Says something of")
    url = forms.CharField(
        max_length=1000, label="Address", help_text="Such as https://api.provider.example/v1/company?domain={domain}."
    )
    method = forms.ChoiceField(choices=[("GET", "GET"), ("POST", "POST")])
    body = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2}), label="Body of a POST",
        help_text='JSON with the same places, such as {"email": "{email}"}.',
    )  # fmt: skip
    headers = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}), label="Headers",
        help_text="One a line, such as Authorization: Bearer … Kept encrypted and never shown again.",
    )  # fmt: skip
    mapping = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 6}), label="Fields",
        help_text='JSON: our field and where the answer holds it (JMESPath), such as {"industry": "company.category.industry"}.',
    )  # fmt: skip
    price = forms.DecimalField(
        max_digits=11, decimal_places=4, min_value=0, required=False, help_text="0 or empty: it costs nothing."
    )
    per = forms.ChoiceField(choices=EnrichmentProvider.Per.choices, label="For")
    currency = forms.CharField(min_length=3, max_length=3, required=False, help_text="Empty: the workspace's.")
    monthly_budget = forms.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, required=False, label="Budget a month",
        help_text="Empty: none. Nothing is asked that would go beyond it.",
    )  # fmt: skip
    cache_days = forms.IntegerField(
        min_value=0,
        max_value=3650,
        initial=90,
        label="Days an answer holds",
        help_text="Within them nobody is asked again.",
    )
    is_active = forms.BooleanField(required=False, initial=True, label="Switched on")

    def __init__(self, *args: Any, kind: str, provider: EnrichmentProvider | None = None, **kwargs: Any) -> None:
        if provider is not None:
            own = ("name", "subject", "price", "per", "currency", "monthly_budget", "cache_days", "is_active")
            settings = provider.settings
            kwargs["initial"] = {name: getattr(provider, name) for name in own} | {
                "url": settings.get("url", ""), "method": settings.get("method", "GET"),
                "body": json.dumps(settings["body"]) if settings.get("body") else "",
                "mapping": json.dumps(settings.get("mapping", {}), indent=1),
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        gone: tuple[str, ...] = ()
        if kind != Kind.HTTP:
            gone = ("url", "method", "body", "headers", "mapping")
        if kind in (Kind.WEBSITE, Kind.DNS):
            gone += ("subject", "price", "per", "currency", "monthly_budget")
        if kind == Kind.TABLE:
            gone += ("cache_days",)
        for name in gone:
            del self.fields[name]
        if provider is not None and provider.headers_sealed and "headers" in self.fields:
            self.fields["headers"].help_text = "Stored. Empty keeps them; what you write replaces all of them."


class TableForm(forms.Form):
    """The CSV file of a table."""

    file = forms.FileField(
        label="CSV file",
        help_text="With a column domain (of companies) or email (of people), and columns of our fields. It replaces the rows before.",
    )
