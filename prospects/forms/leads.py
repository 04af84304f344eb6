"""Forms of leads: the list's filters (shared with the API, and the links of the funnel), opening, and the moves."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from accounts.models import Workspace
from leadgen.core.clock import start_of_day
from leadgen.core.tenancy import current_workspace_id
from prospects.forms.fields import NOBODY, ListFilter, OwnerField, select
from prospects.forms.people import CompanyChoiceField
from prospects.models import OPEN_STAGES, AgreementVersion, Campaign, Channel, Company, Lead, Person, Stage
from prospects.queries import leads as queries
from prospects.queries.companies import containing as companies_containing
from prospects.queries.people import containing as people_containing
from prospects.rules.agreements import SQL_ITEMS

OPEN = "open"
STAGES = [(OPEN, "Open"), *Stage.choices]
GRADES = [("A", "A"), ("B", "B"), ("C", "C"), ("D", "D"), ("X", "Excluded"), (NOBODY, "Not scored")]
BASES = [("cohort", "Opened in the period"), ("period", "Entered in the period")]


class MomentField(forms.CharField):
    """A date (midnight of the workspace's zone) or an ISO date and time; cleans to an aware datetime."""

    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            if len(text) == 10:
                zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
                return start_of_day(date.fromisoformat(text), zone)
            at = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError as error:
            raise ValidationError("Give a date such as 2026-03-01, or a time such as 2026-03-01T09:00:00Z.") from error
        if at.tzinfo is None:
            raise ValidationError("Add the zone to the time, such as 2026-03-01T09:00:00Z.")
        return at


class MomentFilter(django_filters.Filter):
    field_class = MomentField


class LeadFilter(ListFilter):
    """What leads may be filtered by; `entered`, `not_entered`, `from`, `to`, `basis` name the set behind a figure."""

    q = django_filters.CharFilter(method="by_text", label="Name, e-mail or company")
    stage = select(STAGES, "Any stage", method="by_stage", label="Stage")
    channel = select(list(Channel.choices), "Any channel", label="Channel")
    campaign = django_filters.CharFilter(method="by_campaign", label="Campaign", help_text="An id, a name or `none`.")
    owner = django_filters.CharFilter(method="by_owner", label="Owner", help_text="A member's id, `me` or `none`.")
    grade = select(GRADES, "Any fit", method="by_grade", label="Fit grade when it opened")
    origin = select(list(Lead.Origin.choices), "Any origin", label="Origin")
    dated = select([("yes", "With a date"), ("no", "Undated")], "Dated or not", method="by_date", label="Dated")
    sla = select([("running", "Clock running"), ("breached", "Breached")], "Any clock", method="by_sla", label="SLA")
    entered = select(list(Stage.choices), "Ever in any stage", method="part", label="Entered the stage")
    not_entered = select(list(Stage.choices), "-", method="part", label="Never entered the stage")
    basis = select(BASES, "Cohort", method="part", label="What the period means")
    to = MomentFilter(method="part", label="Before")
    person = django_filters.UUIDFilter(field_name="person", label="Person")
    company = django_filters.UUIDFilter(field_name="company", label="Company")
    external_id = django_filters.CharFilter(label="External id")
    # A keyword of Python, and the word of every other period in this product.
    locals()["from"] = MomentFilter(method="part", label="From")

    chip_prefixes = {
        "q": "Contains", "stage": "Stage:", "channel": "Channel:", "owner": "Owner:", "grade": "Fit", "origin": "Origin:",
        "entered": "Entered", "not_entered": "Never entered", "from": "From", "to": "Before", "external_id": "External id:",
    }  # fmt: skip

    def part(self, queryset: Any, name: str, value: Any) -> Any:
        """One part of the set behind a figure; `filter_queryset` puts them together."""
        return queryset

    def filter_queryset(self, queryset: Any) -> Any:
        queryset = super().filter_queryset(queryset)
        asked = self.form.cleaned_data
        start, end = asked.get("from"), asked.get("to")
        stage, never = asked.get("entered") or "", asked.get("not_entered") or ""
        if not (start or end or stage or never):
            return queryset
        return queries.set_behind(
            queryset, stage=stage, not_stage=never, start=start, end=end, basis=asked.get("basis") or "cohort"
        )

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        people = people_containing(Person.objects.all(), value, companies=False).values("pk")
        firms = companies_containing(Company.objects.all(), value).values("pk")
        return queryset.filter(Q(person__in=people) | Q(company__in=firms))

    def by_stage(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(stage__in=OPEN_STAGES) if value == OPEN else queryset.filter(stage=value)

    def by_campaign(self, queryset: Any, name: str, value: str) -> Any:
        return in_campaign(queryset, value)

    def by_grade(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(fit_grade="" if value == NOBODY else value)

    def by_date(self, queryset: Any, name: str, value: str) -> Any:
        missing = queries.undated(queryset)
        return missing if value == "no" else queryset.exclude(pk__in=missing.values("pk"))

    def by_sla(self, queryset: Any, name: str, value: str) -> Any:
        waiting = queryset.filter(first_touch_at__isnull=True, touch_due_at__isnull=False, stage__in=OPEN_STAGES)
        return waiting.filter(**{"touch_due_at__gt" if value == "running" else "touch_due_at__lte": self.now})

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if name == "campaign":
            return f"Campaign: {campaign_words(value)}"
        if name in ("person", "company"):
            model: Any = Person if name == "person" else Company
            found = model.objects.filter(pk=self.form.cleaned_data.get(name)).first()
            return f"{name.title()}: {found or 'none of these'}"
        return super().chip_label(name, field, value)


def in_campaign(queryset: Any, value: str) -> Any:
    """Rows of a campaign, named by its id, its name, or `none`."""
    if value == NOBODY:
        return queryset.filter(campaign__isnull=True)
    try:
        return queryset.filter(campaign=UUID(value))
    except ValueError:
        return queryset.filter(campaign__name=value)


def campaign_words(value: str) -> str:
    if value == NOBODY:
        return "none"
    try:
        found = Campaign.objects.filter(pk=UUID(value)).first()
    except ValueError:
        return value
    return str(found) if found else "none of these"


class PersonChoiceField(forms.CharField):
    """A person by their e-mail address, or by a name only one has; "Name <address>" as the suggestions write it."""

    def clean(self, value: Any) -> Person | None:
        text = super().clean(value)
        if not text:
            return None
        address = text.rpartition("<")[2].rstrip(">").strip().lower()
        found = (
            list(Person.objects.select_related("company", "owner").filter(email=address)[:1]) if "@" in address else []
        )
        found = found or list(Person.objects.select_related("company", "owner").filter(full_name__iexact=text)[:2])
        if not found:
            raise ValidationError(f"There is nobody “{text}” here. Add them under People first.")
        if len(found) > 1:
            raise ValidationError("Several people have this name. Type the e-mail address of the one you mean.")
        return found[0]

    def prepare_value(self, value: Any) -> Any:
        return person_text(value) if isinstance(value, Person) else value


def person_text(person: Person) -> str:
    """How a person field names somebody: "Ana Ferreira <ana@lumen.example>"."""
    return f"{person.full_name} <{person.email}>" if person.email else person.full_name


class LeadForm(forms.Form):
    """Open a lead by hand: who showed interest, and by which way."""

    person = PersonChoiceField(required=False, max_length=520, help_text="Their e-mail address or name.")
    company = CompanyChoiceField(required=False, max_length=460, help_text="Only where no person is known.")
    channel = forms.ChoiceField(choices=Channel.choices, initial=Channel.REFERRAL)
    campaign: "forms.ModelChoiceField[Campaign]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="No campaign"
    )
    source = forms.CharField(max_length=120, help_text="How they showed interest, such as “met at the fair in Porto”.")
    owner = OwnerField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns(self)
        owner = self.fields["owner"]
        assert isinstance(owner, OwnerField)
        owner.load()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not values.get("person") and not values.get("company"):
            self.add_error("person", "Name a person, or a company where the person is not known.")
        return values


class LeadEditForm(forms.Form):
    """Correct where a lead came from."""

    channel = forms.ChoiceField(choices=Channel.choices)
    subchannel = forms.CharField(
        max_length=80, required=False, label="Second level", help_text="Your own word, if any."
    )
    campaign: "forms.ModelChoiceField[Campaign]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="No campaign"
    )
    source = forms.CharField(max_length=120, required=False)

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(lead, name) for name in ("channel", "subchannel", "campaign", "source")}
        super().__init__(*args, **kwargs)
        campaigns(self)


def campaigns(form: forms.Form) -> None:
    """Offer the workspace's campaigns; read now, never while modules are imported."""
    form.fields["campaign"].queryset = Campaign.objects.order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField


class AssignForm(forms.Form):
    owner = OwnerField(required=False)

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        kwargs["initial"] = {"owner": str(lead.owner_id or "")}
        super().__init__(*args, **kwargs)
        owner = self.fields["owner"]
        assert isinstance(owner, OwnerField)
        owner.load(lead.owner)


class QualifyForm(forms.Form):
    """The SQL checklist: what was said about each item. The conversation is read from the ledger, not typed."""

    def __init__(self, *args: Any, version: AgreementVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for item in version.sql_clause.get("required", ()):
            if item != "conversation":
                self.fields[item] = forms.CharField(
                    label=SQL_ITEMS[item], max_length=500, required=True,
                    error_messages={"required": "Say what they told you, or leave the lead where it is."},
                )  # fmt: skip
        self.fields["note"] = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}), label="Note")

    def confirmed(self) -> dict[str, str]:
        return {name: value for name, value in self.cleaned_data.items() if name != "note"}


class DisqualifyForm(forms.Form):
    reason = forms.ChoiceField(widget=forms.RadioSelect)
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, version: AgreementVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = [(word, word) for word in version.disqualify_reasons]  # type: ignore[attr-defined]  # a ChoiceField


class RecycleForm(forms.Form):
    until = forms.DateField(label="Until", help_text="New interest opens the next lead, whenever it comes.")
    reason = forms.CharField(max_length=120, required=False, help_text="Such as “asked again in spring”.")
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"until": today + timedelta(days=90)})
        super().__init__(*args, **kwargs)


class ReopenForm(forms.Form):
    reason = forms.CharField(max_length=120, help_text="Why it is taken up again.")
