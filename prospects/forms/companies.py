"""Forms of companies: the list's filters (shared with the API), the fact sheet."""

from datetime import timedelta
from typing import Any

import django_filters
from django import forms

from prospects.forms.custom import CustomValues
from prospects.forms.fields import (
    CUSTOM_HELP,
    GRADE_CHOICES,
    SIZE_CHOICES,
    TAG_HELP,
    UNTOUCHED_CHOICES,
    ListFilter,
    OwnerField,
    RuleFilter,
    country_choices,
    in_size,
    select,
)
from prospects.models import Company, Segment
from prospects.queries import companies as queries
from prospects.queries import custom as custom_queries
from prospects.queries.segments import members_of
from prospects.rules.fields import COMPANY_FIELDS

LISTS = ("technologies", "keywords", "pains", "goals")


class CompanyFilter(ListFilter):
    """What companies may be filtered by, on the page and in the API."""

    q = django_filters.CharFilter(method="by_text", label="Name or domain")
    industry = django_filters.CharFilter(lookup_expr="iexact", label="Industry")
    country = select(country_choices(), "Any country", label="Country")
    size = select(SIZE_CHOICES, "Any size", method="by_size", label="Employees")
    employees_min = django_filters.NumberFilter(field_name="employees", lookup_expr="gte", min_value=0)
    employees_max = django_filters.NumberFilter(field_name="employees", lookup_expr="lte", min_value=0)
    owner = django_filters.CharFilter(method="by_owner", label="Owner", help_text="A member's id, `me` or `none`.")
    grade = select(GRADE_CHOICES, "Any fit", method="by_grade", label="Fit grade of the primary ICP")
    untouched = select(UNTOUCHED_CHOICES, "Touched or not", method="by_touch", label="Not touched for days")
    domain = django_filters.CharFilter(lookup_expr="iexact")
    external_id = django_filters.CharFilter()
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    updated_after = django_filters.IsoDateTimeFilter(field_name="updated_at", lookup_expr="gte")
    tag = django_filters.CharFilter(method="by_tag", label="Tag", help_text=TAG_HELP)
    segment = django_filters.UUIDFilter(method="by_segment", label="Segment", help_text="The id of a segment.")
    custom = django_filters.CharFilter(method="by_custom", label="Custom field", help_text=CUSTOM_HELP)
    rule = RuleFilter(method="by_rule", catalogue=COMPANY_FIELDS, label="Rule", help_text="A rule as JSON.")

    catalogue = COMPANY_FIELDS
    subject = "companies"
    chip_prefixes = {
        "q": "Contains", "tag": "Tag:", "industry": "Industry:", "owner": "Owner:", "grade": "Fit", "employees_min": "Employees from",
        "employees_max": "Employees to", "domain": "Domain:", "external_id": "External id:",
        "created_after": "Added after", "updated_after": "Changed after",
    }  # fmt: skip

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        return queries.containing(queryset, value)

    def by_size(self, queryset: Any, name: str, value: str) -> Any:
        return in_size(queryset, value)

    def by_grade(self, queryset: Any, name: str, value: str) -> Any:
        return queries.with_grade(queryset, value)

    def by_touch(self, queryset: Any, name: str, value: str) -> Any:
        return queries.untouched_since(queryset, self.now - timedelta(days=int(value)))

    def by_segment(self, queryset: Any, name: str, value: Any) -> Any:
        """In a segment of companies now; a segment that is gone, or one of people, holds none."""
        segment = Segment.objects.filter(pk=value, subject=Segment.Subject.COMPANIES).first()
        if segment is None:
            return queryset.none()
        return queryset.filter(pk__in=members_of(segment, now=self.now).values("pk"))

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "segment":
            return f"Segment: {Segment.objects.filter(pk=self.form.cleaned_data.get('segment')).first() or 'gone'}"
        return super().chip_label(name, field, value)

    def by_custom(self, queryset: Any, name: str, value: str) -> Any:
        return custom_queries.filter_by(queryset, "companies", value)

    def by_rule(self, queryset: Any, name: str, value: Any) -> Any:
        return queries.filter_by_rule(queryset, value, now=self.now)


class CompanyForm(CustomValues):
    """The fact sheet of a company. Values go to the actions as typed: they clean and judge."""

    name = forms.CharField(max_length=200)
    domain = forms.CharField(
        required=False, max_length=253, help_text="Matches imports and new people, like lumen.example."
    )
    website = forms.CharField(required=False, max_length=300)
    industry = forms.CharField(required=False, max_length=120)
    sub_industry = forms.CharField(required=False, max_length=120, label="Sub-industry")
    naics = forms.CharField(
        required=False, max_length=120, label="NAICS", help_text="A code such as 513210, or a title."
    )
    employees = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    revenue = forms.DecimalField(required=False, min_value=0, max_digits=18, decimal_places=2, help_text="A year.")
    revenue_currency = forms.CharField(required=False, max_length=3, help_text="Such as EUR.")
    founded = forms.IntegerField(required=False, min_value=1000, max_value=2099, help_text="The year.", localize=False)
    country = forms.ChoiceField(required=False)
    region = forms.CharField(required=False, max_length=120)
    city = forms.CharField(required=False, max_length=120)
    time_zone = forms.CharField(required=False, max_length=64, help_text="Such as Europe/Lisbon.")
    phone = forms.CharField(required=False, max_length=40)
    linkedin_url = forms.CharField(required=False, max_length=300, label="LinkedIn page")
    technologies = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="One a line.")
    keywords = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="One a line.")
    pains = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="One a line.")
    goals = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="One a line.")
    funding_stage = forms.CharField(required=False, max_length=40)
    funding_total = forms.DecimalField(required=False, min_value=0, max_digits=18, decimal_places=2)
    funding_currency = forms.CharField(required=False, max_length=3)
    funded_on = forms.DateField(required=False, label="Last funding")
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 4}))
    owner = OwnerField(required=False)
    source = forms.CharField(required=False, max_length=120, help_text="Why we have it.")

    def __init__(self, *args: Any, company: Company | None = None, **kwargs: Any) -> None:
        if company is not None:
            values = {name: getattr(company, name) for name in self.base_fields}
            values |= {name: "\n".join(values[name]) for name in LISTS}
            kwargs["initial"] = values | {"owner": str(company.owner_id or "")} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [("", "Not known"), *country_choices()]  # type: ignore[attr-defined]  # a ChoiceField
        owner = self.fields["owner"]
        assert isinstance(owner, OwnerField)
        owner.load(company.owner if company is not None else None)
        self.load_custom("companies", company)
