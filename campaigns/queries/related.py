"""What rules may ask of sequences; registered by apps.CampaignsConfig (see prospects.queries.related)."""

from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, DateTimeField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from campaigns.models import Enrolment
from prospects.queries.related import count_of, register_related

INSIDE = [Enrolment.State.ACTIVE, Enrolment.State.PAUSED]


def _current(key: OuterRef) -> QuerySet[Enrolment]:
    """The enrolment somebody is in, else the last they were in."""
    inside = Case(When(state__in=INSIDE, then=Value(0)), default=Value(1))
    return Enrolment.objects.filter(person=key).order_by(inside, "-enrolled_at", "-id")


def _state(key: OuterRef, now: datetime) -> Any:
    return Coalesce(Subquery(_current(key).values("state")[:1]), Value("never"), output_field=CharField())


def _name(key: OuterRef, now: datetime) -> Any:
    return Coalesce(Subquery(_current(key).values("sequence__name")[:1]), Value(""), output_field=CharField())


def _at(column: str) -> Any:
    return lambda key, now: Subquery(_current(key).values(column)[:1], output_field=DateTimeField())


def _inside_there(key: OuterRef, now: datetime) -> Any:
    rows = Enrolment.objects.filter(Q(state__in=INSIDE), person__company=key)
    return count_of(rows, "person__company")


def register() -> None:
    register_related("person", "x_sequence_state", _state)
    register_related("person", "x_sequence_name", _name)
    register_related("person", "x_sequence_enrolled_at", _at("enrolled_at"))
    register_related("person", "x_sequence_ended_at", _at("ended_at"))
    register_related(
        "person", "x_sequence_enrolments", lambda key, now: count_of(Enrolment.objects.filter(person=key), "person")
    )
    register_related("company", "x_company_people_in_sequence", _inside_there)
