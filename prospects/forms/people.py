"""Forms of people: the list's filters (shared with the API), the fact sheet."""

import re
from datetime import timedelta
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError

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
from prospects.models import Company, Department, Person, Segment, Seniority, Stage
from prospects.queries import custom as custom_queries
from prospects.queries import people as queries
from prospects.queries.segments import people_in
from prospects.rules import normalise
from prospects.rules.fields import PERSON_FIELDS

KNOWN_SENIORITIES = [pair for pair in Seniority.choices if pair[0]]
KNOWN_DEPARTMENTS = [pair for pair in Department.choices if pair[0]]


class PersonFilter(ListFilter):
    """What people may be filtered by, on the page and in the API."""

    q = django_filters.CharFilter(method="by_text", label="Name, e-mail or company")
    industry = django_filters.CharFilter(field_name="company__industry", lookup_expr="iexact", label="Industry")
    country = select(country_choices(), "Any country", method="by_country", label="Country")
    size = select(SIZE_CHOICES, "Any size", method="by_size", label="Employees of the company")
    owner = django_filters.CharFilter(method="by_owner", label="Owner", help_text="A member's id, `me` or `none`.")
    grade = select(GRADE_CHOICES, "Any fit", method="by_grade", label="Fit grade of the primary ICP")
    stage = select([*Stage.choices, ("none", "No lead")], "Any stage", method="by_stage", label="Lead stage")
    has_email = select([("yes", "With e-mail"), ("no", "Without e-mail")], "E-mail or not", method="by_email")
    email_status = select(list(Person.EmailStatus.choices), "Any e-mail", label="E-mail status")
    seniority = select(KNOWN_SENIORITIES, "Any seniority", label="Seniority")
    department = select(KNOWN_DEPARTMENTS, "Any department", label="Department")
    untouched = select(UNTOUCHED_CHOICES, "Touched or not", method="by_touch", label="Not touched for days")
    company = django_filters.UUIDFilter(field_name="company", label="Company")
    email = django_filters.CharFilter(method="by_address", label="E-mail address")
    external_id = django_filters.CharFilter()
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    updated_after = django_filters.IsoDateTimeFilter(field_name="updated_at", lookup_expr="gte")
    tag = django_filters.CharFilter(method="by_tag", label="Tag", help_text=TAG_HELP)
    segment = django_filters.UUIDFilter(method="by_segment", label="Segment", help_text="The id of a segment.")
    custom = django_filters.CharFilter(method="by_custom", label="Custom field", help_text=CUSTOM_HELP)
    rule = RuleFilter(method="by_rule", catalogue=PERSON_FIELDS, label="Rule", help_text="A rule as JSON.")

    catalogue = PERSON_FIELDS
    subject = "people"
    chip_prefixes = {
        "q": "Contains", "tag": "Tag:", "industry": "Industry:", "owner": "Owner:", "grade": "Fit", "stage": "Stage:",
        "email_status": "E-mail:", "email": "E-mail:", "external_id": "External id:", "created_after": "Added after",
        "updated_after": "Changed after",
    }  # fmt: skip

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        return queries.containing(queryset, value)

    def by_country(self, queryset: Any, name: str, value: str) -> Any:
        """The person's country, or the company's where theirs is not known."""
        return queryset.filter(country=value) | queryset.filter(country="", company__country=value)

    def by_size(self, queryset: Any, name: str, value: str) -> Any:
        return in_size(queryset, value, "company__employees")

    def by_grade(self, queryset: Any, name: str, value: str) -> Any:
        return queries.with_grade(queryset, value)

    def by_stage(self, queryset: Any, name: str, value: str) -> Any:
        return queries.in_stage(queryset, value)

    def by_email(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.exclude(email="") if value == "yes" else queryset.filter(email="")

    def by_address(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(email=value.strip().lower())

    def by_touch(self, queryset: Any, name: str, value: str) -> Any:
        return queries.untouched_since(queryset, self.now - timedelta(days=int(value)))

    def by_segment(self, queryset: Any, name: str, value: Any) -> Any:
        """In a segment of people now, or working at a company of one of companies; a segment that is gone holds nobody."""
        segment = Segment.objects.filter(pk=value).first()
        return people_in(queryset, segment, now=self.now) if segment is not None else queryset.none()

    def by_custom(self, queryset: Any, name: str, value: str) -> Any:
        return custom_queries.filter_by(queryset, "people", value)

    def by_rule(self, queryset: Any, name: str, value: Any) -> Any:
        return queries.filter_by_rule(queryset, value, now=self.now)

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "company":
            found = Company.objects.filter(pk=self.form.cleaned_data.get("company")).first()
            return f"Company: {found or 'none of these'}"
        if name == "segment":
            return f"Segment: {Segment.objects.filter(pk=self.form.cleaned_data.get('segment')).first() or 'gone'}"
        return super().chip_label(name, field, value)


def company_text(company: Company) -> str:
    """How the company field names a company: "Lumen Robotics (lumen.example)"."""
    return f"{company.name} ({company.domain})" if company.domain else company.name


class CompanyChoiceField(forms.CharField):
    """A company by what a person types: its domain, "Name (domain)", or its exact name where only one has it.

    Cleans to the Company or None. Never guesses: a name two companies share is refused with both domains.
    """

    def clean(self, value: Any) -> Company | None:
        text = super().clean(value)
        if not text:
            return None
        bracketed = re.search(r"\(([^()\s]+\.[^()\s]+)\)\Z", text)
        address = bracketed[1] if bracketed else text
        try:
            domain = normalise.domain(address)
        except normalise.Unusable:
            domain = ""
        found = list(Company.objects.filter(domain=domain)[:1]) if domain else []
        found = found or list(Company.objects.filter(name__iexact=text).order_by("created_at")[:3])
        if not found:
            raise ValidationError(
                f"There is no company “{text}” here. Add it under Companies first, or leave this empty."
            )
        if len(found) > 1:
            named = ", ".join(company.domain or "one without a domain" for company in found)
            raise ValidationError(f"Several companies have this name ({named}). Type the domain of the one you mean.")
        return found[0]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(company_text(initial) if isinstance(initial, Company) else initial, data)

    def prepare_value(self, value: Any) -> Any:
        return company_text(value) if isinstance(value, Company) else value


class PersonForm(CustomValues):
    """The fact sheet of a person. Values go to the actions as typed: they clean and judge."""

    first_name = forms.CharField(required=False, max_length=120)
    last_name = forms.CharField(required=False, max_length=120)
    email = forms.CharField(required=False, max_length=254, label="E-mail", widget=forms.EmailInput)
    phone = forms.CharField(required=False, max_length=40)
    title = forms.CharField(required=False, max_length=200, label="Job title")
    company = CompanyChoiceField(required=False, max_length=460, help_text="Its domain or name.")
    seniority = forms.ChoiceField(
        required=False, choices=[("", "From the title"), *KNOWN_SENIORITIES], help_text="Read from the title if empty."
    )
    department = forms.ChoiceField(
        required=False, choices=[("", "From the title"), *KNOWN_DEPARTMENTS], help_text="Read from the title if empty."
    )
    linkedin_url = forms.CharField(required=False, max_length=300, label="LinkedIn page")
    country = forms.ChoiceField(required=False)
    region = forms.CharField(required=False, max_length=120)
    city = forms.CharField(required=False, max_length=120)
    time_zone = forms.CharField(required=False, max_length=64, help_text="Such as Europe/Lisbon.")
    owner = OwnerField(required=False)
    source = forms.CharField(required=False, max_length=120, help_text="Why do we have this person?")
    lawful_basis = forms.CharField(
        required=False, max_length=200, help_text="Such as “legitimate interest, public register”."
    )

    def __init__(self, *args: Any, person: Person | None = None, **kwargs: Any) -> None:
        if person is not None:
            values = {name: getattr(person, name) for name in self.base_fields}
            kwargs["initial"] = values | {"owner": str(person.owner_id or "")} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [("", "Not known"), *country_choices()]  # type: ignore[attr-defined]  # a ChoiceField
        owner = self.fields["owner"]
        assert isinstance(owner, OwnerField)
        owner.load(person.owner if person is not None else None)
        self.load_custom("people", person)
