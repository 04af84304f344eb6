"""Verify addresses and notice what is out of date: in the background, whoever is new, was changed, has news or is due.

A worker takes a chunk of people, asks the name servers about domains nothing is known of (outside of any transaction, many
at a time), and judges the people in parts of their own transactions, two reads and two writes each. No mailbox is ever
asked for (rules.verification says why).
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.actions.audit import Actor, write_audit
from leadgen.core import lanes
from leadgen.core.arrays import array_text, text_of
from leadgen.core.dns import DnsLookup
from leadgen.core.errors import Invalid
from leadgen.core.models import Lane
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import current_workspace_id, workspace_scope
from leadgen.core.visibility import as_asked
from prospects.actions.activities import record_activity
from prospects.models import ActivityKind, Person
from prospects.queries import verification as queries
from prospects.queries.verification import Subject
from prospects.rules import verification as rules
from prospects.rules.staleness import signal_of

LANE = "verification"
LEASE = 900
CHUNK = 20_000  # people whose domains are asked about together
# People a transaction. A chunk is dealt out in turns, so that each page of the table gets about one new version of a row at
# a time: it stays on its page, and none of the indexes of people is written.
PART = 2_500
ASKERS = 32  # questions under way at a time
PATIENCE = 40  # domains in a row without any answer, before the name servers count as gone
AGAIN = timedelta(minutes=5)
KEPT = {rules.TAKES: 30, rules.BARE: 7, rules.NULL: 30, rules.DEAD: 7, rules.GONE: 7, rules.UNASKED: 365}  # days
REFRESH = timedelta(days=30)  # a verdict that stays the same is dated anew after so long
MAX_AT_ONCE = 10_000
HEARD = {"answered", "clicked", "delivered"}  # proof of our own

Ask = Callable[[str], rules.Host]


@dataclass(slots=True)
class Look:
    """What a look did: people judged, rows of people written, domains asked about."""

    judged: int = 0
    written: int = 0
    asked: int = 0


def ask_verification(*, ids: Iterable[UUID], by: Actor, now: datetime) -> int:
    """Look at these people's addresses anew, soon, name servers included; how many have one. Raises Invalid for none."""
    keys = list(dict.fromkeys(ids))
    if not keys:
        raise Invalid("Choose some people first.", field="ids")
    if len(keys) > MAX_AT_ONCE:
        raise Invalid(f"At most {MAX_AT_ONCE:,} at a time.", field="ids")
    count = look_anew(list(as_asked(Person.objects.filter(pk__in=keys)).values_list("pk", flat=True)), now=now)
    if count:
        write_audit(
            by=by, action="person.verification_asked", now=now, target_type="person", label=f"{count} addresses",
            detail={"count": count, "ids": [str(key) for key in keys[:500]]},
        )  # fmt: skip
    return count


def look_anew(keys: Sequence[UUID], *, now: datetime) -> int:
    """A worker judges these addresses soon, and asks about their domains again; how many have one."""
    found = Person.objects.filter(pk__any=list(keys)).exclude(email="").values("pk", "email")
    people = [row["pk"] for row in found]
    domains = sorted({row["email"].rpartition("@")[2] for row in found})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE prospects_verification SET due_at = %s WHERE workspace_id = %s AND person_id = ANY(%s)",
            [now, current_workspace_id(), people],
        )
        cursor.execute(
            "UPDATE prospects_mailhost SET expires_at = %s"
            " WHERE workspace_id = %s AND domain = ANY(%s) AND checked_at < %s",
            [now, current_workspace_id(), domains, now - timedelta(minutes=1)],
        )
    if people:
        lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now)
        enqueue("prospects.verify_people")
    return len(people)


def confirm_person(*, person: Person, by: Actor, now: datetime) -> Person:
    """Somebody looked: the facts still hold. Written to the timeline; the person is no longer out of date."""
    record_activity(
        kind=ActivityKind.EDITED, at=now, now=now, by=by, person=person, summary="Confirmed: the facts still hold",
        detail={"confirmed": True, "was": person.stale_signal},
    )  # fmt: skip
    Person.objects.filter(pk=person.pk).update(updated_at=now, stale_signal="", stale_at=None)
    person.updated_at, person.stale_signal, person.stale_at = now, "", None
    lanes.mark_soon(workspace_id=current_workspace_id(), kinds={LANE: now})
    return person


# --- the worker


def begin_everywhere(*, kind: str, now: datetime) -> None:
    """A lane of `kind` for every workspace that has work of any other: also those that were there before it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_lane (workspace_id, kind, key, next_due)
            SELECT DISTINCT workspace_id, %s, '', %s::timestamptz FROM core_lane AS other WHERE NOT EXISTS (
                SELECT FROM core_lane AS mine
                WHERE mine.workspace_id = other.workspace_id AND mine.kind = %s AND mine.key = ''
            )
            ON CONFLICT (workspace_id, kind, key) DO NOTHING
            """,
            [kind, now, kind],
        )


def run_lane(lane: Lane, *, now: datetime, ask: Ask | None = None) -> datetime:
    """One turn of a worker, each part in a transaction of its own; when the next is due."""
    asker = ask or asking()

    def hold() -> bool:
        return lanes.prolong(lane, lease_seconds=LEASE)

    done = look(lane.workspace_id, now=now, ask=asker, hold=hold)
    return now + (timedelta(minutes=1) if done.judged else AGAIN)


def look(workspace_id: UUID, *, now: datetime, ask: Ask, hold: Callable[[], bool] = lambda: True) -> Look:
    """Everybody who is new or changed, then whoever is due or has news. `hold` says whether to go on, once a chunk."""
    done = Look()
    with workspace_scope(workspace_id):
        since = queries.last_look()
    after: UUID | None = None
    while hold():
        with workspace_scope(workspace_id):
            ids = queries.changed(since, after, CHUNK)
        if not ids:
            break
        _chunk(workspace_id, ids, now, ask, done)
        after = ids[-1]
    while hold():
        with workspace_scope(workspace_id):
            ids = queries.due(now, CHUNK)
        if not ids:
            break
        before = done.judged
        _chunk(workspace_id, ids, now, ask, done)
        if done.judged == before:
            break
    return done


def _chunk(workspace_id: UUID, ids: Sequence[UUID], now: datetime, ask: Ask, done: Look) -> None:
    with workspace_scope(workspace_id):
        domains = queries.domains_to_ask(ids, now)
    hosts = ask_all(domains, ask)
    done.asked += len(hosts)
    with workspace_scope(workspace_id):
        _keep_hosts(hosts, now)
    turns = max(len(ids) // PART, 1)
    for turn in range(turns):
        with workspace_scope(workspace_id):
            judge_people(ids[turn::turns], now=now, done=done)


def asking() -> Ask:
    """Ask the name servers. A mail server that many domains share is looked up once."""
    known: dict[tuple[str, str], Any] = {}

    def ask(domain: str) -> rules.Host:
        own = DnsLookup()

        def lookup(name: str, kind: str) -> Any:
            if kind == "MX":
                return own(name, kind)
            if (name, kind) not in known:
                answer = own(name, kind)
                if answer.status == "error":
                    return answer
                known[name, kind] = answer
            return known[name, kind]

        return rules.mail_host(domain, lookup)

    return ask


def ask_all(domains: Sequence[str], ask: Ask) -> dict[str, rules.Host]:
    """What is said of each domain, many asked at a time. Where nobody answers at all, the rest is not waited for."""
    found: dict[str, rules.Host] = {}
    silent = 0
    with ThreadPoolExecutor(max_workers=min(ASKERS, max(len(domains), 1))) as pool:
        for start in range(0, len(domains), ASKERS * 4):
            part = domains[start : start + ASKERS * 4]
            if silent >= PATIENCE:
                found |= dict.fromkeys(part, rules.Host(rules.SILENT, detail="the name servers gave no answer"))
                continue
            for domain, host in zip(part, pool.map(ask, part), strict=True):
                found[domain] = host
                silent = silent + 1 if host.state == rules.SILENT else 0
    return found


def _keep_hosts(hosts: dict[str, rules.Host], now: datetime) -> None:
    if not hosts:
        return
    kept = [
        (now + (timedelta(days=KEPT[host.state]) if host.state in KEPT else rules.AGAIN_SILENT))
        for host in hosts.values()
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO prospects_mailhost AS old (workspace_id, domain, state, provider, detail, expires_at, checked_at)
            SELECT %s, domain, state, provider, detail, expires_at, %s
            FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
                AS given (domain, state, provider, detail, expires_at) ORDER BY domain
            ON CONFLICT (workspace_id, domain) DO UPDATE SET state = excluded.state, provider = excluded.provider,
                detail = excluded.detail, checked_at = excluded.checked_at, expires_at = excluded.expires_at
            """,
            [
                current_workspace_id(), now, array_text(list(hosts)), array_text([host.state for host in hosts.values()]),
                array_text([host.provider for host in hosts.values()]),
                array_text([host.detail[:253] for host in hosts.values()]), _array(kept),
            ],
        )  # fmt: skip


def _array(values: Iterable[Any]) -> str:
    """A column as one array literal."""
    return array_text([text_of(value) for value in values])


def judge_people(ids: Sequence[UUID], *, now: datetime, done: Look | None = None) -> Look:
    """Judge these people by what is known, in the caller's transaction; their rows are written where something changes."""
    done = done if done is not None else Look()
    rows = queries.subjects(ids)
    verdicts = [(row, rules.judge(row.known, now) if row.known.email else None) for row in rows]
    changed = [(row, verdict) for row, verdict in verdicts if _differs(row, verdict, now)]
    _write_people(changed, now)
    fresh = {row.id for row, _ in changed}
    _write_looks(verdicts, fresh, now)
    done.judged, done.written = done.judged + len(rows), done.written + len(changed)
    return done


def _differs(row: Subject, verdict: rules.Judgement | None, now: datetime) -> bool:
    if signal_of(row.news) != (row.signal, row.signal_at):
        return True
    if verdict is None:
        return bool(row.checks) or row.status != "unknown" or row.status_at is not None
    old = row.status_at is None or now - row.status_at > REFRESH
    return old or (row.status, row.checks, row.reason) != (verdict.status, verdict.checks, verdict.reason)


def _status_at(row: Subject, verdict: rules.Judgement | None, now: datetime) -> datetime | None:
    """When the status dates from: now, but somebody else's word keeps its day."""
    if verdict is None:
        return None
    theirs = row.known.stated == verdict.status and not HEARD & set(verdict.checks)
    return row.status_at if theirs and row.status_at else now


def _write_people(changed: Sequence[tuple[Subject, rules.Judgement | None]], now: datetime) -> None:
    """`updated_at` stays: nobody changed a fact, and nothing else has to look at them again."""
    if not changed:
        return
    signals = [signal_of(row.news) for row, _ in changed]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE prospects_person AS person SET email_status = given.status, email_status_at = given.status_at,
                email_status_reason = given.reason, email_checks = given.checks::varchar[],
                stale_signal = given.signal, stale_at = given.signal_at
            FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
                AS given (id, status, status_at, reason, checks, signal, signal_at)
            WHERE person.workspace_id = %s AND person.id = given.id
            """,
            [
                _array(row.id for row, _ in changed),
                array_text([verdict.status if verdict else "unknown" for _, verdict in changed]),
                _array(_status_at(row, verdict, now) for row, verdict in changed),
                array_text([verdict.reason if verdict else "" for _, verdict in changed]),
                array_text([array_text(verdict.checks) if verdict else "{}" for _, verdict in changed]),
                array_text([code for code, _ in signals]),
                _array(at for _, at in signals),
                current_workspace_id(),
            ],
        )


def _write_looks(
    verdicts: Sequence[tuple[Subject, rules.Judgement | None]], fresh: set[UUID], now: datetime
) -> None:  # fmt: skip
    if not verdicts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO prospects_verification AS old
                (workspace_id, person_id, address, since, seen_at, status_at, due_at, checked_at)
            SELECT %s, given.id, given.address, given.since, given.seen_at, given.status_at, given.due_at, %s
            FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
                AS given (id, address, since, seen_at, status_at, due_at) ORDER BY given.id
            ON CONFLICT (workspace_id, person_id) DO UPDATE SET address = excluded.address, since = excluded.since,
                seen_at = excluded.seen_at, status_at = excluded.status_at, due_at = excluded.due_at,
                checked_at = excluded.checked_at
            """,
            [
                current_workspace_id(), now, _array(row.id for row, _ in verdicts),
                array_text([row.known.email for row, _ in verdicts]), _array(row.since for row, _ in verdicts),
                _array(row.updated_at for row, _ in verdicts),
                _array(_status_at(row, verdict, now) if row.id in fresh else row.status_at for row, verdict in verdicts),
                _array(now + verdict.again if verdict else None for _, verdict in verdicts),
            ],
        )  # fmt: skip
