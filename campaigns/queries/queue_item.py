"""One open item of the queue: what its pane shows. What each kind needs is read for that kind only."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from django.db.models import Q

from accounts.models import Member, Workspace
from campaigns.models import Enrolment, InboundMail, Mailbox, Message, Step, StepRun, Submission
from campaigns.queries.inbox import Suggested, suggestions_of
from campaigns.queries.queue import pause_words, sla_of
from campaigns.queries.verdicts import block_of_person
from campaigns.rules.queue import POSITIVE, REPLY_WORDS, Facts, badge, in_office
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.visibility import everyone
from prospects.models import Handoff, Person, Task
from prospects.queries.activities import Timeline, timeline
from prospects.queries.panels import local_time
from prospects.queries.suppressions import suppressed_phones

K = Task.Kind
WRITES = {K.MANUAL_EMAIL, K.REPLY, K.INBOUND, K.TODO}
CALLS = {K.CALL, K.INBOUND, K.REPLY}


@dataclass(slots=True)
class Item:
    """Context `item` of the pane."""

    task: Task
    tabs: list[dict[str, str]]
    active: str
    timeline: Timeline
    clock: datetime | None = None
    sla: timedelta | None = None
    paused: str = ""
    call: dict[str, Any] = field(default_factory=dict)
    mail: dict[str, Any] = field(default_factory=dict)
    answered: InboundMail | None = None
    suggestions: list[Suggested] = field(default_factory=list)
    intent: str = ""
    submission: Submission | None = None
    run: StepRun | None = None
    following: str = ""
    handoff: Handoff | None = None
    is_open: bool = True
    badge: str = ""
    tone: str = "neutral"


def item_of(task: Task, *, member: Member, workspace: Workspace, now: datetime, posted: bool = False) -> Item:
    """What the pane of `task` needs; `task` comes with person, company, lead, handoff, owner, claimed_by, closed_by.

    `posted`: its form came back, perhaps for the second time: what could be chosen is read for a closed item too.
    """
    person = task.person
    about = task.lead if person is None else None
    facts = timeline(person=person, size=10) if person else timeline(lead=about, size=10) if about else Timeline([], "")
    item = Item(task=task, tabs=[], active="", timeline=facts, is_open=task.state == Task.State.OPEN)
    stopped = task.kind == K.INBOUND and task.lead is not None and task.lead.first_touch_at is not None
    if item.is_open and task.sla_due_at and not stopped:
        item.clock, item.sla = task.sla_due_at, sla_of(task)
        item.paused = pause_words(workspace, now) if task.sla_due_at > now else ""
    day_start = start_of_day(local_date(now, workspace.time_zone), workspace.time_zone)
    item.badge, item.tone = badge(Facts(task.pk, task.kind, task.due_at, day_start), now, workspace.time_zone)
    if task.about_type == "inbound_mail":
        item.answered = InboundMail.objects.select_related("mailbox", "message").filter(pk=task.about_id).first()
        intent = item.answered.intent if item.answered else ""
        item.suggestions = suggestions_of(item.answered) if item.answered else []
        item.intent = POSITIVE.get(intent) or REPLY_WORDS.get(intent, "")
    if task.about_type == "submission":
        item.submission = Submission.objects.select_related("form").filter(pk=task.about_id).first()
    if task.about_type == "step_run":
        _sequence(item)
    if task.kind == K.HANDOFF:
        item.handoff = task.handoff
    if person is None:
        return item
    if task.kind in CALLS:
        item.call = _call(person, now)
    if task.kind in WRITES and (item.is_open or posted):
        item.mail = _mail(item, person, member, now)
    if task.kind in WRITES & CALLS:
        item.tabs = [
            {"key": "mail", "label": "E-mail", "icon": "mail", "panel": "pane-mail"},
            {"key": "call", "label": "Call", "icon": "phone", "panel": "pane-call"},
        ]
        # Somebody without a usable address is called; else the mail is at hand, as they wrote to us.
        item.active = "call" if item.mail.get("blocked") else "mail"
    return item


def _call(person: Person, now: datetime) -> dict[str, Any]:
    there = local_time(person, now)
    return {
        "number": spoken(person.phone),
        "there": there,
        "at_work": in_office(there["at"]) if there else None,
        "suppressed": bool(person.phone) and person.phone in suppressed_phones([person.phone]),
    }


def spoken(phone: str) -> str:
    """A number as people read it out: "+351 21 555 0142"; as it stands where it cannot be read."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(phone), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return phone


def _mail(item: Item, person: Person, member: Member, now: datetime) -> dict[str, Any]:
    """Mailboxes to send from (theirs, shared ones, and the one the conversation is in), first text, and why not."""
    blocked = block_of_person(person)
    theirs = item.answered.mailbox_id if item.answered else None
    boxes = list(
        # A reply stays in its thread: it leaves the mailbox it came to.
        Mailbox.objects.filter(Q(pk=theirs) if theirs else Q(member=member) | Q(member__isnull=True))
        .exclude(state=Mailbox.State.HELD)
        .order_by("address")
    )
    if theirs is None:
        # The person knows the address that wrote to them last.
        theirs = (
            Message.objects.filter(person=person, state=Message.State.SENT, mailbox__in=[box.pk for box in boxes])
            .order_by("-submitted_at")
            .values_list("mailbox_id", flat=True)
            .first()
        )
    chosen = next((box for box in boxes if box.pk == theirs), None)
    chosen = chosen or next((box for box in boxes if box.member_id == member.pk), boxes[0] if boxes else None)
    subject, text = draft_of(item.task)
    if not subject and item.answered is not None:
        asked = item.answered.subject or (item.answered.message.subject if item.answered.message else "")
        subject = asked if asked.lower().startswith("re:") else f"Re: {asked}"
    if not subject and item.submission is not None:
        subject = f"Your request: {item.submission.form.title}"
    if not text:
        text = f"Hi {person.first_name or person.full_name},\n\n"
        if chosen is not None:
            text += f"\n\n{chosen.signature or chosen.from_name}"
    with everyone():  # a mailbox's limit counts everybody's mail
        sent = Message.objects.filter(mailbox=chosen, submitted_at__gt=now - timedelta(hours=24))
        used = sent.count() if chosen else 0
    return {
        "blocked": blocked.reason if blocked else "" if boxes else "No mailbox of yours can send. Connect one in Settings.",
        "boxes": boxes, "chosen": chosen, "used": used, "subject": subject, "text": text,
    }  # fmt: skip


def draft_of(task: Task) -> tuple[str, str]:
    """(subject, text) of a task's body; a first line "Subject: ..." is the subject."""
    if task.kind not in WRITES or not task.body:
        return "", ""
    head, _, rest = task.body.partition("\n")
    if head.startswith("Subject: "):
        return head.removeprefix("Subject: ").strip(), rest.strip("\n")
    return "", task.body


def _sequence(item: Item) -> None:
    """The step the task is, and in words what comes after it."""
    item.run = (
        StepRun.objects.select_related("step", "enrolment", "enrolment__sequence").filter(pk=item.task.about_id).first()
    )
    if item.run is None:
        return
    enrolment = item.run.enrolment
    if enrolment.state not in {Enrolment.State.ACTIVE, Enrolment.State.PAUSED}:
        item.following = f"{enrolment.sequence.name} {enrolment.get_state_display().lower()}: {enrolment.reason}"
        return
    step = (
        Step.objects.filter(version=enrolment.version_id, position__gt=item.run.step.position)
        .order_by("position")
        .first()
    )
    if step is None:
        item.following = f"Last step of {enrolment.sequence.name}"
        return
    days, hours = step.delay_days, step.delay_hours
    wait = f"{days} {'business ' if step.business_days else ''}day{'s' if days != 1 else ''} later" if days else ""
    wait = wait or (f"{hours} h later" if hours else "at once")
    item.following = f"Next: {step.get_kind_display()}, {wait}"
