"""What a mail that came in changes, by its kind. Each returns in words what it did, or why it did nothing.

A bounce, a report and an automatic answer need proof (an id or token of ours). A person's own words need less where they
are obeyed on the safe side: an answer from the address we wrote to stops the sequence, "stop writing to me" always does.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.actions.audit import SYSTEM
from campaigns.actions.answers import INSIDE, first_active, make_again_task, make_reply_task, stop_for_answer
from campaigns.actions.inbound_proof import Match
from campaigns.actions.linkedin import record_linkedin_news
from campaigns.actions.outcomes import apply_bounce, prove_sent
from campaigns.actions.steps import mark_enrolments, stop_enrolment
from campaigns.actions.unsubscribes import object_to_mail
from campaigns.models import Enrolment, InboundMail, Message, StepRun
from campaigns.queries.mail import window_of, zone_for
from campaigns.rules import schedule
from campaigns.rules.bounces import Recipient
from campaigns.rules.inbound import InboundMessage
from campaigns.rules.proof import named_recipients
from leadgen.core.errors import Invalid
from prospects.actions.activities import record_activity
from prospects.actions.leads import note_interest
from prospects.actions.tasks import create_task
from prospects.models import ActivityKind, Channel, Person, Suppression, Task
from prospects.rules.normalise import registrable

NINE = time(9)
TYPED = re.compile(r"^\s*[\w.-]+\s*;\s*")  # "smtp; 550 ...": the type of a Diagnostic-Code
OTHER_RECIPIENT = "it names {}, and this mail of ours went to {}: what was passed on says nothing about them."


@dataclass(frozen=True, slots=True)
class Received:
    """One stored mail on its way to its effects."""

    row: InboundMail
    mail: InboundMessage
    match: Match
    person: Person | None
    raw: bytes
    now: datetime

    @property
    def message(self) -> Message | None:
        return self.match.message

    @property
    def proven(self) -> Message | None:
        """The message it proves to be about; None where that is only probable."""
        return self.match.message if self.match.proven else None


def carry_out(got: Received) -> str:
    """Carry out what the mail means, in the caller's transaction; returns it in words for the inbox."""
    kind = got.mail.kind
    if got.row.from_address.lower() == got.row.mailbox.address:
        return "Nothing changed: it is from this mailbox itself."
    if got.proven is not None:
        prove_sent(message=got.proven, by=kind if kind in {"bounce", "complaint"} else "reply", now=got.now)
        got.proven.refresh_from_db(fields=["state"])
    effects: dict[str, Callable[[Received], str]] = {
        "bounce": _bounce, "complaint": _complaint, "auto_reply": _auto_reply, "left_company": _left,
        "unsubscribe": _opt_out, "linkedin": _linkedin,
    }  # fmt: skip
    if kind in effects:
        return effects[kind](got)
    if got.mail.intent is not None and got.mail.intent.intent == "opt_out":
        return _opt_out(got)
    if kind == "reply" and got.person is not None:
        return _reply(got)
    return "Nothing changed: it belongs to nobody we know."


def _bounce(got: Received) -> str:
    message = got.proven
    if message is None:
        return "Nothing changed: a bounce without a Message-ID of ours proves nothing."
    failed = [one for one in got.mail.recipients if one.action != "delayed"]
    if not failed:
        if got.mail.recipients:
            return "Nothing changed: a delay is no bounce."
        return "Nothing changed: it does not say which address failed."
    ours = _about(message, failed, got.raw)
    if ours is None:
        return f"Nothing changed: {_passed_on(got, message, failed[0].address, 'bounced')}"
    words = TYPED.sub("", ours.diagnostic) or ours.reason or got.mail.reason
    return apply_bounce(message=message, kind=ours.type, words=words, now=got.now)


def _about(message: Message, named: list[Recipient], raw: bytes) -> Recipient | None:
    """The one of `named` who is whom we wrote to, as original or final recipient; None: somebody else, it was passed on."""
    exact = next((one for one in named if one.address.lower() == message.to_address), None)
    if exact is not None:
        return exact
    return named[0] if message.to_address in named_recipients(raw) else None


def _passed_on(got: Received, message: Message, other: str, what: str) -> str:
    record_activity(
        kind=ActivityKind.NOTE, at=got.now, now=got.now, person=message.person, campaign=message.campaign,
        channel=Channel.EMAIL, hit_class="automated", about=("message", message.pk), key=f"passed_on:{got.row.pk}",
        summary=f"A copy of our mail that was passed on to {other} {what}",
    )  # fmt: skip
    return OTHER_RECIPIENT.format(other, message.to_address)


def _complaint(got: Received) -> str:
    message = got.proven
    if message is None:
        return "Nothing changed: a report without a Message-ID of ours proves nothing."
    # Most services leave the address out, or black it out; the report is then about whom we wrote to.
    named = [address for address in named_recipients(got.raw) if "redacted" not in address]
    if named and message.to_address not in named:
        return f"Nothing changed: {_passed_on(got, message, named[0], 'was reported as spam')}"
    object_to_mail(
        person=message.person, address=message.to_address, reason=Suppression.Reason.COMPLAINED,
        words="Marked our mail as spam.", message=message, now=got.now,
    )  # fmt: skip
    return "Address suppressed, sequence stopped: marked as spam."


def _auto_reply(got: Received) -> str:
    message, back = got.message, got.mail.return_date
    if message is None:
        return "Nothing changed: an automatic reply that names no mail of ours."
    until = f" until {back:%d %b %Y}" if back else ""
    _record(message, ActivityKind.AUTO_REPLIED, f"Automatic reply: away{until}", got.now, key=f"auto:{got.row.pk}")
    enrolment = message.enrolment
    if back is None or enrolment is None or enrolment.state not in INSIDE:
        return "Noted; an automatic reply never stops a sequence."
    if back > got.now.date() + timedelta(days=schedule.MAX_DAYS_AHEAD - 30):
        return f"Noted; nothing waits until {back:%d %b %Y}."
    return delay_until_back(enrolment=enrolment, message=message, got=got)


def delay_until_back(*, enrolment: Enrolment, message: Message, got: Received) -> str:
    """The next touch goes on the day after the return, when their window opens: nobody answers on the first morning."""
    back = got.mail.return_date
    assert back is not None
    zone = zone_for(enrolment.person, enrolment.workspace)
    window = window_of(enrolment.sequence)
    opens = window.start if window.start != time(0) or time(0) < window.end <= NINE else NINE
    wanted = datetime.combine(back + timedelta(days=1), opens, ZoneInfo(zone))
    slot = schedule.next_slot(wanted, zone=zone, window=window, name=enrolment.person.first_name)
    resume, there = slot.at, slot.at.astimezone(ZoneInfo(zone))
    words = f"Waits: away until {back:%d %b}, resumes {there:%d %b}"
    held = words.replace("Waits", "Held", 1)
    Enrolment.objects.filter(pk=enrolment.pk, state__in=INSIDE, next_at__lt=resume).update(
        next_at=resume, wait_reason=words
    )
    Message.objects.filter(enrolment=enrolment, state=Message.State.PLANNED, due_at__lt=resume).update(
        due_at=resume, hold_reason=held
    )
    # A call that is due would ring on an empty desk.
    calls = StepRun.objects.filter(enrolment=enrolment, done_at__isnull=True, task__kind=Task.Kind.CALL)
    Task.objects.filter(pk__in=calls.values("task_id"), state=Task.State.OPEN).update(snoozed_until=resume)
    mark_enrolments(resume)
    return words


def _left(got: Received) -> str:
    message = got.message
    if message is None:
        return "Nothing changed: they left the company, says a mail that names no mail of ours."
    _record(message, ActivityKind.AUTO_REPLIED, "Left the company", got.now, key=f"left:{got.row.pk}")
    effect = []
    # Whether the address is dead is taken from proof only, by somebody of the same company; the sequence stops anyway.
    if message.person is not None and got.match.proven and _same_house(got.row.from_address, message.to_address):
        Person.objects.filter(pk=message.person.pk, email=message.to_address).update(
            email_status=Person.EmailStatus.INVALID, email_status_at=got.now, email_status_reason="Left the company"
        )
    if message.enrolment is not None and stop_enrolment(
        enrolment=message.enrolment, reason="They left the company.", by_type="left_company", now=got.now
    ):
        effect.append("Sequence stopped: they left the company")
    if message.person is not None and (got.row.suggested or got.mail.intent is not None):
        _successor_task(got, message, message.person)
        if got.row.suggested:
            effect.append(f"{name_of(got.row.suggested[0])} is named instead")
    return f"{'; '.join(effect) or 'Noted: they left the company'}."


def _same_house(writer: str, address: str) -> bool:
    return registrable(writer.lower().rpartition("@")[2]) == registrable(address.rpartition("@")[2])


def _successor_task(got: Received, message: Message, person: Person) -> None:
    """Somebody else is named, or a colleague wrote it: a person decides what becomes of it."""
    enrolment = message.enrolment
    named = f"; {name_of(got.row.suggested[0])} is named instead" if got.row.suggested else ""
    create_task(
        by=SYSTEM, now=got.now, kind=Task.Kind.TODO, title=f"{person} left the company", due_at=got.now, person=person,
        reason=f"They left the company{named}", campaign=message.campaign, about=("inbound_mail", got.row.pk),
        owner=first_active(person.owner, enrolment.owner if enrolment else None),
    )  # fmt: skip


def name_of(suggestion: dict[str, str]) -> str:
    """ "Maria Lopez", or the address where no name was given."""
    return suggestion.get("name") or suggestion.get("address") or "somebody"


def _opt_out(got: Received) -> str:
    """Whoever writes "stop writing to me" is left alone, whether or not it names a mail of ours: it is their own address."""
    message, person, row = got.message, got.person, got.row
    address = message.to_address if message else (person.email if person else "")
    if not address:
        return "Nothing changed: nobody here has this address."
    if message is None and row.from_address.lower() != address:
        return "Nothing changed: the sender is not the person we wrote to."
    object_to_mail(
        person=person, address=address, reason=Suppression.Reason.OBJECTED,
        words="Asked in words not to be written to.", message=message, now=got.now,
    )  # fmt: skip
    if row.from_address and row.from_address.lower() != address and message is not None:
        # An address nothing could be sent to anyway need not be kept.
        with suppress(Invalid):
            object_to_mail(
                person=None, address=row.from_address.lower(), reason=Suppression.Reason.OBJECTED,
                words="Asked in words not to be written to, from this address.", now=got.now,
            )  # fmt: skip
    return "Address suppressed, every sequence stopped: they asked for it."


def _linkedin(got: Received) -> str:
    if got.mail.linkedin is None:
        return "Nothing changed: it does not say whom it is about."
    return record_linkedin_news(row=got.row, news=got.mail.linkedin, now=got.now)


def _reply(got: Received) -> str:
    """A person answered: stop, write the fact, perhaps open a lead, and put it into somebody's queue."""
    row, mail, message, person, now = got.row, got.mail, got.message, got.person, got.now
    assert person is not None
    intent = mail.intent.intent if mail.intent else "unsure"
    said = " ".join(mail.text.split())
    activity = record_activity(
        kind=ActivityKind.REPLIED,
        at=now,
        now=now,
        person=person,
        campaign=message.campaign if message else None,
        channel=Channel.EMAIL,
        summary=f"Replied: “{said[:200]}”" if said else "Replied",
        detail={"intent": intent, "confidence": mail.intent.confidence if mail.intent else None, "mail": str(row.pk)},
        about=("inbound_mail", row.pk),
        key=f"replied:{row.pk}",
    )
    effect = ["Reply noted"]
    if got.proven is not None:
        Message.objects.filter(pk=got.proven.pk, replied_at__isnull=True).update(replied_at=now)
    stopped, enrolment = stop_for_answer(person=person, message=message, now=now)
    effect += stopped
    owner = person.owner or (enrolment.owner if enrolment is not None else None)
    lead = note_interest(activity=activity, now=now, owner=owner)
    if lead is not None:
        effect.append("lead open")
        if enrolment is not None:
            Enrolment.objects.filter(pk=enrolment.pk, lead__isnull=True).update(lead=lead)
    make_reply_task(row=row, person=person, lead=lead, owner=owner, now=now)
    if intent == "not_now" and make_again_task(row=row, person=person, lead=lead, owner=owner, now=now) is not None:
        effect.append(f"to be written to again on {row.back_on:%d %b %Y}")
    return ", ".join(effect) + "."


def _record(message: Message, kind: str, summary: str, now: datetime, *, key: str) -> None:
    record_activity(
        kind=kind, at=now, now=now, person=message.person, campaign=message.campaign, channel=Channel.EMAIL,
        hit_class="automated", summary=summary, about=("message", message.pk), key=key,
    )  # fmt: skip
