"""`field__any`: one of many values, sent as one array."""

import uuid
from datetime import datetime

import pytest

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.models import Company, Person

ODD = [
    "plain@x.example",
    'quote"@x.example',
    "back\\slash@x.example",
    "com,ma@x.example",
    "{brace}@x.example",
    "NULL",
    "é@x.example",
]


@pytest.fixture
def people(acme: Workspace, now: datetime) -> list[Person]:
    with workspace_scope(acme.pk):
        company = Company.objects.create(name="Acme", created_at=now, updated_at=now)
        return [
            Person.objects.create(full_name="Ana", email=email, company=company, created_at=now, updated_at=now)
            for email in ODD
        ]


def test_it_finds_what_in_finds(acme: Workspace, people: list[Person]) -> None:
    keys = [person.pk for person in people]
    with workspace_scope(acme.pk):
        rows = Person.objects.order_by("pk")
        for some in ([], keys[:1], keys, [*keys, uuid.uuid4()], [str(key) for key in keys[:2]]):
            assert list(rows.filter(pk__any=some)) == list(rows.filter(pk__in=some))
        companies = {people[0].company_id}
        assert list(rows.filter(company__any=companies)) == people
        assert not rows.filter(company__any=[uuid.uuid4()]).exists()
        for some in ([], ODD[:1], ODD, [*ODD, "nobody@x.example"]):
            assert list(rows.filter(email__any=some)) == list(rows.filter(email__in=some))
        assert list(rows.exclude(email__any=ODD[1:])) == people[:1]


def test_what_is_no_key_is_refused(acme: Workspace, people: list[Person]) -> None:
    with workspace_scope(acme.pk), pytest.raises(ValueError, match="badly formed"):
        list(Person.objects.filter(pk__any=["'; drop"]))


def test_other_workspaces_stay_unseen(globex: Workspace, people: list[Person]) -> None:
    with workspace_scope(globex.pk):
        assert not Person.objects.filter(pk__any=[person.pk for person in people]).exists()
