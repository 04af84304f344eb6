"""Signals as business events: take them in, match them to who they are about, dismiss them.

A signal is matched by what only one can have: our id, an e-mail address, a domain. A name alone never matches: it is
proposed, and a person says yes (71 pairs of different companies share a name in one real list).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.ids import uuid7
from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import as_asked
from prospects.actions import fields, signals_triggers
from prospects.models import Company, Person, Signal, SignalSource
from prospects.rules import normalise
from prospects.rules import signals as rules

# What a caller may tell besides kind and title.
FIELDS = (
    "text", "url", "at", "company", "person", "domain", "company_name", "email", "person_name", "external_id",
)  # fmt: skip
MAX_AT_ONCE = 500
State = Signal.State


def record_signal(*, by: Actor, now: datetime, **values: Any) -> tuple[Signal, bool]:
    """Take in one signal: `kind`, `title` and FIELDS, `origin` and `source` where it came by one. (signal, whether it is new.)

    The same `external_id`, or without one the same words about the same on the same day, is the same signal: it stays as it
    is. Raises Invalid, the field named.
    """
    signal = read_signal(by=by, now=now, values=values)
    found = record_all([signal], now=now)
    return (found[0], True) if found else (Signal.objects.get(key=signal.key), False)


def record_many(*, by: Actor, now: datetime, items: Sequence[Mapping[str, Any]], **shared: Any) -> list[Signal]:
    """Take in several, all or none; the new ones. Raises Invalid naming the place of what cannot be used."""
    if len(items) > MAX_AT_ONCE:
        raise Invalid(f"Send at most {MAX_AT_ONCE} signals at a time.", field="signals")
    signals: dict[str, Signal] = {}
    for number, item in enumerate(items):
        try:
            signal = read_signal(by=by, now=now, values={**item, **shared})
        except Invalid as error:
            place = f"signals[{number}]" + (f".{error.field}" if error.field else "")
            raise Invalid(f"{place}: {error.message}", field=place) from error
        signals.setdefault(signal.key, signal)
    return record_all(list(signals.values()), now=now)


def record_all(signals: Sequence[Signal], *, now: datetime) -> list[Signal]:
    """Match and store those that are not there yet; what they set off happens in the same transaction."""
    known = set(Signal.objects.filter(key__in=[row.key for row in signals]).values_list("key", flat=True))
    fresh = [row for row in signals if row.key not in known]
    _match(fresh)
    for row in fresh:
        row.id, row.workspace_id = uuid7(), current_workspace_id()
    Signal.objects.bulk_create(fresh, ignore_conflicts=True)
    # Another worker may have been told the same at this moment: only what is ours has our id.
    ours = set(Signal.objects.filter(pk__in=[row.pk for row in fresh]).values_list("pk", flat=True))
    stored = [row for row in fresh if row.pk in ours]
    signals_triggers.fire([row for row in stored if row.state == State.MATCHED], now=now)
    return stored


def match_signal(*, signal: Signal, by: Actor, now: datetime, company: Company | None, person: Person | None) -> int:
    """A person says whom it is about. Others that wait under the same company name and nothing else follow: the yes was to
    the name. Returns how many were matched."""
    if company is None and person is None:
        raise Invalid("Choose a company or a person.", field="company")
    if person is not None and company is None:
        company = person.company
    others = Signal.objects.none()
    if person is None and signal.about_company and not signal.about_domain and not signal.about_email:
        others = Signal.objects.filter(
            state=State.UNMATCHED, about_company__iexact=signal.about_company, about_domain="", about_email=""
        )
    rows = list(Signal.objects.select_for_update().filter(Q(pk=signal.pk) | Q(pk__in=others.values("pk"))))
    if not any(row.pk == signal.pk and row.state == State.UNMATCHED for row in rows):
        raise Conflict("This signal is no longer waiting.", code="settled")
    for row in rows:
        row.company, row.person, row.state = company, person if row.pk == signal.pk else None, State.MATCHED
        row.match = by.label[:120]
        row.decided_by, row.decided_at = by.member, now
    Signal.objects.bulk_update(rows, ["company", "person", "state", "match", "decided_by", "decided_at"])
    write_audit(
        by=by, action="signal.matched", now=now, target=signal, label=signal.title,
        detail={"company": _key(company), "person": _key(person), "signals": len(rows)},
    )  # fmt: skip
    signals_triggers.fire(rows, now=now)
    return len(rows)


def dismiss_signals(*, signals: Iterable[Signal], by: Actor, now: datetime) -> int:
    """Not of interest: out of every list, rule and "why now"; kept, so that the same news is not taken in again."""
    rows = [row for row in signals if row.state != State.DISMISSED]
    Signal.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.DISMISSED, decided_by=by.member, decided_at=now
    )
    if rows:
        write_audit(
            by=by, action="signal.dismissed", now=now, target=rows[0] if len(rows) == 1 else None, target_type="signal",
            label=rows[0].title if len(rows) == 1 else f"{len(rows)} signals",
            detail={"ids": [str(row.pk) for row in rows[:500]]},
        )  # fmt: skip
    return len(rows)


def restore_signal(*, signal: Signal, by: Actor, now: datetime) -> Signal:
    """Take a dismissal back."""
    if signal.state != State.DISMISSED:
        raise Conflict("This signal is not dismissed.", code="settled")
    signal.state = State.MATCHED if signal.company_id or signal.person_id else State.UNMATCHED
    signal.decided_by, signal.decided_at = by.member, now
    signal.save(update_fields=["state", "decided_by", "decided_at"])
    write_audit(by=by, action="signal.restored", now=now, target=signal, label=signal.title)
    return signal


def match_waiting(*, now: datetime) -> int:
    """Match what waits to companies that came since, by domain. One statement; how many were matched."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE prospects_signal AS signal SET company_id = company.id, state = 'matched', match = 'domain'
            FROM prospects_company AS company
            WHERE signal.workspace_id = %(workspace)s AND signal.state = 'unmatched' AND signal.about_domain <> ''
                AND company.workspace_id = %(workspace)s AND company.domain = signal.about_domain
            RETURNING signal.id
            """,
            {"workspace": current_workspace_id()},
        )
        ids = [row[0] for row in cursor.fetchall()]
    if ids:
        signals_triggers.fire(list(Signal.objects.filter(pk__in=ids).select_related("company", "person")), now=now)
    return len(ids)


# --- reading what was told


def read_signal(*, by: Actor, now: datetime, values: Mapping[str, Any]) -> Signal:
    unknown = set(values) - {*FIELDS, "kind", "title", "origin", "source", "key"}
    if unknown:
        raise Invalid(f"A signal has no field “{min(unknown)}”.", field=min(unknown))
    kind = rules.kind_of(str(values.get("kind") or ""))
    if not kind:
        raise Invalid(f"“{values.get('kind') or ''}” is none of: {', '.join(Signal.Kind.values)}.", field="kind")
    title = " ".join(fields.text(values.get("title")).split())[:300]
    if not title:
        raise Invalid("Say what happened, in one line.", field="title")
    url = fields.text(values.get("url"))[:500]
    if url and not url.startswith(("https://", "http://")):
        raise Invalid("The address begins with http:// or https://.", field="url")
    person: Person | None = values.get("person")
    company: Company | None = values.get("company") or (person.company if person is not None else None)
    source: SignalSource | None = values.get("source")
    signal = Signal(
        kind=kind, title=title, url=url, text=fields.text(values.get("text"))[:2000], at=_at(values.get("at"), now),
        received_at=now, company=company, person=person,
        about_company=" ".join(fields.text(values.get("company_name")).split())[:200],
        about_domain=_domain(values.get("domain")), about_email=_email(values.get("email")),
        about_person=" ".join(fields.text(values.get("person_name")).split())[:250],
        origin=str(values.get("origin") or fields.default_source(by))[:160], source=source,
        match="id" if company is not None or person is not None else "", state=State.UNMATCHED,
    )  # fmt: skip
    signal.key = str(values.get("key") or _key_of(signal, fields.text(values.get("external_id"))))[:200]
    return signal


def _key_of(signal: Signal, external_id: str) -> str:
    if external_id:
        if len(external_id) > 150:
            raise Invalid("An external id has at most 150 characters.", field="external_id")
        return f"id:{signal.source_id or ''}:{external_id}"
    about = signal.company_id or signal.about_domain or signal.about_company
    who = signal.person_id or signal.about_email or signal.about_person
    return f"told:{rules.digest(signal.kind, about, who, signal.title, signal.at.date())}"


def _at(value: Any, now: datetime) -> datetime:
    if value in (None, ""):
        return now
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(12), UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            value = datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise Invalid("The time is no Unix time in seconds.", field="at") from error
    if not isinstance(value, datetime):
        try:
            read = datetime.fromisoformat(str(value).strip())
        except ValueError as error:
            raise Invalid(
                f"“{str(value)[:40]}” is not a time. Write it like 2026-11-21T09:30:00Z.", field="at"
            ) from error
        value = read if read.tzinfo is not None or len(str(value).strip()) > 10 else read.replace(hour=12)
    at: datetime = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if at > now + timedelta(days=rules.MAX_AHEAD_DAYS):
        raise Invalid("A signal tells what has happened: its time lies in the future.", field="at")
    if at.year < 1990:
        raise Invalid("The time lies before 1990.", field="at")
    return at


def _domain(value: Any) -> str:
    raw = fields.text(value)
    try:
        return normalise.domain(raw) if raw else ""
    except normalise.Unusable as error:
        raise Invalid(f"{error} {error.remedy}".strip(), field="domain") from error


def _email(value: Any) -> str:
    raw = fields.text(value)
    try:
        return normalise.email(raw).address if raw else ""
    except normalise.Unusable as error:
        raise Invalid(f"{error} {error.remedy}".strip(), field="email") from error


# --- whom it is about


def _match(signals: Sequence[Signal]) -> None:
    """Fill in company and person by address and domain: two queries, however many signals."""
    open_ = [row for row in signals if row.company_id is None and row.person_id is None]
    emails = {row.about_email for row in open_ if row.about_email}
    people = (
        {row.email: row for row in Person.objects.filter(email__any=emails).select_related("company")} if emails else {}
    )
    domains = {row.about_domain or normalise.company_domain(row.about_email) for row in open_} - {""}
    companies = {row.domain: row for row in Company.objects.filter(domain__any=domains)} if domains else {}
    for row in open_:
        person = people.get(row.about_email) if row.about_email else None
        domain = row.about_domain or (normalise.company_domain(row.about_email) if row.about_email else "")
        row.person = person
        row.company = companies.get(domain) if domain else None
        if person is not None:
            # A person may have moved: the company a source names is the news' company, else the one they are at.
            row.company = row.company or person.company
            row.match = "e-mail address"
        elif row.company is not None:
            row.match = "domain" if row.about_domain else "domain of the e-mail address"
    for row in signals:
        row.state = State.MATCHED if row.company_id or row.person_id else State.UNMATCHED


def _key(row: Any) -> str | None:
    return str(row.pk) if row is not None else None


def rows_by_ids(ids: Iterable[UUID | str]) -> list[Signal]:
    """Signals to act on, in the order of their time."""
    return list(as_asked(Signal.objects.filter(pk__in=list(ids))).order_by("-at", "-id"))
