"""Domains of a workspace: their roles, what the last check found, and which host the links of new mails use."""

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import TextChoices

from accounts.models import Member
from campaigns.models import DomainCheck, Mailbox, MailDomain
from campaigns.models.mailboxes import DomainCheckKind, DomainCheckState
from leadgen.core.tenancy import active_workspace_id, workspace_scope
from prospects.rules.normalise import FREE_MAIL

# How long a process may go on with a host that another process changed: links keep working either way.
REMEMBERED_SECONDS = 30.0
KIND_WORDS: dict[str, str] = dict(DomainCheckKind.choices)
KINDS = tuple(KIND_WORDS)
STATE_TONES = {"ok": "success", "warn": "warning", "fail": "danger", "unknown": "neutral"}
STATE_ICONS = {"ok": "circle-check", "warn": "triangle-alert", "fail": "circle-x", "unknown": "circle-help"}
_WORST = ("fail", "warn", "unknown", "ok")
_bases: dict[uuid.UUID, tuple[float, str]] = {}


class DomainCheckResult(TextChoices):
    """The field's words, for programs. What is stored stays as it was written: a finding is a fact and never changed."""

    PASS = "pass", "Pass"
    WARNING = "warning", "Warning"
    FAIL = "fail", "Fail"
    UNKNOWN = "unknown", "Unknown"


RESULTS = {
    DomainCheckState.OK: DomainCheckResult.PASS, DomainCheckState.WARN: DomainCheckResult.WARNING,
    DomainCheckState.FAIL: DomainCheckResult.FAIL, DomainCheckState.UNKNOWN: DomainCheckResult.UNKNOWN,
}  # fmt: skip


def tracking_base(workspace_id: uuid.UUID) -> str:
    """`https://<host>` of the links in new mails: the workspace's verified tracking domain, else the site's own.

    Remembered for half a minute, since every mail of a batch asks.
    """
    found = _bases.get(workspace_id)
    moment = time.monotonic()
    if found is not None and moment - found[0] < REMEMBERED_SECONDS:
        return found[1]
    if active_workspace_id() == workspace_id:
        name = _tracking_name()
    else:
        with workspace_scope(workspace_id):
            name = _tracking_name()
    base = f"https://{name}" if name else settings.SITE_URL
    if len(_bases) > 10_000:
        _bases.clear()
    _bases[workspace_id] = (moment, base)
    return base


def _tracking_name() -> str:
    rows = MailDomain.objects.filter(role=MailDomain.Role.TRACKING, verified_at__isnull=False)
    return rows.order_by("verified_at", "name").values_list("name", flat=True).first() or ""


def forget_tracking_base(workspace_id: uuid.UUID) -> None:
    """This process learns at once that the tracking domain changed."""
    _bases.pop(workspace_id, None)


def cold_hold(mailbox: Mailbox) -> str:
    """Why cold mail from this mailbox waits, or '': its domain is primary and the workspace keeps cold mail off it.

    A sender asks once a batch: a change of the domain gives its mailboxes' rows a new version (actions.domains), so none
    goes on with what it saw before.
    """
    return hold_words(mailbox.domain) if mailbox.domain in held_domains() else ""


def held_domains() -> frozenset[str]:
    """Names of the domains no cold mail may leave from; one query, for a batch."""
    rows = MailDomain.objects.filter(role=MailDomain.Role.PRIMARY, hold_cold=True)
    return frozenset(rows.values_list("name", flat=True))


def hold_words(name: str) -> str:
    """The hold reason of a primary domain."""
    return f"Held: {name} is the primary domain and this workspace keeps cold mail off it"


def primary_domains() -> frozenset[str]:
    return frozenset(MailDomain.objects.filter(role=MailDomain.Role.PRIMARY).values_list("name", flat=True))


def cold_warning(mailbox: Mailbox) -> str:
    """What to say before cold mail goes from this mailbox, or ''."""
    return next(iter(warnings_of([mailbox])), "")


def warnings_of(mailboxes: Iterable[Mailbox]) -> list[str]:
    """One sentence a primary domain among these mailboxes, held ones first."""
    names = sorted({mailbox.domain for mailbox in mailboxes})
    rows = MailDomain.objects.filter(role=MailDomain.Role.PRIMARY, name__in=names).order_by("-hold_cold", "name")
    return [
        f"{hold_words(row.name)}. Nothing of this goes out until the domain's role or that switch changes."
        if row.hold_cold
        else f"Cold mail would go from {row.name}, your primary domain: complaints there reach the mail you live by. "
        "Use a sending domain."
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class DomainState:
    """A domain's latest findings and the worst of their states (`unknown` before the first check)."""

    state: str
    checks: list[DomainCheck]

    @property
    def tone(self) -> str:
        return STATE_TONES[self.state]

    @property
    def icon(self) -> str:
        return STATE_ICONS[self.state] if self.checks else "hourglass"

    @property
    def label(self) -> str:
        return str(DomainCheckState(self.state).label) if self.checks else "Not checked"

    @property
    def words(self) -> str:
        """What is not right, in one line."""
        bad = [check for check in self.checks if check.state in {"fail", "warn"}]
        if not self.checks:
            return "Not checked yet."
        if not bad:
            return "Nothing to fix." if self.state == "ok" else "Nothing failed; not everything could be checked."
        return ", ".join(dict.fromkeys(f"{KIND_WORDS[c.kind]}: {c.get_state_display().lower()}" for c in bad)) + "."


def states_of(domains: Iterable[MailDomain]) -> dict[uuid.UUID, DomainState]:
    """{domain id: DomainState} of the latest run, in the order of KINDS; one query."""
    listed = list(domains)
    latest: dict[uuid.UUID, dict[tuple[Any, ...], DomainCheck]] = {domain.pk: {} for domain in listed}
    checked = {domain.pk: domain.checked_at for domain in listed}
    # Distinct on in the database: a domain has a dozen rows a day for ever.
    rows = (
        DomainCheck.objects.filter(domain__in=list(latest))
        .select_related("mailbox")
        .order_by("domain", "kind", "name", "mailbox", "-at", "-id")
        .distinct("domain", "kind", "name", "mailbox")
    )
    for row in rows:
        # A finding of an older run that the last one did not repeat is gone; a seed mail has its own time.
        if row.kind != "unsubscribe" and checked[row.domain_id] is not None and row.at < checked[row.domain_id]:
            continue
        latest[row.domain_id][row.kind, row.name, row.mailbox_id] = row
    found = {}
    for domain in listed:
        checks = sorted(latest[domain.pk].values(), key=lambda row: (KINDS.index(row.kind), row.name))
        states = {check.state for check in checks}
        found[domain.pk] = DomainState(next((s for s in _WORST if s in states), "unknown"), checks)
    return found


def domain_of(mailbox: Mailbox) -> MailDomain | None:
    """The domain row of a mailbox's address."""
    found: MailDomain | None = MailDomain.objects.filter(name=mailbox.domain).first()
    return found


def mailboxes_of(domain: MailDomain) -> list[Mailbox]:
    """The mailboxes whose addresses are of this domain."""
    return list(Mailbox.objects.filter(address__endswith=f"@{domain.name}").order_by("address")[:200])


def suggested_primary() -> list[str]:
    """Domains the members sign in from that are not primary yet: the company's own, most likely. Public mailbox
    providers' are nobody's own."""
    emails = Member.objects.filter(is_active=True).values_list("user__email", "email")
    names = {(login or email or "").rpartition("@")[2].lower() for login, email in emails} - {""}
    known = set(MailDomain.objects.filter(role=MailDomain.Role.PRIMARY).values_list("name", flat=True))
    return sorted(name for name in names - known if name not in FREE_MAIL)[:3]
