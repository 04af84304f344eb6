"""A click on a tracked link: one fact in the ledger, classed; the reader is sent to the stored address and nowhere else."""

from datetime import datetime, timedelta

from campaigns.actions.outcomes import prove_sent
from campaigns.models import TrackedLink
from campaigns.rules.hits import BURST_SECONDS, VERSION, HitFeatures, class_of
from prospects.actions.activities import record_activity
from prospects.actions.leads import note_interest
from prospects.models import Activity, ActivityKind, Channel


def record_click(*, link: TrackedLink, method: str, user_agent: str, prefetch: bool, now: datetime) -> Activity | None:
    """Append the hit with its features and class. The same link twice within the burst time is one fact."""
    message = link.message
    since = (now - message.submitted_at).total_seconds() if message.submitted_at else None
    recent = (
        Activity.objects.filter(
            kind=ActivityKind.CLICKED,
            about_type="message",
            about_id=message.pk,
            at__gte=now - timedelta(seconds=BURST_SECONDS),
        )
        .exclude(detail__link=link.position)
        .count()
    )
    features = HitFeatures(method, user_agent[:300], since, other_links=recent, prefetch=prefetch)
    hit_class, why = class_of(features)
    slot = int(now.timestamp()) // BURST_SECONDS
    activity = record_activity(
        kind=ActivityKind.CLICKED,
        at=now,
        now=now,
        person=message.person,
        campaign=message.campaign,
        channel=Channel.EMAIL,
        hit_class=hit_class,
        summary=f"Clicked {link.url}",
        detail={
            "link": link.position,
            "url": link.url,
            "why": why,
            "classifier": VERSION,
            "method": method,
            "user_agent": user_agent[:300],
            "seconds_after": since,
            "burst": recent,
        },
        about=("message", message.pk),
        key=f"click:{link.pk}:{slot}",
    )
    if hit_class == Activity.HitClass.HUMAN:
        prove_sent(message=message, by="click", now=now)
        note_interest(activity=activity, now=now)
    return activity
