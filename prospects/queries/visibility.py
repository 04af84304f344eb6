"""What of the prospects a viewer sees (docs/decisions/0020): one rule a model, added to every queryset by its manager.

Two sentences: who owns a company or a person sees what hangs on it, and who owns a lead, a deal, an open task or a waiting
hand-off sees the person and the company it is about. What nobody owns is everybody's, unless it hangs on what somebody owns.

Sets of what is owned are written as `IN (SELECT ...)` without reference to the outer row: PostgreSQL reads each once, by
the index on the owner, and asks a hash for every row.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from leadgen.core.tenancy import tenant_models
from leadgen.core.visibility import Viewer, as_asked, asker, current_viewer, everyone, restrict
from prospects.models import (
    BulkAct,
    BulkPart,
    Company,
    CompanyFit,
    CompanyKeys,
    CompanyPair,
    Deal,
    Engagement,
    Handoff,
    Import,
    ImportBatch,
    ImportFates,
    ImportFile,
    ImportIssue,
    Lead,
    Meeting,
    Person,
    PersonFit,
    PersonKeys,
    PersonPair,
    PointEntry,
    Task,
)

# Upper apps name further people a viewer works with (those they have in a sequence).
PeopleOf = Callable[[Viewer], QuerySet[Any]]
_people_of: list[PeopleOf] = []


def also_people_of(keys: PeopleOf) -> None:
    """Let a viewer see the people of `keys(viewer)`, a queryset of one column without nulls."""
    if keys not in _people_of:
        _people_of.append(keys)


def held(model: Any, viewer: Viewer, **more: Any) -> QuerySet[Any]:
    """Rows of a model that the viewer, or one of their team, owns."""
    rows: QuerySet[Any] = model.unscoped.filter(workspace_id=viewer.workspace, owner__any=viewer.owners, **more)
    return rows


def _owned_elsewhere(model: Any, viewer: Viewer, name: str) -> Exists:
    """Whether the row that `name` points at has an owner, whoever that is."""
    return Exists(
        model.unscoped.filter(workspace_id=viewer.workspace, pk=OuterRef(f"{name}_id"), owner__isnull=False).order_by()
    )


def _waiting(viewer: Viewer) -> QuerySet[Any]:
    """Hand-offs that wait, from the viewer or for them."""
    return Handoff.unscoped.filter(
        Q(to_member__any=viewer.owners) | Q(from_member__any=viewer.owners),
        workspace_id=viewer.workspace,
        state=Handoff.State.PENDING,
    )


def sees_company(viewer: Viewer) -> Q:
    """One's own; nobody's; and where one has a person, a lead or a deal."""
    return (
        Q(owner__isnull=True)
        | Q(owner__any=viewer.owners)
        | Q(pk__in=held(Person, viewer, company__isnull=False).values("company_id"))
        | Q(pk__in=held(Lead, viewer, company__isnull=False).values("company_id"))
        | Q(pk__in=held(Deal, viewer, company__isnull=False).values("company_id"))
    )


def sees_person(viewer: Viewer) -> Q:
    """One's own; those of one's companies; those with whom one works; and nobody's at nobody's company."""
    found = (
        Q(owner__any=viewer.owners)
        | (Q(owner__isnull=True) & ~_owned_elsewhere(Company, viewer, "company"))
        | Q(company__in=held(Company, viewer).values("pk"))
        | Q(pk__in=held(Lead, viewer, person__isnull=False).values("person_id"))
        | Q(pk__in=held(Deal, viewer, person__isnull=False).values("person_id"))
        | Q(pk__in=held(Task, viewer, state=Task.State.OPEN, person__isnull=False).values("person_id"))
        | Q(pk__in=_waiting(viewer).filter(lead__person__isnull=False).values("lead__person_id"))
    )
    for keys in _people_of:
        found |= Q(pk__in=keys(viewer))
    return found


def _hangs_on_own(viewer: Viewer) -> Q:
    """Of a lead or a deal: it is of a company or a person one owns."""
    return Q(company__in=held(Company, viewer).values("pk")) | Q(person__in=held(Person, viewer).values("pk"))


def _nobodys(viewer: Viewer) -> Q:
    return (
        Q(owner__isnull=True)
        & ~_owned_elsewhere(Person, viewer, "person")
        & ~_owned_elsewhere(Company, viewer, "company")
    )


def sees_lead(viewer: Viewer) -> Q:
    """One's own, of one's people and companies, and those in a hand-off that waits; nobody's where nobody owns anything."""
    waiting = Q(pk__in=_waiting(viewer).values("lead_id"))
    return Q(owner__any=viewer.owners) | _hangs_on_own(viewer) | waiting | _nobodys(viewer)


def sees_deal(viewer: Viewer) -> Q:
    """One's own, and those of one's people and companies; nobody's where nobody owns anything."""
    return Q(owner__any=viewer.owners) | _hangs_on_own(viewer) | _nobodys(viewer)


_BASE: dict[Any, Callable[[Viewer], Q]] = {
    Person: sees_person, Company: sees_company, Lead: sees_lead, Deal: sees_deal,
}  # fmt: skip


def visible(viewer: Viewer, model: Any, name: str, rule: Callable[[Viewer], Q] | None = None) -> Exists:
    """Whether the viewer sees the row that the key `name` points at."""
    target = model.unscoped.filter(workspace_id=viewer.workspace, pk=OuterRef(f"{name}_id"))
    return Exists(target.filter((rule or _BASE[model])(viewer)).order_by())


def keys_of(model: Any) -> dict[str, Any]:
    """Name of a key of this model -> what it points at, for people, leads, deals and companies."""
    return {f.name: f.related_model for f in model._meta.concrete_fields if f.related_model in _BASE}


def hangs_on(model: Any) -> Callable[[Viewer], Q]:
    """A row is seen with all that it points at; where it has a person, they decide in place of its company."""
    names = keys_of(model)

    def rule(viewer: Viewer) -> Q:
        found = Q()
        for name, target in names.items():
            seen = Q(**{f"{name}__isnull": True}) | Q(visible(viewer, target, name))
            if name == "company" and "person" in names:
                seen |= Q(person__isnull=False)
            found &= seen
        return found

    return rule


def _or_mine(model: Any, column: str) -> Callable[[Viewer], Q]:
    """Work: one's own, and what hangs on something one sees. What hangs on nothing is its owner's."""
    hanging, names = hangs_on(model), keys_of(model)

    def rule(viewer: Viewer) -> Q:
        about = Q(**{f"{column}__isnull": True})
        for name in names:
            about |= Q(**{f"{name}__isnull": False})
        return Q(**{f"{column}__any": viewer.owners}) | (about & hanging(viewer))

    return rule


_work = _or_mine(Task, "owner")


def _task(viewer: Viewer) -> Q:
    """What is closed no longer shows its person: it is seen with them."""
    over = ~Q(state=Task.State.OPEN) & Q(person__isnull=False)
    return _work(viewer) & (~over | hangs_on(Task)(viewer))


def _begun_by(viewer: Viewer) -> Q:
    """Files and bulk acts hold rows of people: they are of whoever began them."""
    return Q(member__isnull=True) | Q(member__any=viewer.owners)


def part_of(model: Any, name: str, rule: Callable[[Viewer], Q]) -> Callable[[Viewer], Q]:
    """A row is seen with the one it is a part of."""
    return lambda viewer: Q(**{f"{name}__isnull": True}) | Q(visible(viewer, model, name, rule))


def _pair(model: Any) -> Callable[[Viewer], Q]:
    """A pair of duplicates is shown where one of the two is seen; what the other says is left out (queries.duplicates)."""
    return lambda viewer: Q(visible(viewer, model, "first")) | Q(visible(viewer, model, "second"))


def _handoff(viewer: Viewer) -> Q:
    theirs = Q(to_member__any=viewer.owners) | Q(from_member__any=viewer.owners)
    return theirs | Q(visible(viewer, Lead, "lead"))


# Numbers and hashes that are read beside their record only, in lists where one more condition would be asked of every row.
_BESIDE = (CompanyFit, PersonFit, CompanyKeys, PersonKeys, Engagement, PointEntry)


def register() -> None:
    """Tell the managers. A table that points at a person, a company, a lead or a deal is seen with it, unless said otherwise."""
    for model in tenant_models():
        if keys_of(model) and model not in _BESIDE:
            restrict(model, hangs_on(model))
    for base, rule in _BASE.items():
        restrict(base, rule)
    restrict(Task, _task)
    restrict(Meeting, _or_mine(Meeting, "member"))
    restrict(Handoff, _handoff)
    restrict(PersonPair, _pair(Person))
    restrict(CompanyPair, _pair(Company))
    for begun in (BulkAct, Import):
        restrict(begun, _begun_by)
    restrict(BulkPart, part_of(BulkAct, "act", _begun_by))
    for part in (ImportBatch, ImportFates, ImportFile, ImportIssue):
        restrict(part, part_of(Import, "import_run", _begun_by))


def others(model: Any, keys: list[Any]) -> int:
    """How many of these rows of a figure belong to others: they are counted and not shown. No query where all are seen."""
    if current_viewer() is None or not keys:
        return 0
    with everyone():
        there = model.objects.filter(pk__any=keys).count()
    return int(there - model.objects.filter(pk__any=keys).count())


def hidden(rows: Sequence[Any]) -> set[Any]:
    """Keys of those of these rows, all of one model, that whoever asked may not see. No query where all are seen."""
    if asker() is None or not rows:
        return set()
    keys = [row.pk for row in rows]
    with everyone():
        seen = as_asked(type(rows[0]).objects.filter(pk__any=keys)).values_list("pk", flat=True)
        return set(keys) - set(seen)


def owner_words(row: Any) -> str:
    """Whose a row is that may not be seen: its owner, else its company's."""
    owner = row.owner or (row.company.owner if getattr(row, "company_id", None) and row.company else None)
    return str(owner) if owner is not None else "somebody else"


__all__ = [
    "also_people_of",
    "hangs_on",
    "held",
    "hidden",
    "keys_of",
    "others",
    "owner_words",
    "part_of",
    "register",
    "sees_person",
    "visible",
]
