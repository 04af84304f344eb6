"""Which rows are a person's, wherever they stand: found by walking foreign keys, so a table that is added later is walked too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Q
from django.db.models.functions import Upper

from leadgen.core.tenancy import TenantForeignKey, TenantModel, tenant_models
from prospects.models import (
    Activity,
    ActivityKind,
    Company,
    CompanyKeys,
    CompanyPair,
    Engagement,
    ImportBatch,
    Merge,
    Person,
    PersonFit,
    PersonKeys,
    PersonPair,
    Verification,
)
from prospects.rules.erasure import IDENTITY, NOUNS, SHARED, Traces, usable_name

# Made from the facts, and gone with them: nobody counts them.
DERIVED = frozenset({CompanyKeys, CompanyPair, Engagement, PersonFit, PersonKeys, PersonPair, Verification})
CHUNK = 2_000

type Ids = dict[type[TenantModel], set[UUID]]


@dataclass(slots=True)
class Reach:
    """The rows that are people's own: `gone` go with them, `stays` stay as facts about nobody, `shared` are others', too."""

    gone: Ids = field(default_factory=dict)
    stays: Ids = field(default_factory=dict)
    shared: Ids = field(default_factory=dict)


def noun_of(model: type[TenantModel]) -> str:
    return NOUNS.get(model._meta.label, str(model._meta.verbose_name_plural).lower())


def counts_of(found: Ids) -> dict[str, int]:
    """Noun -> rows, most first."""
    rows = {noun_of(model): len(ids) for model, ids in found.items() if ids and model not in DERIVED}
    return dict(sorted(rows.items(), key=lambda pair: (-pair[1], pair[0])))


def reach_of(people: Sequence[UUID]) -> Reach:
    """Every row that hangs on these people: directly, or on a row of theirs (the clicks of a mail, the moves of a lead).

    A row that names somebody else as its person is theirs.
    """
    reach = Reach(gone={Person: set(people)})
    waiting: list[tuple[type[TenantModel], set[UUID], bool]] = [(Person, set(people), True)]
    pointers = _pointers()
    while waiting:
        model, keys, going = waiting.pop()
        for other, name, cascades in pointers.get(model, ()):
            rows = other.objects.filter(_among(name, keys))
            if model is not Person:
                rows = rows.filter(_nobody_elses(other, people))
            found = set(rows.order_by().values_list("pk", flat=True))
            if other._meta.label in SHARED:
                reach.shared.setdefault(other, set()).update(found)
                continue
            goes = going and cascades
            book = reach.gone if goes else reach.stays
            new = found - book.setdefault(other, set()) - (set() if goes else reach.gone.get(other, set()))
            book[other] |= new
            if goes:
                reach.stays.get(other, set()).difference_update(new)
            if new:
                waiting.append((other, new, goes))
    return reach


def _pointers() -> dict[type[TenantModel], list[tuple[type[TenantModel], str, bool]]]:
    """Model -> (who points at it, by which key, whether it goes with it)."""
    found: dict[Any, list[tuple[type[TenantModel], str, bool]]] = {}
    for model in tenant_models():
        for column in model._meta.concrete_fields:
            action = getattr(getattr(column.remote_field, "on_delete", None), "__name__", "")
            if isinstance(column, TenantForeignKey) and action in ("DB_CASCADE", "DB_SET_NULL"):
                found.setdefault(column.related_model, []).append((model, column.name, action == "DB_CASCADE"))
    return found


def _among(name: str, keys: Iterable[UUID]) -> Q:
    return Q(**{f"{name}__any": list(keys)})


def _nobody_elses(model: type[TenantModel], people: Sequence[UUID]) -> Q:
    if "person" not in {f.name for f in model._meta.concrete_fields}:
        return Q()
    return Q(person__isnull=True) | Q(person__in=people)


# What to look for


def traces_of(people: Sequence[Person], reach: Reach) -> Traces:
    """Addresses, numbers, pages and names these people have or had, as far as they are nobody else's."""
    traces = Traces()
    keys = [person.pk for person in people]
    for person in people:
        traces.ids.add(str(person.pk))
        for name in ("email", "phone", "linkedin_url", "full_name"):
            traces.add(name, getattr(person, name))
        traces.words |= {person.first_name, person.last_name} - {""}
    for book in (reach.gone, reach.stays):
        for model, ids in book.items():
            _from_rows(traces, model, ids)
    _from_history(traces, keys)
    _without_others(traces, keys)
    return traces


_TELLING = frozenset({"to_address", "from_address", "address", "about_email", "number"})


def _from_rows(traces: Traces, model: type[TenantModel], ids: set[UUID]) -> None:
    columns = [f.name for f in model._meta.concrete_fields if f.name in _TELLING]
    if model._meta.label == "campaigns.Submission":
        for data in model.objects.filter(pk__in=ids).values_list("data", flat=True):
            for name, value in (data or {}).items() if isinstance(data, dict) else ():
                traces.add(name, value if isinstance(value, str) else "")
    if not columns or model is Person:
        return
    listed = sorted(ids)
    for start in range(0, len(listed), CHUNK):
        rows = model.objects.filter(pk__in=listed[start : start + CHUNK]).order_by().values_list(*columns).distinct()
        for row in rows:
            for name, value in zip(columns, row, strict=True):
                traces.add(name, value)


def _from_history(traces: Traces, keys: Sequence[UUID]) -> None:
    """What they were called and written to before: edits on the timeline, merges, imports that can be undone."""
    edits = Activity.objects.filter(person__in=keys, kind=ActivityKind.EDITED, detail__has_key="changes")
    now = {row.pk: row for row in Person.objects.filter(pk__any=list(keys))}
    for key, detail in edits.values_list("person_id", "detail"):
        changes = detail["changes"] if isinstance(detail["changes"], dict) else {}
        firsts, lasts = (
            {getattr(now[key], name), *(v for v in changes.get(name) or () if isinstance(v, str))}
            for name in ("first_name", "last_name")
        )
        for first in firsts:
            for last in lasts:
                traces.add("full_name", f"{first} {last}" if first and last else "")
        for name, pair in changes.items():
            for value in pair if isinstance(pair, list) else ():
                traces.add(name, value if isinstance(value, str) else "")
    for merge in Merge.objects.filter(person__in=keys):
        traces.ids.add(str(merge.gone_id))
        for image in (merge.gone_before, merge.kept_before, merge.kept_after):
            for name, value in image.items():
                traces.add(name, value if isinstance(value, str) else "")
        for label in (merge.gone_label, merge.kept_label):
            traces.add("full_name" if "@" not in label else "email", label)
    for key in traces.ids.copy():
        for changed in ImportBatch.objects.filter(changed__contains=[[key]]).values_list("changed", flat=True):
            for entry in changed:
                for image in entry[1:] if entry[0] == key else ():
                    for name, value in image.items():
                        traces.add(name, value if isinstance(value, str) else "")


def _without_others(traces: Traces, keys: Sequence[UUID]) -> None:
    """What is somebody else's, too, is looked for nowhere: two who share a number, a colleague's address, a name twice."""
    others = Person.objects.exclude(pk__in=keys)
    for label, columns in IDENTITY.items():
        model: Any = apps.get_model(label)
        rows = others if model is Person else model.objects
        for column in columns:
            if "email" in column or column in ("address", "username", "imap_username"):
                traces.emails -= {value.casefold() for value in _held(rows, column, traces.emails)}
            elif column == "phone":
                traces.phones -= set(_held(rows, column, traces.phones))
    traces.names = {name for name in traces.names if usable_name(name)}
    upper = {name.upper(): name for name in traces.names}
    twice: set[str] = set()
    member: Any = apps.get_model("accounts.Member")
    for rows, column in ((others, "full_name"), (Company.objects, "name"), (member.objects, "name")):
        found = rows.annotate(x_upper=Upper(column)).filter(x_upper__in=list(upper)).values_list("x_upper", flat=True)
        twice |= set(found)
    traces.names = {name for up, name in upper.items() if up not in twice}


def _held(rows: Any, column: str, values: set[str]) -> list[str]:
    return list(rows.filter(**{f"{column}__in": list(values)}).values_list(column, flat=True)) if values else []
