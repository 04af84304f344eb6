"""What became of a message: the only module that changes a message's state after it was planned.

Each function is fenced: it changes the row only from the state it may come from, and returns whether it did.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce

from accounts.actions.audit import SYSTEM, Actor, write_audit
from campaigns.actions import copies
from campaigns.actions.copies import SKIPPED_BY_PERSON
from campaigns.actions.health import check_health
from campaigns.actions.steps import finish_step, stop_enrolment
from campaigns.models import Enrolment, Message, StepRun
from campaigns.queries.messages import balance as balance
from campaigns.queries.verdicts import Verdict
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.activities import record_activity
from prospects.actions.suppressions import suppress
from prospects.models import ActivityKind, Channel, Person, Suppression
from prospects.queries.leads import open_lead_of

type MessageQuery = QuerySet[Message]

STRIKES, STRIKES_WITHIN = 3, timedelta(days=60)
# kind of a bounce -> what a message may have been marked as before, for the new kind to be written.
SOFTER = {"soft": ("",), "policy": ("", "soft"), "hard": ("", "soft", "policy")}
# The sender died after the point of no return and before it recorded the server's answer.
DIED = "sender_died"
# Skipped without knowing, by a person or the clock: what evidence may still overrule.
GUESSED = Q(state="unknown", settled_at__isnull=False) | Q(state="failed", reason_code=SKIPPED_BY_PERSON)
UNSETTLED = Q(state="unknown", settled_at__isnull=True)
WAITS_UNKNOWN = "Waits: it is not known whether the last e-mail was delivered."
ENHANCED = re.compile(r"\b([45])\.(\d{1,3})\.(\d{1,3})\b")


def refusal_type(*, smtp_code: int, words: str) -> str:
    """hard, soft or policy, by RFC 3463: 5.1.x is the address, 5.7.x our reputation or their rules, the rest is soft.

    A plain 550, 551 or 553 without an enhanced code means an unknown mailbox (RFC 5321 section 4.2.3).
    """
    found = ENHANCED.search(words)
    if found:
        group, subject = found.group(1), found.group(2)
        if subject == "7":
            return "policy"
        return "hard" if group == "5" and subject == "1" else "soft"
    return "hard" if smtp_code in {550, 551, 553} else "soft"


def record_sent(
    *, message: Message, response: str, by: str, now: datetime, provider_id: str = "", seen_at: datetime | None = None
) -> bool:
    """Accepted by the server, or proven later by a bounce, reply or click (`by`) that was made at `seen_at`.

    Proof also overrules that a person or the clock skipped it: the sequence went on then, and stays where it is. Of a mail
    that a person sends again it stops the copy that still waits (actions.copies).
    """
    values: dict[str, Any] = {
        "state": Message.State.SENT, "reason": "", "reason_code": "", "response": response[:500], "settled_by": by,
        "settled_at": now, "sent_at": Coalesce("submitted_at", Value(now)), "lease_until": None,
    }  # fmt: skip
    if provider_id:
        values["provider_id"] = provider_id[:250]
    rows: MessageQuery = Message.objects.filter(pk=message.pk)
    second, told = message.submitted_at, None
    # A row that was never sent again takes one statement; the server's own answer is always about the copy just sent.
    plain = by == "server" or message.first_submitted_at is None
    if not (plain and rows.filter(UNSETTLED).update(**values)):
        provable = UNSETTLED | GUESSED
        if by != "server":
            provable |= copies.NOT_OUT
            copies.hold_still(message)
        before = rows.filter(provable).select_for_update(of=("self",)).first()
        if before is None:
            if by != "server":
                return copies.prove_first(message=message, how=response, by=by, seen_at=seen_at, now=now)
            copies.hear_late_answer(message=message, now=now)
            return False
        if by != "server":
            second, told = before.submitted_at, copies.told_by(before, how=response, seen_at=seen_at)
        rows.update(**values | (told.values if told else {}))
        if before.settled_at is not None:
            _overrule(before, by, now)
        message.refresh_from_db(fields=["first_submitted_at", "submitted_at"])
    message.state, message.response, message.reason, message.reason_code = Message.State.SENT, response[:500], "", ""
    message.sent_at = message.submitted_at = message.submitted_at or now
    if told is not None:
        message.reason, message.reason_code = told.values["reason"], told.code
        copies.tell(message, told, by=by, now=now, second=second)
    enrolment = message.enrolment
    record_activity(
        kind=ActivityKind.SENT,
        at=message.sent_at or now,
        now=now,
        by=Actor(member=message.member) if message.member else None,
        person=message.person,
        # A mail written by hand is a touch of the lead that is open: it stops the speed-to-lead clock.
        lead=enrolment.lead if enrolment else open_lead_of(message.person),
        campaign=message.campaign,
        channel=Channel.EMAIL,
        summary=f"E-mail sent: {message.subject}",
        about=("message", message.pk),
        key=f"sent:{message.pk}",
    )
    # Of one that was skipped the step is done; of a second copy that a stop blocked it may still be open.
    _finish(message, "sent", now)
    return True


def _overrule(before: Message, by: str, now: datetime) -> None:
    """It had been skipped: nobody's decision is lost, and the step's count follows."""
    StepRun.objects.filter(
        enrolment_id=before.enrolment_id, step_id=before.step_id, outcome__in=["failed", "unknown", "blocked"]
    ).update(outcome="sent")
    if by == "person":
        return  # settle_unknown writes who
    assert before.settled_at is not None
    detail = {
        "sent": True, "by": by, "was": before.state, "skipped_by": before.settled_by,
        "skipped_at": before.settled_at.isoformat(),
    }  # fmt: skip
    write_audit(by=SYSTEM, action="message.settled", now=now, target=before, label=before.subject, detail=detail)


def record_unknown(*, message: Message, reason: str, now: datetime) -> bool:
    """The line broke after the final dot. Stays so until evidence or a person settles it; the enrolment waits."""
    words = f"{reason}. The server may have accepted it; Leadgen will not send it again by itself."
    changed = Message.objects.filter(pk=message.pk, state=Message.State.UNKNOWN, attempt=message.attempt).update(
        reason=words[:500], reason_code="no_answer", lease_until=None
    )
    if changed and message.enrolment_id:
        Enrolment.objects.filter(pk=message.enrolment_id, state=Enrolment.State.ACTIVE).update(
            wait_reason=WAITS_UNKNOWN
        )
    return bool(changed)


def settle_dead(*, limit: int = 500) -> int:
    """Say of messages whose sender died while handing them over that it did, once its lease is over. Returns how many.

    They stay `unknown`: nothing here puts them back in line. In the caller's transaction.
    """
    rows: MessageQuery = Message.objects.filter(state=Message.State.UNKNOWN, reason_code="submitted")
    over = rows.extra(where=["campaigns_message.lease_until < clock_timestamp()"])
    found = list(over.values_list("pk", "enrolment_id")[:limit])
    if not found:
        return 0
    # Once more in the statement itself: a sender that was only slow may have recorded its outcome meanwhile.
    died = rows.filter(pk__in=[pk for pk, _ in found]).extra(
        where=["campaigns_message.lease_until < clock_timestamp()"]
    )
    count: int = died.update(
        reason="The sender died while handing it over. The server may have accepted it; Leadgen will not send it again by "
        "itself.",
        reason_code=DIED,
        lease_until=None,
    )
    Enrolment.objects.filter(
        pk__in=[enrolment for _, enrolment in found if enrolment], state=Enrolment.State.ACTIVE
    ).filter(
        pk__in=Message.objects.filter(pk__in=[pk for pk, _ in found], reason_code=DIED).values("enrolment")
    ).update(wait_reason=WAITS_UNKNOWN)
    return count


def record_blocked(*, message: Message, enrolment: Enrolment | None, verdict: Verdict, now: datetime) -> bool:
    """Never sent, for a reason that will not go away; the enrolment stops with the same reason."""
    changed = Message.objects.filter(pk=message.pk, state=Message.State.PLANNED, attempt=message.attempt).update(
        state=Message.State.BLOCKED,
        reason=verdict.reason,
        reason_code=verdict.code,
        hold_reason="",
        settled_at=now,
        lease_until=None,
    )
    if not changed:
        return False
    _finish_run(message, "blocked", now)
    if enrolment is not None:
        stop_enrolment(enrolment=enrolment, reason=verdict.reason, by_type=verdict.code, now=now)
    return True


def record_failed(*, message: Message, reason: str, code: str, now: datetime) -> bool:
    """It cannot be sent, and the server did not take it."""
    changed = Message.objects.filter(
        pk=message.pk, attempt=message.attempt, state__in=[Message.State.PLANNED, Message.State.UNKNOWN]
    ).update(
        state=Message.State.FAILED,
        reason=reason[:500],
        reason_code=code,
        hold_reason="",
        settled_at=now,
        lease_until=None,
    )
    if not changed:
        return False
    message.refresh_from_db()
    _finish_run(message, "failed", now)
    if message.enrolment is not None:
        stop_enrolment(enrolment=message.enrolment, reason=f"An e-mail failed: {reason}", by_type="failed", now=now)
    return True


def record_refused(*, message: Message, reason: str, smtp_code: int, now: datetime) -> bool:
    """The server refused it for good: an unknown address is suppressed, a policy refusal holds the mailbox, never the person."""
    if not record_failed(message=message, reason=reason, code="refused", now=now):
        return False
    kind = refusal_type(smtp_code=smtp_code, words=reason)
    apply_bounce(message=message, kind=kind, words=reason, now=now)
    return True


def apply_bounce(*, message: Message, kind: str, words: str, now: datetime) -> str:
    """Effects of a refusal or bounce of `kind` on person, mailbox and enrolment, in words; the same for all ways it comes.

    hard: the address is suppressed, the person marked, the sequence stopped. policy: the mailbox is held, never the
    person. soft: noted; the third within 60 days, over different messages, marks the address.
    """
    # The same message may bounce twice; a softer verdict never takes back a harder one.
    Message.objects.filter(pk=message.pk, bounce_type__in=SOFTER[kind]).update(bounced_at=now, bounce_type=kind)
    record_activity(
        kind=ActivityKind.BOUNCED,
        at=now,
        now=now,
        person=message.person,
        campaign=message.campaign,
        channel=Channel.EMAIL,
        hit_class="automated",
        summary=f"Bounced ({kind}): {words}",
        detail={"type": kind},
        about=("message", message.pk),
        key=f"bounced:{message.pk}",
    )
    if kind == "policy":
        check_health(mailbox_id=message.mailbox_id, kind=kind, words=words, now=now)
        return f"Mailbox held: refused by policy: {words}"
    if kind == "soft":
        return _soft_strike(message, words, now)
    _mark_bounced(message, words, now)
    suppress(
        by=SYSTEM,
        now=now,
        kind=Suppression.Kind.EMAIL,
        value=message.to_address,
        reason=Suppression.Reason.BOUNCED,
        note=words,
    )
    _stop_bounced(message, f"The e-mail bounced: {words}", now)
    held = check_health(mailbox_id=message.mailbox_id, kind=kind, words=words, now=now)
    return f"Address suppressed, sequence stopped{', mailbox held' if held else ''}: {words}"


def _soft_strike(message: Message, words: str, now: datetime) -> str:
    """One full mailbox says little; three messages in 60 days that were not taken say that nobody reads there."""
    if message.person is None:
        return f"Soft bounce noted: {words}"
    strikes = Message.objects.filter(
        person=message.person, to_address=message.to_address, bounce_type="soft", bounced_at__gt=now - STRIKES_WITHIN
    ).count()
    if strikes < STRIKES:
        return f"Soft bounce noted ({strikes} of {STRIKES} in {STRIKES_WITHIN.days} days): {words}"
    reason = f"{strikes} soft bounces in {STRIKES_WITHIN.days} days, the last: {words}"
    _mark_bounced(message, reason, now)
    _stop_bounced(message, reason, now)
    return f"Address marked as bounced, sequence stopped: {reason}"


def _mark_bounced(message: Message, words: str, now: datetime) -> None:
    Person.objects.filter(pk=message.person_id, email=message.to_address).update(
        email_status=Person.EmailStatus.BOUNCED, email_status_at=now, email_status_reason=words[:200]
    )


def _stop_bounced(message: Message, reason: str, now: datetime) -> None:
    if message.enrolment is not None:
        stop_enrolment(enrolment=message.enrolment, reason=reason, by_type="bounce", now=now)


def settle_unknown(*, message: Message, sent: bool, by: Actor, now: datetime) -> Message:
    """A person decides about an unknown message: it counts as sent, or as failed (skip: the sequence goes on).

    Nothing is sent by this. Evidence that comes after a skip makes it sent (`record_sent`). Raises Conflict where it was settled meanwhile.
    """
    locked = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if locked.state != Message.State.UNKNOWN:
        raise Conflict(f"This message is {locked.get_state_display().lower()} already.", code="settled")
    if locked.reason_code == "submitted" and _leased(locked):
        raise Invalid("This message is being handed over right now. Look again in a few minutes.")
    if sent:
        record_sent(message=locked, response="A person said that it was delivered.", by="person", now=now)
    else:
        Message.objects.filter(pk=locked.pk).update(
            state=Message.State.FAILED,
            reason="Skipped by a person: not known whether it was delivered. Evidence that comes later still settles it.",
            reason_code=SKIPPED_BY_PERSON,
            settled_by="person",
            settled_at=now,
        )
        _finish(locked, "failed", now)
    write_audit(by=by, action="message.settled", now=now, target=locked, label=locked.subject, detail={"sent": sent})
    locked.refresh_from_db()
    return locked


def _leased(message: Message) -> bool:
    """Whether a worker still talks to the server about it; a worker that died lets its lease run out."""
    rows: MessageQuery = Message.objects.filter(pk=message.pk)
    return rows.extra(where=["campaigns_message.lease_until > clock_timestamp()"]).exists()


def prove_sent(*, message: Message, by: str, now: datetime, seen_at: datetime | None = None) -> bool:
    """A bounce, reply or click names our id: whatever the server's lost answer was, it had accepted the mail.

    `seen_at` is when the evidence was made, where that is sure: it may tell which of two copies it is about.
    """
    guessed = message.state == Message.State.UNKNOWN or message.reason_code == SKIPPED_BY_PERSON
    if not guessed and message.first_submitted_at is None:
        return False
    return record_sent(message=message, response=f"Proven by a {by}.", by=by, now=now, seen_at=seen_at)


def _finish(message: Message, outcome: str, now: datetime) -> None:
    if message.enrolment_id is not None and message.step_id is not None:
        finish_step(
            enrolment_id=message.enrolment_id,
            step_id=message.step_id,
            outcome=outcome,
            at=message.sent_at or now,
            now=now,
        )


def _finish_run(message: Message, outcome: str, now: datetime) -> None:
    """The step ended, and with it the enrolment: nothing is planned after it."""
    StepRun.objects.filter(enrolment_id=message.enrolment_id, step_id=message.step_id, done_at__isnull=True).update(
        done_at=now, outcome=outcome
    )
