"""Adding what was found: an exact number at an exact price, confirmed by a person, brought in by an import.

The order, its charge, the rows it marks and the import that will store them are one transaction: a second click with the same
token is the same order, and a worker killed in the middle resumes the import at its checkpoint, so each row is added once. The
import looks for duplicates again while it stores, fills only what is empty, and can be undone. Then the origin of each value is
written: provider, date, search.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import bulk_insert, workspace_scope
from prospects.actions.enrichment_charges import reserve
from prospects.actions.finding import agree, ring_workers
from prospects.actions.imports import create_import, run_import, start_import
from prospects.models import (
    Company,
    FieldOrigin,
    FindingOrder,
    FindingResult,
    FindingSearch,
    Import,
    ImportBatch,
    Person,
)
from prospects.queries import finding as queries
from prospects.queries.suppressions import suppressed_phones
from prospects.rules.enrichment import plain
from prospects.rules.finding import best_under
from prospects.rules.imports import ImportOptions
from prospects.rules.imports_policy import Handling

State, ImportState = FindingOrder.State, Import.State
MAX_ROWS = 950  # a form holds at most 1,000 fields
MAX_FOUND = 10_000
LOOK_AGAIN = timedelta(seconds=5)
# Column of the file (a field of the import) -> field of the result.
COMPANY_COLUMNS = {
    name: name
    for name in (
        "name", "domain", "industry", "sub_industry", "employees", "revenue", "revenue_currency", "founded", "country", "region",
        "city", "phone", "linkedin_url", "description", "technologies", "keywords", "funding_stage", "funding_total",
        "funding_currency", "funded_on",
    )
}  # fmt: skip
PERSON_COLUMNS = {
    name: name
    for name in (
        "first_name", "last_name", "email", "phone", "linkedin_url", "title", "seniority", "department", "country", "region",
        "city",
    )
} | {
    "company": "company_name", "domain": "company_domain", "company_industry": "company_industry",
    "company_employees": "company_employees", "company_linkedin_url": "company_linkedin_url",
}  # fmt: skip
MATCH = {"companies": ("domain", "linkedin_url"), "people": ("email", "linkedin_url", "domain_name")}


def choose(search: FindingSearch, *, ids: Sequence[UUID | str] = (), best: int = 0, under: Decimal | None = None) -> list[FindingResult]:  # fmt: skip
    """The rows somebody means that can be added: the named ones, or the `best` whose price stays `under` a limit."""
    if ids:
        rows = list(queries.results(search).filter(pk__in=list(ids)[: MAX_ROWS + 1]))
    else:
        rows = list(queries.results(search)[:MAX_FOUND])
    standing = queries.standings(search.subject, rows)
    rows = [row for row in rows if standing[row.pk].open]
    if ids:
        return rows
    price = queries.cost(search.provider, search.subject).result
    keys = set(
        best_under(
            [(row.pk, row.score) for row in rows if row.grade != "X"],
            most=min(max(best, 0), MAX_ROWS),
            price=price,
            under=under,
        )
    )
    return [row for row in rows if row.pk in keys]


def order_results(
    *, search: FindingSearch, by: Actor, now: datetime, ids: Sequence[UUID | str], token: str, count: int, confirmed: Decimal
) -> FindingOrder:  # fmt: skip
    """Add these rows: exactly `count` at exactly `confirmed`, once a token. Raises Conflict where another number can be added
    by now or the price is another, Invalid where the budget does not hold it. Nothing is bought then."""
    if not 1 <= len(token) <= 40:
        raise Invalid("Give a token of 1 to 40 characters: the same one again is the same order.", field="token")
    locked = FindingSearch.objects.select_for_update(of=("self",)).select_related("provider").get(pk=search.pk)
    known: FindingOrder | None = FindingOrder.objects.filter(search=locked, token=token).first()
    if known is not None:
        return known
    if not ids or len(ids) > MAX_ROWS:
        raise Invalid(f"Choose 1 to {MAX_ROWS:,} rows.", field="ids")
    rows = choose(locked, ids=ids)
    if len(rows) != count or not rows:
        raise Conflict(
            f"{len(rows):,} of them can be added by now, not {count:,}: the others are yours or suppressed. Look again, then "
            "confirm.", code="count_changed",
        )  # fmt: skip
    quote = queries.quote_rows(locked, len(rows), now)
    agree(quote, confirmed, locked.provider, now)
    order = FindingOrder.objects.create(
        search=locked, token=token, rows=len(rows), amount=quote.amount, currency=quote.currency, member=by.member,
        created_at=now,
    )  # fmt: skip
    if refused := reserve(locked.provider, f"order:{order.pk}", quote.amount, now, remedy="wait for next month"):
        raise Invalid(refused, code="budget")
    FindingResult.objects.filter(pk__in=[row.pk for row in rows]).update(order=order)
    order.import_run = _import(locked, rows, by, now)
    order.save(update_fields=["import_run"])
    write_audit(
        by=by, action="finding.ordered", now=now, target=locked,
        detail={"rows": len(rows), "amount": str(quote.amount), "currency": quote.currency, "import": str(order.import_run_id)},
    )  # fmt: skip
    ring_workers(order.workspace_id, now)
    return order


def _import(search: FindingSearch, rows: Sequence[FindingResult], by: Actor, now: datetime) -> Import:
    columns = COMPANY_COLUMNS if search.subject == "companies" else PERSON_COLUMNS
    used = {
        name: field for name, field in columns.items() if name == "name" or any(row.values.get(field) for row in rows)
    }
    barred = suppressed_phones(str(row.values["phone"]) for row in rows if row.values.get("phone"))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(used)
    for row in rows:
        values = row.values
        if values.get("phone") in barred:
            values = {name: value for name, value in values.items() if name != "phone"}
        if search.subject == "companies" and not values.get("name"):
            values = values | {"name": values.get("domain", "")}
        writer.writerow([_cell(values.get(field)) for field in used.values()])
    source = f"{search.provider}, search “{search.name}”"[:120]
    options = ImportOptions(
        columns={name: name for name in used}, constants={"source": source}, dates="ymd",
        handling=Handling(match=MATCH[search.subject], policy="fill"),
    )  # fmt: skip
    run = create_import(
        by=by, now=now, kind=search.subject, file_name=f"{search.name[:80]}, {now:%Y-%m-%d}.csv",
        source=text.getvalue().encode(), options=options,
    )  # fmt: skip
    return start_import(run=run, by=by, now=now)


def _cell(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


# --- the worker


def run_orders(workspace_id: UUID, *, now: datetime) -> datetime | None:
    """Bring open orders to their end; when to look again."""
    with workspace_scope(workspace_id):
        open_orders = list(FindingOrder.objects.filter(state=State.IMPORTING).select_related("import_run"))
    for order in open_orders:
        # Two workers may look: who claims the import runs it, the other finds nothing to do.
        if order.import_run_id and order.import_run.state in (ImportState.QUEUED, ImportState.RUNNING):
            run_import(workspace_id=workspace_id, run_id=order.import_run_id, now=now)
        with workspace_scope(workspace_id):
            _settle(order.pk, now)
    with workspace_scope(workspace_id):
        return now + LOOK_AGAIN if FindingOrder.objects.filter(state=State.IMPORTING).exists() else None


def _settle(order_id: UUID, now: datetime) -> None:
    """After the import: which record each row became, and where its values came from. Doing it twice changes nothing."""
    order = FindingOrder.objects.select_for_update(of=("self",)).select_related("search__provider").get(pk=order_id)
    if order.state != State.IMPORTING:
        return
    run = Import.objects.filter(pk=order.import_run_id).first() if order.import_run_id else None
    if run is None or run.state in (ImportState.FAILED, ImportState.CANCELLED, ImportState.UNDONE):
        order.state, order.finished_at = State.FAILED, now
        order.save(update_fields=["state", "finished_at"])
        return
    if run.state != ImportState.DONE:
        return
    rows = list(FindingResult.objects.filter(order=order))
    search = order.search
    standing = queries.standings(search.subject, rows)
    became = [(row, standing[row.pk].row) for row in rows]
    firms = Company.objects.in_bulk({person.company_id for _, person in became if isinstance(person, Person)} - {None})
    written = _written(run.pk)
    origins: dict[tuple[UUID, str], FieldOrigin] = {}
    for row, record in became:
        if record is None:
            continue
        row.company, row.person = (record, None) if isinstance(record, Company) else (None, record)
        _note_origins(origins, record, row, search, written)
        if isinstance(record, Person) and (there := firms.get(record.company_id)) is not None:
            _note_origins(origins, there, row, search, written, prefix="company_")
    FindingResult.objects.bulk_update([row for row, record in became if record], ["company", "person"])
    _keep_origins(origins)
    order.state, order.finished_at = State.DONE, now
    order.save(update_fields=["state", "finished_at"])


def _written(run_id: UUID) -> Mapping[UUID, set[str] | None]:
    """Record -> the columns the import filled; None where it made the record."""
    found: dict[UUID, set[str] | None] = {}
    for batch in ImportBatch.objects.filter(import_run=run_id):
        found |= dict.fromkeys(batch.made)
        for key, _, after in batch.changed:
            found[UUID(str(key))] = set(after)
    return found


def _note_origins(
    origins: dict[tuple[UUID, str], FieldOrigin], record: Company | Person, row: FindingResult, search: FindingSearch,
    written: Mapping[UUID, set[str] | None], prefix: str = "",
) -> None:  # fmt: skip
    """Add the origin of each value of `row` that stands in `record`; the last row that says so counts."""
    if record.pk not in written:
        return
    filled = written[record.pk]
    company, person = (record, None) if isinstance(record, Company) else (None, record)
    for name, value in row.values.items():
        column = name.removeprefix(prefix)
        if not name.startswith(prefix) or (not prefix and name.startswith("company_")):
            continue
        held = getattr(record, column, None)
        # Only what the import wrote and nobody changed since.
        if (filled is not None and column not in filled) or plain(held) != value:
            continue
        origins[record.pk, column] = FieldOrigin(
            company=company, person=person, field=column, provider=search.provider, provider_name=search.provider.name,
            value=plain(held), at=row.found_at, search=search.name,
        )  # fmt: skip


def _keep_origins(origins: Mapping[tuple[UUID, str], FieldOrigin]) -> None:
    """Each in place of the one there is for its field; where somebody else writes one at this moment, theirs stays."""
    keys = list({key for key, _ in origins})
    known = FieldOrigin.objects.filter(Q(company__any=keys) | Q(person__any=keys)).order_by("pk")
    standing = {(origin.company_id or origin.person_id, origin.field): origin.pk for origin in known}
    for key, origin in origins.items():
        origin.pk = standing.get(key, origin.pk)
    changed = [origin for key, origin in origins.items() if key in standing]
    FieldOrigin.objects.bulk_update(changed, ["provider", "provider_name", "value", "at", "search"])
    bulk_insert(FieldOrigin, [origin for key, origin in origins.items() if key not in standing], ignore_conflicts=True)


def open_orders(search: FindingSearch) -> list[FindingOrder]:
    """All orders of a search, the newest first."""
    return list(
        FindingOrder.objects.filter(Q(search=search)).select_related("import_run").order_by("-created_at", "-id")
    )
