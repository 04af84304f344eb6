"""Engagement: points for shown interest, by the signed agreement; the ledger is the truth, the level a maintained sum."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, Sum

from accounts.models import Workspace
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from prospects.actions.agreements import ensure_first_agreement
from prospects.models import Activity, AgreementVersion, Engagement, Person, PointEntry
from prospects.models.locks import lock
from prospects.queries.activities import uncorrected
from prospects.rules import engagement as rules
from prospects.rules.stages import CONVERSATIONS, REFUSALS


def award_points(*, activity: Activity, now: datetime, version: AgreementVersion | None = None) -> PointEntry | None:
    """Points one activity earns under the agreement in force; None where it earns none (machine, refusal, cap reached).

    Awarding twice is once. Points are dated at the activity, so late news counts as old news.
    """
    version = version or ensure_first_agreement(now)
    rule = version.points.get(activity.kind)
    if (
        activity.person_id is None
        or rule is None
        or not rules.earns(activity.kind, activity.hit_class, activity.detail)
    ):
        return None
    engagement = _locked(activity.person_id, version, now)
    if PointEntry.objects.filter(version=version, activity=activity, rule=activity.kind).exists():
        return None
    points = rules.award(rule, _earned_that_day(activity, version))
    if points <= 0:
        return None
    entry = PointEntry(
        person_id=activity.person_id, activity=activity, version=version, at=activity.at, points=points,
        rule=activity.kind, reason=activity.summary[:200],
    )  # fmt: skip
    entry.save()
    expired = _expire(activity.person_id, version, now)
    if expired or engagement.level is None:
        engagement.level = _level(activity.person_id, version)
    else:
        engagement.level = rules.add_to_level(engagement.level, points, activity.at, version.half_life_days)
    engagement.updated_at = now
    engagement.save(update_fields=["level", "updated_at"])
    return entry


def retract_points(*, activity: Activity, reason: str, now: datetime) -> int:
    """Take back what one activity earned, under every version: each row by its opposite, of the same date, so that the
    two cancel at any moment. Done twice it is done once. Returns the rows written.
    """
    written = 0
    versions = set(PointEntry.objects.filter(activity=activity).values_list("version_id", flat=True))
    for version in AgreementVersion.objects.filter(pk__in=versions).order_by("number"):
        rows = list(PointEntry.objects.filter(activity=activity, version=version).order_by("at", "id"))
        gone = {row.rule for row in rows}
        new = [
            PointEntry(
                person_id=row.person_id, activity=activity, version=version, at=row.at, points=-row.points,
                rule=rules.corrected(row.rule), reason=reason[:200],
            )
            for row in rows
            if not row.rule.startswith(rules.CORRECTED) and rules.corrected(row.rule) not in gone
        ]  # fmt: skip
        if not new:
            continue
        engagement = _locked(new[0].person_id, version, now)
        bulk_insert(PointEntry, new, ignore_conflicts=True)
        engagement.level, engagement.updated_at = _level(new[0].person_id, version), now
        engagement.save(update_fields=["level", "updated_at"])
        written += len(new)
    return written


def award_waiting(*, person_id: UUID, kind: str, day_of: datetime, now: datetime) -> int:
    """After a retraction: activities of that day whose points the day's cap had kept back may earn them now."""
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    day = local_date(day_of, zone)
    version = ensure_first_agreement(now)
    rows = uncorrected(
        Activity.objects.filter(
            person=person_id, kind=kind, hit_class=Activity.HitClass.HUMAN,
            at__gte=start_of_day(day, zone), at__lt=start_of_day(day + timedelta(days=1), zone),
        )
    )  # fmt: skip
    return sum(award_points(activity=row, now=now, version=version) is not None for row in rows.order_by("at", "id"))


def rebuild_engagement(*, person: Person, now: datetime, version: AgreementVersion | None = None) -> Engagement:
    """The level again from nothing but the ledger's rows, expiry included; what maintenance must always equal."""
    version = version or ensure_first_agreement(now)
    engagement = _locked(person.pk, version, now)
    _expire(person.pk, version, now)
    engagement.level, engagement.updated_at = _level(person.pk, version), now
    engagement.save(update_fields=["level", "updated_at"])
    return engagement


def apply_version(*, version: AgreementVersion, now: datetime) -> int:
    """Award the points of a version that takes effect for every activity that still counts; returns the rows written.

    One statement over the ledger: the same rows, caps and levels as awarding them one by one. Older activities would be
    expired by now and are left out.
    """
    worth = {kind: rule for kind, rule in version.points.items() if rule.get("points")}
    if not worth:
        return 0
    since = now - timedelta(days=version.half_life_days * rules.EXPIRES_AFTER)
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    kinds = list(worth)
    values: dict[str, Any] = {
        "workspace": current_workspace_id(), "version": version.pk, "since": since, "now": now, "zone": zone,
        "kinds": kinds, "points": [Decimal(str(worth[kind]["points"])) for kind in kinds],
        "caps": [Decimal(str(worth[kind].get("cap_per_day", 10**9))) for kind in kinds],
        "refusals": sorted(REFUSALS), "conversations": sorted(CONVERSATIONS), "epoch": rules.EPOCH,
        "half_life": version.half_life_days * 86400.0, "nothing": rules.NOTHING,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_AWARD_ALL, values)
        written = cursor.rowcount
        cursor.execute(_LEVEL_ALL, values)
    return int(written)


# Points n of a day: as many as the cap leaves after the n-1 before, as rules.award does one by one.
_AWARD_ALL = """
INSERT INTO prospects_pointentry (workspace_id, person_id, activity_id, version_id, at, points, rule, reason)
SELECT workspace_id, person_id, id, %(version)s, at, earned, kind, left(summary, 200)
FROM (
    SELECT a.workspace_id, a.person_id, a.id, a.at, a.kind, a.summary,
        round(least(r.points, r.cap - r.points * (row_number() OVER (
            PARTITION BY a.person_id, a.kind, (a.at AT TIME ZONE %(zone)s)::date ORDER BY a.at, a.id) - 1)), 4) AS earned
    FROM prospects_activity a
    JOIN unnest(%(kinds)s::text[], %(points)s::numeric[], %(caps)s::numeric[]) AS r (kind, points, cap) ON r.kind = a.kind
    WHERE a.workspace_id = %(workspace)s AND a.person_id IS NOT NULL AND a.hit_class = 'human'
        AND a.at >= %(since)s AND a.at <= %(now)s
        AND NOT coalesce(a.detail ->> 'intent', '') = ANY (%(refusals)s)
        AND coalesce(a.detail ->> 'outcome', '') <> 'connected_negative'
        AND NOT EXISTS (
            SELECT 1 FROM prospects_activity c
            WHERE c.workspace_id = a.workspace_id AND c.key <> '' AND c.key = 'correct:' || a.id)
        AND (a.kind <> 'called' OR coalesce(a.detail ->> 'outcome', '') = ANY (%(conversations)s))
) AS hits
WHERE earned > 0
ON CONFLICT DO NOTHING
"""
_LEVEL_ALL = """
INSERT INTO prospects_engagement (workspace_id, person_id, version_id, level, updated_at)
SELECT %(workspace)s, person_id, %(version)s,
    CASE WHEN total > %(nothing)s THEN ln(total) / ln(2.0::float8) + newest END, %(now)s
FROM (
    SELECT person_id, newest, sum(points::float8 * power(2.0::float8, place - newest)) AS total
    FROM (
        SELECT person_id, points, place, max(place) OVER (PARTITION BY person_id) AS newest
        FROM (
            SELECT person_id, points, extract(epoch FROM at - %(epoch)s)::float8 / %(half_life)s AS place
            FROM prospects_pointentry WHERE workspace_id = %(workspace)s AND version_id = %(version)s
        ) AS placed
    ) AS ranked
    GROUP BY person_id, newest
) AS sums
ON CONFLICT (workspace_id, person_id, version_id) DO UPDATE SET level = excluded.level, updated_at = excluded.updated_at
"""


def _locked(person_id: UUID, version: AgreementVersion, now: datetime) -> Engagement:
    """The person's row under this version, made if need be, locked: two awards at once must both count."""
    rows = lock(Engagement.objects.filter(person=person_id, version=version))
    found = rows.first()
    if found is None:
        bulk_insert(
            Engagement, [Engagement(person_id=person_id, version=version, updated_at=now)], ignore_conflicts=True
        )
        found = rows.all().get()
    return found


def _earned_that_day(activity: Activity, version: AgreementVersion) -> Decimal:
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    day = local_date(activity.at, zone)
    total = PointEntry.objects.filter(
        person=activity.person_id, version=version, rule__in=[activity.kind, rules.corrected(activity.kind)],
        at__gte=start_of_day(day, zone), at__lt=start_of_day(day + timedelta(days=1), zone),
    ).aggregate(total=Sum("points"))["total"]  # fmt: skip
    return total or Decimal(0)


def _expire(person_id: UUID, version: AgreementVersion, now: datetime) -> int:
    """Take back rows older than EXPIRES_AFTER half-lives, each by a negative row dated when it ran out."""
    limit = now - timedelta(days=version.half_life_days * rules.EXPIRES_AFTER)
    old = PointEntry.objects.filter(person=person_id, version=version, at__lte=limit, points__gt=0).exclude(
        rule__startswith=rules.CORRECTED
    )
    gone = set(
        PointEntry.objects.filter(person=person_id, version=version)
        .filter(Q(rule__startswith="expiry:") | Q(rule__startswith=rules.CORRECTED))
        .values_list("activity_id", "rule")
    )
    rows = []
    for entry in old.exclude(Q(activity__isnull=True)):
        rule = f"expiry:{entry.rule}"[:60]
        if (entry.activity_id, rule) in gone or (entry.activity_id, rules.corrected(entry.rule)) in gone:
            continue  # run out already, or taken back as a whole
        points, at = rules.expiry_of(entry.points, entry.at, version.half_life_days)
        if points:
            rows.append(
                PointEntry(
                    person_id=person_id, activity_id=entry.activity_id, version=version, at=at, points=points, rule=rule,
                    reason=f"{rules.EXPIRES_AFTER} half-lives after {entry.at:%d %b %Y}",
                )
            )  # fmt: skip
    bulk_insert(PointEntry, rows, ignore_conflicts=True)
    return len(rows)


def _level(person_id: UUID, version: AgreementVersion) -> float | None:
    rows = PointEntry.objects.filter(person=person_id, version=version).values_list("points", "at")
    return rules.level_of(rows, version.half_life_days)
