"""Lists of people: what may be asked, and what a page of them needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from leadgen.core.rulelang import Node, compile_rule, leaves, parse
from leadgen.core.visibility import everyone
from prospects.models import OPEN_STAGES, Company, Deal, Icp, Lead, Person, PersonFit, Task
from prospects.queries.companies import primary_icp
from prospects.queries.related import annotated
from prospects.queries.texts import inside, named
from prospects.rules.fields import PERSON_FIELDS

# Sort keys of the list and the API; those in NULLABLE put what is unknown last.
ORDERS = ("full_name", "created_at", "last_touch_at", "last_reply_at", "x_fit_score")
NULLABLE = ("last_touch_at", "last_reply_at", "x_fit_score")
FEW = 20_000  # keys that travel in a statement for less than a join costs


def with_fit(queryset: QuerySet[Person], icp: Icp | None = None) -> QuerySet[Person]:
    """Annotate `x_fit_score`, `x_fit_grade` under `icp` (default: the primary one); NULL where not scored."""
    icp = icp or primary_icp()
    fits = PersonFit.objects.filter(person=OuterRef("pk"), icp=icp)
    return queryset.annotate(
        x_fit_score=Subquery(fits.values("score")[:1]), x_fit_grade=Subquery(fits.values("grade")[:1])
    )


def with_stage(queryset: QuerySet[Person]) -> QuerySet[Person]:
    """Annotate `x_lead_stage`: the stage of the latest lead; NULL where there never was one."""
    leads = Lead.objects.filter(person=OuterRef("pk")).order_by("-created_at", "-id")
    return queryset.annotate(x_lead_stage=Subquery(leads.values("stage")[:1]))


def with_fields(queryset: QuerySet[Person]) -> QuerySet[Person]:
    """What list pages show beside the columns."""
    return with_stage(with_fit(queryset))


def matching(rule: Mapping[str, Any] | Node, *, now: datetime) -> QuerySet[Person]:
    """People for whom a rule over PERSON_FIELDS is true. Raises Invalid for a rule that cannot be read."""
    return filter_by_rule(Person.objects.all(), rule, now=now)


@everyone()  # what a rule asks of other rows is true or not whoever looks; `queryset` holds what they may see
def filter_by_rule(queryset: QuerySet[Person], rule: Mapping[str, Any] | Node, *, now: datetime) -> QuerySet[Person]:
    """Keep the rows of `queryset` for which the rule is true."""
    node = parse(rule, PERSON_FIELDS)
    paths = {leaf.field.path for leaf in leaves(node)}
    if paths & {"x_fit_score", "x_fit_grade"} and "x_fit_score" not in queryset.query.annotations:
        queryset = with_fit(queryset)
    if "x_lead_stage" in paths and "x_lead_stage" not in queryset.query.annotations:
        queryset = with_stage(queryset)
    return annotated(queryset, node, now=now).filter(compile_rule(node, PERSON_FIELDS, now).true)


def containing(queryset: QuerySet[Person], text: str, *, companies: bool = True) -> QuerySet[Person]:
    """Every word in the name, or the text in the e-mail address, or (`companies`) in the name of their company.

    Who that is is looked up here, index by index, and handed on as keys: joined in one statement, a planner without
    statistics took 15 s over a million. A text that is in more than FEW of a kind is asked row by row instead, where pages
    and counts end soon because so many match.
    """
    words = text.split()
    if not words:
        return queryset
    anybody = Person.objects.order_by()
    own, theirs = named("full_name", words) | inside("email", "".join(words)), named("name", words)
    found = _few(anybody.filter(own))
    if found is not None and companies:
        firms = _few(Company.objects.order_by().filter(theirs))
        staff = _few(anybody.filter(company__any=firms)) if firms is not None else None
        found = [*found, *staff] if staff is not None else None
    if found is not None:
        return queryset.filter(pk__any=list(dict.fromkeys(found)))
    if not companies:
        return queryset.filter(own)
    return queryset.filter(own | Q(company__in=Company.objects.order_by().filter(theirs).values("pk")))


def _few(rows: QuerySet[Any]) -> list[Any] | None:
    """Their keys; None where there are more than FEW."""
    keys = list(rows.values_list("pk", flat=True)[: FEW + 1])
    return keys if len(keys) <= FEW else None


def with_grade(queryset: QuerySet[Person], grade: str, icp: Icp | None = None) -> QuerySet[Person]:
    """People of a fit grade; "none" for those not scored. By the narrow table's own index."""
    icp = icp or primary_icp()
    if icp is None:
        return queryset if grade == "none" else queryset.none()
    fits = PersonFit.objects.filter(icp=icp)
    if grade == "none":
        return queryset.exclude(pk__in=fits.values("person_id"))
    return queryset.filter(pk__in=fits.filter(grade=grade).values("person_id"))


def in_stage(queryset: QuerySet[Person], stage: str) -> QuerySet[Person]:
    """People whose current buying cycle is in `stage`; "none" for those who never had one.

    At most one lead of a person is open, so an exit counts only where none is.
    """
    mine = Lead.objects.filter(person=OuterRef("pk"))
    if stage == "none":
        return queryset.exclude(Exists(mine))
    found = queryset.filter(Exists(mine.filter(stage=stage)))
    return found if stage in OPEN_STAGES else found.exclude(Exists(mine.filter(stage__in=OPEN_STAGES)))


def untouched_since(queryset: QuerySet[Person], since: datetime) -> QuerySet[Person]:
    """People we did not touch at or after `since`, those never touched included."""
    return queryset.filter(Q(last_touch_at__isnull=True) | Q(last_touch_at__lt=since))


def colleagues_of(person: Person, limit: int = 5) -> list[Person]:
    """Others of the same company, those with a reply first."""
    if person.company_id is None:
        return []
    return list(
        Person.objects.filter(company_id=person.company_id)
        .exclude(pk=person.pk)
        .select_related("owner")
        .order_by("full_name", "id")[:limit]
    )


def effects_of_deletion(ids: list[Any]) -> dict[str, int]:
    """What hangs on these people: counts of tasks that go, and of leads and deals that stay without them."""
    return {
        "tasks": Task.objects.filter(person__in=ids).count(),
        "leads": Lead.objects.filter(person__in=ids).count(),
        "deals": Deal.objects.filter(person__in=ids).count(),
    }
