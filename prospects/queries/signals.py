"""Reads of signals: lists, "why now" of a page's rows at once, and who an unmatched one may be about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import current_viewer
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
    """Row id -> its reason to be written to today. One query for a page of companies, two for people, who have their company's
    signals too (not their colleagues')."""
    if not rows:
        return {}
    people = {row.pk for row in rows if isinstance(row, Person)}
    companies = {row.pk if isinstance(row, Company) else row.company_id for row in rows} - {None}
    found = _latest("company_id", companies, now, without_person=bool(people)) + _latest("person_id", people, now)
    by_company: dict[Any, list[Signal]] = {}
    by_person: dict[Any, list[Signal]] = {}
    for signal in found:
        if signal.x_of == "company_id":
            by_company.setdefault(signal.company_id, []).append(signal)
        else:
            by_person.setdefault(signal.person_id, []).append(signal)
    reasons: dict[UUID, WhyNow] = {}
    for row in rows:
        if isinstance(row, Person):
            told = by_person.get(row.pk, []) + by_company.get(row.company_id, [])
        else:
            told = by_company.get(row.pk, [])
        if reason := why_now(told, now):
            reasons[row.pk] = reason
    return reasons


NEAR = 20  # of a kind: how far back the latest that is about no colleague is looked for


def _latest(column: str, ids: Iterable[Any], now: datetime, *, without_person: bool = False) -> list[Any]:
    """Of each row and kind the latest signal: an older one of the same kind is worth less whatever the time. By one look into
    the index a row and kind, however many signals a company has (product usage may come by the thousand)."""
    keys = list(ids)
    if not keys:
        return []
    nobody = "WHERE near.person_id IS NULL" if without_person else ""
    found: Any = Signal.objects.raw(
        f"""
        SELECT latest.*, %(column)s AS x_of
        FROM unnest(%(ids)s::uuid[]) AS about (id) CROSS JOIN unnest(%(kinds)s::text[]) AS kinds (kind)
        CROSS JOIN LATERAL (
            SELECT near.* FROM (
                SELECT * FROM prospects_signal AS signal
                WHERE signal.workspace_id = %(workspace)s AND signal.{column} = about.id AND signal.kind = kinds.kind
                    AND signal.state = 'matched' AND signal.at >= %(since)s
                ORDER BY signal.at DESC LIMIT %(near)s
            ) AS near {nobody} ORDER BY near.at DESC LIMIT 1
        ) AS latest
        """,  # noqa: S608  the column is one of two of ours; every value is a parameter
        {
            "column": column, "ids": keys, "kinds": Signal.Kind.values, "workspace": current_workspace_id(),
            "since": now - timedelta(days=LONGEST_DAYS), "near": NEAR if without_person else 1,
        },
    )  # fmt: skip
    rows = list(found)
    if current_viewer() is not None:  # written by hand, this asks for itself what the manager asks elsewhere
        seen = set(Signal.objects.filter(pk__any=[row.pk for row in rows]).values_list("pk", flat=True))
        rows = [row for row in rows if row.pk in seen]
    return rows


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
