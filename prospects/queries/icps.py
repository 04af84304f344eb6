"""Reads of ICPs: the list, versions with what they changed, the live preview, values the workspace has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import Count as CountOf
from django.db.models import Func, IntegerField, QuerySet, TextField
from django.db.models.functions import Cast, Mod

from leadgen.core.counts import Count
from leadgen.core.rulelang import Field
from prospects.models import Company, CompanyFit, Icp, IcpVersion, Person
from prospects.queries.fit import local_now, scored_sql
from prospects.rules import icps as rules
from prospects.rules.fit import GRADES, IN_PROFILE, MET, UNKNOWN
from prospects.rules.icps import Profile, parse_profile

SAMPLES = 10
LOOKED_AT = 10_000  # rows a preview judges; of more, an even sample
VALUES_FROM = 20_000  # rows from which values and their counts are read
MOST_UNKNOWN = 0.3  # share from which a criterion is called hardly known


@dataclass(frozen=True, slots=True)
class Shares:
    """How one part fares: shares of the rows looked at, 0 to 1. For an exclusion `met` means excluded."""

    kind: str  # criterion, must, exclude, persona
    label: str
    weight: int
    met: float
    not_met: float
    unknown: float

    @property
    def hardly_known(self) -> bool:
        return self.unknown >= MOST_UNKNOWN


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the best rows: `signs` are (label, sign) of its criteria and personas."""

    row: Any
    score: int
    grade: str
    signs: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Preview:
    """A profile tried on the companies or people there are. Above LOOKED_AT rows all but the total comes from an even sample.

    `matches`: rows in the profile, grade A or B.
    """

    noun: str
    total: int
    looked_at: int
    matches: Count
    share: float | None
    grades: list[tuple[str, int, float]]
    parts: list[Shares] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    tone: str = "neutral"
    hint: str = ""

    @property
    def caption(self) -> str:
        return f"How each part fares over the {self.noun}"

    @property
    def hardly_known(self) -> list[Shares]:
        return [part for part in self.parts if part.hardly_known]

    @property
    def source(self) -> str:
        """Where the numbers come from, where they are no plain count."""
        return "" if self.matches.exact else f"from an even sample of {self.looked_at:,}"


def preview(content: Mapping[str, Any], *, now: datetime, people: bool = False) -> Preview:
    """Try checked content (rules.icps.check_content) on the companies, or on the people. Two statements over the rows."""
    profile = parse_profile(content, person=people)
    rows: QuerySet[Any] = Person.objects.all() if people else Company.objects.all()
    noun = "people" if people else "companies"
    total = rows.order_by().count()
    sampled = total > LOOKED_AT
    judged = _thinned(rows, -(-total // LOOKED_AT)) if sampled else rows
    scored, params = scored_sql(judged, profile, local_now(now))
    heads = _parts(profile, people=people)
    counts = "".join(
        f", count(*) FILTER (WHERE substr(marks, {place}, 1) = '{sign}')"
        for place, *_ in heads
        for sign in (MET, UNKNOWN)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT grade, count(*){counts} FROM ({scored}) AS scored GROUP BY grade", params)  # noqa: S608
        table = cursor.fetchall()
        cursor.execute(
            f"SELECT id, score, grade, marks FROM ({scored}) AS scored WHERE grade <> 'X'"  # noqa: S608
            f" ORDER BY score DESC, id LIMIT {SAMPLES}",
            params,
        )
        best = cursor.fetchall()
    by_grade = {row[0]: row[1] for row in table}
    looked_at = sum(by_grade.values())
    matched = sum(by_grade.get(letter, 0) for letter in IN_PROFILE)
    sums = [sum(column) for column in list(zip(*table, strict=True))[2:]] if table else [0] * (2 * len(heads))
    parts = [
        _shares(kind, label, weight, sums[2 * number], sums[2 * number + 1], looked_at)
        for number, (_, kind, label, weight) in enumerate(heads)
    ]
    scale = total / looked_at if looked_at and sampled else 1
    tone, hint = rules.selectivity(round(matched * scale), total, noun)
    return Preview(
        noun=noun, total=total, looked_at=looked_at,
        matches=Count(_two_digits(matched * scale), exact=False) if sampled else Count(matched),
        share=matched / looked_at if looked_at else None,
        grades=[(letter, round(by_grade.get(letter, 0) * scale), by_grade.get(letter, 0) / looked_at if looked_at else 0)
                for letter in GRADES],
        parts=parts, samples=_samples(rows, best, heads), tone=tone, hint=hint,
    )  # fmt: skip


def _parts(profile: Profile, *, people: bool) -> list[tuple[int, str, str, int]]:
    """(place in the marks from 1, kind, label, weight) of every part there is."""
    found = [(number, "criterion", part.label, part.weight) for number, part in enumerate(profile.criteria, 1)]
    place = len(profile.criteria) + 1
    if profile.must is not None:
        found.append((place, "must", "Must-have", 0))
    if profile.exclude is not None:
        found.append((place + 1, "exclude", "Excluded", 0))
    if people:
        found += [
            (number, "persona", part.label, part.weight) for number, part in enumerate(profile.personas, place + 2)
        ]
    return found


def _shares(kind: str, label: str, weight: int, met: int, unknown: int, of: int) -> Shares:
    of = of or 1
    return Shares(kind, label, weight, met / of, (of - met - unknown) / of if of else 0, unknown / of)


def _samples(rows: QuerySet[Any], best: list[Any], heads: list[tuple[int, str, str, int]]) -> list[Sample]:
    found = rows.select_related("company") if rows.model is Person else rows
    named = found.in_bulk([row[0] for row in best])
    return [
        Sample(
            named[key],
            score,
            grade,
            [(label, marks[place - 1]) for place, kind, label, _ in heads if kind in ("criterion", "persona")],
        )
        for key, score, grade, marks in best
        if key in named
    ]


def _thinned(rows: QuerySet[Any], every: int) -> QuerySet[Any]:
    """Every n-th row or so, spread evenly by a digest of the key: keys themselves are in the order of their making."""
    digest = Func(Cast("pk", TextField()), function="hashtext", output_field=IntegerField())
    return rows.annotate(x_spread=Mod(digest, every)).filter(x_spread=0)


def _two_digits(value: float) -> int:
    whole = round(value)
    step = 10 ** max(len(str(whole)) - 2, 0)
    return round(whole / step) * step


def values_present(asked: Field, *, most: int = 60) -> list[tuple[str, int]]:
    """(value, rows) of a field over the newest companies or people, the most frequent first."""
    model: Any = Person if asked.name.startswith("person.") else Company
    column = asked.path.removeprefix("company__")
    if not column or "__" in column or asked.kind not in ("text", "choice", "country", "list"):
        return []
    newest = model.objects.order_by("-created_at", "-id").values("pk")[:VALUES_FROM]
    rows = model.objects.filter(pk__in=newest)
    if isinstance(model._meta.get_field(column), ArrayField):
        rows = rows.annotate(x_value=Func(column, function="unnest", output_field=TextField()))
        # A set-returning function cannot be grouped by where it stands, so its rows come first.
        sql, params = rows.values("pk", "x_value").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT x_value, count(*) FROM ({sql}) AS words GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {int(most)}",  # noqa: S608
                params,
            )
            return [(value, count) for value, count in cursor.fetchall()]
    counted = rows.exclude(**{column: ""}).values(column).annotate(rows=CountOf("pk")).order_by("-rows", column)
    return [(row[column], row["rows"]) for row in counted[:most]]


@dataclass(frozen=True, slots=True)
class IcpRow:
    """A profile as its list shows it."""

    icp: Icp
    version: IcpVersion | None
    draft: IcpVersion | None
    grades: dict[str, int]

    @property
    def matches(self) -> int:
        return sum(self.grades.get(letter, 0) for letter in IN_PROFILE)

    @property
    def scored(self) -> int:
        return sum(self.grades.values())


def icp_rows(*, archived: bool = False) -> list[IcpRow]:
    """Every profile with its version in force, its draft and the grades of the companies; the primary first."""
    icps = list(Icp.objects.filter(is_archived=archived).order_by("-is_primary", "name"))
    versions: dict[Any, list[IcpVersion]] = {}
    for version in IcpVersion.objects.filter(icp__in=icps).select_related("published_by").order_by("-number"):
        versions.setdefault(version.icp_id, []).append(version)
    grades: dict[Any, dict[str, int]] = {}
    counted = CompanyFit.objects.filter(icp__in=icps).values_list("icp_id", "grade").annotate(rows=CountOf("pk"))
    for icp_id, grade, count in counted.order_by():
        grades.setdefault(icp_id, {})[grade] = count
    return [
        IcpRow(
            icp=icp,
            version=next((one for one in versions.get(icp.pk, ()) if one.published_at), None),
            draft=next((one for one in versions.get(icp.pk, ()) if not one.published_at), None),
            grades=grades.get(icp.pk, {}),
        )
        for icp in icps
    ]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version with what it changed against the one before."""

    version: IcpVersion
    changes: list[str]


def version_rows(icp: Icp) -> list[VersionRow]:
    """Every version, the newest first, each with its differences in words."""
    versions = list(IcpVersion.objects.filter(icp=icp).select_related("published_by").order_by("number"))
    rows = []
    for number, version in enumerate(versions):
        before = rules.content_of(versions[number - 1]) if number else None
        told = rules.changes(before, rules.content_of(version)) if before is not None else []
        rows.append(VersionRow(version, told))
    return rows[::-1]
