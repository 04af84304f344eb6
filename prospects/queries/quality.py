"""Reads of data quality: every figure in one pass over people and one over companies, from the rules the rows open by."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When

from leadgen.core.rulelang import compile_rule, parse
from leadgen.core.visibility import everyone
from prospects.models import Company, CompanyPair, Person, PersonPair, QualityReport
from prospects.models.duplicates import PairState
from prospects.queries.fit import local_now
from prospects.queries.related import annotated
from prospects.queries.segments import TooSlow, matching, within
from prospects.rules import quality as rules
from prospects.rules.quality import Figure, Rule
from prospects.rules.segments import CATALOGUES

LIVE_MS = 600  # what the page waits for figures of this moment; above that it shows the last report's
PAIRS = {"pairs_people": PersonPair, "pairs_companies": CompanyPair}
TREND_DAYS = 30
MOST_SOURCES = 8

Counts = dict[str, tuple[int, int]]  # key -> (rows, out of)


@dataclass(frozen=True, slots=True)
class Source:
    """People of one source: how many, how many with any trouble, and with each."""

    source: str
    people: int
    troubled: int
    by: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return {"source": self.source, "people": self.people, "troubled": self.troubled, "by": self.by}


@dataclass(frozen=True, slots=True)
class Figures:
    """`as_of`: when they were counted; `live`: at this moment."""

    counts: Counts
    sources: list[Source]
    as_of: datetime
    live: bool


def rows_of(figure: Figure, *, now: datetime) -> QuerySet[Any]:
    """The rows a figure counts."""
    return matching(figure.subject, figure.rule, now=now)


def _condition(subject: str, rule: Rule, at: datetime) -> Q:
    return compile_rule(parse(rule, CATALOGUES[subject]), CATALOGUES[subject], at).true


def _with_facts(queryset: QuerySet[Any], subject: str, asked: Iterable[Rule], at: datetime) -> QuerySet[Any]:
    """`queryset` with the annotations all these rules name."""
    return annotated(queryset, parse({"all": list(asked)}, CATALOGUES[subject]), now=at)


@everyone()  # numbers of the whole workspace, whoever looks
def count_all(now: datetime) -> Counts:
    """Every figure, and the pairs to review: exact, in one pass a table."""
    at, found = local_now(now), Counts()
    for subject, model in (("people", Person), ("companies", Company)):
        figures = [figure for figure in rules.ALL if figure.subject == subject]
        asked = [rule for figure in figures for rule in (figure.rule, figure.base) if rule]
        wanted = {f"n_{figure.key}": Count("pk", filter=_condition(subject, figure.rule, at)) for figure in figures}
        bases = {json.dumps(figure.base, sort_keys=True): figure.base for figure in figures if figure.base}
        wanted |= {
            f"b_{number}": Count("pk", filter=_condition(subject, base, at)) for number, base in enumerate(bases.values())
        }  # fmt: skip
        row = _with_facts(model.objects.order_by(), subject, asked, at).aggregate(everybody=Count("pk"), **wanted)
        totals = {name: row[f"b_{number}"] for number, name in enumerate(bases)}
        for figure in figures:
            of = totals[json.dumps(figure.base, sort_keys=True)] if figure.base else row["everybody"]
            found[figure.key] = (row[f"n_{figure.key}"], of)
        found[subject] = (row["everybody"], row["everybody"])
    for key, pairs in PAIRS.items():
        open_pairs = pairs.objects.filter(state=PairState.OPEN).count()
        found[key] = (open_pairs, found[key.removeprefix("pairs_")][0])
    return found


@everyone()  # numbers of the whole workspace, whoever looks
def worst_sources(now: datetime) -> list[Source]:
    """Sources by the share of their people with any trouble, the worst first; those of few people are not ranked."""
    at = local_now(now)
    asked = [rules.ANY_TROUBLE, *(rule for _, rule in rules.TROUBLES.values())]

    def counted(rule: Rule) -> Sum:
        hit = Case(When(_condition("people", rule, at), then=Value(1)), default=Value(0), output_field=IntegerField())
        return Sum(hit)

    grouped = (
        _with_facts(Person.objects.order_by(), "people", asked, at)
        .values("source")
        .annotate(
            n=Count("pk"), troubled=counted(rules.ANY_TROUBLE),
            **{f"t_{key}": counted(rule) for key, (_, rule) in rules.TROUBLES.items()},
        )
        .filter(n__gte=rules.FEWEST, troubled__gt=0)
    )  # fmt: skip
    found = [
        Source(row["source"], row["n"], row["troubled"], {key: row[f"t_{key}"] for key in rules.TROUBLES}) for row in grouped
    ]  # fmt: skip
    return sorted(found, key=lambda row: (-row.troubled / row.people, -row.people, row.source))[:MOST_SOURCES]


def figures(now: datetime) -> Figures | None:
    """Of this moment where that comes in time, else the last report's; None where neither is there yet."""
    try:
        with within(LIVE_MS):
            return Figures(count_all(now), worst_sources(now), now, live=True)
    except TooSlow:
        return stored()


def stored() -> Figures | None:
    """What the last report counted."""
    report = QualityReport.objects.order_by("-on").first()
    if report is None:
        return None
    counts = {key: (pair[0], pair[1]) for key, pair in report.figures.items()}
    return Figures(counts, [Source(**row) for row in report.sources], report.at, live=False)


def trend(now: datetime, days: int = TREND_DAYS) -> dict[str, list[int | None]]:
    """Key -> a number a day, the oldest first; None for a day without a report."""
    today = local_now(now).date()
    since = today - timedelta(days=days - 1)
    reports = {row.on: row.figures for row in QualityReport.objects.filter(on__gte=since)}
    keys = {key for found in reports.values() for key in found}
    span = [since + timedelta(days=number) for number in range(days)]
    return {key: [reports[on][key][0] if key in reports.get(on, {}) else None for on in span] for key in keys}


def query_of(rule: Rule) -> str:
    """The query string that opens a rule's rows in the list of people or companies, or a new segment."""
    return urlencode({"rule": json.dumps(rule, separators=(",", ":"))})
