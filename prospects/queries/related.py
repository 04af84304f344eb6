"""Facts of rules that lie in related rows: counts, latest dates, lists; laid on a queryset only where a rule names them.

An upper app that has such rows registers its expressions in `AppConfig.ready()`, as with panels:

    register_related("person", "x_sequence_state", lambda key, now: Subquery(...))

`key` is what the rows are joined by: `OuterRef("pk")` of a person or company, `OuterRef("company_id")` for the company's
facts from a Person row. Each expression is a subquery by an index that leads with the workspace.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Count,
    DateTimeField,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Greatest, Power

from leadgen.core.rulelang import Node, leaves
from prospects.models import (
    Activity,
    ActivityKind,
    Deal,
    Engagement,
    Lead,
    Meeting,
    Person,
    SegmentMember,
    Signal,
    TagLink,
    Task,
)
from prospects.queries.agreements import signed_agreement
from prospects.rules.engagement import half_lives

Subject = Literal["person", "company"]
Build = Callable[[OuterRef, datetime], Any]
_known: dict[tuple[str, str], Build] = {}


def register_related(subject: Subject, path: str, build: Build) -> None:
    """Say how a fact of `rules.fields` is found; registering again replaces."""
    _known[subject, path] = build


def builders() -> dict[tuple[str, str], Build]:
    """Every expression by (subject, path): a test compares them with the fields that are declared."""
    return dict(_known)


def annotated[Rows: QuerySet[Any]](queryset: Rows, node: Node, *, now: datetime) -> Rows:
    """`queryset` (of people or companies) with the related facts that `node` asks for."""
    person = queryset.model is Person
    there = queryset.query.annotations
    wanted = {leaf.field.path for leaf in leaves(node)} - there.keys()
    laid: dict[str, Any] = {}
    for path in sorted(wanted):
        if build := _known.get(("person" if person else "company", path)):
            laid[path] = build(OuterRef("pk"), now)
        elif person and (build := _known.get(("company", path))):
            laid[path] = build(OuterRef("company_id"), now)
    return queryset.annotate(**laid) if laid else queryset


def count_of(rows: QuerySet[Any], by: str) -> Any:
    """How many `rows` there are (already filtered by their key `by`); 0 where none."""
    counted = rows.order_by().values(by).annotate(x_n=Count("pk")).values("x_n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _engagement(key: OuterRef, now: datetime) -> Any:
    version = signed_agreement()
    if version is None:
        return Value(0.0, output_field=FloatField())
    past = Value(half_lives(now, version.half_life_days), output_field=FloatField())
    worth = Power(Value(2.0, output_field=FloatField()), F("level") - past, output_field=FloatField())
    rows = Engagement.objects.filter(person=key, version=version, level__isnull=False)
    return Coalesce(Subquery(rows.annotate(x_worth=worth).values("x_worth")[:1]), 0.0, output_field=FloatField())


def _done(kind: ActivityKind) -> Build:
    """How often something happened; what a machine did, or may have done, does not count."""

    def build(key: OuterRef, now: datetime) -> Any:
        return count_of(Activity.objects.filter(person=key, kind=kind, hit_class=Activity.HitClass.HUMAN), "person")

    return build


def _lists(by: str) -> Build:
    def build(key: OuterRef, now: datetime) -> Any:
        rows = SegmentMember.objects.filter(**{by: key}, segment__kind="static").order_by("segment__name")
        return ArraySubquery(rows.values_list(Cast("segment__name", TextField()), flat=True))

    return build


def _tags(by: str) -> Build:
    def build(key: OuterRef, now: datetime) -> Any:
        rows = TagLink.objects.filter(**{by: key}).order_by("tag__name")
        return ArraySubquery(rows.values_list(Cast("tag__name", TextField()), flat=True))

    return build


def _latest_stage_at(key: OuterRef, now: datetime) -> Any:
    rows = Lead.objects.filter(person=key).order_by("-created_at", "-id")
    return Subquery(rows.values("stage_at")[:1], output_field=DateTimeField())


def _last(column: str) -> Build:
    def build(key: OuterRef, now: datetime) -> Any:
        rows = Person.objects.filter(company=key, **{f"{column}__isnull": False}).order_by(f"-{column}")
        return Subquery(rows.values(column)[:1], output_field=DateTimeField())

    return build


def _signal(by: str, kind: str = "") -> Build:
    """When the latest signal came: one look into the index of its subject and time, or its subject, kind and time."""

    def build(key: OuterRef, now: datetime) -> Any:
        rows = Signal.objects.filter(**{by: key}, state=Signal.State.MATCHED, at__lte=now)
        found = (rows.filter(kind=kind) if kind else rows).order_by("-at")
        return Subquery(found.values("at")[:1], output_field=DateTimeField())

    return build


def _deals(outcome: str) -> Build:
    return lambda key, now: count_of(Deal.objects.filter(company=key, outcome=outcome), "company")


# GREATEST passes NULL over. Of the row itself: no join, whatever the number of people.
register_related("person", "x_person_confirmed_at", lambda key, now: Greatest("updated_at", "last_reply_at"))
register_related("person", "x_lead_stage_at", _latest_stage_at)
register_related("person", "x_person_engagement", _engagement)
register_related("person", "x_person_leads", lambda key, now: count_of(Lead.objects.filter(person=key), "person"))
register_related(
    "person",
    "x_person_open_tasks",
    lambda key, now: count_of(Task.objects.filter(person=key, state=Task.State.OPEN), "person"),
)
register_related(
    "person",
    "x_person_meetings_held",
    lambda key, now: count_of(Meeting.objects.filter(person=key, state=Meeting.State.HELD), "person"),
)
register_related("person", "x_person_emails_sent", _done(ActivityKind.SENT))
register_related("person", "x_person_calls", _done(ActivityKind.CALLED))
register_related("person", "x_person_clicks", _done(ActivityKind.CLICKED))
register_related("person", "x_person_forms", _done(ActivityKind.FORM))
register_related("person", "x_person_lists", _lists("person"))
register_related("company", "x_company_lists", _lists("company"))
register_related("person", "x_person_tags", _tags("person"))
register_related("company", "x_company_tags", _tags("company"))
register_related(
    "company", "x_company_people", lambda key, now: count_of(Person.objects.filter(company=key), "company")
)
register_related("company", "x_company_signal_at", _signal("company"))
register_related("person", "x_person_signal_at", _signal("person"))
for _kind in Signal.Kind.values:
    register_related("company", f"x_company_{_kind}_signal_at", _signal("company", _kind))
for _kind in ("job_change", "usage"):
    register_related("person", f"x_person_{_kind}_signal_at", _signal("person", _kind))
register_related("company", "x_company_open_deals", _deals(Deal.Outcome.OPEN))
register_related("company", "x_company_won_deals", _deals(Deal.Outcome.WON))
register_related("company", "x_company_last_reply_at", _last("last_reply_at"))

__all__ = ["Subject", "annotated", "builders", "count_of", "register_related"]
