"""Domains: their roles, the deliverability check, and the evidence of seed mails. Findings are appended, never changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import idna
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.actions.audit import SYSTEM, Actor, write_audit
from campaigns.actions.steps import mark_mailbox
from campaigns.models import DomainCheck, Mailbox, MailDomain, Message
from campaigns.queries.domains import forget_tracking_base, hold_words, mailboxes_of
from campaigns.queries.hosts import LANE, forget_hosts, lane_key
from campaigns.rules import dkim, dmarc, dns_records, spf
from campaigns.rules.findings import Answer, Finding, Lookup
from leadgen.core import lanes
from leadgen.core.dns import DnsLookup
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.models import Lane
from leadgen.core.tasks import ring
from leadgen.core.tenancy import bulk_insert, current_workspace_id, workspace_scope

# A lane a domain (queries.hosts): when it is checked next, and in which workspaces a host name has to be looked for.
EVERY = timedelta(hours=24)
# A tracking domain that does not lead here (yet, or any more): somebody waits for it.
UNVERIFIED_EVERY = timedelta(hours=1)
MAX_DOMAINS = 200
_NAME = re.compile(r"(?=.{4,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_FIELDS = {"role", "hold_cold", "dkim_selectors"}


def clean_name(text: str) -> str:
    """A domain as it is stored: IDNA, lower case, no final dot. Raises Invalid (field name)."""
    name = text.strip().rstrip(".").lower()
    name = name.partition("://")[2].split("/")[0] if "://" in name else name.rpartition("@")[2]
    try:
        name = idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        name = ""
    if not _NAME.fullmatch(name):
        raise Invalid("Type a domain, such as acme.example.", field="name")
    return name


def tracking_target() -> str:
    """The host that a tracking domain's CNAME must lead to: this installation's own."""
    return urlsplit(settings.SITE_URL).hostname or ""


def add_domain(
    *, name: str, by: Actor, now: datetime, role: str = MailDomain.Role.SENDING, hold_cold: bool = False,
    dkim_selectors: list[str] | None = None,
) -> MailDomain:  # fmt: skip
    """A domain and its role; its first check is asked for. Raises Invalid and Conflict (field named)."""
    cleaned = _clean({"role": role, "hold_cold": hold_cold, "dkim_selectors": dkim_selectors or []})
    domain = MailDomain(name=clean_name(name), created_at=now, **cleaned)
    if domain.role == MailDomain.Role.TRACKING:
        domain.tracking_target = _target_for(domain.name)
    if MailDomain.objects.count() >= MAX_DOMAINS:
        raise Refused(f"A workspace has at most {MAX_DOMAINS} domains.", code="too_many_domains")
    try:
        with transaction.atomic():
            domain.save(force_insert=True)
    except IntegrityError as error:
        if "maildomain_name" not in str(error):
            raise
        raise Conflict(f"{domain.name} is a domain here already.", field="name") from error
    write_audit(by=by, action="domain.added", now=now, target=domain, detail={"role": domain.role})
    if domain.hold_cold:
        _look_again(domain, now)
    _ask(domain, now)
    return domain


def update_domain(*, domain: MailDomain, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change role, hold_cold or dkim_selectors; returns the names of what changed. What was held by it is looked at again."""
    cleaned = _clean({name: getattr(domain, name) for name in _FIELDS} | dict(changes))
    changed = [name for name, value in cleaned.items() if getattr(domain, name) != value]
    if not changed:
        return []
    for name in changed:
        setattr(domain, name, cleaned[name])
    if "role" in changed:
        domain.verified_at = None
        domain.tracking_target = _target_for(domain.name) if domain.role == MailDomain.Role.TRACKING else ""
    domain.save()
    write_audit(
        by=by, action="domain.changed", now=now, target=domain, detail={name: cleaned[name] for name in changed}
    )
    _forget(domain)
    if {"role", "hold_cold"} & set(changed):
        _look_again(domain, now)
    if {"role", "dkim_selectors"} & set(changed):
        _ask(domain, now)
    return changed


def remove_domain(*, domain: MailDomain, by: Actor, now: datetime) -> None:
    """Forget a domain and its findings. Raises Refused while a mailbox is of it: it would come back by itself."""
    used = mailboxes_of(domain)
    if used:
        raise Refused(
            f"{used[0].address} is a mailbox of {domain.name}. The domain goes when its last mailbox does.",
            code="domain_in_use",
        )
    write_audit(by=by, action="domain.removed", now=now, target=domain, detail={"role": domain.role})
    _forget(domain)
    domain.delete()


def ensure_domains(*, now: datetime) -> int:
    """A row for the domain of every mailbox, as a sending domain; returns how many are new."""
    names = {address.rpartition("@")[2] for address in Mailbox.objects.values_list("address", flat=True)}
    missing = names - set(MailDomain.objects.filter(name__in=names).values_list("name", flat=True))
    rows = [MailDomain(name=name, created_at=now) for name in sorted(missing) if _NAME.fullmatch(name)]
    if rows:
        bulk_insert(MailDomain, rows, ignore_conflicts=True)
        for row in rows:
            write_audit(by=SYSTEM, action="domain.added", now=now, target_type="maildomain", label=row.name,
                        detail={"role": row.role, "why": "the domain of a mailbox"})  # fmt: skip
            lanes.mark(workspace_id=current_workspace_id(), kind=LANE, key=lane_key(row.name), due=now)
    return len(rows)


def sweep_domains(*, now: datetime) -> int:
    """In a workspace: domains of new mailboxes, and lanes that were lost. Returns lanes marked."""
    ensure_domains(now=now)
    known = set(
        Lane.objects.filter(workspace_id=current_workspace_id(), kind=LANE, next_due__isnull=False).values_list(
            "key", flat=True
        )
    )
    marked = 0
    for name, checked_at in MailDomain.objects.values_list("name", "checked_at"):
        if lane_key(name) not in known:
            due = checked_at + EVERY if checked_at else now
            lanes.mark(workspace_id=current_workspace_id(), kind=LANE, key=lane_key(name), due=due)
            marked += 1
    return marked


def ask_domain_check(*, domain: MailDomain, by: Actor, now: datetime) -> None:
    """Let a worker ask the name servers; the network is never used inside a request's transaction."""
    del by  # asking changes no configuration: no audit row
    _ask(domain, now)


def _ask(domain: MailDomain, now: datetime) -> None:
    domain.check_asked_at = now
    MailDomain.objects.filter(pk=domain.pk).update(check_asked_at=now)
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, key=lane_key(domain.name), due=now)
    ring("campaigns.check_domains")


def _forget(domain: MailDomain) -> None:
    forget_tracking_base(domain.workspace_id)
    forget_hosts()


def _look_again(domain: MailDomain, now: datetime) -> None:
    """What a changed role or switch holds or lets go is decided anew, at once."""
    boxes = mailboxes_of(domain)
    ids = [box.pk for box in boxes]
    # A new row version: a sender that looked before this decides again under its locks (actions.no_return).
    Mailbox.objects.filter(pk__in=ids).update(state_at=F("state_at"))
    Message.objects.filter(
        mailbox__in=ids, state=Message.State.PLANNED, hold_reason__startswith=hold_words(domain.name)
    ).update(due_at=now, hold_reason="")
    for mailbox_id in ids:
        mark_mailbox(mailbox_id, now)


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(values) - _FIELDS
    if unknown:
        raise Invalid(f"Unknown field: {', '.join(sorted(unknown))}.", field=min(unknown))
    if values["role"] not in MailDomain.Role.values:
        raise Invalid(f"The role is one of {', '.join(MailDomain.Role.values)}.", field="role")
    selectors = list(dict.fromkeys(text.strip().lower() for text in values["dkim_selectors"] if text.strip()))
    for selector in selectors:
        if len(selector) > 63 or not dkim.SELECTOR.fullmatch(selector):
            raise Invalid(
                f"“{selector[:70]}” is no selector. It is the word before ._domainkey.", field="dkim_selectors"
            )
    if len(selectors) > 20:
        raise Invalid("Name at most 20 selectors.", field="dkim_selectors")
    hold = bool(values["hold_cold"]) and values["role"] == MailDomain.Role.PRIMARY
    return {"role": values["role"], "hold_cold": hold, "dkim_selectors": selectors}


def _target_for(name: str) -> str:
    target = tracking_target()
    if name == target:
        raise Invalid("This is the installation's own address; a tracking domain is one of yours.", field="name")
    return target


# --- The check, between two transactions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check needs to know of a domain, read before the network is asked."""

    id: UUID
    name: str
    role: str
    target: str
    selectors: tuple[str, ...] = ()
    expected: tuple[tuple[str, str], ...] = ()  # (SPF include, of which provider)
    signed_by: tuple[str, ...] = ()  # d= seen on its mail


def check_due_domains(*, now: datetime, most: int = 200) -> int:
    """Check every domain whose lane is due. Call outside of any transaction. Returns how many were checked."""
    done = 0
    while done < most and (lane := lanes.take(kind=LANE, now=now, lease_seconds=300)) is not None:
        again: datetime | None = now + timedelta(hours=1)
        try:
            wait = check_domain(workspace_id=lane.workspace_id, key=lane.key, now=now)
            again = now + wait if wait else None
        finally:
            lanes.move_on(lane, next_due=again)
        done += 1
    return done


def check_domain(*, workspace_id: UUID, key: str, now: datetime, lookup: Lookup | None = None) -> timedelta | None:
    """Look at one domain and append what was found. Returns when it is due again, None where it is gone.

    Call outside of any transaction.
    """
    with workspace_scope(workspace_id):
        subject = _subject(key)
    if subject is None:
        return None
    found = findings_of(subject, lookup or dns_lookup())
    with workspace_scope(workspace_id):
        record_findings(domain_id=subject.id, findings=found, now=now)
    waits = subject.role == MailDomain.Role.TRACKING and any(finding.state == "fail" for finding in found)
    return UNVERIFIED_EVERY if waits else EVERY


def dns_lookup() -> Lookup:
    """Ask the name servers, for one check: what is asked twice is answered from memory."""
    ask = DnsLookup()
    return lambda name, kind: Answer(*ask(name, kind))


def _subject(key: str) -> Subject | None:
    domain = MailDomain.objects.filter(name=key).first()
    if domain is None and len(key) == 64:
        domain = next((row for row in MailDomain.objects.all() if lane_key(row.name) == key), None)
    if domain is None:
        return None
    boxes = mailboxes_of(domain)
    expected = {
        include: box.esp or box.host
        for box in boxes
        if (include := spf.expected_include(box.host, box.esp if box.route == Mailbox.Route.ESP else ""))
    }
    seeds = DomainCheck.objects.filter(domain=domain, kind="unsubscribe").order_by("-at", "-id")[:5]
    signed = [str(row["d"]) for seed in seeds[:1] for row in seed.detail.get("signatures", [])]
    return Subject(
        domain.pk, domain.name, domain.role, domain.tracking_target or tracking_target(),
        tuple(domain.dkim_selectors), tuple(expected.items()), tuple(dict.fromkeys(signed)),
    )  # fmt: skip


def findings_of(subject: Subject, lookup: Lookup) -> list[Finding]:
    """Every finding of one domain, by its role. Pure but for `lookup`."""
    if subject.role == MailDomain.Role.TRACKING:
        return [dns_records.check_tracking(subject.name, subject.target, lookup)]
    found = [spf.check_spf(subject.name, lookup, expected=subject.expected)]
    keys, tried = [], list(dict.fromkeys([*subject.selectors, *dkim.COMMON_SELECTORS]))
    for selector in tried:
        answer = lookup(f"{selector}._domainkey.{subject.name}", "TXT")
        finding = dkim.check_selector(subject.name, selector, answer, used=selector in subject.selectors)
        if finding is not None:
            keys.append(finding)
        if answer.status == "error" and selector not in subject.selectors and not keys:
            break  # a name server that is down would be waited for once a selector
    found += keys or [dkim.no_selector(subject.name, len(dkim.COMMON_SELECTORS))]
    found.append(dmarc.check_dmarc(subject.name, lookup, signed_by=subject.signed_by))
    found.append(dns_records.check_mx(subject.name, lookup))
    return found


def record_findings(*, domain_id: UUID, findings: list[Finding], now: datetime) -> None:
    """Append findings and keep what is derived from them: when it was checked, whether a tracking domain leads here."""
    domain = MailDomain.objects.select_for_update().filter(pk=domain_id).first()
    if domain is None:
        return
    append_findings(domain, findings, now)
    domain.checked_at = now
    tracking = next((finding for finding in findings if finding.kind == "tracking"), None)
    if tracking is not None and domain.role == MailDomain.Role.TRACKING and tracking.state != "unknown":
        # A name server that is silent for a day must not move the links of new mails to another host.
        was = domain.verified_at
        domain.verified_at = (was or now) if tracking.detail.get("verified") else None
        if (was is None) != (domain.verified_at is None):
            action = "domain.verified" if domain.verified_at else "domain.unverified"
            write_audit(by=SYSTEM, action=action, now=now, target=domain, detail={"found": tracking.words})
    domain.save(update_fields=["checked_at", "verified_at"])
    _forget(domain)


def append_findings(
    domain: MailDomain, findings: list[Finding], now: datetime, mailbox: Mailbox | None = None
) -> list[DomainCheck]:
    """Append findings as rows of `domain`."""
    rows = [
        DomainCheck(
            domain=domain, mailbox=mailbox, kind=finding.kind, name=finding.name[:253], state=finding.state,
            words=finding.words[:500], fix=finding.fix[:1000], raw=finding.raw[:20_000].replace("\x00", ""),
            detail=finding.detail, at=now,
        )
        for finding in findings
    ]  # fmt: skip
    return bulk_insert(DomainCheck, rows)
