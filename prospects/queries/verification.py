"""Reads of verification: who is to be looked at, what is known of them, which domains must be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max

from leadgen.core.tenancy import current_workspace_id
from prospects.models import MailHost, Person, Verification
from prospects.rules import verification as rules
from prospects.rules.staleness import News, why_stale

# A row is dated when its request or import began, and seen when that commits: look back this far behind the last look.
OVERLAP = timedelta(hours=12)
# The ledger's news about an address or a person; by the index on kind and time.
NEWS = ("bounced", "replied", "auto_replied", "clicked", "form_submitted", "meeting_held")
LEDGER = (*NEWS, "sent", "edited")


def last_look() -> datetime | None:
    """Of everybody: the latest `updated_at` that was looked at."""
    found: datetime | None = Verification.objects.aggregate(last=Max("seen_at"))["last"]
    return found


def changed(since: datetime | None, after: UUID | None, limit: int) -> list[UUID]:
    """People who are new or were edited since they were looked at, by id, those after `after`."""
    recent = "AND person.updated_at >= %(since)s" if since else ""
    further = "AND person.id > %(after)s" if after else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT person.id FROM prospects_person AS person
            LEFT JOIN prospects_verification AS done
                ON done.workspace_id = %(workspace)s AND done.person_id = person.id
            WHERE person.workspace_id = %(workspace)s {recent} {further}
                AND done.seen_at IS DISTINCT FROM person.updated_at
            ORDER BY person.id LIMIT %(limit)s
            """,  # noqa: S608  our own words; every value is a parameter
            {
                "workspace": current_workspace_id(), "since": since - OVERLAP if since else None, "after": after,
                "limit": limit,
            },
        )  # fmt: skip
        return [row[0] for row in cursor.fetchall()]


def due(now: datetime, limit: int) -> list[UUID]:
    """People whose address is to be looked at again, or of whom the ledger has news since."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            (SELECT person_id FROM prospects_verification
             WHERE workspace_id = %(workspace)s AND due_at <= %(now)s ORDER BY due_at LIMIT %(limit)s)
            UNION
            (SELECT news.person_id FROM prospects_activity AS news
             JOIN prospects_verification AS done
                ON done.workspace_id = %(workspace)s AND done.person_id = news.person_id
             WHERE news.workspace_id = %(workspace)s AND news.kind = ANY(%(kinds)s) AND news.at >= %(since)s
                AND news.recorded_at > done.checked_at LIMIT %(limit)s)
            UNION
            (SELECT told.person_id FROM prospects_signal AS told
             JOIN prospects_verification AS done
                ON done.workspace_id = %(workspace)s AND done.person_id = told.person_id
             WHERE told.workspace_id = %(workspace)s AND told.state = 'matched' AND told.kind = 'job_change'
                AND told.at >= %(since)s - interval '180 days' AND told.received_at > done.checked_at LIMIT %(limit)s)
            """,
            {
                "workspace": current_workspace_id(), "now": now, "limit": limit, "kinds": list(NEWS),
                "since": now - timedelta(days=2),
            },
        )  # fmt: skip
        return sorted(row[0] for row in cursor.fetchall())


def domains_to_ask(ids: Sequence[UUID], now: datetime) -> list[str]:
    """Domains of these people's addresses of which nothing is known that still holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT split_part(person.email, '@', 2) AS domain FROM prospects_person AS person
            WHERE person.workspace_id = %(workspace)s AND person.id = ANY(%(ids)s) AND person.email <> ''
            EXCEPT
            SELECT domain FROM prospects_mailhost WHERE workspace_id = %(workspace)s AND expires_at > %(now)s
            ORDER BY domain
            """,
            {"workspace": current_workspace_id(), "ids": list(ids), "now": now},
        )
        return [row[0] for row in cursor.fetchall() if row[0]]


@dataclass(frozen=True, slots=True)
class Subject:
    """One person as they are looked at, beside what stands on them now."""

    id: UUID
    updated_at: datetime
    known: rules.Known
    news: News
    since: datetime | None
    status: str
    status_at: datetime | None
    reason: str
    checks: tuple[str, ...]
    signal: str
    signal_at: datetime | None


def subjects(ids: Sequence[UUID]) -> list[Subject]:
    """What is known of these people: five statements by key, whatever their number and whether the tables have statistics
    yet. Their rows are locked."""
    values: dict[str, Any] = {"workspace": current_workspace_id(), "ids": list(ids)}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, updated_at, email, email_status, email_status_at, email_status_reason, email_checks, stale_signal,
                stale_at
            FROM prospects_person WHERE workspace_id = %(workspace)s AND id = ANY(%(ids)s)
            ORDER BY id FOR NO KEY UPDATE
            """,
            values,
        )
        rows = cursor.fetchall()
        cursor.execute(
            """
            SELECT person_id, address, since, checked_at, status_at FROM prospects_verification
            WHERE workspace_id = %(workspace)s AND person_id = ANY(%(ids)s)
            """,
            values,
        )
        done = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(
            """
            SELECT person_id, max(at) FROM prospects_signal
            WHERE workspace_id = %(workspace)s AND person_id = ANY(%(ids)s) AND state = 'matched' AND kind = 'job_change'
            GROUP BY person_id
            """,
            values,
        )
        jobs = dict(cursor.fetchall())
        domains = sorted({row[2].rpartition("@")[2] for row in rows} - {""})
        cursor.execute(
            """
            SELECT domain, state, provider, detail FROM prospects_mailhost
            WHERE workspace_id = %(workspace)s AND domain = ANY(%(domains)s)
            """,
            values | {"domains": domains},
        )
        hosts = {row[0]: rules.Host(*row[1:]) for row in cursor.fetchall()}
    ledger = _ledger([row[0] for row in rows])
    return [
        _subject(
            row,
            done.get(row[0], _NEVER),
            hosts.get(row[2].rpartition("@")[2]),
            jobs.get(row[0]),
            ledger.get(row[0], {}),
        )
        for row in rows
    ]


_NEVER = (None, None, None, None)


def _ledger(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Latest times by person. What a program did, or may have done, is no proof; bounces and automatic answers are theirs.
    A form or a meeting shows that what we know of somebody is fresh (`heard`), not that mail reaches them (`answered`)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT person_id,
                max(at) FILTER (WHERE kind = 'replied' AND hit_class = 'human') AS answered,
                max(at) FILTER (WHERE kind IN ('replied', 'form_submitted', 'meeting_held') AND hit_class = 'human') AS heard,
                max(at) FILTER (WHERE kind = 'clicked' AND hit_class = 'human') AS clicked,
                max(at) FILTER (WHERE kind = 'sent') AS sent,
                max(at) FILTER (WHERE kind = 'bounced') AS bounced,
                max(at) FILTER (WHERE kind = 'auto_replied' AND key LIKE 'left:%%') AS left_company,
                max(at) FILTER (WHERE kind = 'edited' AND detail->'changes' ? 'email') AS address,
                max(at) FILTER (WHERE kind = 'edited' AND detail->'changes' ? 'company') AS company,
                max(at) FILTER (WHERE kind = 'edited' AND detail->'changes' ?| array['seniority', 'department']) AS role,
                max(at) FILTER (WHERE kind = 'edited' AND detail ? 'confirmed') AS confirmed
            FROM prospects_activity
            WHERE workspace_id = %(workspace)s AND person_id = ANY(%(ids)s) AND kind = ANY(%(kinds)s)
            GROUP BY person_id
            """,
            {"workspace": current_workspace_id(), "ids": list(ids), "kinds": list(LEDGER)},
        )
        names = [column.name for column in cursor.description]
        return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in cursor.fetchall()}


def _subject(
    row: tuple[Any, ...],
    done: tuple[Any, ...],
    host: rules.Host | None,
    job_at: datetime | None,
    ledger: dict[str, Any],
) -> Subject:
    key, updated_at, email, status, status_at, reason, checks, signal, signal_at = row
    address, since, checked_at, written_at = done
    # Somebody changed the address without the ledger's knowledge (an import): no earlier than the last look.
    moved = checked_at if address not in (None, email) else since
    since = max(filter(None, [moved, ledger.get("address")]), default=None)

    def after(name: str) -> datetime | None:
        at: datetime | None = ledger.get(name)
        return at if at is not None and (since is None or at > since) else None

    # A status of another time than the one written here is somebody else's word: a bounce, an automatic answer, an import.
    theirs = status != "unknown" and (checked_at is None or status_at != written_at)
    # Their hard word stays for as long as the address does, also after it was looked at.
    kept = status == "bounced" or (
        status == "invalid" and {"stated_invalid", "guess"} & set(checks) and address == email
    )
    stated = status if theirs or kept else "valid" if "stated" in checks and address == email else ""
    answered = after("answered")
    confirmed = max(filter(None, [ledger.get("heard"), ledger.get("confirmed"), ledger.get("address")]), default=None)
    known = rules.Known(
        email=email,
        host=host,
        stated=stated,
        stated_at=status_at,
        stated_words=reason if stated else "",
        answered_at=answered,
        clicked_at=after("clicked"),
        sent_at=after("sent"),
        bounced_at=after("bounced"),
    )
    news = News(
        left_at=ledger.get("left_company"),
        bounced_at=status_at if stated == "bounced" else None,
        moved_at=max(filter(None, [ledger.get("company"), job_at]), default=None),
        role_at=ledger.get("role"),
        confirmed_at=confirmed,
    )
    return Subject(
        key, updated_at, known, news, since, status, status_at, reason, tuple(checks), signal, signal_at
    )  # fmt: skip


def reasons_of(person: Person, now: datetime) -> list[str]:
    """Why the facts of a person may be out of date, in words."""
    confirmed = max(filter(None, [person.updated_at, person.last_reply_at]))
    return why_stale(signal=person.stale_signal, signal_at=person.stale_at, confirmed_at=confirmed, now=now)


def check_words(person: Person) -> list[str]:
    """What was found about the address, as words of a list."""
    return [rules.CHECKS[code] for code in person.email_checks if code in rules.CHECKS]


def host_of(person: Person) -> MailHost | None:
    """What the name servers said of the address's domain, when last asked."""
    domain = person.email.rpartition("@")[2]
    return MailHost.objects.filter(domain=domain).first() if domain else None


def is_waiting(person: Person, now: datetime) -> bool:
    """Whether a worker is about to look at this address."""
    if not person.email:
        return False
    row = Verification.objects.filter(person=person).values_list("seen_at", "due_at").first()
    return row is None or row[0] != person.updated_at or (row[1] is not None and row[1] <= now)


def card_of(person: Person, now: datetime) -> dict[str, Any]:
    """Context `checked` of templates/prospects/verification_card.html; two queries."""
    return {
        "stale": reasons_of(person, now), "words": check_words(person), "host": host_of(person),
        "waiting": is_waiting(person, now),
    }  # fmt: skip
