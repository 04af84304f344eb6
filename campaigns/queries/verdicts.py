"""The last look before a mail leaves: may it go now, must it wait, or never? Every answer is a reason in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from campaigns.models import Enrolment, Mailbox, Message, Sequence
from campaigns.queries.domains import cold_hold
from campaigns.queries.freshness import stale_reason
from campaigns.queries.looks import Clock
from campaigns.queries.mail import zone_for
from prospects.models import Campaign, Person, Suppression
from prospects.queries.suppressions import suppressions_of


class VerdictKind(StrEnum):
    GO = "go"
    HOLD = "hold"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`until` is when a held message is looked at again (None: in a quarter of an hour); `code` is stable for programs."""

    kind: VerdictKind
    code: str = ""
    reason: str = ""
    until: datetime | None = None

    GO: ClassVar[VerdictKind] = VerdictKind.GO
    HOLD: ClassVar[VerdictKind] = VerdictKind.HOLD
    BLOCK: ClassVar[VerdictKind] = VerdictKind.BLOCK


def block_of_person(
    person: Person | None, *, address: str = "", suppressed: Mapping[str, Suppression] | None = None
) -> Verdict | None:
    """Why this person must not get e-mail, or None. The same answer at enrolment and at the point of no return.

    `suppressed` are suppressions read already in this transaction, for a batch; without it the address is looked up.
    """
    if person is None:
        return Verdict(VerdictKind.BLOCK, "person_gone", "The person was deleted.")
    email = address or person.email
    if not person.email:
        return Verdict(VerdictKind.BLOCK, "no_address", "No e-mail address.")
    if address and person.email != address:
        return Verdict(
            VerdictKind.BLOCK, "address_changed", "The person's e-mail address changed after this was written."
        )
    hit = (suppressions_of([email]) if suppressed is None else suppressed).get(email)
    if hit:
        words = f"Suppressed: {hit.get_reason_display().lower()} on {hit.at:%d %b %Y}."
        return Verdict(VerdictKind.BLOCK, "suppressed", words)
    if person.email_status in {Person.EmailStatus.BOUNCED, Person.EmailStatus.INVALID}:
        why = person.email_status_reason or person.get_email_status_display().lower()
        return Verdict(VerdictKind.BLOCK, "address_bad", f"The address does not work: {why}.")
    return None


def verdict_of(
    *,
    message: Message,
    enrolment: Enrolment | None,
    mailbox: Mailbox,
    room: int,
    free_at: datetime | None,
    now: datetime,
    suppressed: Mapping[str, Suppression] | None = None,
    clock: Clock | None = None,
    room_words: str = "",
    room_code: str = "",
    follow_up: bool | None = None,
    cold: str | None = None,
) -> Verdict:
    """Look at everything that may have changed since the message was planned. Rows of enrolment and mailbox are locked, or
    this is a batch's first look; that one brings what it read for all: suppressions, its clock, whether this person was
    written to before (`follow_up`), why cold mail waits here (`cold`)."""
    if enrolment is not None:
        person: Person | None = enrolment.person  # read with the lock, in this transaction
    else:
        person = Person.objects.select_related("company").filter(pk=message.person_id).first()
    blocked = block_of_person(person, address=message.to_address, suppressed=suppressed)
    if blocked:
        return blocked
    assert person is not None
    if message.enrolment_id and enrolment is not None:
        if enrolment.state in {Enrolment.State.STOPPED, Enrolment.State.FINISHED}:
            return Verdict(VerdictKind.BLOCK, "stopped", f"The sequence was stopped: {enrolment.reason or 'it ended'}")
        held = held_by_sequence(enrolment.sequence, enrolment)
        if held:
            return held
        name = person.first_name or person.full_name
        zone = zone_for(person, enrolment.workspace)
        slot = (clock or Clock(now)).next_slot(zone=zone, sequence=enrolment.sequence, name=name)
        if slot.at > now:
            return Verdict(VerdictKind.HOLD, "window", f"Held: {slot.reason}", slot.at)
    if not mailbox.sends:
        words = f"Held: mailbox {mailbox.address} is {mailbox.get_state_display().lower()}: {mailbox.state_reason}"
        return Verdict(VerdictKind.HOLD, "mailbox", room_words or words, free_at)
    if message.kind == Message.Kind.STEP:
        primary = cold_hold(mailbox) if cold is None else cold
        if primary:
            return Verdict(VerdictKind.HOLD, "primary_domain", primary)
    unread = stale_reason(mailbox, message, now, follow_up=follow_up)
    if unread:
        return Verdict(VerdictKind.HOLD, "unread", unread)
    if room <= 0:
        words = room_words or f"Held: {mailbox.address} waits for room"
        return Verdict(VerdictKind.HOLD, room_code or "cap", words, free_at)
    return Verdict(VerdictKind.GO)


def held_by_sequence(sequence: Sequence, enrolment: Enrolment | None) -> Verdict | None:
    """Whether enrolment, sequence or campaign is paused (hold), or the campaign is over for good (block)."""
    if enrolment is not None and enrolment.state == Enrolment.State.PAUSED:
        return Verdict(VerdictKind.HOLD, "enrolment_paused", f"Held: this person is paused: {enrolment.reason}")
    if sequence.state != Sequence.State.ACTIVE:
        why = f": {sequence.pause_reason}" if sequence.pause_reason else ""
        return Verdict(
            VerdictKind.HOLD,
            "sequence_paused",
            f"Held: sequence {sequence.name} is {sequence.get_state_display().lower()}{why}",
        )
    campaign = sequence.campaign
    if campaign.state == Campaign.State.ENDED:
        return Verdict(VerdictKind.BLOCK, "campaign_ended", f"Campaign {campaign.name} has ended.")
    if campaign.state != Campaign.State.ACTIVE:
        why = f": {campaign.pause_reason}" if campaign.pause_reason else ""
        return Verdict(
            VerdictKind.HOLD,
            "campaign_paused",
            f"Held: campaign {campaign.name} is {campaign.get_state_display().lower()}{why}",
        )
    return None
