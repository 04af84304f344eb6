"""Erase people: what is theirs goes, what others count by stays as facts about nobody, and a certificate says how much.

1. At once: nothing more is sent to them (planned mail is blocked, sequences stop) and their address is suppressed by its
   keyed hash, so that no import ever writes to them again.
2. As soon as no mail to them is on its way: one transaction that takes away the people and their rows and empties what stays.
   No undo of an import or merge brings them back: their images there are gone, too.
3. In the background, table by table, each in a transaction of its own: rows of others that name them (actions.erasure_sweep).

Between 2 and 3 what to look for stands sealed on the certificate; at the end nothing of them does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.actions.audit import Actor, write_audit
from accounts.models import AuditEntry
from leadgen.core import lanes, rotation
from leadgen.core.erasing import emptied, is_trace
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.secrets import seal
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import AppendOnlyModel, TenantModel, current_workspace_id
from prospects.models import BulkAct, Customer, Deal, Erasure, Import, ImportBatch, ImportMemo, Person, Suppression
from prospects.models.locks import lock_row
from prospects.queries.erasure import Reach, counts_of, reach_of, traces_of
from prospects.queries.suppressions import suppression_digest
from prospects.rules.erasure import KEPT, LISTS, Traces, prune

LANE = "erasure"
MOST = 200  # people of one erasure
AGAIN = timedelta(seconds=60)
PURPOSE = "erasure"

# Upper apps stop what would still reach somebody, and say what is on its way: (people, by, now) -> None, people -> count.
Stop = Callable[[Sequence[UUID], Actor, datetime], None]
_stoppers: list[tuple[Stop, Callable[[Sequence[UUID]], int]]] = []


def register_stopper(stop: Stop, in_flight: Callable[[Sequence[UUID]], int]) -> None:
    """Called in AppConfig.ready(); registering again changes nothing."""
    if (stop, in_flight) not in _stoppers:
        _stoppers.append((stop, in_flight))


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What an erasure would do now."""

    removed: dict[str, int]
    emptied: dict[str, int]
    kept: list[tuple[str, str]] = field(default_factory=list)  # (what, why)
    warnings: list[str] = field(default_factory=list)


def plan_erasure(people: Sequence[Person], *, suppress: bool = True) -> ErasurePlan:
    """Count what goes and what stays without them, and say what is kept and why. Other rows' mentions are found later."""
    keys = [person.pk for person in people]
    reach = reach_of(keys)
    shared = counts_of(reach.shared)
    kept = [
        (f"{count:,} {noun}", "They are others', too: value, stage and dates stay, names are taken out.")
        for noun, count in shared.items()
    ]
    if suppress and any(person.email or person.phone for person in people):
        kept.append(
            ("A keyed hash of address and number", "So that no import or form ever makes us write to them again.")
        )
    kept += [
        ("Counts in the funnel, costs and sending figures", "As facts about nobody: past reports do not change."),
        (
            "That an erasure took place",
            "In the audit log and on the certificate: when and who asked, not whom it was about.",
        ),
    ]
    return ErasurePlan(counts_of(reach.gone), counts_of(reach.stays), kept, _warnings(keys, reach))


def start_erasure(
    *, people: Sequence[Person], by: Actor, now: datetime, reference: str = "", suppress: bool = True,
    cause: str = Erasure.Cause.REQUEST, rule: Any = None,
) -> Erasure:  # fmt: skip
    """Erase: at once where no mail to them is on its way, else as soon as it arrived; returns the certificate.

    Raises Invalid for nobody or too many, Conflict where one of them is being erased already.
    """
    if not people:
        raise Invalid("Choose whom to erase.", field="person")
    if len(people) > MOST:
        raise Invalid(f"At most {MOST} people at once.", field="person")
    keys = sorted(person.pk for person in people)
    if Erasure.objects.filter(state=Erasure.State.WAITING, person_ids__overlap=keys).exists():
        raise Conflict("They are being erased already: a mail to them is on its way.", code="being_erased")
    erasure = Erasure(
        cause=cause, people=len(keys), reference=_no_address(reference), suppress=suppress, member=by.member,
        source=by.source, asked_at=now, person_ids=keys, rule=rule,
    )  # fmt: skip
    erasure.save()
    write_audit(
        by=by, action="erasure.asked", now=now, target=erasure, detail={"people": len(keys), "cause": str(cause)}
    )
    for stop, _ in _stoppers:
        stop(keys, by, now)
    if suppress:
        erasure.suppressed = _suppress(people, by=by, now=now)
        erasure.save(update_fields=["suppressed"])
    if not _on_its_way(keys):
        _erase(erasure, by=by, now=now)
    lanes.mark(
        workspace_id=current_workspace_id(), kind=LANE, key=str(erasure.pk),
        due=now if erasure.state == Erasure.State.SWEEPING else now + AGAIN,
    )  # fmt: skip
    enqueue("prospects.run_erasures")
    return erasure


def go_on(*, erasure: Erasure, now: datetime) -> bool:
    """The second step where it still waits; False as long as a mail is on its way."""
    lock_row(erasure)
    if erasure.state != Erasure.State.WAITING:
        return True
    by = Actor(member=erasure.member, source=erasure.source)
    for stop, _ in _stoppers:
        stop(erasure.person_ids, by, now)
    if _on_its_way(erasure.person_ids):
        return False
    _erase(erasure, by=by, now=now)
    return True


def _erase(erasure: Erasure, *, by: Actor, now: datetime) -> None:
    """Take the people and their rows away, in the caller's transaction."""
    # FOR UPDATE: whoever writes a row that points at them waits, and then finds nobody.
    people = list(Person.objects.filter(pk__any=erasure.person_ids).order_by("pk").select_for_update(of=("self",)))
    keys = [person.pk for person in people]
    reach = reach_of(keys)
    traces = traces_of(people, reach)
    for model, ids in reach.stays.items():
        empty_rows(model, ids, keep=KEPT.get(model._meta.label, frozenset()))
    _forget_in_audit(reach, traces)
    _forget_images(traces)
    _forget_suppressed(people, traces)
    ImportMemo.objects.filter(record_id__any=keys).delete()  # a cache without foreign keys
    # Points, consents and whatever else hangs on them goes with them, by the database.
    Person.objects.filter(pk__any=keys).delete()
    erasure.removed, erasure.emptied = counts_of(reach.gone), counts_of(reach.stays)
    erasure.state, erasure.erased_at, erasure.person_ids = Erasure.State.SWEEPING, now, []
    erasure.sealed = seal(traces.as_json(), purpose=f"{PURPOSE}:{erasure.pk}")
    erasure.save(update_fields=["removed", "emptied", "state", "erased_at", "person_ids", "sealed"])


def empty_rows(model: type[TenantModel], ids: set[UUID], *, keep: frozenset[str] = frozenset(), only: Sequence[str] = ()) -> None:  # fmt: skip
    """Empty the columns of these rows that could hold a trace, but for `keep` (with `only`: those columns)."""
    fields: list[Any] = [
        f for f in model._meta.concrete_fields if (f.name in only if only else is_trace(f) and f.name not in keep)
    ]
    if issubclass(model, AppendOnlyModel):
        fields = [f for f in fields if f.name in getattr(model, "erasable", ())]
    if not fields or not ids:
        return
    with connection.cursor() as cursor:
        if issubclass(model, AppendOnlyModel):
            for f in fields:
                cursor.execute("SELECT leadgen_erase(%s, %s, %s, NULL)", [model._meta.db_table, f.column, list(ids)])
            return
        changes = ", ".join(f'"{f.column}" = {emptied(f)}' for f in fields).replace("%", "%%")
        cursor.execute(
            f"UPDATE {model._meta.db_table} SET {changes} WHERE workspace_id = %s AND id = ANY(%s)",  # noqa: S608  names of our own tables
            [current_workspace_id(), list(ids)],
        )


def _on_its_way(keys: Sequence[UUID]) -> int:
    return sum(count(keys) for _, count in _stoppers)


def _suppress(people: Sequence[Person], *, by: Actor, now: datetime) -> int:
    """Their addresses and numbers by keyed hash, without a hint of what they are; how many."""
    wanted = {("email", person.email) for person in people if person.email}
    wanted |= {("phone", person.phone) for person in people if person.phone}
    for kind, value in sorted(wanted):
        Suppression.objects.create(
            kind=kind, digest=suppression_digest(value), reason=Suppression.Reason.ERASED, hint="erased", at=now,
            member=by.member,
        )  # fmt: skip
    return len(wanted)


def _forget_suppressed(people: Sequence[Person], traces: Traces) -> None:
    """What older rows of the ledger show of the address: the hash stays, masked form and note do not."""
    digests = [suppression_digest(value) for value in (*traces.emails, *traces.phones)]
    rows = Suppression.objects.filter(kind__in=["email", "phone"], digest__any=digests).exclude(reason="erased")
    ids = set(rows.values_list("pk", flat=True))
    empty_rows(Suppression, ids, only=("note", "hint"))
    _empty_audit("suppression", ids)


def _forget_in_audit(reach: Reach, traces: Traces) -> None:
    """The log keeps what was done, when and by whom; not to whom."""
    for book in (reach.gone, reach.stays):
        for model, ids in book.items():
            _empty_audit(str(model._meta.model_name), ids)
    _empty_audit("person", {UUID(key) for key in traces.ids})


def _empty_audit(kind: str, ids: set[UUID]) -> None:
    found = set(AuditEntry.objects.filter(target_type=kind, target_id__any=list(ids)).values_list("pk", flat=True))
    empty_rows(AuditEntry, found, only=("target_label", "detail", "target_id"))


def _forget_images(traces: Traces) -> None:
    """What an undo would bring back, and lists that name them by their id."""
    for key in sorted(traces.ids):
        for batch in ImportBatch.objects.filter(changed__contains=[[key]]):
            batch.changed = [entry for entry in batch.changed if entry[0] != key]
            batch.save(update_fields=["changed"])
    marks = [key.casefold() for key in traces.ids]
    for model, columns in ((BulkAct, LISTS["prospects.BulkAct"]), (Import, ("undo",))):
        for row in model.objects.order_by("pk").only("pk", *columns).iterator(chunk_size=500):
            changes = {name: prune(getattr(row, name), marks) for name in columns}
            if any(changes[name] != getattr(row, name) for name in columns):
                model.objects.filter(pk=row.pk).update(**changes)


def _warnings(keys: Sequence[UUID], reach: Reach) -> list[str]:
    found = []
    deals = Deal.objects.filter(person__in=keys, outcome=Deal.Outcome.OPEN).count()
    if deals:
        found.append(f"{deals} open deal{'s stay' if deals != 1 else ' stays'}, without a person.")
    if Customer.objects.filter(person__in=keys, ended_at__isnull=True).exists():
        found.append("They are a customer: what the law makes you keep of invoices is not kept here.")
    if any(model._meta.label == "campaigns.Enrolment" for model in reach.gone if reach.gone[model]):
        found.append("Sequences they are in stop, and planned mail is blocked.")
    flying = _on_its_way(keys)
    if flying:
        found.append(
            f"{flying} mail{'s are' if flying != 1 else ' is'} being handed over just now: erasing waits for that."
        )
    return found


def _no_address(reference: str) -> str:
    words = reference.strip()
    if "@" in words:
        raise Invalid("Leave the address out: the certificate holds nothing of the person.", field="reference")
    if len(words) > 120:
        raise Invalid("At most 120 characters.", field="reference")
    return words


def register_sealed() -> None:
    """Tell key rotation where what is looked for lies."""
    rotation.register(rotation.SealedColumns(Erasure, {"sealed": lambda row: f"{PURPOSE}:{row.pk}"}))
