"""Score companies and people against profiles: whole tables in one statement each, only changed rows written.

Who changes facts calls `rescore` with the ids in the same transaction. A publication scores everything, in the background
where there is much. A lane (kind `fit`, key: the profile) says that a profile waits for a full run, also for the next
midnight where a rule asks how long ago something was.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Workspace
from leadgen.core import lanes
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import current_workspace_id
from prospects.actions import duplicates, territories_run, titles, verification
from prospects.actions.leads import evaluate_people
from prospects.models import Company, CompanyFit, Icp, IcpVersion, Person, PersonFit, Stage
from prospects.queries.fit import current_version, local_now, scored_sql
from prospects.rules.icps import content_of, parse_profile

LANE = "fit"
AT_ONCE = 5_000  # rows a request may score itself


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """What a run did: rows looked at, rows whose score, grade or marks changed, and how long it took.

    `people`: those whose fit changed and who have a lead that may now be qualified.
    """

    looked_at: int = 0
    written: int = 0
    seconds: float = 0.0
    people: tuple[UUID, ...] = field(default=(), repr=False)


def score_icp(
    *,
    icp: Icp,
    now: datetime,
    company_ids: Iterable[UUID] | None = None,
    person_ids: Iterable[UUID] | None = None,
) -> ScoreRun:
    """Compute the fit under the version in force and write the rows that changed; leads that now qualify become MQL.

    Without ids: every company and person of the workspace. With ids: these companies with their people, and these people.
    A profile that is archived or has no published version scores nobody.
    """
    started = time.perf_counter()
    _hold(icp)
    version = current_version(icp)
    if version is None or icp.is_archived:
        return ScoreRun()
    companies, people = Company.objects.all(), Person.objects.all()
    everything = company_ids is None and person_ids is None
    firms, persons = list(company_ids or ()), list(person_ids or ())
    if not everything:
        companies = companies.filter(pk__in=firms)
        people = people.filter(Q(pk__in=persons) | Q(company__in=firms) if firms else Q(pk__in=persons))
        if not firms and not persons:
            return ScoreRun()
    looked_at = written = 0
    if everything or firms:
        looked_at, written, _ = _write(CompanyFit, companies, version, now)
    seen, changed, waiting = _write(PersonFit, people, version, now)
    if everything:
        IcpVersion.objects.filter(pk=version.pk).update(scored_at=now)
    evaluate_people(people=waiting, now=now)
    return ScoreRun(looked_at + seen, written + changed, time.perf_counter() - started, waiting)


def rescore(*, now: datetime, company_ids: Iterable[UUID] = (), person_ids: Iterable[UUID] = ()) -> ScoreRun:
    """After facts changed: these companies (with their people) and these people, under every profile in force.

    Call it after the rows are saved, once a batch. About three queries a profile, whatever the number of rows. They are
    also compared with the others for duplicates and verified, soon, by a worker.
    """
    firms, persons = list(company_ids), list(person_ids)
    if not firms and not persons:
        return ScoreRun()
    # A title waits a while: many come together, and a model reads them.
    soon = {duplicates.LANE: now, verification.LANE: now, territories_run.LANE: now, titles.LANE: now + titles.SOON}
    lanes.mark_soon(workspace_id=current_workspace_id(), kinds=soon)
    looked_at, written, seconds = 0, 0, 0.0
    people: list[UUID] = []
    in_force = IcpVersion.objects.filter(published_at__isnull=False).values("icp_id")
    for icp in Icp.objects.filter(is_archived=False, pk__in=in_force).order_by("pk"):
        run = score_icp(icp=icp, now=now, company_ids=firms, person_ids=persons)
        looked_at, written = looked_at + run.looked_at, written + run.written
        seconds, people = seconds + run.seconds, [*people, *run.people]
    return ScoreRun(looked_at, written, seconds, tuple(dict.fromkeys(people)))


def score_or_ring(*, icp: Icp, now: datetime) -> ScoreRun | None:
    """Score everything now where that is quick (returns the run), else let a worker do it (returns None)."""
    if _more_than(AT_ONCE):
        lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now, key=str(icp.pk))
        enqueue("prospects.score_fit", icp.pk)
        return None
    run = score_icp(icp=icp, now=now)
    again = next_look(icp, now)
    if again is not None:
        lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=again, key=str(icp.pk))
    return run


def score_lane(*, icp_id: str, now: datetime) -> tuple[ScoreRun, datetime | None]:
    """The worker's full run of one profile, and when it must be looked at again (None: when facts change).

    A run that wrote something is due again at once: facts may have changed while it read, and the second look, which
    finds next to nothing to write, puts that right.
    """
    icp = Icp.objects.filter(pk=icp_id).first()
    if icp is None:
        return ScoreRun(), None
    run = score_icp(icp=icp, now=now)
    return run, now if run.written and run.looked_at > AT_ONCE else next_look(icp, now)


def next_look(icp: Icp, now: datetime) -> datetime | None:
    """The next midnight of the workspace where fit moves with the calendar, else None."""
    version = current_version(icp)
    if version is None or icp.is_archived or not parse_profile(content_of(version), person=False).moves_with_time():
        return None
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    return start_of_day(local_date(now, zone) + timedelta(days=1), zone)


def _hold(icp: Icp) -> None:
    """Share-lock the profile and bring it up to date: who scores waits for a publication under way, not for each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT is_archived FROM prospects_icp WHERE workspace_id = %s AND id = %s FOR SHARE",
            [current_workspace_id(), icp.pk],
        )
        row = cursor.fetchone()
    icp.is_archived = row is None or row[0]


def _more_than(limit: int) -> bool:
    companies = Company.objects.order_by()[: limit + 1].count()
    return companies > limit or companies + Person.objects.order_by()[: limit + 1].count() > limit


def _write(
    model: type[CompanyFit] | type[PersonFit],
    rows: QuerySet[Company] | QuerySet[Person],
    version: IcpVersion,
    now: datetime,
) -> tuple[int, int, tuple[UUID, ...]]:
    """(rows looked at, rows written, people with a lead at stage lead among them), in one statement over the table.

    Rows are written in the order of their keys, so that two runs never wait for each other in a circle.
    """
    subject = "person_id" if model is PersonFit else "company_id"
    table = model._meta.db_table
    profile = parse_profile(content_of(version), person=model is PersonFit)
    scored, params = scored_sql(rows, profile, local_now(now))
    workspace = current_workspace_id()
    statement = f"""
        WITH written AS (
            INSERT INTO {table} AS fit (workspace_id, icp_id, version_id, {subject}, score, grade, marks)
            SELECT %s, %s, %s, scored.id, scored.score, scored.grade, scored.marks
            FROM ({scored}) AS scored
            LEFT JOIN {table} AS old ON old.workspace_id = %s AND old.icp_id = %s AND old.{subject} = scored.id
            WHERE old.id IS NULL
                OR (old.score, old.grade, old.marks) IS DISTINCT FROM (scored.score::smallint, scored.grade, scored.marks)
            ORDER BY scored.id
            ON CONFLICT (workspace_id, icp_id, {subject}) DO UPDATE
                SET version_id = excluded.version_id, score = excluded.score, grade = excluded.grade, marks = excluded.marks
            RETURNING fit.{subject} AS subject
        )
        SELECT (SELECT count(*) FROM written), {_WAITING if model is PersonFit else "NULL"}
    """  # noqa: S608  names of our own tables; every value is a parameter
    values = [workspace, version.icp_id, version.pk, *params, workspace, version.icp_id]
    if model is PersonFit:
        values += [workspace, Stage.LEAD]
    looked_at = rows.order_by().count()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        written, waiting = cursor.fetchone()
    return looked_at, written, tuple(waiting or ())


_WAITING = """ARRAY(
    SELECT person_id FROM prospects_lead
    WHERE workspace_id = %s AND stage = %s AND person_id IN (SELECT subject FROM written) ORDER BY person_id
)"""
