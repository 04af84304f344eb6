"""Figures of a mailbox's pace and health: bounce rates, a day's evidence, and how near the bulk senders' rules are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Count, F, Func, Value

from campaigns.models import Enrolment, InboundMail, Mailbox, Message
from campaigns.queries.domains import held_domains
from campaigns.rules.bulk_senders import PROVIDER_OF, RULES, Standing
from campaigns.rules.pacing import DAY, RATE_WINDOW, BounceRate, Evidence, days_left
from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import everyone
from prospects.rules.normalise import registrable

# A mail refused before DATA was never submitted, but was a send that bounced. Newest first, RATE_WINDOW a mailbox.
RATES = """
SELECT b.id, count(*), count(*) FILTER (WHERE x.bounce_type = 'hard')
FROM campaigns_mailbox b CROSS JOIN LATERAL (
    SELECT bounce_type FROM (
        (SELECT bounce_type, submitted_at AS at FROM campaigns_message
         WHERE workspace_id = b.workspace_id AND mailbox_id = b.id AND submitted_at > %(since)s
         ORDER BY submitted_at DESC LIMIT %(window)s)
        UNION ALL
        (SELECT bounce_type, bounced_at FROM campaigns_message
         WHERE workspace_id = b.workspace_id AND mailbox_id = b.id AND submitted_at IS NULL AND bounced_at > %(since)s
         ORDER BY bounced_at DESC LIMIT %(window)s)
    ) sends ORDER BY at DESC LIMIT %(window)s
) x
WHERE b.workspace_id = %(workspace)s AND b.id = ANY(%(ids)s)
GROUP BY b.id
"""


def bounce_rates(mailboxes: Iterable[UUID], *, since: datetime | None = None) -> dict[UUID, BounceRate]:
    """{mailbox id: BounceRate} of the last RATE_WINDOW sends after `since`, in one query."""
    ids = list(mailboxes)
    with connection.cursor() as cursor:
        cursor.execute(
            RATES,
            {"workspace": current_workspace_id(), "ids": ids, "window": RATE_WINDOW, "since": since or "-infinity"},
        )
        found = {pk: BounceRate(hard=hard, of=count) for pk, count, hard in cursor.fetchall()}
    return {pk: found.get(pk, BounceRate(0, 0)) for pk in ids}


@everyone()  # a mailbox's limits count everybody's mail
def evidence_of(mailbox: Mailbox, *, since: datetime, now: datetime) -> Evidence:
    """What the ramp is weighed by: sends of the last 24 hours; bounces, blocks and proven complaints after `since`."""
    told = Message.objects.filter(mailbox=mailbox, bounced_at__gt=since, bounced_at__lte=now).order_by()
    bounces = dict(told.values_list("bounce_type").annotate(n=Count("pk")))
    complaints = InboundMail.objects.filter(
        mailbox=mailbox,
        kind=InboundMail.Kind.COMPLAINT,
        message__isnull=False,
        received_at__gt=since,
        received_at__lte=now,
    ).count()
    return Evidence(
        sent=Message.objects.filter(mailbox=mailbox, submitted_at__gt=now - DAY).count(),
        hard=bounces.get("hard", 0),
        policy=bounces.get("policy", 0),
        complaints=complaints,
    )


def usable_of(pool: Sequence[Mailbox]) -> list[Mailbox]:
    """Those of a pool who may get new people: they send and their domain is open to cold mail. If nobody is: those resting,
    else all."""
    held = held_domains()
    sending = [mailbox for mailbox in pool if mailbox.sends]
    for some in (
        [mailbox for mailbox in sending if mailbox.domain not in held],
        sending,
        [mailbox for mailbox in pool if mailbox.state == Mailbox.State.RESTING],
    ):
        if some:
            return some
    return list(pool)


@dataclass(frozen=True, slots=True)
class Share:
    """A mailbox's part of a pool: `percent` of new people, `inside` now; 0 while it does not send."""

    mailbox: Mailbox
    percent: float
    inside: int


@everyone()  # a mailbox's limits count everybody's mail
def shares_of(pool: Sequence[Mailbox]) -> list[Share]:
    """How new people spread over a pool, and how those inside are spread now."""
    usable = {mailbox.pk: mailbox.weight * mailbox.cap for mailbox in usable_of(pool)}
    total = sum(usable.values()) or 1
    rows = Enrolment.objects.filter(mailbox__in=[m.pk for m in pool], state__in=["active", "paused"]).order_by()
    inside = dict(rows.values_list("mailbox_id").annotate(n=Count("pk")))
    return [Share(mailbox, 100 * usable.get(mailbox.pk, 0) / total, inside.get(mailbox.pk, 0)) for mailbox in pool]


@dataclass(frozen=True, slots=True)
class RampWords:
    """Where a ramp stands, for the page: `cap` of `target` today, and what is missing."""

    cap: int
    target: int
    days: int  # good days that are left
    reason: str
    next_at: datetime | None

    def __str__(self) -> str:
        """ "7 of 30 a day, 12 good days to go"."""
        return f"{self.cap} of {self.target} a day, {self.days} good day{'' if self.days == 1 else 's'} to go"


def ramp_of(mailbox: Mailbox) -> RampWords | None:
    """The ramp of a mailbox, None where it has none or is through."""
    if mailbox.ramp_cap is None:
        return None
    return RampWords(
        mailbox.cap,
        mailbox.daily_cap,
        days_left(cap=mailbox.cap, target=mailbox.daily_cap),
        mailbox.ramp_reason,
        mailbox.ramped_at + DAY if mailbox.ramped_at and mailbox.state == Mailbox.State.WARMING else None,
    )


@everyone()  # a mailbox's limits count everybody's mail
def standings(now: datetime, *, domain: str = "") -> list[Standing]:
    """Mails of the last 24 hours to the large consumer providers by primary (registrable) domain, over all mailboxes.

    `domain` narrows it to that of an address or host. Every rule has a row for every domain.
    """
    wanted = registrable(domain) if domain else ""
    primary = {pk: registrable(address.rpartition("@")[2]) for pk, address in _addresses() if address}
    ids = [pk for pk, name in primary.items() if not wanted or name == wanted]
    counts = {(name, rule.key): 0 for name in sorted({primary[pk] for pk in ids}) for rule in RULES}
    to: Any = Func(F("to_address"), Value("@"), Value(2), function="split_part", output_field=CharField())
    rows = (
        Message.objects.filter(mailbox__in=ids, submitted_at__gt=now - DAY)
        .order_by()
        .annotate(to=to)
        .filter(to__in=list(PROVIDER_OF))
        .values_list("mailbox", "to")
        .annotate(n=Count("pk"))
    )
    for pk, name, count in rows:
        counts[primary[pk], PROVIDER_OF[name]] += count
    rules = {rule.key: rule for rule in RULES}
    return [Standing(rules[key], name, count) for (name, key), count in counts.items()]


def _addresses() -> list[tuple[UUID, str]]:
    return list(Mailbox.objects.values_list("pk", "address"))
