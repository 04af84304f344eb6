"""Feeds and webhooks that bring signals: set them up, poll feeds, take in what a webhook says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Min

from accounts.actions.audit import SYSTEM, Actor, write_audit
from leadgen.core import lanes, rotation, secrets, signing, web
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tasks import ring
from leadgen.core.tenancy import workspace_scope
from prospects.actions.signals import match_waiting, read_signal, record_all, record_many
from prospects.models import Company, Signal, SignalSource
from prospects.rules import signals as rules
from prospects.sources.feed import Entry, NoFeed, read_feed

LANE = "signals"
FIELDS = ("name", "signal_kind", "company", "words", "is_active", "url", "every_minutes")
LEASE = timedelta(minutes=10)  # a poll takes seconds; a killed worker's feed is taken up after this
SHORTEST, LONGEST = 15, 24 * 60
OLDEST = timedelta(days=90)  # of entries a feed still carries when it is added
AGAIN = timedelta(hours=1)  # what waits is matched to companies that came since


def create_source(*, by: Actor, now: datetime, kind: str, **values: Any) -> tuple[SignalSource, str]:
    """A new feed or webhook: (source, the webhook's secret, shown this once). Raises Invalid or Conflict, the field named."""
    if kind not in SignalSource.Kind.values:
        raise Invalid(f"Choose one of: {', '.join(SignalSource.Kind.values)}.", field="kind")
    source = SignalSource(kind=kind, created_at=now, **_clean(kind, values, new=True))
    if kind == SignalSource.Kind.FEED:
        source.next_poll_at = now
    _save(source)
    secret = ""
    if kind == SignalSource.Kind.WEBHOOK:
        secret = _give_secret(source)
    write_audit(by=by, action="signal_source.created", now=now, target=source, detail={"kind": kind, "url": source.url})
    _ring(source, now)
    return source, secret


def update_source(*, source: SignalSource, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change FIELDS; another address is polled at once and from its beginning. Returns what changed."""
    cleaned = _clean(source.kind, changes, new=False)
    changed = [name for name, value in cleaned.items() if getattr(source, name) != value]
    for name in changed:
        setattr(source, name, cleaned[name])
    if not changed:
        return []
    if source.kind == SignalSource.Kind.FEED and {"url", "is_active", "every_minutes"} & set(changed):
        source.next_poll_at = now
        if "url" in changed:
            source.etag = source.last_modified = source.error = ""
            source.failures = 0
    _save(source)
    write_audit(by=by, action="signal_source.changed", now=now, target=source, detail={"fields": changed})
    _ring(source, now)
    return changed


def delete_source(*, source: SignalSource, by: Actor, now: datetime) -> None:
    """Its signals stay; nothing new comes in."""
    write_audit(by=by, action="signal_source.deleted", now=now, target=source, detail={"kind": source.kind})
    source.delete()


def new_secret(*, source: SignalSource, by: Actor, now: datetime) -> str:
    """Another secret for a webhook; the one before ends at once. Shown this once."""
    if source.kind != SignalSource.Kind.WEBHOOK:
        raise Refused("Only a webhook has a secret.")
    secret = _give_secret(source)
    write_audit(by=by, action="signal_source.new_secret", now=now, target=source)
    return secret


def poll_now(*, source: SignalSource, by: Actor, now: datetime) -> None:
    """Ask for a feed to be polled by a worker at once."""
    if source.kind != SignalSource.Kind.FEED or not source.is_active:
        raise Refused("Only a feed that is switched on can be polled.")
    SignalSource.objects.filter(pk=source.pk).update(next_poll_at=now)
    source.next_poll_at = now
    _ring(source, now)


# --- feeds


def run_lane(workspace_id: UUID, *, now: datetime) -> datetime | None:
    """Poll what is due, each feed by itself; when to look again. The network is asked outside any transaction."""
    while (source := _claim(workspace_id, now)) is not None:
        poll(workspace_id, source, now=now)
    with workspace_scope(workspace_id):
        match_waiting(now=now)
        due = SignalSource.objects.filter(kind=SignalSource.Kind.FEED, is_active=True).aggregate(at=Min("next_poll_at"))
        waits = Signal.objects.filter(state=Signal.State.UNMATCHED).exists()
    soon: datetime | None = due["at"]
    return min(filter(None, [soon, now + AGAIN if waits else None]), default=None)


def poll(workspace_id: UUID, source: SignalSource, *, now: datetime) -> int:
    """Ask one feed what is new; how many signals came of it. Each entry is one signal, however often it is read."""
    headers = {"Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"}
    if source.etag:
        headers["If-None-Match"] = source.etag
    if source.last_modified:
        headers["If-Modified-Since"] = source.last_modified
    try:
        answer = web.fetch(source.url, headers=headers, redirects=5)
        if answer.status == 304:
            entries: list[Entry] = []
        elif answer.ok:
            _, entries = read_feed(answer.body, dict(answer.headers))
        else:
            gone = answer.status == 410
            raise web.WebError(
                "The feed is gone for good (410): it was switched off." if gone else f"The server answered {answer.status}.",
                permanent=gone,
            )  # fmt: skip
    except (web.WebError, NoFeed) as error:
        with workspace_scope(workspace_id):
            _failed(source, error, now=now)
        return 0
    with workspace_scope(workspace_id):
        return _polled(source, answer, entries, now=now)


def _claim(workspace_id: UUID, now: datetime) -> SignalSource | None:
    with workspace_scope(workspace_id):
        due = SignalSource.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            kind=SignalSource.Kind.FEED, is_active=True, next_poll_at__lte=now
        )
        source: SignalSource | None = due.order_by("next_poll_at").first()
        if source is not None:
            SignalSource.objects.filter(pk=source.pk).update(next_poll_at=now + LEASE)
        return source


def _polled(source: SignalSource, answer: web.Answer, entries: list[Entry], *, now: datetime) -> int:
    values: dict[str, Any] = {
        "polled_at": now, "failures": 0, "error": "", "next_poll_at": now + timedelta(minutes=source.every_minutes),
    }  # fmt: skip
    if answer.status != 304:
        values["etag"] = answer.headers.get("etag", "")[:300]
        values["last_modified"] = answer.headers.get("last-modified", "")[:100]
    # Somebody may have pointed the source elsewhere meanwhile: then this answer is not its.
    if not SignalSource.objects.filter(pk=source.pk, url=source.url, is_active=True).update(**values):
        return 0
    company = Company.objects.filter(pk=source.company_id).first() if source.company_id else None
    found = [entry for entry in entries if rules.wanted(entry, source.words) and (entry.at or now) >= now - OLDEST]
    named = {name for entry in found for name in rules.domains_of(entry, source.url)} if company is None else set()
    known = set(Company.objects.filter(domain__any=named).values_list("domain", flat=True)) if named else set()
    signals: dict[str, Signal] = {}
    for entry in found:
        # Of several companies it links to, nobody can say which one it is about.
        ours = [name for name in rules.domains_of(entry, source.url) if name in known]
        told = {
            "kind": source.signal_kind, "title": entry.title, "text": entry.text, "url": entry.url,
            "at": min(entry.at or now, now), "company": company, "domain": ours[0] if len(ours) == 1 else "",
            "origin": f"feed {source.name}", "source": source, "key": f"feed:{source.pk}:{rules.digest(entry.guid)}",
        }  # fmt: skip
        signal = read_signal(by=SYSTEM, now=now, values=told)
        if company is not None:
            signal.match = "the company's own feed"
        signals.setdefault(signal.key, signal)
    return len(record_all(list(signals.values()), now=now))


def _failed(source: SignalSource, error: Exception, *, now: datetime) -> None:
    """Wait twice as long after each failure in a row, a day at most; what is gone for good is not asked again."""
    failures = source.failures + 1
    wait = min(source.every_minutes * 2 ** min(failures, 10), LONGEST)
    gone = isinstance(error, web.WebError) and "410" in error.message
    SignalSource.objects.filter(pk=source.pk, url=source.url).update(
        polled_at=now, failures=failures, error=str(error)[:300], next_poll_at=now + timedelta(minutes=wait),
        **({"is_active": False} if gone else {}),
    )  # fmt: skip


# --- webhooks


@dataclass(frozen=True, slots=True)
class Received:
    """What came of one call of a webhook."""

    received: int
    new: int
    unmatched: int


def receive(*, source: SignalSource, headers: Mapping[str, str], body: bytes, now: datetime) -> Received:
    """One signed call: a signal, a list of them, or `{"signals": [...]}`; all are taken in, or none. Sent again it is the same.

    Raises BadSignature, Refused where the webhook is switched off, Invalid naming the place.
    """
    purpose = _purpose(source.workspace_id, source.pk)
    message_id = signing.verify(
        secrets.unseal(source.secret_sealed, purpose=purpose), headers=headers, body=body, now=now
    )
    if not source.is_active:
        raise Refused("This webhook is switched off.")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("The body is not JSON.") from error
    items = told.get("signals", told) if isinstance(told, dict) else told
    items = items if isinstance(items, list) else [items]
    if not all(isinstance(item, dict) for item in items):
        raise Invalid("Send a signal as an object, or a list of them under “signals”.", field="signals")
    read: list[dict[str, Any]] = []
    for number, item in enumerate(items):
        values = {"kind": source.signal_kind} | rules.renamed(item)
        if not values.get("external_id"):
            values["key"] = f"hook:{source.pk}:{message_id}:{number}"
        read.append(values)
    extra: dict[str, Any] = {"source": source, "origin": f"webhook {source.name}"}
    if source.company_id:
        extra["company"] = Company.objects.filter(pk=source.company_id).first()
    new = record_many(by=SYSTEM, now=now, items=read, **extra)
    SignalSource.objects.filter(pk=source.pk).update(received_at=now)
    _mark_waiting(source.workspace_id, new, now)
    return Received(len(items), len(new), sum(row.state == Signal.State.UNMATCHED for row in new))


def _mark_waiting(workspace_id: UUID, rows: list[Signal], now: datetime) -> None:
    if any(row.state == Signal.State.UNMATCHED for row in rows):
        lanes.mark(workspace_id=workspace_id, kind=LANE, due=now + AGAIN)


# --- their settings


def _clean(kind: str, values: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Invalid(f"A source has no field “{min(unknown)}”.", field=min(unknown))
    cleaned = dict(values)
    if "name" in cleaned or new:
        cleaned["name"] = " ".join(str(cleaned.get("name") or "").split())[:120]
        if not cleaned["name"]:
            raise Invalid("Give the source a name.", field="name")
    if cleaned.get("signal_kind", Signal.Kind.NEWS) not in Signal.Kind.values:
        raise Invalid(f"Choose one of: {', '.join(Signal.Kind.values)}.", field="signal_kind")
    if "words" in cleaned:
        words = [" ".join(str(word).split()) for word in cleaned["words"] or ()]
        cleaned["words"] = list(dict.fromkeys(filter(None, words)))
        if len(cleaned["words"]) > 50 or any(len(word) > 80 for word in cleaned["words"]):
            raise Invalid("At most 50 words of 80 characters.", field="words")
    if kind == SignalSource.Kind.FEED:
        if "url" in cleaned or new:
            cleaned["url"] = web.check_url(str(cleaned.get("url") or ""))
            if len(cleaned["url"]) > 500:
                raise Invalid("The address has at most 500 characters.", field="url")
        if not SHORTEST <= int(cleaned.get("every_minutes") or 60) <= LONGEST:
            raise Invalid(f"Poll every {SHORTEST} minutes to once a day.", field="every_minutes")
    else:
        cleaned.pop("url", None)
        cleaned.pop("every_minutes", None)
    return {name: value for name, value in cleaned.items() if value is not None or name == "company"}


def _save(source: SignalSource) -> None:
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError as error:
        raise Conflict(f"There is a source “{source.name}” already.", code="duplicate", field="name") from error


def _ring(source: SignalSource, now: datetime) -> None:
    if source.kind == SignalSource.Kind.FEED and source.is_active:
        lanes.mark(workspace_id=source.workspace_id, kind=LANE, due=now)
        ring("prospects.poll_feeds", queue="default")


def _purpose(workspace_id: UUID, source_id: UUID) -> str:
    return f"signal_source:{workspace_id}:{source_id}:secret"


def _give_secret(source: SignalSource) -> str:
    secret = signing.new_secret()
    source.secret_sealed = secrets.seal(secret, purpose=_purpose(source.workspace_id, source.pk))
    source.save(update_fields=["secret_sealed"])
    return secret


def register_sealed() -> None:
    """Tell key rotation where the secrets of webhooks lie."""
    rotation.register(
        rotation.SealedColumns(SignalSource, {"secret_sealed": lambda row: _purpose(row.workspace_id, row.pk)})
    )
