"""States of a mailbox: warming up by evidence, active, resting until a day, held with a reason; by a person or by itself.

- warming: sends, under the ramp's cap (`ramp_cap`); weighed once in 24 hours until it reaches the daily cap.
- active: sends, under the daily cap.
- resting: sends nothing until an instant (`free_at`), then goes on by itself.
- held: sends nothing until a person releases it; `state_code` says what held it.

Mail that waits says why. A block by policy or too many bounces hold the mailbox, never the person.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.models import Workspace
from campaigns.actions.pacing import explain_waiting, forget_reasons, gap_of, has_gap, state_words
from campaigns.actions.steps import mark_mailbox
from campaigns.models import Mailbox
from campaigns.models.locks import lock_mailbox
from campaigns.models.mailboxes import MailboxState
from campaigns.queries.pace import bounce_rates, evidence_of
from campaigns.rules import pacing
from leadgen.core.errors import Invalid, Refused
from prospects.actions.tasks import cancel_tasks, create_task
from prospects.models import Task

State = MailboxState
MAX_REST = timedelta(days=366)
RELEASED = "released"  # state_code of a mailbox let go after a hold for bounces: they are counted from then on
PERSON = "person"
SENDING = [State.WARMING, State.ACTIVE]


def begin_ramp(*, mailbox: Mailbox, now: datetime) -> None:
    """A new mailbox starts at RAMP_START a day. Sets fields only; the caller saves. One that may send fewer needs no ramp."""
    if mailbox.daily_cap <= pacing.RAMP_START:
        mailbox.state, mailbox.ramp_cap = State.ACTIVE, None
        return
    mailbox.state, mailbox.state_at = State.WARMING, now
    mailbox.ramp_cap, mailbox.ramped_at = pacing.RAMP_START, now
    mailbox.ramp_reason = f"begins with {pacing.RAMP_START} a day"


def hold_mailbox(*, mailbox: Mailbox, reason: str, by: Actor, now: datetime, code: str = PERSON) -> bool:
    """Nothing more is sent from it until somebody releases it. False: it was held already, with the older reason.

    `code`: person, log_in, bounces, policy, oauth, domain. What holds by itself leaves a task for the mailbox's owner.
    """
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise Invalid("Say why it is held; everybody who waits for it reads this.", field="reason")
    if not _set_state(mailbox, State.HELD, by=by, now=now, code=code, reason=reason, unless=[State.HELD]):
        return False
    explain_waiting(mailbox, words=state_words(mailbox), now=now)
    if by.member is None:
        _tell_owner(mailbox, reason, now)
    return True


def rest_mailbox(*, mailbox: Mailbox, until: datetime, by: Actor, now: datetime, reason: str = "") -> bool:
    """Nothing is sent from it until `until`, then it goes on by itself. Raises Refused where it is held."""
    if not now < until <= now + MAX_REST:
        raise Invalid("Choose a time in the future, within a year.", field="until")
    if mailbox.state == State.HELD:
        raise Refused("It is held, which is more than resting. Release it first.", code="held")
    words = " ".join(reason.split())[:200]
    if not _set_state(mailbox, State.RESTING, by=by, now=now, code=PERSON if by.member else "system", reason=words,
                      unless=[State.HELD], until=until):  # fmt: skip
        return False
    at = pacing.clock_words(until, now=now, zone=zone_of(mailbox))
    explain_waiting(mailbox, words=state_words(mailbox, f", goes {at}"), now=now)
    return True


def release_mailbox(*, mailbox: Mailbox, by: Actor, now: datetime) -> bool:
    """Send again, after a hold or before a rest is over; what waited goes as caps and windows allow."""
    code = RELEASED if mailbox.state_code == "bounces" else ""
    if not _set_state(mailbox, _sending_state(mailbox), by=by, now=now, code=code, reason="", unless=SENDING):
        return False
    Mailbox.objects.filter(pk=mailbox.pk).update(last_error="")
    mailbox.last_error = ""
    told = Task.objects.filter(external_id__startswith=_task_key(mailbox))
    cancel_tasks(by=by, now=now, tasks=told, reason="The mailbox sends again.")
    forget_reasons(mailbox, now=now)
    mark_mailbox(mailbox.pk, now)
    return True


def end_ramp(*, mailbox: Mailbox, reason: str, by: Actor, now: datetime) -> bool:
    """It is warmed up already, says a person and says why; from now on the daily cap alone counts. False: no ramp."""
    reason = " ".join(reason.split())
    if not reason:
        raise Invalid("Say how you know that it is warmed up; it stands in the audit log.", field="reason")
    mailbox = _fresh(mailbox)
    if mailbox.ramp_cap is None:
        return False
    was, mailbox.ramp_cap = mailbox.ramp_cap, None
    mailbox.ramp_reason = f"warmed up elsewhere: {reason}"[:300]
    mailbox.state = State.ACTIVE if mailbox.state == State.WARMING else mailbox.state
    mailbox.save(update_fields=["ramp_cap", "ramp_reason", "state"])
    detail = {"reason": reason[:300], "cap_was": was, "cap": mailbox.daily_cap}
    write_audit(by=by, action="mailbox.ramp_ended", now=now, target=mailbox, detail=detail)
    mark_mailbox(mailbox.pk, now)
    return True


def start_ramp(*, mailbox: Mailbox, by: Actor, now: datetime) -> bool:
    """Warm it up from RAMP_START again, as after a long rest. False: there is nothing to ramp."""
    mailbox = _fresh(mailbox)
    if mailbox.ramp_cap == pacing.RAMP_START or mailbox.daily_cap <= pacing.RAMP_START:
        return False
    state = mailbox.state
    begin_ramp(mailbox=mailbox, now=now)
    if state not in SENDING:
        mailbox.state = state
    mailbox.save(update_fields=["ramp_cap", "ramped_at", "ramp_reason", "state", "state_at"])
    write_audit(by=by, action="mailbox.ramp_started", now=now, target=mailbox, detail={"cap": mailbox.ramp_cap})
    return True


def pace_changed(*, mailbox: Mailbox, changed: set[str], now: datetime) -> None:
    """After new caps, gaps or windows: the gap that runs is drawn anew, and mail that waited for the old pace looks again."""
    if {"min_gap_seconds", "gap_jitter_seconds"} & changed and mailbox.state != State.RESTING:
        last = mailbox.last_submitted_at
        free = last + gap_of(mailbox, mailbox.submissions - 1) if last and has_gap(mailbox) else None
        Mailbox.objects.filter(pk=mailbox.pk).exclude(state=State.RESTING).update(free_at=free)
    if "daily_cap" in changed and mailbox.ramp_cap is not None and mailbox.daily_cap <= pacing.RAMP_START:
        Mailbox.objects.filter(pk=mailbox.pk).update(ramp_cap=None)
        Mailbox.objects.filter(pk=mailbox.pk, state=State.WARMING).update(state=State.ACTIVE)
    mark_mailbox(mailbox.pk, now)


def check_health(*, mailbox_id: UUID, kind: str, words: str, now: datetime) -> bool:
    """A bounce or refusal of `kind` (hard, soft, policy) was recorded: hold the mailbox if it has to be. Did it?"""
    if kind == "policy":
        return _hold_by_itself(mailbox_id, "policy", f"A server refused mail by policy: {words}", now)
    if kind != "hard":
        return False
    mailbox = Mailbox.objects.get(pk=mailbox_id)
    since = mailbox.state_at if mailbox.state_code == RELEASED else None
    rate = bounce_rates([mailbox_id], since=since)[mailbox_id]
    if not rate.is_too_high:
        return False
    after = " since it was released" if since else ""
    return _hold_by_itself(mailbox_id, "bounces", f"{rate}{after}: clean the list first", now)


def rest_for_quota(*, mailbox_id: UUID, words: str, now: datetime) -> bool:
    """The provider says that this mailbox has sent its own limit: rest for a day. False: the words say something else."""
    if not pacing.is_quota(words):
        return False
    mailbox = Mailbox.objects.get(pk=mailbox_id)
    if mailbox.sends:
        reason = f"the provider’s own limit is reached: {words}"
        rest_mailbox(mailbox=mailbox, until=now + pacing.DAY, by=SYSTEM, now=now, reason=reason)
    return True


def look_after_mailboxes(*, now: datetime) -> int:
    """Once a minute in each workspace: end rests, weigh ramps, tell mail that fell due why it waits. Returns changes."""
    return end_rests(now=now) + weigh_ramps(now=now) + _explain_held(now)


def end_rests(*, now: datetime) -> int:
    """Mailboxes whose rest is over go on. In the caller's transaction."""
    rows = list(Mailbox.objects.filter(state=State.RESTING).filter(Q(free_at__lte=now) | Q(free_at__isnull=True)))
    return sum(release_mailbox(mailbox=mailbox, by=SYSTEM, now=now) for mailbox in rows)


def weigh_ramps(*, now: datetime) -> int:
    """Weigh each warming mailbox whose last weighing is 24 hours old. Returns how many. In the caller's transaction."""
    due = Q(ramped_at__lte=now - pacing.DAY) | Q(ramped_at__isnull=True)
    ids = list(Mailbox.objects.filter(due, state=State.WARMING).order_by("pk").values_list("pk", flat=True))
    return sum(_weigh(mailbox_id, now) for mailbox_id in ids)


def _weigh(mailbox_id: UUID, now: datetime) -> bool:
    mailbox = lock_mailbox(mailbox_id)
    since = mailbox.ramped_at or mailbox.created_at
    if mailbox.state != State.WARMING or (mailbox.ramped_at and since > now - pacing.DAY):
        return False
    evidence = evidence_of(mailbox, since=since, now=now)
    was = mailbox.cap
    step = pacing.ramp(cap=was, target=mailbox.daily_cap, evidence=evidence)
    mailbox.ramp_cap, mailbox.ramped_at, mailbox.ramp_reason = step.cap, now, step.words[:300]
    if step.is_done:
        mailbox.ramp_cap, mailbox.state = None, State.ACTIVE
    mailbox.save(update_fields=["ramp_cap", "ramped_at", "ramp_reason", "state"])
    if step.cap != was or step.is_done:
        detail = {"from": was, "to": step.cap, "reason": step.words, "done": step.is_done}
        write_audit(by=SYSTEM, action="mailbox.ramped", now=now, target=mailbox, detail=detail)
        mark_mailbox(mailbox.pk, now)
    return True


def _explain_held(now: datetime) -> int:
    rows = Mailbox.objects.exclude(state__in=SENDING)
    zone = ""
    count = 0
    for mailbox in rows:
        until = ""
        if mailbox.state == State.RESTING and mailbox.free_at:
            zone = zone or zone_of(mailbox)
            until = f", goes {pacing.clock_words(mailbox.free_at, now=now, zone=mailbox.time_zone or zone)}"
        count += explain_waiting(mailbox, words=state_words(mailbox, until), now=now)
    return count


def zone_of(mailbox: Mailbox) -> str:
    """The zone of its window and of the times told about it."""
    return mailbox.time_zone or Workspace.objects.get(pk=mailbox.workspace_id).time_zone


def _sending_state(mailbox: Mailbox) -> str:
    return State.ACTIVE if mailbox.ramp_cap is None else State.WARMING


def _hold_by_itself(mailbox_id: UUID, code: str, reason: str, now: datetime) -> bool:
    mailbox = Mailbox.objects.filter(pk=mailbox_id).exclude(state=State.HELD).select_related("member").first()
    return mailbox is not None and hold_mailbox(mailbox=mailbox, reason=reason, by=SYSTEM, now=now, code=code)


def _set_state(
    mailbox: Mailbox, state: str, *, by: Actor, now: datetime, code: str, reason: str, unless: list[MailboxState],
    until: datetime | None = None,
) -> bool:  # fmt: skip
    """Change the state unless it is one of `unless`; `mailbox` is read anew either way."""
    # A rest's end stands where the gap's end stands otherwise; the gap is over long before any rest is.
    changed = (
        Mailbox.objects.filter(pk=mailbox.pk)
        .exclude(state__in=unless)
        .update(state=state, state_code=code, state_reason=reason, state_at=now, free_at=until)
    )
    mailbox.refresh_from_db()
    if not changed:
        return False
    detail = {"reason": reason, "code": code} | ({"until": until.isoformat()} if until else {})
    write_audit(by=by, action=f"mailbox.{state}", now=now, target=mailbox, detail=detail)
    return True


def _fresh(mailbox: Mailbox) -> Mailbox:
    """Locked, and the caller's object brought up to date by what is saved through it."""
    lock_mailbox(mailbox.pk)
    mailbox.refresh_from_db()
    return mailbox


def _task_key(mailbox: Mailbox) -> str:
    return f"mailbox-held:{mailbox.pk}:"


def _tell_owner(mailbox: Mailbox, reason: str, now: datetime) -> None:
    """A task for whose mailbox it is (nobody's: for anybody); closed by the release."""
    owner = mailbox.member if mailbox.member and mailbox.member.is_active else None
    create_task(
        by=SYSTEM, now=now, kind=Task.Kind.TODO, title=f"Mailbox {mailbox.address} is held"[:200], reason=reason,
        body="Look at why, then release it under Settings, Mailboxes. What is planned waits until then.", due_at=now,
        owner=owner, external_id=f"{_task_key(mailbox)}{now:%Y%m%d%H%M%S%f}",
    )  # fmt: skip
