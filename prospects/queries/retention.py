"""Which rows a retention rule would take now, and the rules as the settings show them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import AuditEntry
from prospects.models import (
    Activity,
    ActivityKind,
    Consent,
    Customer,
    Deal,
    Import,
    ImportFile,
    Lead,
    Person,
    RetentionNotice,
    RetentionRule,
    RetentionRun,
    SegmentMember,
    Task,
)
from prospects.models.choices import OPEN_STAGES
from prospects.rules.retention import KEEPS, KINDS

# What we did to the row is not something we had to do with the person.
HOUSEKEEPING = (ActivityKind.EDITED, ActivityKind.ASSIGNED, ActivityKind.IMPORTED)
ENDED = (Import.State.DONE, Import.State.FAILED, Import.State.CANCELLED, Import.State.UNDONE)


@dataclass(frozen=True, slots=True)
class Subject:
    """The rows of one kind: (rule, cutoff) -> those that go; what a row shows as (words, detail, date); the order."""

    rows: Callable[[RetentionRule, datetime], QuerySet[Any]]
    cells: Callable[[Any], tuple[str, str, datetime]]
    order: str


SUBJECTS: dict[str, Subject] = {}  # upper apps add theirs in AppConfig.ready()
# Conditions on a person that upper apps add: whoever fulfils one is being worked with, whatever lies behind.
WORKED_WITH: list[Callable[[], Exists]] = []


def rule_of(kind: str) -> RetentionRule:
    """The rule as it is, or as it would be: off, with its defaults. A kind there is not: KeyError."""
    known = KINDS[kind]
    found = RetentionRule.objects.filter(kind=kind).first()
    return found or RetentionRule(kind=kind, period=known.default, keeps=["consent"])


def due_rows(rule: RetentionRule, now: datetime) -> QuerySet[Any]:
    """What the rule would take now, whether it is on or not."""
    return SUBJECTS[rule.kind].rows(rule, KINDS[rule.kind].cutoff(rule.period, now))


def _people(rule: RetentionRule, cutoff: datetime) -> QuerySet[Person]:
    mine = {"person": OuterRef("pk")}
    rows = Person.objects.filter(created_at__lt=cutoff).exclude(
        Exists(Activity.objects.filter(**mine, at__gte=cutoff).exclude(kind__in=HOUSEKEEPING))
    )
    rows = rows.exclude(Exists(Lead.objects.filter(**mine, stage__in=OPEN_STAGES)))
    rows = rows.exclude(Exists(Deal.objects.filter(**mine, outcome=Deal.Outcome.OPEN)))
    rows = rows.exclude(Exists(Customer.objects.filter(**mine, ended_at__isnull=True)))
    for condition in WORKED_WITH:
        rows = rows.exclude(condition())
    rows = rows.exclude(Exists(RetentionNotice.objects.filter(**mine, kept_at__gte=cutoff)))
    if "consent" in rule.keeps:
        later = Consent.objects.filter(person=OuterRef("person"), at__gt=OuterRef("at"), given=False)
        rows = rows.exclude(Exists(Consent.objects.filter(**mine, given=True).exclude(Exists(later))))
    if "owner" in rule.keeps:
        rows = rows.filter(owner__isnull=True)
    if "list" in rule.keeps:
        rows = rows.exclude(Exists(SegmentMember.objects.filter(**mine, segment__kind="static")))
    if "task" in rule.keeps:
        rows = rows.exclude(Exists(Task.objects.filter(**mine, state=Task.State.OPEN)))
    return rows


def _files(rule: RetentionRule, cutoff: datetime) -> QuerySet[Import]:
    held = ImportFile.objects.filter(import_run=OuterRef("pk"))
    return Import.objects.filter(Exists(held), created_at__lt=cutoff).filter(
        Q(state__in=ENDED) | Q(state__in=[Import.State.UPLOADED, Import.State.CHECKED])
    )


def _audit(rule: RetentionRule, cutoff: datetime) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(at__lt=cutoff)


SUBJECTS["people"] = Subject(
    _people, lambda row: (str(row), (row.last_touch_at and f"last touch {row.last_touch_at:%-d %b %Y}") or "never written to", row.created_at), "created_at",
)  # fmt: skip
SUBJECTS["files"] = Subject(_files, lambda row: (row.file_name, row.get_kind_display(), row.created_at), "created_at")
SUBJECTS["audit"] = Subject(_audit, lambda row: (row.action, row.target_label, row.at), "at")


def overview() -> list[dict[str, Any]]:
    """Each kind as Settings shows it."""
    rules = {rule.kind: rule for rule in RetentionRule.objects.all()}
    last = {run.rule_id: run for run in RetentionRun.objects.order_by("rule", "-at").distinct("rule")}
    noticed = RetentionNotice.objects.filter(kept_at__isnull=True).count()
    found = []
    for key, kind in KINDS.items():
        rule = rules.get(key)
        found.append(
            {
                "kind": key, "title": kind.title, "words": kind.words, "is_active": bool(rule and rule.is_active),
                "rule_words": kind.in_words(rule.period if rule else kind.default), "last": last.get(rule.pk) if rule else None,
                "noticed": noticed if key == "people" else 0,
            }
        )  # fmt: skip
    return found


def keeps_words(rule: RetentionRule) -> list[str]:
    return [KEEPS[key] for key in rule.keeps if key in KEEPS]
