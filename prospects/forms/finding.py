"""Forms of finding: what is looked for, a provider by its kind, a directory's file and its columns."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from prospects.models import DirectoryUpload, EnrichmentProvider, FindingSearch, Icp, Segment
from prospects.queries import finding as queries
from prospects.rules.fields import DEPARTMENTS, SENIORITIES
from prospects.rules.finding import CRITERIA, LABELS, MAX_WANTED, NUMBERS, price_words
from prospects.rules.finding_service import OPERATIONS

Kind = EnrichmentProvider.Kind
_CHOICES = {"seniorities": SENIORITIES, "departments": DEPARTMENTS}
_HELP = {
    "industries": "Several: apart by ;", "titles": "Words of the title; several apart by ;",
    "domains": "Domains, one a line or apart by ; Empty: anywhere.", "countries": "Of the company. Names or codes, apart by ;",
}  # fmt: skip
EXAMPLES: Mapping[str, dict[str, Any]] = {
    "companies": {
        "url": "https://api.provider.example/v1/companies/search", "method": "POST",
        "body": {"industries": "{industries}", "countries": "{countries}", "min_employees": "{employees_min}", "page": "{page}", "per_page": "{limit}"},
        "results": "companies", "id": "id", "total": "total", "page_size": 100,
        "mapping": {"name": "name", "domain": "website_domain", "industry": "industry", "employees": "headcount", "country": "country_code"},
        "price": {"result": "0.02"},
    },
    "people": {
        "url": "https://api.provider.example/v1/people/search", "method": "POST",
        "body": {"titles": "{titles}", "seniorities": "{seniorities}", "domains": "{domains}", "cursor": "{cursor}"},
        "results": "people", "id": "id", "cursor": "next_cursor",
        "mapping": {"first_name": "first", "last_name": "last", "title": "title", "linkedin_url": "linkedin", "company_domain": "company.domain"},
        "price": {"request": "0.10"},
    },
    "email": {
        "url": "https://api.provider.example/v1/email?first={first_name}&last={last_name}&domain={domain}",
        "mapping": {"email": "email", "status": "verification.status"}, "price": {"result": "0.05"},
    },
    "phone": {
        "url": "https://api.provider.example/v1/phone?linkedin={linkedin_url}&email={email}",
        "mapping": {"phone": "mobile"}, "price": {"result": "0.50"},
    },
}  # fmt: skip


class FindingForm(forms.Form):
    """What is looked for, at whom, and against which profile. The criteria stand in `criteria()`."""

    provider = forms.ChoiceField(label="Search at")
    icp = forms.ChoiceField(
        required=False, label="Score against", help_text="The profile the results are held against."
    )
    wanted = forms.IntegerField(
        min_value=1,
        max_value=MAX_WANTED,
        initial=100,
        label="Results at most",
        error_messages={"max_value": f"At most {MAX_WANTED:,} at a time."},
    )

    def __init__(self, *args: Any, subject: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject = subject
        self.fields["provider"].choices = [(str(one.pk), one.name) for one in queries.providers(subject)]  # type: ignore[attr-defined]
        icps = Icp.objects.filter(is_archived=False).order_by("-is_primary", "name")
        self.fields["icp"].choices = [(str(one.pk), one.name) for one in icps] or [("", "None yet")]  # type: ignore[attr-defined]
        for name in CRITERIA[subject]:
            self.fields[name] = self._field(name)
        if subject == "people":
            lists = Segment.objects.filter(is_archived=False, subject="companies").order_by("name")[:200]
            self.fields["segment"] = forms.ChoiceField(
                required=False, label="Or at the companies of", choices=[("", "No list"), *((str(s.pk), s.name) for s in lists)],
            )  # fmt: skip

    def _field(self, name: str) -> forms.Field:
        words = {"label": LABELS[name], "required": False, "help_text": _HELP.get(name, "")}
        if name in _CHOICES:
            return forms.MultipleChoiceField(choices=_CHOICES[name], widget=forms.CheckboxSelectMultiple, **words)  # type: ignore[arg-type]
        if name in NUMBERS:
            return forms.IntegerField(min_value=0, **words)  # type: ignore[arg-type]
        if name == "domains":
            return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **words)  # type: ignore[arg-type]
        return forms.CharField(max_length=2000, **words)  # type: ignore[arg-type]

    def criteria(self) -> dict[str, Any]:
        return {
            name: self.cleaned_data[name]
            for name in CRITERIA[self.subject]
            if self.cleaned_data.get(name) not in (None, "", [])
        }

    def shown_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name in CRITERIA[self.subject] or name == "segment"]


def initial_of(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """Criteria as the form's fields show them."""
    return {
        name: "; ".join(value) if isinstance(value, list) and name not in _CHOICES else value
        for name, value in criteria.items()
    }


class FindingProviderForm(forms.Form):
    """Who can be searched, and at what price."""

    name = forms.CharField(max_length=80)
    headers = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}), label="Headers",
        help_text="One a line, such as Authorization: Bearer … Kept encrypted and never shown again.",
    )  # fmt: skip
    currency = forms.CharField(min_length=3, max_length=3, required=False, help_text="Empty: the workspace's.")
    monthly_budget = forms.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, required=False, label="Budget a month",
        help_text="Empty: none. Nothing is asked or bought that would go beyond it.",
    )  # fmt: skip
    price_companies = forms.DecimalField(max_digits=11, decimal_places=4, min_value=0, required=False, label="Price of a company", help_text="Of each row that is added. Empty: free.")  # fmt: skip
    price_people = forms.DecimalField(
        max_digits=11, decimal_places=4, min_value=0, required=False, label="Price of a person"
    )
    is_active = forms.BooleanField(required=False, initial=True, label="Switched on")

    def __init__(self, *args: Any, kind: str, provider: EnrichmentProvider | None = None, **kwargs: Any) -> None:
        operations = provider.settings.get("operations", {}) if provider is not None else {}
        self.kind = kind
        if provider is not None:
            own = ("name", "currency", "monthly_budget", "is_active")
            kwargs["initial"] = {name: getattr(provider, name) for name in own} | {
                f"price_{name}": price_words(Decimal(price)) if price else None for name in ("companies", "people")
                for price in [(operations.get(name) or {}).get("price", {}).get("result")]
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        if kind != Kind.DIRECTORY:
            del self.fields["price_companies"], self.fields["price_people"]
        if kind == Kind.PATTERN:
            del self.fields["currency"], self.fields["monthly_budget"]
        if kind != Kind.SEARCH:
            del self.fields["headers"]
            return
        for name in OPERATIONS:
            said = operations.get(name)
            self.fields[name] = forms.CharField(
                required=False, widget=forms.Textarea(attrs={"rows": 6 if said else 3, "spellcheck": "false"}),
                label={"companies": "Find companies", "people": "Find people", "email": "Find an e-mail address", "phone": "Find a phone number"}[name],
                initial=json.dumps(said, indent=1) if said else "", help_text="JSON: url, body, results, mapping, price (see the examples below). Empty: not offered.",
            )  # fmt: skip
        self.order_fields([name for name in self.fields if name != "is_active"])  # last
        if provider is not None and provider.headers_sealed:
            self.fields["headers"].help_text = "Stored. Empty keeps them; what you write replaces all of them."

    def values(self) -> dict[str, Any]:
        """For actions.enrichment_providers."""
        data = self.cleaned_data
        found: dict[str, Any] = {
            name: data[name] for name in ("name", "currency", "monthly_budget", "is_active", "headers") if name in data
        }
        if self.kind == Kind.SEARCH:
            found["operations"] = {name: data[name] for name in OPERATIONS if data.get(name)}
        if self.kind == Kind.DIRECTORY:
            priced = {"companies": data.get("price_companies"), "people": data.get("price_people")}
            found["operations"] = {name: {"price": {"result": str(price)}} for name, price in priced.items() if price}
        return found


class DirectoryForm(forms.Form):
    """A directory's file."""

    subject = forms.ChoiceField(choices=DirectoryUpload.Subject.choices, label="Each row is one of")
    file = forms.FileField(label="CSV, workbook or Parquet file", help_text="At most 50 MB and 500,000 rows. It replaces the file before as a whole.", error_messages={"required": "Choose a file first."})  # fmt: skip


class DirectoryColumnsForm(forms.Form):
    """Which column holds what: one choice a field of ours."""

    def __init__(self, *args: Any, upload: DirectoryUpload, labels: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        samples = {
            column: next((row[at] for row in upload.samples if at < len(row) and row[at]), "")
            for at, column in enumerate(upload.header)
        }
        choices = [("", "–"), *((c, f"{c} ({samples[c][:30]})" if samples[c] else c) for c in upload.header)]
        for name, label in labels.items():
            self.fields[name] = forms.ChoiceField(
                choices=choices, required=False, label=label, initial=upload.columns.get(name, "")
            )


class FindingSaveForm(forms.Form):
    """A search kept under a name."""

    name = forms.CharField(max_length=120)

    def __init__(self, *args: Any, search: FindingSearch | None = None, **kwargs: Any) -> None:
        if search is not None:
            kwargs["initial"] = {"name": search.name}
        super().__init__(*args, **kwargs)
