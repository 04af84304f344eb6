"""Searches as business events: say what is looked for, run at a price that was shown, keep what is found once.

A run is worked page by page: a worker takes it with a lease, writes the price of a page before it asks, asks without a
transaction open, and stores rows and the place of the next page together. A run whose worker died is taken up again after the
lease; a page that was paid for and whose answer is lost ends it, and is paid again only if a person searches again. Results are kept once a search, so that another run shows only
what is new since.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Max, Min, Q
from django.db.models.functions import Now

from accounts.actions.audit import Actor, write_audit
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tasks import ring
from leadgen.core.tenancy import bulk_insert, workspace_scope
from leadgen.core.web import WebError
from prospects.actions.enrichment_charges import give_back, paid, reserve
from prospects.actions.enrichment_values import clean_value
from prospects.actions.finding_asking import service_of
from prospects.models import (
    EnrichmentProvider,
    FindingResult,
    FindingRun,
    FindingSearch,
    Icp,
)
from prospects.queries import finding as queries
from prospects.queries.companies import primary_icp
from prospects.queries.finding_directory import DirectorySearch
from prospects.rules import finding as rules
from prospects.rules.enrichment import PERSON_FIELDS, plain
from prospects.sources.finding import Found, Page, RateLimited

LANE, TASK = "finding", "prospects.run_finding"
LEASE = timedelta(minutes=5)
MAX_TRIES = 5  # of one page, by workers that died or met a fault
Kind, RunState = EnrichmentProvider.Kind, FindingRun.State


def create_search(
    *, by: Actor, now: datetime, subject: str, provider: EnrichmentProvider, criteria: Mapping[str, Any], name: str = "",
    icp: Icp | None = None, wanted: int = 100, is_saved: bool = False,
) -> FindingSearch:  # fmt: skip
    """A search, not run yet. Raises Invalid naming what is wrong."""
    if subject not in rules.CRITERIA:
        raise Invalid("Choose companies or people.", field="subject")
    if not provider.is_active or subject not in queries.operations_of(provider):
        raise Invalid(f"{provider} cannot be searched for {subject}. Choose another provider.", field="provider")
    if not 1 <= wanted <= rules.MAX_WANTED:
        raise Invalid(f"Look for 1 to {rules.MAX_WANTED:,} at a time.", field="wanted")
    kept = rules.clean_criteria(subject, criteria)
    search = FindingSearch.objects.create(
        name=" ".join(name.split())[:120] or rules.title_of(subject, kept)[:120], subject=subject, provider=provider,
        criteria=kept, icp=icp or primary_icp(), wanted=wanted, is_saved=is_saved, member=by.member, created_at=now,
    )  # fmt: skip
    write_audit(by=by, action="finding_search.created", now=now, target=search, detail={"criteria": kept})
    return search


def update_search(*, search: FindingSearch, by: Actor, now: datetime, name: str | None = None, is_saved: bool | None = None) -> FindingSearch:  # fmt: skip
    """Keep a search under a name, or no longer."""
    before = (search.name, search.is_saved)
    search.name = (" ".join((name or "").split())[:120] or search.name) if name is not None else search.name
    search.is_saved = search.is_saved if is_saved is None else is_saved
    if (search.name, search.is_saved) != before:
        search.save(update_fields=["name", "is_saved"])
        write_audit(by=by, action="finding_search.changed", now=now, target=search, detail={"saved": search.is_saved})
    return search


def delete_search(*, search: FindingSearch, by: Actor, now: datetime) -> None:
    """With its results; what was added from it, and what it cost, stays."""
    write_audit(by=by, action="finding_search.deleted", now=now, target=search)
    search.delete()


def start_run(*, search: FindingSearch, by: Actor, now: datetime, token: str, confirmed: Decimal) -> FindingRun:
    """Run it in the background, at the price `confirmed`. The same token again is the same run. Raises Conflict where the
    price is another by now or it runs already, Invalid where the budget does not hold it."""
    if not 1 <= len(token) <= 40:
        raise Invalid("Give a token of 1 to 40 characters: the same one again is the same run.", field="token")
    # One at a time: a double click must not run twice.
    locked = FindingSearch.objects.select_for_update(of=("self",)).select_related("provider").get(pk=search.pk)
    known: FindingRun | None = FindingRun.objects.filter(search=locked, token=token).first()
    if known is not None:
        return known
    if FindingRun.objects.filter(search=locked, state=RunState.ASKING).exists():
        raise Conflict("This search is running already.", code="running")
    quote = queries.quote_search(locked.provider, locked.subject, locked.wanted, now)
    agree(quote, confirmed, locked.provider, now)
    last = FindingRun.objects.filter(search=locked).aggregate(last=Max("number"))["last"] or 0
    run = FindingRun.objects.create(
        search=locked, number=last + 1, token=token, currency=locked.provider.currency, member=by.member, created_at=now
    )
    write_audit(
        by=by, action="finding.searched", now=now, target=locked,
        detail={"run": run.number, "at_most": str(quote.amount), "currency": quote.currency},
    )  # fmt: skip
    ring_workers(run.workspace_id, now)
    return run


def agree(quote: queries.Quote, confirmed: Decimal, provider: EnrichmentProvider, now: datetime) -> None:
    """Raises where what was confirmed is not what it costs, or more than is left."""
    if quote.amount != confirmed:
        raise Conflict(
            f"It costs {quote.amount.normalize():f} {quote.currency}, not {confirmed.normalize():f}. Look again, then confirm.",
            code="price_changed",
        )  # fmt: skip
    if quote.too_much:
        raise Invalid(
            f"{provider}: {quote.amount:.2f} {quote.currency} is more than the {quote.left:.2f} left of the budget of {now:%B}. "
            "Take less, or raise the budget.", code="budget",
        )  # fmt: skip


def cancel_run(*, run: FindingRun, by: Actor, now: datetime) -> FindingRun:
    """Ask no further; what was found stays."""
    if not FindingRun.objects.filter(pk=run.pk, state=RunState.ASKING).update(
        state=RunState.CANCELLED, finished_at=now
    ):
        raise Conflict("This run is over already.", code="over")
    run.refresh_from_db()
    write_audit(by=by, action="finding.stopped", now=now, target=run.search)
    return run


# --- the worker


def run_searches(workspace_id: UUID, *, now: datetime, hold: Callable[[], bool] = lambda: True) -> datetime | None:
    """Ask page by page for every run that waits; when to look again."""
    while hold():
        with workspace_scope(workspace_id):
            run = _take(now)
        if run is None:
            break
        while hold() and _page(workspace_id, run, now=now):
            pass
    with workspace_scope(workspace_id):
        waiting = FindingRun.objects.filter(state=RunState.ASKING)
        again = waiting.aggregate(at=Min("due_at"))["at"]
        return (again if again and again > now else now + LEASE) if waiting.exists() else None


def _take(now: datetime) -> FindingRun | None:
    """A run for this worker alone. Leases go by the database's clock: `now` is when the lane was taken."""
    free = Q(taken_until__isnull=True) | Q(taken_until__lte=Now())
    ripe = Q(due_at__isnull=True) | Q(due_at__lte=now)
    rows = FindingRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        free, ripe, state=RunState.ASKING
    )
    run: FindingRun | None = rows.select_related("search__provider", "search__icp").order_by("id").first()
    if run is None:
        return None
    if run.tries >= MAX_TRIES:
        _end(run, RunState.FAILED, now, f"It stopped {MAX_TRIES} times at page {run.pages + 1}; the log says why.")
        return _take(now)
    FindingRun.objects.filter(pk=run.pk).update(taken_until=Now() + LEASE, tries=F("tries") + 1)
    return run


def _page(workspace_id: UUID, run: FindingRun, *, now: datetime) -> bool:
    """One page: charged, asked for, stored. Whether there is another to ask for now."""
    search = run.search
    provider, subject = search.provider, search.subject
    limit = min(queries.page_size(provider, subject), max(search.wanted - run.seen, 1))
    price = queries.cost(provider, subject).request
    key = f"search:{run.pk}:{run.pages + 1}"
    with workspace_scope(workspace_id):
        if not FindingRun.objects.filter(pk=run.pk, state=RunState.ASKING).exists():
            return False
        if price and paid(provider, key, run.created_at):
            # A worker died between the question and its answer: whether to pay again is for a person to say.
            _end(
                run, RunState.FAILED, now,
                f"Page {run.pages + 1} was asked for, and the worker stopped before the answer was kept. “Search again” asks, and "
                "pays, again.",
            )  # fmt: skip
            return False
        if price and run.currency and provider.currency != run.currency:
            # A run is one sum in one currency, and it was confirmed in that one.
            _end(
                run, RunState.FAILED, now,
                f"Its price was confirmed in {run.currency} and is in {provider.currency} now. “Search again” asks at that price.",
            )  # fmt: skip
            return False
        if refused := reserve(provider, key, price, now, remedy="wait for next month"):
            _end(run, RunState.FAILED, now, refused)
            return False
        FindingRun.objects.filter(pk=run.pk).update(amount=F("amount") + price, taken_until=Now() + LEASE)
    try:
        found = _ask(workspace_id, provider, subject, search.criteria, Page(limit, run.cursor, run.pages + 1))
    except RateLimited as error:
        with workspace_scope(workspace_id):
            _give_back(run, provider, key, price, now)
            FindingRun.objects.filter(pk=run.pk, state=RunState.ASKING).update(
                due_at=now + timedelta(seconds=error.seconds), taken_until=None, tries=0,
                error=f"{error.message} It goes on by itself.",
            )  # fmt: skip
        return False
    except WebError as error:
        with workspace_scope(workspace_id):
            _give_back(run, provider, key, price, now)
            EnrichmentProvider.objects.filter(pk=provider.pk).update(error=error.message[:300], failed_at=now)
            _end(run, RunState.FAILED, now, error.message)
        return False
    with workspace_scope(workspace_id):
        # Fenced: a run that was stopped meanwhile keeps what it had.
        locked = FindingRun.objects.select_for_update(of=("self",)).filter(pk=run.pk, state=RunState.ASKING).first()
        if locked is None or (locked.cursor, locked.pages) != (run.cursor, run.pages):
            return False
        fresh = _keep(run, found, now)
        run.pages, run.seen, run.fresh = run.pages + 1, run.seen + len(found.rows), run.fresh + fresh
        run.cursor, run.total, run.error = found.cursor, found.total if found.total is not None else run.total, ""
        run.tries = 1  # this worker goes on with the next
        fields = ["pages", "seen", "fresh", "cursor", "total", "error", "tries"]
        run.save(update_fields=fields)
        if provider.error:
            EnrichmentProvider.objects.filter(pk=provider.pk).update(error="", failed_at=None)
            provider.error = ""
        if found.cursor and run.seen < search.wanted:
            return True
        _end(run, RunState.DONE, now)
    return False


def _ask(workspace_id: UUID, provider: EnrichmentProvider, subject: str, criteria: Any, page: Page) -> Found:
    if provider.kind == Kind.DIRECTORY:
        with workspace_scope(workspace_id):
            directory = DirectorySearch(provider)
            return directory.companies(criteria, page) if subject == "companies" else directory.people(criteria, page)
    with workspace_scope(workspace_id):
        service = service_of(provider)
    return service.companies(criteria, page) if subject == "companies" else service.people(criteria, page)


def _give_back(run: FindingRun, provider: EnrichmentProvider, key: str, price: Decimal, now: datetime) -> None:
    give_back(provider, key, price, now)
    FindingRun.objects.filter(pk=run.pk).update(amount=F("amount") - price)


def _end(run: FindingRun, state: str, now: datetime, error: str = "") -> None:
    FindingRun.objects.filter(pk=run.pk, state=RunState.ASKING).update(
        state=state, finished_at=now, taken_until=None, error=error[:300]
    )


def _keep(run: FindingRun, found: Found, now: datetime) -> int:
    """Store the rows of a page that this search has not seen; how many."""
    search = run.search
    cleaned: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for key, told in found.rows:
        values, notes = clean_row(search.subject, told)
        key = key or key_of(search.subject, values)
        if values and key:
            cleaned.setdefault(key[:254], (values, notes))
    known = set(FindingResult.objects.filter(search=search, key__in=cleaned).values_list("key", flat=True))
    scorer = queries.Scorer(search.icp, search.subject, now)
    ours = queries.companies_by_domain(str(values.get("company_domain", "")) for values, _ in cleaned.values())
    rows = []
    for key, (values, notes) in cleaned.items():
        if key in known:
            continue
        fit = scorer.fit(values, ours)
        rows.append(
            FindingResult(
                search=search, run=run, key=key, values={name: plain(value) for name, value in values.items()},
                notes=notes[:5], score=fit.score if fit else None, grade=fit.grade if fit else "",
                marks=fit.marks if fit else "", version=scorer.version if fit else None, found_at=now,
            )
        )  # fmt: skip
    bulk_insert(FindingResult, rows, ignore_conflicts=True)
    return len(rows)


def clean_row(subject: str, told: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(our fields as their columns hold them, what could not be read)."""
    values: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in told.items():
        if subject == "companies" or name.startswith("company_"):
            cleaned, problem = clean_value("companies", name.removeprefix("company_"), value)
        elif name in PERSON_FIELDS or name in ("seniority", "department"):
            cleaned, problem = clean_value("people", name, value)
        else:
            continue
        if problem:
            notes.append(problem[:200])
        elif cleaned not in (None, "", []):
            values[name] = cleaned
    return values, notes


def key_of(subject: str, values: Mapping[str, Any]) -> str:
    """What names a row where the provider gives it no id; '' where nothing does."""
    if subject == "companies":
        return str(values.get("domain") or values.get("linkedin_url") or values.get("name", "").casefold())
    named = f"{queries.name_of(values).casefold()}@{values.get('company_domain') or values.get('company_name') or ''}"
    key = str(values.get("email") or values.get("linkedin_url") or ("" if named.startswith("@") else named))
    return key if len(key) <= 254 else hashlib.sha256(key.encode()).hexdigest()


def ring_workers(workspace_id: UUID, now: datetime) -> None:
    lanes.mark(workspace_id=workspace_id, kind=LANE, due=now)
    ring(TASK, queue="default")


__all__ = [
    "agree", "cancel_run", "clean_row", "create_search", "delete_search", "ring_workers", "run_searches",
    "start_run", "update_search",
]  # fmt: skip
