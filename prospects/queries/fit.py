"""Fit in SQL, for whole tables, and its explanation for one company or person."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import CharField, QuerySet, Value

from accounts.models import Workspace
from leadgen.core.rulelang import Compiled, compile_rule, explain, leaves
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Company, CompanyFit, Icp, IcpVersion, Person, PersonFit
from prospects.queries.companies import primary_icp
from prospects.rules.fields import COMPANY_FACTS, PERSON_FACTS
from prospects.rules.fit import GRADES, MET, NOT_MET, UNKNOWN, Fit, fit_of, mark, share, total_weight
from prospects.rules.icps import Profile, content_of, parse_profile

WORDS = {MET: "met", NOT_MET: "not met", UNKNOWN: "unknown"}


def local_now(now: datetime) -> datetime:
    """`now` in the workspace's zone: what a day is in rules over dates."""
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    return now.astimezone(ZoneInfo(zone))


def current_version(icp: Icp) -> IcpVersion | None:
    """The version in force: the last one published."""
    return IcpVersion.objects.filter(icp=icp, published_at__isnull=False).order_by("-number").first()


def version_of(fit: CompanyFit | PersonFit) -> IcpVersion:
    """The version whose parts the marks of a stored fit are about: the one in force once it has scored everybody (what it left
    as it was, it says the same of), until then the one under which the fit was written."""
    current = current_version(fit.icp)
    return current if current is not None and current.scored_at else fit.version


def scored_sql(rows: QuerySet[Any], profile: Profile, now: datetime) -> tuple[str, list[Any]]:
    """SQL of `id, score, grade, marks` for Company or Person rows, and its parameters; `now` in the workspace's zone.

    Each rule is evaluated once a row: the innermost SELECT gives the signs, OFFSET 0 keeps the planner from copying their
    expressions into every place that reads them.
    """
    person = rows.model is Person
    catalogue = PERSON_FACTS if person else COMPANY_FACTS
    names, annotations = [], {}

    def sign(name: str, compiled: Compiled) -> str:
        annotations[name] = compiled.case(
            met=Value(MET), not_met=Value(NOT_MET), unknown=Value(UNKNOWN), output_field=CharField()
        )
        names.append(name)
        return name

    def parts(prefix: str, listed: Any) -> list[tuple[str, int]]:
        return [
            (sign(f"{prefix}{number}", compile_rule(part.rule, catalogue, now)), part.weight)
            for number, part in enumerate(listed)
        ]

    criteria = parts("x_c", profile.criteria)
    order: list[str] = [name for name, _ in criteria]
    out = []
    if profile.must is not None:
        out.append(f"{sign('x_must', compile_rule(profile.must, catalogue, now))} = '{NOT_MET}'")
    if profile.exclude is not None:
        out.append(f"{sign('x_out', compile_rule(profile.exclude, catalogue, now))} = '{MET}'")
    order += ["x_must" if profile.must is not None else f"'{MET}'"]
    order += ["x_out" if profile.exclude is not None else f"'{NOT_MET}'"]
    personas = parts("x_p", profile.personas) if person else []
    order += [name for name, _ in personas]
    # Names and weights are ours (integers checked by rules.icps); every value of a rule is a parameter.
    met = " + ".join([_worth(criteria), f"greatest(0, {_worth(personas, ', ')})" if personas else "0"])
    total = total_weight(profile, person=person)
    score = f"(200 * ({met}) + {total}) / {2 * total}" if total else "0"
    inner, params = rows.order_by().annotate(**annotations).values("id", *names).query.sql_with_params()
    grades = " ".join(f"WHEN score >= {int(profile.grades[letter])} THEN '{letter}'" for letter in ("A", "B", "C"))
    return (
        f"""SELECT id, CASE WHEN excluded THEN 0 ELSE score END AS score,
            CASE WHEN excluded THEN 'X' {grades} ELSE 'D' END AS grade, marks
        FROM (
            SELECT id, {score} AS score, ({" OR ".join(out) or "false"}) AS excluded, {" || ".join(order)} AS marks
            FROM ({inner} OFFSET 0) AS signs OFFSET 0
        ) AS totals""",  # noqa: S608  column names and whole numbers of our own; values are parameters
        list(params),
    )


def _worth(parts: list[tuple[str, int]], join: str = " + ") -> str:
    return join.join(f"CASE WHEN {name} = '{MET}' THEN {int(weight)} ELSE 0 END" for name, weight in parts) or "0"


def fit_now(row: Company | Person, version: IcpVersion, now: datetime) -> Fit:
    """The fit of one row by the Python evaluator; load a person's company with it."""
    person = isinstance(row, Person)
    profile = parse_profile(content_of(version), person=person)
    return fit_of(profile, _facts(row), local_now(now), person=person)


def _facts(row: Company | Person) -> dict[str, Any]:
    return (PERSON_FACTS if isinstance(row, Person) else COMPANY_FACTS).facts(row)


@dataclass(frozen=True, slots=True)
class Line:
    """One part of the profile against one row. `points`: "25" where met, "0 of 14" where not; '' where none are given."""

    kind: str  # criterion, persona, must, exclude
    label: str
    mark: str  # + met, - not met, ? unknown; of an exclusion + means excluded
    words: str  # the fact: "employees 540 is at least 200"
    weight: int = 0
    points: str = ""
    fields: tuple[str, ...] = ()  # names of the facts it asks for

    @property
    def state(self) -> str:
        return WORDS[self.mark]


@dataclass(frozen=True, slots=True)
class FitExplanation:
    """Why a company or person has its fit. `score` and `grade` follow from the lines; `stored` is what lists show until
    the next scoring run, where it differs."""

    icp: Icp
    version: IcpVersion
    subject: str
    score: int
    grade: str
    points: int
    total: int
    lines: list[Line] = field(default_factory=list)
    stored: tuple[str, int] | None = None

    @property
    def title(self) -> str:
        return f"{self.subject} against ICP “{self.icp.name} v{self.version.number}”"

    @property
    def counts(self) -> str:
        """ "7 met, 1 unknown": of criteria and the buyer's role."""
        signs = [line.mark for line in self.lines if line.kind in ("criterion", "persona")]
        found = [(signs.count(sign), words) for sign, words in WORDS.items()]
        return ", ".join(f"{count} {words}" for count, words in found if count)


def explain_fit(
    row: Company | Person, icp: Icp | None = None, *, now: datetime, with_personas: bool = True
) -> FitExplanation | None:
    """Each criterion as met, not met or unknown, with the fact in words and its points; None where no version is in force.

    `icp`: the primary one by default. A person's company is read along, so load it with the person. Of several personas
    the one that counts is shown; where none is met, all are.
    """
    icp = icp or primary_icp()
    version = current_version(icp) if icp is not None else None
    if icp is None or version is None:
        return None
    person = isinstance(row, Person)
    profile = parse_profile(content_of(version), person=person)
    facts, at = _facts(row), local_now(now)
    fit = fit_of(profile, facts, at, person=person)

    def line(kind: str, label: str, rule: Any, weight: int = 0) -> Line:
        told = explain(rule, facts, at)
        sign = mark(told.truth)
        points = "" if kind in ("must", "exclude") else str(weight) if sign == MET else f"0 of {weight}"
        asked = tuple(dict.fromkeys(leaf.field.name for leaf in leaves(rule)))
        return Line(kind, label, sign, told.words, weight, points, asked)

    lines = [line("criterion", part.label, part.rule, part.weight) for part in profile.criteria]
    points = sum(one.weight for one in lines if one.mark == MET)
    if person and profile.personas:
        roles = [line("persona", part.label, part.rule, part.weight) for part in profile.personas]
        met = max((one for one in roles if one.mark == MET), key=lambda one: one.weight, default=None)
        points += met.weight if met else 0
        lines += [met] if met else roles
    if profile.must is not None:
        lines.append(line("must", "Must-have", profile.must))
    if profile.exclude is not None:
        lines.append(line("exclude", "Exclusion", profile.exclude))
    stored = _stored(row, icp)
    return FitExplanation(
        icp=icp, version=version, subject=str(row), score=fit.score, grade=fit.grade, points=points,
        total=total_weight(profile, person=person), lines=lines,
        stored=stored if stored is not None and stored != (fit.grade, fit.score) else None,
    )  # fmt: skip


def _stored(row: Company | Person, icp: Icp) -> tuple[str, int] | None:
    if isinstance(row, Person):
        return PersonFit.objects.filter(icp=icp, person=row.pk).values_list("grade", "score").first()
    return CompanyFit.objects.filter(icp=icp, company=row.pk).values_list("grade", "score").first()


__all__ = [
    "GRADES",
    "FitExplanation",
    "Line",
    "current_version",
    "explain_fit",
    "fit_now",
    "local_now",
    "scored_sql",
    "share",
]
