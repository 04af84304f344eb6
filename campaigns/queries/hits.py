"""What clicks were: counts by class, verdicts by version, and the raw hits of one message with their reasons."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, Subquery

from campaigns.models import HitVerdict, LinkHit, MailDomain
from campaigns.models.messages import Message
from campaigns.rules import hits as rules

CLASSES = (rules.HUMAN, rules.UNSURE, rules.AUTOMATED)
TONES = {rules.HUMAN: "success", rules.UNSURE: "warning", rules.AUTOMATED: "neutral"}


@dataclass(frozen=True, slots=True)
class HitRow:
    """One raw hit as shown: `hit_class` '' until a worker looked; `url` '' is the hidden link."""

    at: datetime
    url: str
    hit_class: str
    why: str
    version: int | None
    method: str
    user_agent: str
    seconds_after: float | None
    repeats: bool

    @property
    def label(self) -> str:
        return self.hit_class or "not classed yet"

    @property
    def tone(self) -> str:
        return TONES.get(self.hit_class, "neutral")


def hits_of(message: Message, *, most: int = 50) -> list[HitRow]:
    """The newest raw hits on a message's links, each with the verdict of the newest version."""
    hits = list(LinkHit.objects.filter(message=message).select_related("link").order_by("-at", "-id")[:most])
    verdicts = newest_verdicts(hit.pk for hit in hits)
    found = []
    for hit in hits:
        verdict = verdicts.get(hit.pk)
        found.append(
            HitRow(
                at=hit.at, url=hit.link.url if hit.link else "", hit_class=verdict.hit_class if verdict else "",
                why=verdict.reason if verdict else "looked at within seconds",
                version=verdict.version if verdict else None, method=hit.method, user_agent=hit.user_agent,
                seconds_after=hit.seconds_after, repeats=bool(verdict and verdict.features.get("repeats")),
            )
        )  # fmt: skip
    return found


def newest_verdicts(hits: Iterable[UUID]) -> dict[UUID, HitVerdict]:
    """{hit id: the verdict of its newest version}."""
    return {row.hit_id: row for row in HitVerdict.objects.filter(hit__in=list(hits)).order_by("version")}


def tracking_facts(*, now: datetime, days: int = 30) -> dict[str, Any]:
    """For the settings: hits of the last `days` by class, how many an older classifier judged, the links' host."""
    newest = HitVerdict.objects.filter(hit=OuterRef("pk")).order_by("-version").values("version")[:1]
    rows = LinkHit.objects.filter(at__gte=now - timedelta(days=days))
    counts = dict.fromkeys(CLASSES, 0)
    judged = HitVerdict.objects.filter(hit__at__gte=now - timedelta(days=days), version=Subquery(_newest_version()))
    for row in judged.order_by().values("hit_class").annotate(n=Count("pk")):
        counts[row["hit_class"]] = row["n"]
    total = rows.count()
    older = rows.annotate(version=Subquery(newest)).filter(version__lt=rules.current_version())
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
