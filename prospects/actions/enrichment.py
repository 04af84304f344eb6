"""Enrichment runs: ask in the background, propose, write what a person agrees to.

Each record is an item, asked once and written once: a worker takes an item with a lease, asks without a transaction open,
and stores answer and proposal together. A worker that dies in between costs at most the question it was at (money is
written before a question is asked, answers are kept): the item is taken up again after the lease. What a person typed is
never written over, not even by what they agreed to if they edited the field meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from accounts.actions.audit import SYSTEM, Actor, write_audit
from leadgen.core import lanes
from leadgen.core.dns import DnsLookup
from leadgen.core.errors import AppError, Conflict, Invalid
from leadgen.core.tasks import ring
from leadgen.core.tenancy import bulk_insert, workspace_scope
from leadgen.core.visibility import as_asked
from prospects.actions.companies import update_company
from prospects.actions.enrichment_answers import OPEN_TO_ALL, answer_of, lost_question
from prospects.actions.enrichment_values import clean_value
from prospects.actions.people import update_person
from prospects.actions.phone_outcomes import wrong_numbers
from prospects.models import (
    FINDING_KINDS,
    Company,
    EnrichmentItem,
    EnrichmentProvider,
    EnrichmentRun,
    FieldOrigin,
    Person,
)
from prospects.queries.duplicates import COMPANIES, PEOPLE
from prospects.queries.finding import cost
from prospects.queries.finding_finders import offers
from prospects.queries.merges import edits_by_hand
from prospects.rules import enrichment as rules

LANE = "enrichment"
LEASE = timedelta(minutes=5)
MAX_ROWS = 10_000
ItemState, RunState = EnrichmentItem.State, EnrichmentRun.State


def start_run(
    *, by: Actor, now: datetime, subject: str, ids: Sequence[UUID | str], fields: Sequence[str] = (), label: str = "",
    write_at_once: bool = False, finder: bool = False, token: str = "",
) -> EnrichmentRun:  # fmt: skip
    """Ask about these companies or people; without `fields` about all that providers may fill. Raises Invalid in words."""
    if subject not in rules.FIELDS:
        raise Invalid("Choose companies or people.", field="subject")
    wanted = [name for name in rules.FIELDS[subject] if not fields or name in fields]
    if unknown := sorted(set(fields) - set(rules.FIELDS[subject])):
        raise Invalid(f"“{unknown[0]}” is none of: {', '.join(rules.FIELDS[subject])}.", field="fields")
    asked = EnrichmentProvider.objects.filter(subject=subject, is_active=True).exclude(kind__in=FINDING_KINDS)
    if not finder and not asked.exists():
        raise Invalid(
            f"Nobody is set up who could be asked about {subject}. Add a provider under Settings, Enrichment."
        )
    model: Any = Company if subject == "companies" else Person
    keys = list(
        as_asked(model.objects.filter(pk__in=list(ids)[: MAX_ROWS + 1])).order_by("pk").values_list("pk", flat=True)
    )
    if not keys:
        raise Invalid(f"Select some {subject} first.")
    if len(keys) > MAX_ROWS:
        raise Invalid(f"Ask about at most {MAX_ROWS:,} at a time.")
    name = label or (str(model.objects.get(pk=keys[0])) if len(keys) == 1 else f"{len(keys):,} {subject}")
    run = EnrichmentRun.objects.create(
        subject=subject, fields=wanted, label=name[:200], write_at_once=write_at_once, total=len(keys), member=by.member,
        created_at=now, finder=finder, token=token,
    )  # fmt: skip
    column = "company_id" if subject == "companies" else "person_id"
    bulk_insert(EnrichmentItem, [EnrichmentItem(run=run, **{column: key}) for key in keys])
    write_audit(by=by, action="enrichment.started", now=now, target=run, detail={"rows": len(keys), "fields": wanted})
    _ring(run.workspace_id, now)
    return run


def cancel_run(*, run: EnrichmentRun, by: Actor, now: datetime) -> EnrichmentRun:
    """Ask no further; what was written stays."""
    if run.state in (RunState.DONE, RunState.CANCELLED):
        raise Conflict("This run is over already.", code="over")
    EnrichmentRun.objects.filter(pk=run.pk).update(state=RunState.CANCELLED, finished_at=now)
    run.refresh_from_db()
    write_audit(by=by, action="enrichment.cancelled", now=now, target=run)
    return run


def resume_run(*, run: EnrichmentRun, by: Actor, now: datetime) -> int:
    """Ask again about those that were stopped (a budget was used up, a provider failed); how many."""
    if run.state == RunState.CANCELLED:
        raise Conflict("This run was cancelled. Start another.", code="over")
    count = int(
        run_items(run).filter(state=ItemState.STOPPED).update(state=ItemState.WAITING, taken_until=None, notes=[])
    )
    if not count:
        raise Conflict("Nothing of this run was stopped.", code="nothing_to_do")
    EnrichmentRun.objects.filter(pk=run.pk).update(state=RunState.ASKING, finished_at=None)
    run.refresh_from_db()
    write_audit(by=by, action="enrichment.resumed", now=now, target=run, detail={"rows": count})
    _ring(run.workspace_id, now)
    return count


def run_items(run: EnrichmentRun) -> Any:
    return EnrichmentItem.objects.filter(run=run)


# --- the worker


def run_lane(
    workspace_id: UUID, *, now: datetime, most: int = 1_000_000, hold: Callable[[], bool] = lambda: True
) -> datetime | None:
    """Ask about every item that waits; when to look again (a lease of a worker that died runs out). `hold` says whether to
    go on, once an item."""
    for _ in range(most):
        if not hold():
            return now
        with workspace_scope(workspace_id):
            item = _take()
        if item is None:
            break
        _do(workspace_id, item, now=now)
    with workspace_scope(workspace_id):
        _settle(now)
        leased = EnrichmentItem.objects.filter(state=ItemState.WAITING, run__state=RunState.ASKING).exists()
    return now + LEASE if leased else None


def _take() -> EnrichmentItem | None:
    """An item for this worker alone. By the database's clock: `now` is when the lane was taken, and hours may have passed."""
    free = Q(taken_until__isnull=True) | Q(taken_until__lte=Now())
    waiting = EnrichmentItem.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        free, state=ItemState.WAITING, run__state=RunState.ASKING
    )
    item: EnrichmentItem | None = waiting.select_related("run").order_by("run", "id").first()
    if item is not None:
        EnrichmentItem.objects.filter(pk=item.pk).update(taken_until=Now() + LEASE)
    return item


def _do(workspace_id: UUID, item: EnrichmentItem, *, now: datetime) -> None:
    """One record down the waterfall: each provider is asked only for what the ones before did not fill."""
    with workspace_scope(workspace_id):
        row = _row(item)
        present = present_of(row, item.run.fields)
        ask = _ask_of(row)
        providers = _providers(item.run)
    found: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    stopped = False
    lookup = DnsLookup()
    for provider in providers:
        wanted = rules.missing(present, item.run.fields, found)
        if not wanted:
            break
        if not set(wanted) & set(offers(provider)):
            continue
        if item.run.finder:
            ask, provider = _as_finder(ask, provider, item.run.fields[0])
        if not ask.key:
            notes.append("There is no domain or address to ask by. Fill it in first.")
            break
        if lost := lost_question(item, provider):
            # What it said may be all that is missing: nobody else is paid for it, either.
            notes, stopped = [*notes, lost], True
            break
        answer = answer_of(workspace_id, provider, ask, lookup, item=item, now=now)
        if isinstance(answer, str):
            notes.append(answer)
            # A website that is down says something of that website; a service that fails is asked again on "Resume".
            stopped = stopped or provider.kind not in OPEN_TO_ALL
            continue
        values, asked_at = answer
        for name, value in values.items():
            if name not in wanted:
                continue
            cleaned, problem = clean_value(item.run.subject, name, value)
            if problem:
                notes.append(f"{provider.name}: {problem}")
                continue
            if rules.is_barred(present, name, cleaned):
                notes.append(f"{provider.name}: {cleaned} was a wrong number.")
                continue
            new = rules.merged(name, present.values.get(name), cleaned)
            if rules.empty(cleaned) or rules.plain(new) == rules.plain(present.values.get(name)):
                continue
            found[name] = {
                "value": rules.plain(new), "old": rules.plain(present.values.get(name)), "provider": str(provider.pk),
                "name": provider.name, "at": asked_at.isoformat(),
            } | {word: values[f"_{word}"] for word in ("guess", "status") if values.get(f"_{word}")}  # fmt: skip
            if "guess" in found[name]:
                notes.append(f"{found[name]['guess']}. Nothing is sent to it before it is confirmed.")
    with workspace_scope(workspace_id):
        state = ItemState.FOUND if found else ItemState.STOPPED if stopped else ItemState.NOTHING
        changed = EnrichmentItem.objects.filter(pk=item.pk, state=ItemState.WAITING, run__state=RunState.ASKING).update(
            state=state, proposal=found, notes=[note[:300] for note in notes][:20], taken_until=None, done_at=now,
            asking=None, asked_at=None,
        )  # fmt: skip
        if changed and found and item.run.write_at_once:
            write_items(run=item.run, ids=[item.pk], by=SYSTEM, now=now)


def _providers(run: EnrichmentRun) -> list[EnrichmentProvider]:
    """The waterfall of a run: finders are asked where somebody confirmed what they cost, and then they alone."""
    rows = EnrichmentProvider.objects.filter(is_active=True).order_by("position", "id")
    if run.finder:
        return list(rows.filter(kind__in=FINDING_KINDS))
    return list(rows.filter(subject=run.subject).exclude(kind__in=FINDING_KINDS))


def _as_finder(ask: rules.Ask, provider: EnrichmentProvider, want: str) -> tuple[rules.Ask, EnrichmentProvider]:
    """What is asked for, under a key of its own in the cache, at the price of that; not saved."""
    price = cost(provider, want)
    provider.price = price.request + price.result
    provider.per = EnrichmentProvider.Per.MATCH if price.result and not price.request else EnrichmentProvider.Per.CALL
    if provider.kind != EnrichmentProvider.Kind.SEARCH:
        provider.cache_days = 0  # what is known here may be more tomorrow, and asking is free
    who = ask.key.removeprefix(f"{want}:")
    return replace(ask, key=f"{want}:{who}"[:254], want=want), provider


def _settle(now: datetime) -> None:
    """Runs whose last item was asked are to be reviewed, or done where nothing was found."""
    for run in EnrichmentRun.objects.filter(state=RunState.ASKING):
        if run_items(run).filter(state=ItemState.WAITING).exists():
            continue
        left = run_items(run).filter(state=ItemState.FOUND).exists()
        EnrichmentRun.objects.filter(pk=run.pk, state=RunState.ASKING).update(
            state=RunState.REVIEW if left else RunState.DONE, finished_at=None if left else now
        )


# --- writing


def write_items(
    *, run: EnrichmentRun, by: Actor, now: datetime, ids: Sequence[UUID | str] | None = None, fields: Sequence[str] = ()
) -> int:
    """Write what was found: of the items `ids` (None: all that wait for it), only `fields` where named. How many rows changed.

    Looked at anew first: what somebody typed or another run wrote since it was proposed stays, and a note says so.
    """
    items = as_asked(run_items(run)).select_for_update(of=("self",)).filter(state=ItemState.FOUND).order_by("id")
    if ids is not None:
        items = items.filter(pk__in=list(ids))
    written = 0
    for item in items:
        written += _write(item, run, fields, now=now)
    if not run_items(run).filter(state__in=[ItemState.FOUND, ItemState.WAITING]).exists():
        EnrichmentRun.objects.filter(pk=run.pk, state=RunState.REVIEW).update(state=RunState.DONE, finished_at=now)
    if by.member is not None:
        write_audit(by=by, action="enrichment.written", now=now, target=run, detail={"rows": written})
    run.refresh_from_db()
    return written


def refuse_items(*, run: EnrichmentRun, ids: Sequence[UUID | str], by: Actor, now: datetime) -> int:
    """Leave these rows as they are."""
    count = int(
        as_asked(run_items(run))
        .filter(state=ItemState.FOUND, pk__in=list(ids))
        .update(state=ItemState.REFUSED, done_at=now)
    )
    if not run_items(run).filter(state__in=[ItemState.FOUND, ItemState.WAITING]).exists():
        EnrichmentRun.objects.filter(pk=run.pk, state=RunState.REVIEW).update(state=RunState.DONE, finished_at=now)
    if count:
        write_audit(by=by, action="enrichment.refused", now=now, target=run, detail={"rows": count})
    run.refresh_from_db()
    return count


def _write(item: EnrichmentItem, run: EnrichmentRun, only: Sequence[str], *, now: datetime) -> int:
    row = _row(item)
    present = present_of(row, list(item.proposal))
    allowed = set(rules.open_fields(present, list(item.proposal)))
    notes = list(item.notes)
    written = 0
    for name, told in item.proposal.items():
        if only and name not in only:
            continue
        if name not in allowed or rules.plain(present.values.get(name)) != told["old"]:
            notes.append(f"{name}: it was changed since, and stays.")
            continue
        try:
            # Field by field: one that is refused (another company has this domain) does not keep the others out.
            if isinstance(row, Company):
                changed = update_company(by=SYSTEM, now=now, company=row, changes={name: told["value"]})
            else:
                changed = update_person(by=SYSTEM, now=now, person=row, changes={name: told["value"]})
        except AppError as error:
            notes.append(f"{name}: {error.message}")
            row.refresh_from_db()
            continue
        if name in changed:
            _note_origin(row, name, told)
            if name == "email" and isinstance(row, Person):
                _note_status(row, told, now)
            written += 1
    item.state, item.done_at, item.notes = (ItemState.WRITTEN if written else ItemState.REFUSED), now, notes[:20]
    item.save(update_fields=["state", "done_at", "notes"])
    return int(bool(written))


def _note_status(person: Person, told: Mapping[str, Any], now: datetime) -> None:
    """What was said of a found address: stated as verified, or a guess, which is barred from sending like one that does not
    work until something proves it or somebody confirms it (rules.verification)."""
    if told.get("guess"):
        status, words = Person.EmailStatus.INVALID, told["guess"]
    elif told.get("status") == "valid":
        status, words = Person.EmailStatus.VALID, f"Stated as verified by {told['name']}"
    else:
        return
    person.email_status, person.email_status_at, person.email_status_reason = status, now, words[:200]
    person.email_checks = ["guess"] if told.get("guess") else []
    person.save(update_fields=["email_status", "email_status_at", "email_status_reason", "email_checks"])


def _note_origin(row: Company | Person, name: str, told: Mapping[str, Any]) -> None:
    about = {"company": row} if isinstance(row, Company) else {"person": row}
    provider = EnrichmentProvider.objects.filter(pk=told["provider"]).first()
    FieldOrigin.objects.update_or_create(
        **about, field=name,
        defaults={
            "provider": provider, "provider_name": told["name"], "value": rules.plain(getattr(row, name)),
            "at": datetime.fromisoformat(told["at"]),
        },
    )  # fmt: skip


# --- what there is


def present_of(row: Company | Person, names: Sequence[str]) -> rules.Present:
    """The row as the rules see it: values, what enrichment wrote, what a person set."""
    company = isinstance(row, Company)
    edited = edits_by_hand(COMPANIES if company else PEOPLE, [row.pk])[row.pk]
    wrong = {} if company else wrong_numbers(row.pk)
    # Emptied because a call found it wrong: nobody decided that there is none.
    if wrong and not getattr(row, "phone", "") and edited.get("phone") in wrong.values():
        edited.pop("phone")
    origins = FieldOrigin.objects.filter(**({"company": row} if company else {"person": row}))
    return rules.Present(
        values={name: getattr(row, name) for name in names},
        origins={origin.field: (origin.value, origin.at) for origin in origins},
        edited=edited,
        barred={"phone": frozenset(wrong)},
    )


def _row(item: EnrichmentItem) -> Company | Person:
    if item.company_id:
        company: Company = Company.objects.get(pk=item.company_id)
        return company
    person: Person = Person.objects.select_related("company").get(pk=item.person_id)
    return person


def _ask_of(row: Company | Person) -> rules.Ask:
    if isinstance(row, Company):
        return rules.Ask("companies", row.domain, domain=row.domain, name=row.name, linkedin_url=row.linkedin_url)
    company = row.company
    domain = company.domain if company is not None else ""
    # Without an address, the name at the company: what an e-mail finder asks by.
    key = row.email or (f"{row.full_name.casefold()}@{domain}" if row.full_name and domain else row.linkedin_url)
    return rules.Ask(
        "people", key[:254], domain=domain, name=row.full_name, email=row.email, first_name=row.first_name,
        last_name=row.last_name, linkedin_url=row.linkedin_url, company_name=company.name if company is not None else "",
    )  # fmt: skip


def _ring(workspace_id: UUID, now: datetime) -> None:
    lanes.mark(workspace_id=workspace_id, kind=LANE, due=now)
    ring("prospects.run_enrichment", queue="default")
