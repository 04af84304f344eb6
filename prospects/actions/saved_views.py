"""Saved views as business events, and what a member chooses for a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.http import QueryDict

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member
from leadgen.core.errors import Conflict, Invalid, Refused
from prospects.models import ListChoice, SavedView
from prospects.queries.custom import definitions
from prospects.queries.saved_views import filter_text
from prospects.rules.columns import MOST, every

MAX_VIEWS = 200  # of one member
FIELDS = ("name", "query", "sort", "columns", "is_shared")


def create_view(
    *, by: Actor, now: datetime, subject: str, name: str, query: str = "", sort: str = "",
    columns: Sequence[str] = (), is_shared: bool = False,
) -> SavedView:  # fmt: skip
    """A new view of `by`. `query` is the list's filter as its query string. Raises Invalid or Conflict, the field named."""
    if SavedView.objects.filter(owner=by.member).count() >= MAX_VIEWS:
        raise Invalid(f"You have {MAX_VIEWS} views already. Delete one first.", field="name")
    view = SavedView(subject=subject, owner=by.member, created_at=now, updated_at=now)
    _fill(view, {"name": name, "query": query, "sort": sort, "columns": list(columns), "is_shared": is_shared})
    _save(view)
    write_audit(by=by, action="view.created", now=now, target=view, detail={"subject": subject, "shared": is_shared})
    return view


def update_view(*, by: Actor, now: datetime, view: SavedView, **changes: Any) -> SavedView:
    """Change FIELDS of a view. A shared one is changed by its owner alone: others would see another list than they left."""
    _own(view, by)
    before = {name: getattr(view, name) for name in FIELDS}
    _fill(view, changes)
    changed = [name for name in FIELDS if getattr(view, name) != before[name]]
    if changed:
        view.updated_at = now
        _save(view)
        write_audit(by=by, action="view.changed", now=now, target=view, detail={"changed": changed})
    return view


def delete_view(*, by: Actor, now: datetime, view: SavedView) -> None:
    """Delete a view; lists that opened with it open plain again."""
    _own(view, by)
    write_audit(by=by, action="view.deleted", now=now, target=view, detail={"shared": view.is_shared})
    view.delete()


def choose_columns(*, member: Member, subject: str, columns: Sequence[str]) -> None:
    """Remember a member's columns of a list, for wherever no view says others. None: the defaults again."""
    keys = clean_columns(subject, columns)
    ListChoice.objects.update_or_create(member=member, subject=subject, defaults={"columns": keys})


def choose_default(*, member: Member, subject: str, view: SavedView | None) -> None:
    """Let the list open with this view, or plain."""
    ListChoice.objects.update_or_create(member=member, subject=subject, defaults={"view": view})


def clean_columns(subject: str, columns: Sequence[str]) -> list[str]:
    """The keys, each once. Raises Invalid naming `columns` for one that does not exist, or too many."""
    own = [(field.key, field.label, field.kind) for field in definitions(subject)]
    known = {column.key for column in every(subject, own)}
    keys = list(dict.fromkeys(columns))
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise Invalid(f"There is no column “{unknown[0]}”. Use: {', '.join(sorted(known))}.", field="columns")
    if len(keys) > MOST:
        raise Invalid(f"At most {MOST} columns beside the name; these are {len(keys)}.", field="columns")
    return keys


def _own(view: SavedView, by: Actor) -> None:
    if by.member is None or view.owner_id != by.member.pk:
        raise Refused(f"“{view}” is {view.owner or 'nobody'}'s. Save your own beside it.")


def _fill(view: SavedView, changes: dict[str, Any]) -> None:
    if "name" in changes:
        view.name = " ".join(str(changes["name"] or "").split())
        if not view.name or len(view.name) > 60:
            raise Invalid("Give the view a name of at most 60 characters.", field="name")
    if "query" in changes:
        view.query = filter_text(QueryDict(str(changes["query"] or "").removeprefix("?")))
        if len(view.query) > 20_000:
            raise Invalid("This filter is too long to be saved. Save the rule as a segment instead.", field="query")
    if "sort" in changes:
        view.sort = str(changes["sort"] or "")[:60]
    if "columns" in changes:
        view.columns = clean_columns(view.subject, changes["columns"] or ())
    if "is_shared" in changes:
        view.is_shared = bool(changes["is_shared"])


def _save(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise Conflict(f"You have a view “{view.name}” already.", code="duplicate", field="name") from None
