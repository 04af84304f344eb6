"""Seed mails: one mail of ours, sent to be read back, shows what the provider signs (RFC 8058 section 4)."""

from datetime import datetime
from email import message_from_bytes, policy
from email.utils import format_datetime, parseaddr
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.connections import conversation_for
from campaigns.actions.domains import append_findings, ensure_domains
from campaigns.models import DomainCheck, Mailbox, MailDomain
from campaigns.queries.hosts import LANE, lane_key
from campaigns.rules.dkim import Evidence, check_one_click, read_evidence
from campaigns.rules.findings import UNKNOWN, Finding
from campaigns.rules.tokens import message_id, public_token, read_public_token
from campaigns.transports.smtp import OutcomeUnknown, TransportError
from leadgen.core import lanes
from leadgen.core.errors import Invalid, Refused
from leadgen.core.ids import uuid7
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import current_workspace_id, workspace_scope

HEADER = "X-Leadgen-Seed"
MAX_RAW = 2_000_000
SUBJECT = "Seed mail of the deliverability check"


def ask_seed(*, mailbox: Mailbox, by: Actor, now: datetime) -> Mailbox:
    """Let a worker send a seed mail from `mailbox`; returns the mailbox it goes to. Raises Refused (nobody would read it)."""
    if mailbox.state == Mailbox.State.HELD:
        raise Refused(f"{mailbox.address} is held; a held mailbox sends nothing.", code="mailbox_held")
    to = _reader_for(mailbox)
    if to is None:
        raise Refused(
            "No mailbox here is read over IMAP or pushed to us, so a seed mail would not come back. Send yourself a mail "
            "from your provider and paste it here.",
            code="no_reader",
        )
    write_audit(by=by, action="domain.seed_asked", now=now, target=mailbox, detail={"to": to.address})
    enqueue("campaigns.send_seed", mailbox.pk, to.pk)
    return to


def _reader_for(mailbox: Mailbox) -> Mailbox | None:
    """Where the seed is read back: best a mailbox at another domain, since a server often signs nothing for itself."""
    read = list(Mailbox.objects.exclude(sync=Mailbox.Sync.NONE).order_by("address")[:200])
    elsewhere = [box for box in read if box.domain != mailbox.domain]
    own = [box for box in read if box.pk == mailbox.pk]
    return next(iter([*elsewhere, *own, *read]), None)


def seed_mime(*, mailbox: Mailbox, to_address: str, now: datetime) -> bytes:
    """The bytes of a seed: the headers of a cold mail, and a token that says whose it is. Its unsubscribe link leads nowhere."""
    token = public_token("seed", workspace_id=mailbox.workspace_id, row=mailbox.pk)
    sender = mailbox.address.rpartition("@")[2]
    mime_id = message_id(workspace_id=mailbox.workspace_id, message=uuid7(), domain=sender)
    # By hand: the standard library would write addresses longer than a line as encoded words, which receivers do not read.
    lines = [
        f"From: {mailbox.address}",
        f"To: {to_address}",
        f"Subject: {SUBJECT}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{mime_id}>",
        f"List-Unsubscribe: <{settings.SITE_URL}{reverse('unsubscribe', args=[token])}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        f"{HEADER}: {token}",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "Leadgen sent this to see which headers your provider signs. It can be deleted.",
        "",
    ]
    return "\r\n".join(lines).encode("ascii", "replace")


def send_seed(*, workspace_id: UUID, mailbox_id: UUID, to_id: UUID, now: datetime) -> str:
    """Send a seed; returns '' or the failure in words, which is appended as a finding. Call outside of any transaction."""
    with workspace_scope(workspace_id):
        boxes = {box.pk: box for box in Mailbox.objects.filter(pk__in=[mailbox_id, to_id])}
    if mailbox_id not in boxes or to_id not in boxes:
        return "The mailbox is gone."
    mailbox, to = boxes[mailbox_id], boxes[to_id]
    words = ""
    try:
        conversation: Any = conversation_for(mailbox, now=now)
        with conversation:
            conversation.prepare(sender=mailbox.address, recipient=to.address)
            conversation.hand_over(seed_mime(mailbox=mailbox, to_address=to.address, now=now))
    except TransportError as error:
        words = error.message
    except OutcomeUnknown as error:
        words = str(error)
    if words:
        with workspace_scope(workspace_id):
            finding = Finding(
                "unsubscribe", mailbox.address, UNKNOWN, f"The seed mail could not be sent: {words}"[:500],
                "Mend the mailbox's connection, then send it again; or paste a mail that was sent from it.",
            )  # fmt: skip
            append_findings(_domain_for(mailbox, now), [finding], now, mailbox)
    return words


def note_seed(*, mailbox: Mailbox, raw: bytes, now: datetime) -> str:
    """If `raw`, which came to `mailbox`, is a seed of ours: keep what it shows. Returns its effect in words, else ''."""
    if HEADER.lower().encode() not in raw[:65_536].lower():
        return ""
    mail = message_from_bytes(raw, policy=policy.compat32)
    found = read_public_token("seed", str(mail.get(HEADER, "")).strip())
    if found is None or found[0] != current_workspace_id():
        return ""
    sender = Mailbox.objects.filter(pk=found[1]).first()
    if sender is None:
        return ""
    row = _keep(_domain_for(sender, now), read_evidence(mail), mailbox=sender, name=sender.address, now=now)
    return f"Seed mail of the deliverability check: {row.words}"


def paste_seed(*, domain: MailDomain, raw: str, by: Actor, now: datetime) -> DomainCheck:
    """Evidence pasted by a person: a mail from this domain as it arrived, headers first. Raises Invalid (field raw)."""
    if len(raw) > MAX_RAW:
        raise Invalid("Paste the headers alone; this is longer than 2 MB.", field="raw")
    mail = message_from_bytes(raw.strip().encode("utf-8", "replace"), policy=policy.compat32)
    address = parseaddr(str(mail.get("From", "")))[1].lower()
    if not address:
        raise Invalid("This has no From header. Paste the mail’s source, from its first header on.", field="raw")
    if address.rpartition("@")[2] != domain.name:
        raise Invalid(f"This mail is from {address}, not from {domain.name}.", field="raw")
    mailbox = Mailbox.objects.filter(address=address).first()
    row = _keep(domain, read_evidence(mail), mailbox=mailbox, name=address, now=now)
    write_audit(
        by=by, action="domain.seed_pasted", now=now, target=domain, detail={"from": address, "state": row.state}
    )
    return row


def _keep(domain: MailDomain, evidence: Evidence, *, mailbox: Mailbox | None, name: str, now: datetime) -> DomainCheck:
    """Append what a delivered mail shows, learn its selectors, and have the domain checked with them."""
    (row,) = append_findings(domain, [check_one_click(evidence, name=name)], now, mailbox)
    own = [s.selector for s in evidence.signatures if s.domain == domain.name and s.selector]
    learnt = list(dict.fromkeys([*domain.dkim_selectors, *own]))[:20]
    if learnt != domain.dkim_selectors:
        domain.dkim_selectors = learnt
        domain.save(update_fields=["dkim_selectors"])
    lanes.mark(workspace_id=current_workspace_id(), kind=LANE, key=lane_key(domain.name), due=now)
    return row


def _domain_for(mailbox: Mailbox, now: datetime) -> MailDomain:
    if not MailDomain.objects.filter(name=mailbox.domain).exists():
        ensure_domains(now=now)
    found: MailDomain = MailDomain.objects.get(name=mailbox.domain)
    return found
