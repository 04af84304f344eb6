"""Hits on tracked links: the request keeps the raw hit and nothing else; what it means is decided afterwards, and again.

A GET changes nothing (docs/decisions/0016): it appends to the log of requests. A lane a workspace rings a few seconds
later, when a whole burst can be seen; then hits get verdicts, and verdicts become facts of the ledger.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef

from accounts.actions.audit import SYSTEM, Actor, write_audit
from campaigns.actions.outcomes import prove_sent
from campaigns.models import HitVerdict, LinkHit, Message, TrackedLink
from campaigns.rules import hits as rules
from leadgen.core import lanes
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import bulk_insert, current_workspace_id, workspace_scope
from prospects.actions.activities import record_activity
from prospects.actions.doubts import corrected_people, reconsider_lead
from prospects.actions.engagement import award_waiting, retract_points
from prospects.actions.leads import note_interest
from prospects.models import Activity, ActivityKind, Channel

LANE = "hits"
# New hits are looked for so far back, or each turn would pass over a month of judged ones. What is older because no worker
# ran is classed by `reclassify_hits`.
LOOK_BACK = timedelta(days=3)
BATCH = 100


def record_hit(
    *, message: Message, link: TrackedLink | None, method: str, user_agent: str, ip: str | None,
    headers: Mapping[str, str], now: datetime,
) -> LinkHit:  # fmt: skip
    """Append one raw request (`link` None: the hidden link). Nothing else changes until a worker looks at it."""
    kept = {name: str(headers[name])[:200].replace("\x00", "") for name in rules.HEADERS if headers.get(name)}
    handed_over = message.submitted_at or message.first_submitted_at  # a second copy may wait
    hit = LinkHit(
        message=message,
        link=link,
        at=now,
        method=method[:10],
        ip=ip or None,
        user_agent=user_agent[:300].replace("\x00", ""),
        headers=kept,
        seconds_after=(now - handed_over).total_seconds() if handed_over else None,
    )
    hit.save(force_insert=True)
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now + rules.SETTLE)
    return hit


@dataclass(slots=True)
class Classed:
    """What a run did. `became` counts changes of class against the newest verdict before, such as "human>automated"."""

    messages: int = 0
    hits: int = 0
    verdicts: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    became: dict[str, int] = field(default_factory=dict)
    facts: int = 0
    corrected: int = 0
    people: set[UUID] = field(default_factory=set)
    leads: dict[str, int] = field(default_factory=dict)  # what became of leads such clicks had opened or qualified
    doubted: set[UUID] = field(default_factory=set)  # people whose lead is to be looked at again

    def as_dict(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__slots__ if name not in ("people", "doubted")}
        return found | {"people": len(self.people)}


def classify_due_hits(*, now: datetime, max_lanes: int = 1000) -> Classed:
    """Class every hit whose burst is over, workspace by workspace. Call outside of any transaction."""
    done = Classed()
    for _ in range(max_lanes):
        lane = lanes.take(kind=LANE, now=now, lease_seconds=300)
        if lane is None:
            break
        again: datetime | None = now + timedelta(minutes=1)
        try:
            again = _classify_workspace(lane.workspace_id, now, done)
        finally:
            lanes.move_on(lane, next_due=again)
    return done


def _classify_workspace(workspace_id: UUID, now: datetime, done: Classed) -> datetime | None:
    """Batches of messages with new hits, each batch a transaction. Returns when the next hit is ripe, or None."""
    while True:
        with workspace_scope(workspace_id):
            new = _unclassed(now)
            ripe = new.filter(at__lte=now - rules.SETTLE).order_by("at", "id").values_list("message", flat=True)
            messages = list(dict.fromkeys(ripe[: BATCH * 10]))[:BATCH]
            if not messages:
                first = new.order_by("at", "id").values_list("at", flat=True).first()
                return first + rules.SETTLE if first else None
            classify_messages(messages, version=rules.current_version(), now=now, done=done, until=now - rules.SETTLE)


def _unclassed(now: datetime) -> Any:
    judged = HitVerdict.objects.filter(hit=OuterRef("pk"))
    return LinkHit.objects.filter(~Exists(judged), at__gt=now - LOOK_BACK)


def sweep_hits(*, now: datetime) -> int:
    """In a workspace: find hits whose lane was lost. Returns lanes marked."""
    first = _unclassed(now).order_by("at", "id").values_list("at", flat=True).first()
    if first is None:
        return 0
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=first + rules.SETTLE)
    return 1


def reclassify_hits(
    *, workspace_id: UUID, now: datetime, by: Actor = SYSTEM, version: int | None = None, batch: int = BATCH
) -> Classed:
    """Class all history by `version` (the current one) and let facts, points and scores follow. Call outside a transaction.

    An older version than a hit's newest is written beside it for comparison and decides nothing. Told twice it changes
    nothing twice. Raises Invalid for a version there is not.
    """
    wanted = version or rules.current_version()
    if wanted not in rules.CLASSIFIERS:
        known = ", ".join(str(number) for number in sorted(rules.CLASSIFIERS))
        raise Invalid(f"There is no classifier {wanted}; there are {known}.", field="version")
    done, after = Classed(), UUID(int=0)
    while True:
        with workspace_scope(workspace_id):
            rows = LinkHit.objects.filter(message__gt=after).order_by("message").values_list("message", flat=True)
            messages = list(rows.distinct()[:batch])
            if not messages:
                break
            after = messages[-1]
            classify_messages(messages, version=wanted, now=now, done=done, until=now)
    with workspace_scope(workspace_id):
        people = corrected_people()  # also of runs before this one
    for start in range(0, len(people), batch):
        with workspace_scope(workspace_id):
            _reconsider(people[start : start + batch], now, done)
    with workspace_scope(workspace_id):
        write_audit(
            by=by, action="hits.reclassified", now=now, target_type="workspace", target_id=workspace_id,
            label=f"classifier {wanted}", detail=done.as_dict(),
        )  # fmt: skip
    return done


def classify_messages(messages: Iterable[UUID], *, version: int, now: datetime, done: Classed, until: datetime) -> None:
    """Verdicts of `version` on the hits of these messages up to `until`, and the facts that follow from them."""
    listed = {
        message.pk: message
        for message in Message.objects.select_related("person", "person__company", "campaign")
        .filter(pk__in=list(messages))
        .order_by("pk")
    }
    hits: dict[UUID, list[LinkHit]] = {key: [] for key in listed}
    for hit in LinkHit.objects.filter(message__in=list(listed)).order_by("at", "id"):
        hits[hit.message_id].append(hit)
    links: dict[UUID, dict[UUID, TrackedLink]] = {key: {} for key in listed}
    for link in TrackedLink.objects.filter(message__in=list(listed)):
        links[link.message_id][link.pk] = link
    before: dict[UUID, HitVerdict] = {}
    have: set[tuple[UUID, int]] = set()
    rows = HitVerdict.objects.filter(hit__in=[hit.pk for group in hits.values() for hit in group]).order_by("version")
    for row in rows:
        before[row.hit_id] = row  # the newest version decides
        have.add((row.hit_id, row.version))
    for key, message in listed.items():
        raw = [_raw(hit) for hit in hits[key]]
        judged = rules.judge(raw, links_total=len(links[key]), networks=settings.SCANNER_NETWORKS, version=version)
        ripe = {hit.pk for hit in hits[key] if hit.at <= until}
        fresh = [v for v in judged if v.hit in ripe and (v.hit, version) not in have]
        done.messages += 1
        done.hits += len(ripe)
        decided = dict(before)
        new = []
        for verdict in fresh:
            row = HitVerdict(
                hit_id=verdict.hit, version=version, hit_class=verdict.hit_class, reason=verdict.why[:200], at=now,
                features=verdict.features.as_json() | {"repeats": str(verdict.repeats) if verdict.repeats else None},
            )  # fmt: skip
            new.append(row)
            done.classes[row.hit_class] = done.classes.get(row.hit_class, 0) + 1
            old = before.get(verdict.hit)
            if old is not None and old.hit_class != row.hit_class:
                change = f"{old.hit_class}>{row.hit_class}"
                done.became[change] = done.became.get(change, 0) + 1
            if old is None or old.version < version:
                decided[verdict.hit] = row
        # Another worker may be at the same hits: a hit has one verdict a version, and facts have keys.
        bulk_insert(HitVerdict, new, ignore_conflicts=True)
        done.verdicts += len(new)
        _settle_facts(message, hits[key], links[key], decided, now, done)
    # When all facts of the batch are as they should be, in one order for everybody: what a machine concluded follows.
    _reconsider(sorted(done.doubted), now, done)
    done.doubted.clear()


def _reconsider(people: Iterable[UUID], now: datetime, done: Classed) -> None:
    for person_id in people:
        outcome = reconsider_lead(person_id=person_id, now=now)
        if outcome:
            done.leads[outcome] = done.leads.get(outcome, 0) + 1


def _raw(hit: LinkHit) -> rules.RawHit:
    return rules.RawHit(
        hit.pk, hit.link_id, hit.at, hit.method, hit.user_agent, hit.seconds_after, str(hit.ip or ""), hit.headers
    )


def _settle_facts(
    message: Message, hits: list[LinkHit], links: Mapping[UUID, TrackedLink], decided: Mapping[UUID, HitVerdict],
    now: datetime, done: Classed,
) -> None:  # fmt: skip
    """Make the ledger say what the verdicts say: one fact a hit (repeats and the hidden link have none).

    A fact is never changed: another class is a new fact whose key names the one it corrects, and the points of a click
    that no longer counts are taken back by dated negative rows.
    """
    told = _facts_of(message)
    for hit in hits:
        verdict, link = decided.get(hit.pk), links.get(hit.link_id) if hit.link_id else None
        if verdict is None or link is None:
            continue
        fact = told.get(str(hit.pk))
        wanted, why = verdict.hit_class, verdict.reason
        if verdict.features.get("repeats"):
            # No fact of its own; where it had one (another classifier saw it alone) that one ends.
            wanted, why = rules.AUTOMATED, "one click with the one just before it"
            if fact is None:
                continue
        if fact is not None and fact.hit_class == wanted:
            continue
        _tell(message, hit, link, verdict, (wanted, why), fact, now, done)


def _facts_of(message: Message) -> dict[str, Activity]:
    """{hit id: the fact in force}: the one no other fact corrects."""
    rows = list(
        Activity.objects.filter(kind=ActivityKind.CLICKED, about_type="message", about_id=message.pk).order_by(
            "recorded_at", "id"
        )
    )
    gone = {row.detail.get("corrects") for row in rows}
    return {str(row.detail["hit"]): row for row in rows if row.detail.get("hit") and str(row.pk) not in gone}


def _tell(
    message: Message, hit: LinkHit, link: TrackedLink, verdict: HitVerdict, told: tuple[str, str],
    fact: Activity | None, now: datetime, done: Classed,
) -> None:  # fmt: skip
    wanted, why = told
    activity = record_activity(
        kind=ActivityKind.CLICKED,
        at=hit.at,
        now=now,
        person=message.person,
        campaign=message.campaign,
        channel=Channel.EMAIL,
        hit_class=wanted,
        summary=f"Clicked {link.url}",
        detail={
            "hit": str(hit.pk), "link": link.position, "url": link.url, "why": why,
            "classifier": verdict.version, "method": hit.method, "user_agent": hit.user_agent,
            "seconds_after": hit.seconds_after, **({"corrects": str(fact.pk)} if fact else {}),
        },
        about=("message", message.pk),
        key=f"correct:{fact.pk}" if fact else f"click:{hit.pk}",
    )  # fmt: skip
    if activity is None:
        return
    done.facts += 1
    if message.person_id:
        done.people.add(message.person_id)
    if fact is not None:
        done.corrected += 1
        if fact.hit_class == rules.HUMAN:
            retract_points(activity=fact, reason=f"Re-classified: {why}", now=now)
            if message.person_id:
                award_waiting(person_id=message.person_id, kind=ActivityKind.CLICKED, day_of=fact.at, now=now)
                done.doubted.add(message.person_id)
    if wanted == rules.HUMAN:
        prove_sent(message=message, by="click", now=now, seen_at=hit.at)
        note_interest(activity=activity, now=now)
