"""Reads of signals: lists, "why now" of a page's rows at once, and who an unmatched one may be about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from prospects.models import Company, Person, Signal
from prospects.queries.companies import containing
from prospects.rules.duplicates import firm_name
from prospects.rules.signals import LONGEST_DAYS, WhyNow, freshness, why_now

ORDERS = ("at", "received_at")
ICONS = {
    "funding": "banknote", "hiring": "briefcase", "job_change": "arrow-left-right", "technology": "blocks", "news": "newspaper",
    "usage": "activity",
}  # fmt: skip
SHOWN = 10


def listed() -> QuerySet[Signal]:
    """Signals with what a list names."""
    return Signal.objects.select_related("company", "person", "source", "decided_by")


def waiting() -> int:
    """How many wait for somebody to say whom they are about."""
    return Signal.objects.filter(state=Signal.State.UNMATCHED).count()


def why_now_of(rows: Sequence[Company] | Sequence[Person], now: datetime) -> dict[UUID, WhyNow]:
    """Row id -> its reason to be written to today. One query for a page of companies or people; a person has their company's
    signals too."""
    people = [row for row in rows if isinstance(row, Person)]
    companies = {row.pk for row in rows if isinstance(row, Company)} | {p.company_id for p in people if p.company_id}
    about = Q(company__in=companies)
    if people:
        about = (about & Q(person__isnull=True)) | Q(person__in=[person.pk for person in people])
    if not rows:
        return {}
    # Of each kind the latest is enough: an older one of the same kind is worth less whatever the time.
    found = (
        Signal.objects.filter(about, state=Signal.State.MATCHED, at__gte=now - timedelta(days=LONGEST_DAYS))
        .order_by("company", "person", "kind", "-at", "-id")
        .distinct("company", "person", "kind")
    )
    by_company: dict[Any, list[Signal]] = {}
    by_person: dict[Any, list[Signal]] = {}
    for signal in found:
        if signal.company_id:
            by_company.setdefault(signal.company_id, []).append(signal)
        if signal.person_id:
            by_person.setdefault(signal.person_id, []).append(signal)
    reasons: dict[UUID, WhyNow] = {}
    for row in rows:
        if isinstance(row, Person):
            told = by_person.get(row.pk, []) + [s for s in by_company.get(row.company_id, ()) if s.person_id is None]
        else:
            told = by_company.get(row.pk, [])
        if reason := why_now(told, now):
            reasons[row.pk] = reason
    return reasons


@dataclass(frozen=True, slots=True)
class Shown:
    """A signal of a page's card with what it is worth today."""

    signal: Signal
    icon: str
    percent: int


@dataclass(frozen=True, slots=True)
class Card:
    """What a company's or person's page says: the line, the latest signals, and how many there are in all."""

    why: WhyNow | None
    rows: list[Shown]
    total: int


def signals_card(row: Company | Person, now: datetime) -> Card:
    """Signals of one company (its people's included) or person (their company's included), the newest first."""
    if isinstance(row, Company):
        about = Q(company=row)
    else:
        about = Q(person=row)
        if row.company_id:
            about |= Q(company=row.company_id, person__isnull=True)
    signals = listed().filter(about, state=Signal.State.MATCHED).order_by("-at", "-id")
    shown = list(signals[: SHOWN + 1])
    total = len(shown) if len(shown) <= SHOWN else signals.count()
    rows = [Shown(s, ICONS[s.kind], round(freshness(s.kind, s.at, now) * 100)) for s in shown[:SHOWN]]
    # The line may be older than the rows shown: many news do not hide the funding before them.
    return Card(why_now_of([row], now).get(row.pk), rows, total)  # type: ignore[arg-type]  # one of the two


@dataclass(frozen=True, slots=True)
class Candidate:
    """A company an unmatched signal may be about, and why; a person decides."""

    company: Company
    why: str


def candidates(signal: Signal, limit: int = 6) -> list[Candidate]:
    """Companies whose name fits what the source named; without a name, those whose name stands in the headline."""
    found: dict[UUID, Candidate] = {}
    name = signal.about_company
    if name:
        for company in containing(Company.objects.all(), name).order_by("name", "id")[:20]:
            same = firm_name(company.name) == firm_name(name)
            found[company.pk] = Candidate(company, "same name" if same else "its name contains the words")
        bare = firm_name(name)
        if bare and not any(c.why == "same name" for c in found.values()):
            # "Acme Inc." as the source has it, "Acme" here.
            for company in containing(Company.objects.all(), bare).order_by("name", "id")[:20]:
                if firm_name(company.name) == bare:
                    found[company.pk] = Candidate(company, "same name without its legal form")
    else:
        for company in Company.objects.filter(name__in=names_in(signal.title)).order_by("name", "id")[:limit]:
            found[company.pk] = Candidate(company, "named in the headline")
    return sorted(found.values(), key=lambda item: (not item.why.startswith("same"), item.company.name))[:limit]


def guesses(signals: Iterable[Signal]) -> dict[UUID, Company]:
    """Signal id -> the one company of exactly that name, for a page of the waiting list: a proposal to say yes to. One query."""
    wanted: dict[UUID, list[str]] = {
        s.pk: [s.about_company] if s.about_company else names_in(s.title)
        for s in signals
        if s.state == Signal.State.UNMATCHED
    }
    names = {name for told in wanted.values() for name in told}
    if not names:
        return {}
    by_name: dict[str, list[Company]] = {}
    for company in Company.objects.filter(name__in=names).order_by("id")[:500]:
        by_name.setdefault(company.name, []).append(company)
    proposed: dict[UUID, Company] = {}
    for key, told in wanted.items():
        hits = [company for name in told for company in by_name.get(name, ())]
        if len(hits) == 1:
            proposed[key] = hits[0]
    return proposed


def names_in(title: str, longest: int = 4) -> list[str]:
    """Runs of up to four words that begin with a capital: where in a headline a company's name could stand."""
    words = title.replace("’s", "").replace("'s", "").split()[:40]
    clean = [word.strip(",.:;!?()[]\"'“”„«»–—") for word in words]
    found: dict[str, None] = {}
    for start, word in enumerate(clean):
        if word[:1].isupper() or word[:1].isdigit():
            for size in range(1, longest + 1):
                name = " ".join(clean[start : start + size])
                if len(name) > 2 and start + size <= len(clean):
                    found[name] = None
    return list(found)
