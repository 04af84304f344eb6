"""A mail that a person sent again, when proof comes that its first copy was delivered.

Both copies are one row with one Message-ID (the receiving program may show them as one), so the balance counts one mail.
While the second has not passed the point of no return the proof stops it: the row becomes `sent`, as its first copy was. Has
it passed, the row says so in words, and no more than is known.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.actions.audit import SYSTEM, write_audit
from campaigns.models import Message
from campaigns.models.locks import lock_enrolment
from campaigns.rules import copies as words
from prospects.actions.activities import record_activity
from prospects.models import ActivityKind, Channel

SKIPPED_BY_PERSON = "skipped"
AGAIN = Q(first_submitted_at__isnull=False)
# The second copy waits, or never left: what proves delivery is about the first.
NOT_OUT = (
    AGAIN
    & Q(state__in=[Message.State.PLANNED, Message.State.BLOCKED, Message.State.FAILED])
    & ~Q(reason_code=SKIPPED_BY_PERSON)
)
# Two handings over of one mail are never nearer; what is nearer is one, read from two clocks.
APART = timedelta(seconds=1)
NEWS = {
    words.SECOND_STOPPED: ("message.second_stopped", "Second copy stopped, the first was delivered: {}"),
    words.SECOND_NOT_SENT: ("message.first_proven", "The first copy was delivered after all: {}"),
    words.SECOND_OUT: ("message.second_too_late", "The first copy was delivered, the second was out already: {}"),
    words.ONE_OF_TWO: ("message.second_too_late", "Handed over twice, at least one copy arrived: {}"),
    words.TWICE: ("message.second_too_late", "The same e-mail went out twice: {}"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a proof means for a mail that was sent again; `values` go into the row."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


class _Gone(Exception):
    """It waits no more."""


def hold_still(message: Message) -> None:
    """Lock the enrolment of a second copy that waits, so that it passes no point of no return meanwhile.

    Of what waits the enrolment is locked before the message, as there; of what is out the message first, as its record
    does. Where it left while the lock was waited for, the lock is given back (the savepoint's), or the two would wait for
    each other.
    """
    waits = Message.objects.filter(NOT_OUT, pk=message.pk, state=Message.State.PLANNED)
    if not message.enrolment_id or not waits.exists():
        return
    try:
        with transaction.atomic():
            lock_enrolment(message.enrolment_id)
            if not waits.exists():
                raise _Gone
    except _Gone:
        return


def is_about_first(message: Message, seen_at: datetime | None) -> bool:
    """Whether evidence of that moment can only be about the first copy."""
    if message.submitted_at is None:
        return True
    return seen_at is not None and seen_at < message.submitted_at - APART


def told_by(before: Message, *, how: str, seen_at: datetime | None) -> Told | None:
    """What proof `how`, made at `seen_at` (None: nobody knows), says of the locked row `before`; None: nothing beyond `sent`."""
    first, second = before.first_submitted_at, before.submitted_at
    if first is None:
        return None
    refused = before.state in (Message.State.BLOCKED, Message.State.FAILED) and before.reason_code != SKIPPED_BY_PERSON
    if before.state == Message.State.PLANNED or refused:
        code, text = words.SECOND_STOPPED, words.stopped(first, how)
        if refused:
            state, code = before.get_state_display().lower(), words.SECOND_NOT_SENT
            text = words.not_sent(first, how, state=state, reason=before.reason)
        return Told(code, _row(code, text) | {"submitted_at": first, "sent_at": first, "hold_reason": ""})
    if second is None or second - first < APART:
        return None
    if is_about_first(before, seen_at):
        return Told(words.SECOND_OUT, _row(words.SECOND_OUT, words.second_out(first, second, how)))
    return Told(words.ONE_OF_TWO, _row(words.ONE_OF_TWO, words.one_of_two(first, second, how)))


def _row(code: str, text: str) -> dict[str, Any]:
    return {"reason": text[:500], "reason_code": code}


def tell(message: Message, told: Told, *, by: str, now: datetime, second: datetime | None) -> None:
    """One line in the audit log and one on the person's timeline."""
    action, summary = NEWS[told.code]
    first = message.first_submitted_at
    detail = {
        "by": by, "why": told.values["reason"], "first": first.isoformat() if first else None,
        "second": second.isoformat() if second else None,
    }  # fmt: skip
    write_audit(by=SYSTEM, action=action, now=now, target=message, label=message.subject, detail=detail)
    record_activity(
        kind=ActivityKind.NOTE, at=now, now=now, person=message.person, campaign=message.campaign,
        lead=message.enrolment.lead if message.enrolment else None, channel=Channel.EMAIL, hit_class="automated",
        summary=summary.format(message.subject), detail={"why": told.values["reason"]}, about=("message", message.pk),
        key=f"{told.code}:{message.pk}",
    )  # fmt: skip


def prove_first(*, message: Message, how: str, by: str, seen_at: datetime | None, now: datetime) -> bool:
    """The server took the second copy already; where the evidence is older than that, the person has it twice. Says so once."""
    row = Message.objects.filter(AGAIN, pk=message.pk, state=Message.State.SENT).select_for_update(of=("self",)).first()
    if row is None or row.settled_by != "server" or row.reason_code or not is_about_first(row, seen_at):
        return False
    assert row.first_submitted_at is not None and row.submitted_at is not None
    if row.submitted_at - row.first_submitted_at < APART:
        return False
    told = Told(words.TWICE, _row(words.TWICE, words.twice(row.first_submitted_at, row.submitted_at, how)))
    Message.objects.filter(pk=row.pk).update(**told.values)
    tell(message, told, by=by, now=now, second=row.submitted_at)
    return True


def hear_late_answer(*, message: Message, now: datetime) -> None:
    """The server's answer to the second copy came after a proof had settled the row: what was open about it is known now."""
    row = Message.objects.filter(AGAIN, pk=message.pk, state=Message.State.SENT).select_for_update(of=("self",)).first()
    if row is None or row.reason_code not in (words.SECOND_OUT, words.ONE_OF_TWO):
        return
    assert row.first_submitted_at is not None and row.submitted_at is not None
    if row.reason_code == words.ONE_OF_TWO:
        # The evidence may have been about this very copy: of the first nothing is known.
        Message.objects.filter(pk=row.pk).update(reason="", reason_code="", settled_by="server")
        return
    told = Told(words.TWICE, _row(words.TWICE, words.twice(row.first_submitted_at, row.submitted_at, row.response)))
    Message.objects.filter(pk=row.pk).update(**told.values)
    tell(message, told, by=row.settled_by, now=now, second=row.submitted_at)
