"""Lists of companies: what may be asked, and what a page of them needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from leadgen.core.rulelang import Node, compile_rule, leaves, parse
from leadgen.core.visibility import everyone
from prospects.models import Company, CompanyFit, Customer, Deal, Icp, Lead, Person
from prospects.queries.related import annotated
from prospects.queries.suppressions import is_suppressed
from prospects.queries.texts import inside, named
from prospects.rules.fields import COMPANY_FIELDS

# Sort keys of the list and the API; those in NULLABLE put what is unknown last.
ORDERS = ("name", "created_at", "employees", "industry", "x_fit_score")
NULLABLE = ("employees", "x_fit_score")


def primary_icp() -> Icp | None:
    """The profile whose fit lists show."""
    return Icp.objects.filter(is_primary=True, is_archived=False).first()


def with_fit(queryset: QuerySet[Company], icp: Icp | None = None) -> QuerySet[Company]:
    """Annotate `x_fit_score`, `x_fit_grade` under `icp` (default: the primary one); NULL where not scored."""
    icp = icp or primary_icp()
    fits = CompanyFit.objects.filter(company=OuterRef("pk"), icp=icp)
    return queryset.annotate(
        x_fit_score=Subquery(fits.values("score")[:1]), x_fit_grade=Subquery(fits.values("grade")[:1])
    )


@everyone()  # the date of a colleague's touch spares the company a second one
def with_touch(queryset: QuerySet[Company]) -> QuerySet[Company]:
    """Annotate `x_last_touch_at`: the latest touch of any of its people."""
    people = Person.objects.filter(company=OuterRef("pk"), last_touch_at__isnull=False).order_by("-last_touch_at")
    return queryset.annotate(x_last_touch_at=Subquery(people.values("last_touch_at")[:1]))


def with_fields(queryset: QuerySet[Company]) -> QuerySet[Company]:
    """What list pages show beside the columns."""
    return with_touch(with_fit(queryset))


def matching(rule: Mapping[str, Any] | Node, *, now: datetime) -> QuerySet[Company]:
    """Companies for which a rule over COMPANY_FIELDS is true. Raises Invalid for a rule that cannot be read."""
    return filter_by_rule(Company.objects.all(), rule, now=now)


@everyone()  # what a rule asks of other rows is true or not whoever looks; `queryset` holds what they may see
def filter_by_rule(queryset: QuerySet[Company], rule: Mapping[str, Any] | Node, *, now: datetime) -> QuerySet[Company]:
    """Keep the rows of `queryset` for which the rule is true."""
    node = parse(rule, COMPANY_FIELDS)
    paths = {leaf.field.path for leaf in leaves(node)}
    if paths & {"x_fit_score", "x_fit_grade"} and "x_fit_score" not in queryset.query.annotations:
        queryset = with_fit(queryset)
    if "x_last_touch_at" in paths and "x_last_touch_at" not in queryset.query.annotations:
        queryset = with_touch(queryset)
    return annotated(queryset, node, now=now).filter(compile_rule(node, COMPANY_FIELDS, now).true)


def containing(queryset: QuerySet[Company], text: str) -> QuerySet[Company]:
    """Every word in the name, or the whole text in the domain; by the trigram indexes (ground.md section 1)."""
    words = text.split()
    if not words:
        return queryset
    return queryset.filter(named("name", words) | inside("domain", "".join(words)))


def with_grade(queryset: QuerySet[Company], grade: str, icp: Icp | None = None) -> QuerySet[Company]:
    """Companies of a fit grade; "none" for those not scored. Joins the narrow table, by its own index."""
    icp = icp or primary_icp()
    if icp is None:
        return queryset if grade == "none" else queryset.none()
    fits = CompanyFit.objects.filter(icp=icp)
    if grade == "none":
        return queryset.exclude(pk__in=fits.values("company_id"))
    return queryset.filter(pk__in=fits.filter(grade=grade).values("company_id"))


def untouched_since(queryset: QuerySet[Company], since: datetime) -> QuerySet[Company]:
    """Companies none of whose people was touched at or after `since`."""
    return queryset.exclude(
        pk__in=Person.objects.filter(company__isnull=False, last_touch_at__gte=since).values("company_id")
    )


def people_of(company: Company, limit: int = 50) -> list[Any]:
    """Its people with fit, the best first; `x_suppressed` says who must not be written to."""
    from prospects.queries.people import with_fit as with_person_fit

    people: list[Any] = list(
        with_person_fit(Person.objects.filter(company=company))
        .select_related("owner")
        .order_by(F("x_fit_score").desc(nulls_last=True), "full_name", "id")[:limit]
    )
    suppressed = is_suppressed(person.email for person in people)
    for person in people:
        person.x_suppressed = person.email in suppressed
    return people


def leads_of(company: Company, limit: int = 50) -> list[Lead]:
    """Its leads, the newest first."""
    return list(
        Lead.objects.filter(company=company)
        .select_related("person", "owner", "version")
        .order_by("-created_at", "-id")[:limit]
    )


def deals_of(company: Company, limit: int = 50) -> list[Deal]:
    """Its deals, the newest first."""
    return list(
        Deal.objects.filter(company=company).select_related("owner", "person").order_by("-created_at", "-id")[:limit]
    )


def effects_of_deletion(ids: list[Any]) -> dict[str, int]:
    """What hangs on these companies: counts of people, leads, deals and customers that stay behind without them."""
    return {
        "people": Person.objects.filter(company__in=ids).count(),
        "leads": Lead.objects.filter(company__in=ids).count(),
        "deals": Deal.objects.filter(company__in=ids).count(),
        "customers": Customer.objects.filter(company__in=ids).count(),
    }
