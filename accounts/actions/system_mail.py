"""System mail: planned with the change, sent after its commit, attempted again only while nothing was handed over."""

import smtplib
from datetime import datetime, timedelta

from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction

from accounts.models import SystemMail
from leadgen.core import tasks
from leadgen.core.logging import log

MAX_ATTEMPTS = 8


def plan_system_mail(*, kind: str, to: str, subject: str, text: str, now: datetime, html: str = "") -> SystemMail:
    """Write the row in the caller's transaction and ring for it on commit."""
    mail = SystemMail.objects.create(
        kind=kind, to=to, subject=subject[:250], text=text, html=html, due_at=now, created_at=now
    )
    tasks.ring("accounts.send_system_mail", mail.pk)
    return mail


def send_due_system_mail(*, now: datetime) -> bool:
    """Send one due mail, if any. Returns whether one was attempted. Must not run inside a transaction.

    A refusal or an unreachable server leaves the mail planned with a later due time; a connection that broke while the
    mail was handed over makes it `unknown`, never sent again by itself.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE accounts_systemmail SET attempts = attempts + 1, lease_until = clock_timestamp() + interval '5 minutes'
            WHERE id = (
                SELECT id FROM accounts_systemmail
                WHERE state = 'planned' AND due_at <= %s AND (lease_until IS NULL OR lease_until < clock_timestamp())
                ORDER BY due_at FOR UPDATE SKIP LOCKED LIMIT 1
            ) RETURNING id
            """,
            [now],
        )
        row = cursor.fetchone()
    if row is None:
        return False
    mail = SystemMail.objects.get(pk=row[0])
    message = EmailMultiAlternatives(subject=mail.subject, body=mail.text, to=[mail.to])
    message.extra_headers["Auto-Submitted"] = "auto-generated"
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    reason, state = "", SystemMail.State.SENT
    try:
        message.send()
    except smtplib.SMTPServerDisconnected as error:
        reason, state = f"The connection broke during the hand-over: {error}", SystemMail.State.UNKNOWN
    except (smtplib.SMTPException, OSError) as error:
        reason = str(error)[:300]
        final = isinstance(error, smtplib.SMTPRecipientsRefused) or mail.attempts >= MAX_ATTEMPTS
        state = SystemMail.State.FAILED if final else SystemMail.State.PLANNED
        log.warning("system_mail_not_sent", mail=str(mail.pk), attempt=mail.attempts, error=type(error).__name__)
    mail.state, mail.reason, mail.lease_until = state, reason, None
    if state == SystemMail.State.PLANNED:
        mail.due_at = now + timedelta(seconds=min(30 * 2**mail.attempts, 3600))
    else:
        mail.text = mail.html = ""  # it holds links that let the reader in
        mail.sent_at = now if state == SystemMail.State.SENT else None
    mail.save()
    return True
