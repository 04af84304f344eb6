"""Form fields and filters shared by companies and people: owners, countries, rules, the list's own switches."""

import json
from functools import cached_property
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts.models import Member
from accounts.permissions import owners
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.names import countries
from leadgen.core.rulelang import FieldCatalogue, parse, to_json
from prospects.queries.rule_words import rule_words
from prospects.queries.tags import NONE as NO_TAG
from prospects.queries.tags import named, vocabulary, with_tag

TAG_HELP = "A tag's id or name, several by commas (any of them); `none`: without any."
CUSTOM_HELP = "`key=value`, `key>=value`, `key<=value`; `key=` finds those without one."
ME, NOBODY = "me", "none"
GRADE_CHOICES = [("A", "A"), ("B", "B"), ("C", "C"), ("D", "D"), ("X", "Excluded"), ("none", "Not scored")]
SIZES = {
    "1-10": (1, 10), "11-50": (11, 50), "51-200": (51, 200), "201-1000": (201, 1000), "1001-5000": (1001, 5000),
    "5001+": (5001, None),
}  # fmt: skip
SIZE_CHOICES = [(key, f"{key.replace('-', '–')} employees") for key in SIZES]
UNTOUCHED_CHOICES = [(str(days), f"Not touched for {days} days") for days in (7, 14, 30, 90, 180)]


def country_choices() -> list[tuple[str, str]]:
    """(ISO alpha-2, name), by name."""
    return list(countries().items())


def owner_choices(empty: str = "Nobody") -> list[tuple[str, str]]:
    """Members who may own rows; '' is `empty`."""
    return [("", empty), *((str(member.pk), str(member)) for member in owners().order_by("name", "email"))]


def kept_owner(member: Member) -> tuple[str, str]:
    """Somebody who may own nothing any more and is the owner all the same: offered where they are, with the reason."""
    return str(member.pk), f"{member} ({'viewer' if member.is_active else 'inactive'})"


class OwnerField(forms.ChoiceField):
    """A member who may own rows, or nobody; cleans to the Member or None. Its choices are read in the form's __init__ (`load`)."""

    def load(self, current: Member | None = None) -> None:
        self.choices = owner_choices()
        if current is not None and str(current.pk) not in dict(self.choices):
            self.choices = [*self.choices, kept_owner(current)]

    def clean(self, value: Any) -> Member | None:
        chosen = super().clean(value)
        return Member.objects.filter(pk=chosen).first() if chosen else None


class RuleField(forms.CharField):
    """JSON of a rule; cleans to its normalised JSON ('' is None)."""

    catalogue: FieldCatalogue

    def __init__(self, *, catalogue: FieldCatalogue, **kwargs: Any) -> None:
        self.catalogue = catalogue
        kwargs.setdefault("widget", forms.HiddenInput)
        super().__init__(max_length=20_000, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return to_json(parse(json.loads(text), self.catalogue))
        except json.JSONDecodeError as error:
            raise ValidationError(f"The filter is not JSON: {error}.") from error
        except Invalid as error:
            raise ValidationError(error.message) from error


class RuleFilter(django_filters.Filter):
    """`?rule={"field": "company.employees", "op": "gte", "value": 200}`: the whole rule language over a list."""

    field_class = RuleField


class ListFilter(django_filters.FilterSet):
    """Filters of a list page and of its API, from the same query string. `now` and `member` may be given by tests."""

    catalogue: FieldCatalogue
    subject = ""  # people or companies, where rows have tags
    # Words of a chip where the value alone would not say what it filters: name -> prefix.
    chip_prefixes: dict[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = clock.now()

    @property
    def member(self) -> Member | None:
        return getattr(self.request, "member", None)

    def by_owner(self, queryset: Any, name: str, value: str) -> Any:
        """`me`, `none` or a member's id; an id of nobody here matches nothing."""
        if value == ME:
            return queryset.filter(owner=self.member)
        if value == NOBODY:
            return queryset.filter(owner__isnull=True)
        try:
            return queryset.filter(owner=UUID(value))
        except ValueError:
            return queryset.none()

    @cached_property
    def owners(self) -> list[tuple[str, str]]:
        """Who may own rows, for the filter and the bulk bar."""
        return owner_choices()

    def _asked_owner(self) -> list[tuple[str, str]]:
        """Whom the address asks for though they may own nothing (any more): the filter says their name."""
        try:
            asked = UUID(str(self.data.get("owner", "") or ""))
        except ValueError:
            return []
        if str(asked) in dict(self.owners):
            return []
        return [kept_owner(member) for member in Member.objects.filter(pk=asked)]

    @cached_property
    def tags(self) -> list[tuple[str, str]]:
        """The vocabulary, for the filter; what the address asks for is among them, also by name or several at once."""
        found = [("", "Any tag"), (NO_TAG, "Without a tag"), *((str(tag.pk), tag.name) for tag in vocabulary())]
        asked = str(self.data.get("tag", "") or "")
        if asked and asked not in dict(found):
            found.append((asked, ", ".join(tag.name for tag in named(asked)) or "a tag that is gone"))
        return found

    def by_tag(self, queryset: Any, name: str, value: str) -> Any:
        return with_tag(queryset, self.subject, value)

    def offer_owners(self) -> Any:
        """The form with a select of members for `owner`, as pages show it."""
        form = self.form
        choices = [("", "Any owner"), (ME, "Mine"), (NOBODY, "Nobody's"), *self.owners[1:], *self._asked_owner()]
        form.fields["owner"].widget = forms.Select(choices=choices)
        if "tag" in form.fields:
            form.fields["tag"].widget = forms.Select(choices=self.tags)
        return form

    def chips(self) -> list[dict[str, str]]:
        """The active filters as {label, url}: the url is the list without that one."""
        if not self.is_bound or not isinstance(self.data, QueryDict):
            return []
        form, found = self.offer_owners(), []
        for name, field in form.fields.items():
            value = self.data.get(name, "")
            if not value or name in form.errors:
                continue
            query = self.data.copy()
            for gone in (name, "cursor"):
                query.pop(gone, None)
            found.append({"label": self.chip_label(name, field, value), "url": f"?{query.urlencode()}"})
        return found

    def chip_label(self, name: str, field: forms.Field, value: str) -> str:
        if isinstance(field, RuleField):
            return rule_words(parse(json.loads(value), field.catalogue))
        choices = dict(getattr(field.widget, "choices", ()) or ())
        words = str(choices.get(value, value))
        prefix = self.chip_prefixes.get(name, "")
        return f"{prefix} {words}".strip()


def select(choices: list[tuple[str, str]], empty: str, **kwargs: Any) -> django_filters.ChoiceFilter:
    """A choice filter whose first entry says what it is about."""
    return django_filters.ChoiceFilter(choices=choices, empty_label=empty, **kwargs)


def in_size(queryset: Any, value: str, path: str = "employees") -> Any:
    """Rows whose headcount lies in a bracket of SIZES."""
    low, high = SIZES[value]
    queryset = queryset.filter(**{f"{path}__gte": low})
    return queryset.filter(**{f"{path}__lte": high}) if high is not None else queryset
