"""Saved views a member may open, and what they chose for a list."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts.models import Member
from prospects.models import ListChoice, SavedView

# What an address of a list carries beside its filter.
STATE = ("sort", "cursor", "view")


def views_of(member: Member | None, subject: str = "") -> QuerySet[SavedView]:
    """Their own and the shared ones, by name."""
    rows = SavedView.objects.filter(Q(owner=member) | Q(is_shared=True)).select_related("owner").order_by("name", "id")
    return rows.filter(subject=subject) if subject else rows


def view_of(member: Member | None, subject: str, text: str) -> SavedView | None:
    """The view of an id, if this member may open it."""
    try:
        return views_of(member, subject).filter(pk=UUID(text)).first()
    except ValueError:
        return None


def choice_of(member: Member, subject: str) -> ListChoice | None:
    return ListChoice.objects.filter(member=member, subject=subject).select_related("view").first()


def filter_text(query: QueryDict) -> str:
    """The filter alone of a list's address, in one order, so that two can be compared."""
    pairs = [(key, value) for key, values in query.lists() if key not in STATE for value in values if value]
    return urlencode(sorted(pairs))


def address(view: SavedView) -> str:
    """The list's query string that opens a view."""
    pairs: list[tuple[str, Any]] = [(key, value) for key, values in QueryDict(view.query).lists() for value in values]
    if view.sort:
        pairs.append(("sort", view.sort))
    return urlencode([*pairs, ("view", view.pk)])


def is_changed(view: SavedView, query: QueryDict) -> bool:
    """Whether the list was filtered or ordered otherwise since the view was opened."""
    return filter_text(query) != view.query or query.get("sort", "") != view.sort
