"""What an SDR does from the queue: open an item, log a call, do a LinkedIn touch, close, take back.

The base actions of tasks lie in prospects; here stands what also moves sequences, leads and suppressions. Whoever acts
on an item a colleague has claimed is refused in words: two people never work on one person at once.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from accounts.actions.audit import Actor
from campaigns.actions.linkedin import RESULTS, record_news
from campaigns.actions.steps import stop_enrolment
from campaigns.models import Enrolment, InboundMail, StepRun
from leadgen.core.errors import Conflict, Invalid, Refused
from prospects.actions.activities import record_activity
from prospects.actions.leads import mark_seen, note_interest
from prospects.actions.people import update_person
from prospects.actions.phone_outcomes import record_phone_outcome
from prospects.actions.suppressions import suppress
from prospects.actions.tasks import claim_task, complete_task, skip_task
from prospects.models import ActivityKind, Channel, Person, Suppression, Task
from prospects.models.locks import lock_row
from prospects.queries.leads import open_lead_of
from prospects.rules.phone_outcomes import STATES

K = Task.Kind
INSIDE = (Enrolment.State.ACTIVE, Enrolment.State.PAUSED)
# What an integrator may correct on an open task.
CHANGEABLE = ("title", "reason", "body", "due_at", "sla_due_at")
UNDO_SECONDS = 8  # what the notice offers, and how long the server holds a mail
UNDO_GRACE = timedelta(seconds=60)  # a click on the notice's last moment, over a slow line

# outcome -> (words, what it means for the sequence); the order is that of the keys 1 to 7.
CALL_OUTCOMES: dict[str, str] = {
    "connected_positive": "Interested",
    "connected_negative": "Not interested",
    "callback": "Call back",
    "voicemail": "Voicemail",
    "no_answer": "No answer",
    "wrong_number": "Wrong number",
    "do_not_call": "Do not call",
}
STOPS = {
    "connected_positive": "They answered the phone and are interested.",
    "connected_negative": "They said no on the phone.",
    "do_not_call": "They asked not to be called.",
}
# What the pane of a LinkedIn task offers.
LINKEDIN_NEWS = {name: RESULTS[name] for name in ("accepted", "interested", "declined")}


def open_item(*, task: Task, by: Actor, now: datetime) -> str:
    """Somebody looks at an item: nobody's item becomes theirs for three minutes, a new lead counts as seen.

    Returns '' or who is working on it. Looking never fails.
    """
    if task.state != Task.State.OPEN or by.member is None:
        return ""
    Task.objects.filter(state=Task.State.OPEN, owner__isnull=True, claimed_by=by.member).exclude(pk=task.pk).update(
        claimed_by=None, claimed_until=None
    )
    if task.lead is not None:
        mark_seen(lead=task.lead, by=by, now=now)
    if task.owner_id is not None:
        return claimed_by_other(task, by, now)
    try:
        claim_task(by=by, now=now, task=task)
    except Conflict as error:
        return error.message
    return ""


def claimed_by_other(task: Task, by: Actor, now: datetime) -> str:
    """ "Ana is working on this right now." where a colleague's claim runs, else ''."""
    free = task.claimed_until is None or task.claimed_until <= now or task.claimed_by_id is None
    if free or (by.member is not None and task.claimed_by_id == by.member.pk):
        return ""
    return f"{task.claimed_by} is working on this right now."


def finish_item(*, task: Task, by: Actor, now: datetime, outcome: str = "", note: str = "") -> Task:
    """Close a to-do, an inbound lead or a mail that needs none. Calls and LinkedIn touches have their own verbs."""
    if task.kind in {K.CALL, K.LINKEDIN_REQUEST, K.LINKEDIN_MESSAGE, K.HANDOFF}:
        raise Invalid("Say how it went first.", field="outcome")
    task = take_item(task, by, now)
    complete_task(by=by, now=now, task=task, outcome=outcome, note=note, kind=ActivityKind.TASK)
    mail_done(task, by, now)
    return task


def log_call(
    *, task: Task, by: Actor, now: datetime, outcome: str, note: str = "", callback_at: datetime | None = None
) -> Task:
    """A call was made. Closes the task, except a call-back, which comes again when they asked for it.

    Interest opens a lead and ends the sequence, as a reply would; a refusal ends it too; "do not call" suppresses the
    number; a wrong number is taken off the person. Raises Invalid for an outcome that does not exist.
    """
    if outcome not in CALL_OUTCOMES:
        raise Invalid("Say how the call went: 1 to 7.", field="outcome")
    if outcome == "callback" and (callback_at is None or callback_at <= now):
        raise Invalid("Say when to call back: a time in the future.", field="callback_at")
    task = take_item(task, by, now)
    person, phone = task.person, task.person.phone if task.person else ""
    summary = f"Called: {CALL_OUTCOMES[outcome].lower()}{f'. {note.strip()}' if note.strip() else ''}"
    if outcome == "callback":
        _fact(task, ActivityKind.CALLED, summary, by, now, outcome=outcome, note=note, channel=Channel.PHONE)
        assert callback_at is not None
        task.due_at, task.snoozed_until, task.note = callback_at, callback_at, note.strip()
        task.reason = "They asked to be called back"
        task.claimed_by, task.claimed_until = None, None
        if task.owner_id is None:
            task.owner = by.member
        task.save(update_fields=["due_at", "snoozed_until", "note", "reason", "claimed_by", "claimed_until", "owner"])
        return task
    complete_task(by=by, now=now, task=task, outcome=outcome, note=note, kind=ActivityKind.CALLED, summary=summary)
    if person is None:
        return task
    if outcome == "connected_positive":
        fact: Any = task
        note_interest(activity=fact.fact, now=now, by=by, owner=task.owner or by.member)
    if phone:
        record_phone_outcome(person=person, number=phone, state=STATES[outcome], by=by, now=now)
    if outcome == "do_not_call" and phone:
        _suppress_phone(person, phone, note=note, by=by, now=now)
    if outcome in STOPS:
        stop_sequence_of(person, reason=STOPS[outcome], by_type="call", by=by, now=now)
    return task


def log_linkedin(*, task: Task, by: Actor, now: datetime, sent: bool, note: str = "") -> Task:
    """A request or message went out, or could not: only what went out is a touch."""
    if task.kind not in {K.LINKEDIN_REQUEST, K.LINKEDIN_MESSAGE}:
        raise Invalid("This is no LinkedIn task.", field="outcome")
    task = take_item(task, by, now)
    if not sent:
        words = f"Could not: {task.title}{f'. {note.strip()}' if note.strip() else ''}"
        return complete_task(
            by=by, now=now, task=task, outcome="could_not", note=note, kind=ActivityKind.TASK, summary=words
        )
    complete_task(by=by, now=now, task=task, outcome="sent", note=note)
    if task.kind == K.LINKEDIN_REQUEST and task.person is not None and task.person.linkedin_status == "":
        Person.objects.filter(pk=task.person.pk).update(linkedin_status="requested")
    return task


def note_linkedin(*, person: Person, news: str, by: Actor, now: datetime) -> None:
    """They accepted or answered on LinkedIn, as somebody saw there. An answer ends the sequence, as an e-mail would."""
    if news not in LINKEDIN_NEWS:
        raise Invalid(f"Choose one of: {', '.join(LINKEDIN_NEWS)}.", field="news")
    record_news(person=person, result=news, by=by, now=now)


def skip_item(*, task: Task, by: Actor, now: datetime, note: str = "") -> Task:
    """Not done, and not to be done."""
    if task.kind == K.HANDOFF:
        raise Invalid("A hand-off is accepted or rejected, never skipped.", field="do")
    task = take_item(task, by, now)
    skip_task(by=by, now=now, task=task, note=note)
    mail_done(task, by, now)
    return task


def stop_sequence_of(person: Person, *, reason: str, by_type: str, by: Actor, now: datetime) -> bool:
    """End the enrolment a person is in, if any."""
    inside = Enrolment.objects.select_related("sequence", "person", "lead").filter(person=person, state__in=INSIDE)
    return any(
        stop_enrolment(enrolment=row, reason=reason, by_type=by_type, now=now, by=by) for row in inside
    )  # at most one: enrolment_exclusive


def may_reopen(task: Task) -> bool:
    """Whether closing it left nothing outside of the queue: what was skipped, and what was only ticked off."""
    if task.state == Task.State.SKIPPED:
        return True
    ticked = {K.TODO, K.INBOUND, K.REPLY, K.MANUAL_EMAIL}
    return task.state == Task.State.DONE and task.kind in ticked and task.outcome in {"", "done", "no_answer_needed"}


def reopen_task(*, task: Task, by: Actor, now: datetime, mail: bool = False) -> Task:
    """Take back a closing a moment ago; the timeline keeps both. Reopening twice is once.

    Only what `may_reopen` says, or (`mail`) a task whose mail was taken back before it left. A sequence that waited for
    it waits again; Conflict where it has gone on.
    """
    task = lock_row(task, "person", "company", "lead", "deal", "campaign", "owner", "closed_by")
    if task.state == Task.State.OPEN:
        return task
    if by.member is None or task.closed_by_id != by.member.pk:
        raise Refused("Only who closed it can take it back.", code="not_yours")
    if task.closed_at is None or now - task.closed_at > UNDO_GRACE:
        raise Conflict("Too late to take it back. Make a new task.", code="too_late")
    if not mail and not may_reopen(task):
        raise Conflict("What was done cannot be taken back. Add a note that corrects it.", code="not_undoable")
    if task.about_type == "step_run":
        _rewind(task)
    task.state, task.outcome, task.closed_at, task.closed_by = Task.State.OPEN, "", None, None
    task.save(update_fields=["state", "outcome", "closed_at", "closed_by", "body"])
    if task.about_type == "inbound_mail":
        InboundMail.objects.filter(pk=task.about_id, done_by=by.member).update(done_at=None, done_by=None)
    _fact(task, ActivityKind.TASK, f"Taken back: {task.title}", by, now, outcome="", note="")
    return task


def _rewind(task: Task) -> None:
    """The step waits for its task again, unless its enrolment began the next one. Step run first, then enrolment: the
    order in which the dispatcher writes them."""
    run = StepRun.objects.select_for_update(of=("self",)).select_related("step").filter(pk=task.about_id).first()
    if run is None:
        return
    enrolment = Enrolment.objects.select_for_update(of=("self",), no_key=True).get(pk=run.enrolment_id)
    if enrolment.state not in INSIDE or enrolment.position != run.step.position:
        raise Conflict("The sequence has gone on already.", code="too_late")
    if run.done_at is not None:
        run.done_at, run.outcome = None, ""
        run.save(update_fields=["done_at", "outcome"])
        enrolment.next_at, enrolment.wait_reason = (
            None,
            f"Waits for {task.owner or 'somebody'}: {task.get_kind_display()}",
        )
        enrolment.save(update_fields=["next_at", "wait_reason"])


def _suppress_phone(person: Person, phone: str, *, note: str, by: Actor, now: datetime) -> None:
    """Never call this number again; one that cannot be read as a number is taken off the person, which does the same."""
    try:
        suppress(
            by=by, now=now, kind=Suppression.Kind.PHONE, value=phone, reason=Suppression.Reason.OBJECTED,
            note=note or "Asked on the phone not to be called.",
        )  # fmt: skip
    except Invalid:
        update_person(by=by, now=now, person=person, changes={"phone": ""})


def take_item(task: Task, by: Actor, now: datetime) -> Task:
    """Lock the task and refuse where a colleague works on it. What the task knows of its lead is completed."""
    task = lock_row(task, "person", "person__company", "company", "lead", "deal", "campaign", "owner", "claimed_by", "closed_by")  # fmt: skip
    other = claimed_by_other(task, by, now)
    if other and task.state == Task.State.OPEN:
        raise Conflict(other, code="claimed")
    if task.state != Task.State.OPEN:
        who = f" by {task.closed_by}" if task.closed_by else ""
        raise Conflict(f"This task was {task.get_state_display().lower()}{who} already.", code="closed")
    if task.lead is None and task.person is not None:
        # A call to somebody whose lead opened after the task was made is a touch of that lead.
        task.lead = open_lead_of(task.person)
    return task


def _fact(
    task: Task, kind: str, summary: str, by: Actor, now: datetime, *, outcome: str, note: str, channel: str = ""
) -> None:
    record_activity(
        kind=kind, at=now, now=now, by=by, summary=summary, person=task.person, company=task.company, lead=task.lead,
        deal=task.deal, campaign=task.campaign, channel=channel,
        about=(task.about_type, task.about_id) if task.about_id else None,
        detail={"task": str(task.pk), "outcome": outcome, "text": note.strip()},
    )  # fmt: skip


def mail_done(task: Task, by: Actor, now: datetime) -> None:
    """The mail a closed reply task is about needs nothing more, in the inbox too."""
    if task.about_type == "inbound_mail":
        InboundMail.objects.filter(pk=task.about_id, done_at__isnull=True).update(done_at=now, done_by=by.member)


def change_task(*, task: Task, changes: Mapping[str, Any], by: Actor, now: datetime) -> Task:
    """Correct an open task (CHANGEABLE; other keys are left as they are). Conflict where it is closed."""
    task = take_item(task, by, now)
    wanted = {name: value for name, value in changes.items() if name in CHANGEABLE and getattr(task, name) != value}
    if "title" in wanted and not wanted["title"].strip():
        raise Invalid("Say what is to be done.", field="title")
    for name, value in wanted.items():
        setattr(task, name, value)
    if wanted:
        task.save(update_fields=list(wanted))
    return task
