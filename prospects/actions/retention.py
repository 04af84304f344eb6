"""Retention rules: what goes by age, off until somebody turns it on; people get a notice first and can be kept.

A turn does a batch of each rule, each in one transaction, and is due again at once where more is left; else the next day.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.actions.audit import SYSTEM, Actor, write_audit
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import bulk_insert, current_workspace_id, workspace_scope
from prospects.actions.erasure import empty_rows, start_erasure
from prospects.models import (
    Erasure,
    Import,
    ImportFile,
    ImportIssue,
    Person,
    RetentionNotice,
    RetentionRule,
    RetentionRun,
)
from prospects.queries.retention import SUBJECTS, due_rows, rule_of
from prospects.rules.retention import KEEPS, KINDS

LANE = "retention"
BATCH = 1_000
ERASED_AT_ONCE = 50  # people of one erasure: the tables are looked through once for all of them
SOON, DAILY = timedelta(seconds=10), timedelta(days=1)

# Kind -> what is done to these rows. Upper apps add theirs in AppConfig.ready().
ACTS: dict[str, Callable[[list[UUID]], None]] = {}


def set_rule(
    *, kind: str, by: Actor, now: datetime, is_active: bool, period: int, grace_days: int = 30, keeps: list[str] | None = None,
    suppress: bool = False,
) -> RetentionRule:  # fmt: skip
    """Turn a rule on or off and say how long; notices made by what it was before are taken back. Raises Invalid (field named)."""
    if kind not in KINDS:
        raise Invalid(f"Choose one of: {', '.join(KINDS)}.", field="kind")
    known = KINDS[kind]
    if not known.least <= period <= known.most:
        raise Invalid(f"From {known.least} to {known.most} {known.unit}.", field="period")
    if not 7 <= grace_days <= 365:
        raise Invalid("From 7 to 365 days.", field="grace_days")
    wanted = [key for key in KEEPS if key in (keeps or ())]
    if unknown := set(keeps or ()) - set(KEEPS):
        raise Invalid(f"“{min(unknown)}” is none of: {', '.join(KEEPS)}.", field="keeps")
    rule = rule_of(kind)
    values = {"is_active": is_active, "period": period, "grace_days": grace_days, "keeps": wanted, "suppress": suppress}
    before = {name: getattr(rule, name) for name in values} if rule.updated_at else {}
    for name, value in values.items():
        setattr(rule, name, value)
    rule.member, rule.updated_at = by.member, now
    rule.save()
    if before != values:
        RetentionNotice.objects.filter(rule=rule, kept_at__isnull=True).delete()
        write_audit(by=by, action="retention.set", now=now, target=rule, detail={"before": before, "after": values})
    if is_active:
        lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now)
        enqueue("prospects.run_retention")
    return rule


def keep_person(*, notice: RetentionNotice, by: Actor, now: datetime) -> RetentionNotice:
    """Take somebody off the list for as long as the rule says. Raises Conflict where they were kept already."""
    if notice.kept_at is not None:
        raise Conflict("They are kept already.")
    notice.kept_at, notice.kept_by = now, by.member
    notice.save(update_fields=["kept_at", "kept_by"])
    write_audit(by=by, action="retention.kept", now=now, target=notice.person)
    return notice


def run_lane(workspace_id: UUID, *, now: datetime) -> datetime | None:
    """One turn: a batch of each rule that is on; when the next is due. None: no rule is on."""
    with workspace_scope(workspace_id):
        keys = list(RetentionRule.objects.filter(is_active=True).order_by("kind").values_list("pk", flat=True))
    more = False
    for key in keys:
        with workspace_scope(workspace_id):
            rule = RetentionRule.objects.select_for_update(of=("self",)).get(pk=key)
            more = (rule.is_active and run_rule(rule=rule, now=now)) or more
    if not keys:
        return None
    return now + (SOON if more else DAILY)


def run_rule(*, rule: RetentionRule, now: datetime) -> bool:
    """A batch of one rule; whether there may be more. What it did is written down where it did something."""
    run = RetentionRun(rule=rule, at=now)
    if rule.kind == RetentionRule.Kind.PEOPLE:
        more = _people(rule, run, now)
    else:
        order = SUBJECTS[rule.kind].order
        ids = list(due_rows(rule, now).order_by(order, "pk").values_list("pk", flat=True)[:BATCH])
        if ids and rule.kind == RetentionRule.Kind.AUDIT:
            run.done = _forget_audit(KINDS["audit"].cutoff(rule.period, now))
        elif ids:
            ACTS[rule.kind](ids)
            run.done = len(ids)
        more = len(ids) == BATCH
    rule.ran_at = now
    rule.save(update_fields=["ran_at"])
    if run.noticed or run.spared or run.done:
        run.save()
        write_audit(
            by=SYSTEM, action="retention.ran", now=now, target=rule,
            detail={"noticed": run.noticed, "spared": run.spared, "done": run.done},
        )  # fmt: skip
    return more


def _people(rule: RetentionRule, run: RetentionRun, now: datetime) -> bool:
    """Notices for who is due; erasure of those whose days of grace are over and who still are due."""
    due = due_rows(rule, now)
    over = RetentionNotice.objects.filter(rule=rule, kept_at__isnull=True, due_at__lte=now).order_by("due_at", "pk")
    listed = list(over.values_list("pk", "person_id")[:ERASED_AT_ONCE])
    if listed:
        still = list(
            Person.objects.filter(pk__in=due.filter(pk__any=[key for _, key in listed]).values("pk")).order_by("pk")
        )
        keys = {person.pk for person in still}
        spared = [pk for pk, key in listed if key not in keys]
        RetentionNotice.objects.filter(pk__any=spared).delete()
        run.spared = len(spared)
        if still:
            start_erasure(
                people=still, by=SYSTEM, now=now, cause=Erasure.Cause.RETENTION, rule=rule, suppress=rule.suppress
            )
            run.done = len(still)
            # Where a mail is on its way they go a little later; nobody is noticed twice meanwhile.
            RetentionNotice.objects.filter(person__any=list(keys)).update(due_at=now + DAILY)
    # A notice somebody kept long ago counts no more.
    renewed = RetentionNotice.objects.filter(rule=rule, kept_at__lt=KINDS[rule.kind].cutoff(rule.period, now))
    renewed.delete()
    known = RetentionNotice.objects.values("person")
    fresh = list(due.exclude(pk__in=known).order_by("created_at", "pk").values_list("pk", flat=True)[:BATCH])
    bulk_insert(
        RetentionNotice,
        [
            RetentionNotice(rule=rule, person_id=key, noticed_at=now, due_at=now + timedelta(days=rule.grace_days))
            for key in fresh
        ],
        ignore_conflicts=True,
    )
    run.noticed = len(fresh)
    return len(fresh) == BATCH or len(listed) == ERASED_AT_ONCE


def _forget_audit(cutoff: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT leadgen_forget('accounts_auditentry', 'at', %s, %s)", [cutoff, BATCH])
        return int(cursor.fetchone()[0])


def _remove_files(ids: list[UUID]) -> None:
    ImportFile.objects.filter(import_run__any=ids).delete()
    issues = set(ImportIssue.objects.filter(import_run__any=ids).values_list("pk", flat=True))
    empty_rows(ImportIssue, issues, only=("value", "cells"))
    Import.objects.filter(pk__any=ids).update(samples=[])
    # One that never ran cannot any more.
    waiting = Import.objects.filter(pk__any=ids, state__in=[Import.State.UPLOADED, Import.State.CHECKED])
    waiting.update(
        state=Import.State.CANCELLED, error="Its file was removed by a retention rule before it was imported."
    )


ACTS["files"] = _remove_files


def prepare_preview(rule: RetentionRule, **values: Any) -> RetentionRule:
    """The rule as it would be with these values, not saved: what a preview counts."""
    return RetentionRule(
        kind=rule.kind, period=values.get("period", rule.period), keeps=values.get("keeps", rule.keeps)
    )
