"""Tags: the vocabulary, who has which, and rows by tag."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.models import Member
from leadgen.core.visibility import everyone
from prospects.models import Tag, TagLink

NONE = "none"


def column_of(subject: str) -> str:
    """The key of TagLink that people, or companies, are linked by."""
    return "person" if subject == "people" else "company"


def vocabulary() -> list[Tag]:
    """Every tag, by name."""
    return sorted(Tag.objects.all(), key=lambda tag: tag.name.casefold())


def counted() -> list[Any]:
    """Every tag with `people` and `companies`: how many have it. One pass over the links."""
    held = {
        row["tag"]: (row["people"], row["companies"])
        for row in TagLink.objects.order_by().values("tag").annotate(people=Count("person"), companies=Count("company"))
    }
    tags: list[Any] = vocabulary()
    for tag in tags:
        tag.people, tag.companies = held.get(tag.pk, (0, 0))
    return tags


@everyone()
def carried_by_others(member: Member, tags: Iterable[Tag] | None = None) -> set[UUID]:
    """Which of these tags (of all, where none are named) somebody else's person or company has. One query."""
    links = TagLink.objects.order_by()
    if tags is not None:
        links = links.filter(tag__in=list(tags))
    theirs = Q(person__owner__isnull=False) & ~Q(person__owner=member)
    theirs |= Q(company__owner__isnull=False) & ~Q(company__owner=member)
    return set(links.filter(theirs).values_list("tag", flat=True).distinct())


def tags_of(subject: str, ids: Iterable[Any]) -> dict[UUID, list[Tag]]:
    """The tags of each of these rows, by name; rows without any are left out."""
    column = column_of(subject)
    found: dict[UUID, list[Tag]] = {}
    for link in TagLink.objects.filter(**{f"{column}__any": list(ids)}).select_related("tag"):
        found.setdefault(getattr(link, f"{column}_id"), []).append(link.tag)
    for tags in found.values():
        tags.sort(key=lambda tag: tag.name.casefold())
    return found


def with_tag(queryset: QuerySet[Any], subject: str, value: str) -> QuerySet[Any]:
    """Rows that have a tag by its id or name, several by commas (any of them); `none`: rows without any."""
    column = column_of(subject)
    links = TagLink.objects.filter(**{f"{column}__isnull": False})
    if value == NONE:
        return queryset.exclude(pk__in=links.values(f"{column}_id"))
    return queryset.filter(pk__in=links.filter(tag__in=[tag.pk for tag in named(value)]).values(f"{column}_id"))


def named(text: str) -> list[Tag]:
    """Tags that a filter names, by id or by name, by commas. What is none of them is left out."""
    wanted = {part.strip().casefold() for part in text.split(",") if part.strip()}
    return [tag for tag in vocabulary() if tag.name.casefold() in wanted or str(tag.pk) in wanted]
