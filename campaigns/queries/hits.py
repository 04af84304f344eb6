"""What clicks were: counts by class, verdicts by version, and the raw hits of one message with their reasons."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from campaigns.models import HitVerdict, LinkHit, MailDomain
from campaigns.models.messages import Message
from campaigns.rules import hits as rules
from leadgen.core.visibility import everyone

CLASSES = (rules.HUMAN, rules.UNSURE, rules.AUTOMATED)
WAITING = "waiting"  # not classed yet
ICONS = {rules.HUMAN: "mouse-pointer-click", rules.UNSURE: "circle-help", rules.AUTOMATED: "bot"}
TONES = {rules.HUMAN: "success", rules.UNSURE: "warning", rules.AUTOMATED: "neutral"}


@dataclass(frozen=True, slots=True)
class HitRow:
    """One raw hit as shown: `hit_class` '' until a worker looked; `url` '' is the hidden link. `features` is what stood out
    when it was classed, in words."""

    hit: LinkHit
    hit_class: str
    why: str
    version: int | None
    features: list[str]
    repeats: bool

    @property
    def at(self) -> datetime:
        return self.hit.at

    @property
    def url(self) -> str:
        return self.hit.link.url if self.hit.link else ""

    @property
    def method(self) -> str:
        return self.hit.method

    @property
    def user_agent(self) -> str:
        return self.hit.user_agent

    @property
    def seconds_after(self) -> float | None:
        return self.hit.seconds_after

    @property
    def label(self) -> str:
        return self.hit_class.capitalize() or "Not classified yet"

    @property
    def tone(self) -> str:
        return TONES.get(self.hit_class, "neutral")

    @property
    def icon(self) -> str:
        return ICONS.get(self.hit_class, "hourglass")


def hits_of(message: Message, *, most: int = 50) -> list[HitRow]:
    """The newest raw hits on a message's links, each with the verdict of the newest version."""
    return hit_rows(LinkHit.objects.filter(message=message).select_related("link").order_by("-at", "-id")[:most])


def hit_rows(found: Iterable[LinkHit]) -> list[HitRow]:
    """`found` as shown, with their verdicts in one more query."""
    hits = list(found)
    verdicts = newest_verdicts(hit.pk for hit in hits)
    return [_row(hit, verdicts.get(hit.pk)) for hit in hits]


def _row(hit: LinkHit, verdict: HitVerdict | None) -> HitRow:
    if verdict is None:
        return HitRow(hit, "", "looked at within seconds", None, [], False)
    return HitRow(
        hit, verdict.hit_class, verdict.reason, verdict.version, rules.features_in_words(verdict.features),
        bool(verdict.features.get("repeats")),
    )  # fmt: skip


def with_related(queryset: QuerySet[LinkHit]) -> QuerySet[LinkHit]:
    """What a row of the list shows besides the hit."""
    return queryset.select_related("link", "message", "message__person")


def of_class(queryset: QuerySet[LinkHit], hit_class: str) -> QuerySet[LinkHit]:
    """Hits the newest version puts into this class; WAITING: those nobody looked at yet."""
    if hit_class == WAITING:
        return queryset.filter(~Exists(HitVerdict.objects.filter(hit=OuterRef("pk"))))
    newest = HitVerdict.objects.filter(hit=OuterRef("pk")).order_by("-version").values("hit_class")[:1]
    return queryset.alias(x_class=Subquery(newest)).filter(x_class=hit_class)


def judged_before(queryset: QuerySet[LinkHit], version: int) -> QuerySet[LinkHit]:
    """Hits whose newest verdict is of an older version."""
    newest = HitVerdict.objects.filter(hit=OuterRef("pk")).order_by("-version").values("version")[:1]
    return queryset.alias(x_version=Subquery(newest)).filter(x_version__lt=version)


def newest_verdicts(hits: Iterable[UUID]) -> dict[UUID, HitVerdict]:
    """{hit id: the verdict of its newest version}."""
    return {row.hit_id: row for row in HitVerdict.objects.filter(hit__in=list(hits)).order_by("version")}


@everyone()  # numbers of the whole workspace, whoever looks
def tracking_facts(*, now: datetime, days: int = 30) -> dict[str, Any]:
    """For the settings: hits of the last `days` by class, how many an older classifier judged, the links' host."""
    rows = LinkHit.objects.filter(at__gte=now - timedelta(days=days))
    counts = dict.fromkeys(CLASSES, 0)
    judged = HitVerdict.objects.filter(hit__at__gte=now - timedelta(days=days), version=Subquery(_newest_version()))
    for row in judged.order_by().values("hit_class").annotate(n=Count("pk")):
        counts[row["hit_class"]] = row["n"]
    total = rows.count()
    older = judged_before(rows, rules.current_version())
    tracking = MailDomain.objects.filter(role=MailDomain.Role.TRACKING).order_by("-verified_at", "name")
    return {
        "days": days,
        "total": total,
        "counts": counts,
        "waiting": total - sum(counts.values()),
        "older": older.count(),
        "version": rules.current_version(),
        "domains": list(tracking[:10]),
    }


def _newest_version() -> Any:
    return HitVerdict.objects.filter(hit=OuterRef("hit")).order_by("-version").values("version")[:1]
