"""Mailboxes, sequences and enrolments. Call inside `workspace_scope`."""

from datetime import datetime, time
from typing import Any

from accounts.models import Member
from campaigns.actions.freshness import vouch_read
from campaigns.models import Enrolment, Mailbox, Sequence, SequenceMailbox, SequenceVersion, Step
from prospects.models import Campaign, Person
from tests.conftest import NOW

ALWAYS = {"window_start": time(0), "window_end": time(0), "weekdays": [0, 1, 2, 3, 4, 5, 6]}


def make_mailbox(port: int = 2525, **fields: Any) -> Mailbox:
    """A mailbox on loopback without caps that a test would notice."""
    values: dict[str, Any] = {
        "address": "sam@acme.example",
        "from_name": "Sam Seller",
        "host": "127.0.0.1",
        "port": port,
        "security": Mailbox.Security.NONE,
        "daily_cap": 1000,
        "min_gap_seconds": 0,
        "created_at": NOW,
    }
    return Mailbox.objects.create(**(values | fields))


def make_sequence(
    steps: list[dict[str, Any]], *, mailbox: Mailbox | None, campaign: Campaign | None = None, **fields: Any
) -> SequenceVersion:
    """An active sequence with one published version; its window is always open unless `fields` say otherwise."""
    campaign = campaign or Campaign.objects.create(
        name=f"Campaign {Campaign.objects.count() + 1}", state=Campaign.State.ACTIVE, channel="email", created_at=NOW
    )
    values = {"name": f"Sequence {Sequence.objects.count() + 1}", "state": Sequence.State.ACTIVE, "created_at": NOW}
    sequence = Sequence.objects.create(campaign=campaign, **(values | ALWAYS | fields))
    if mailbox:
        SequenceMailbox.objects.create(sequence=sequence, mailbox=mailbox)
    version = SequenceVersion.objects.create(sequence=sequence, number=1, created_at=NOW, published_at=NOW)
    for position, step in enumerate(steps, start=1):
        Step.objects.create(version=version, position=position, **({"business_days": False} | step))
    return version


def make_enrolment(
    version: SequenceVersion,
    person: Person,
    *,
    mailbox: Mailbox | None,
    owner: Member | None = None,
    at: datetime = NOW,
) -> Enrolment:
    """A person just enrolled: the first step is due at once."""
    return Enrolment.objects.create(
        sequence=version.sequence,
        version=version,
        person=person,
        mailbox=mailbox,
        owner=owner,
        next_at=at,
        enrolled_at=at,
    )


EMAIL = {
    "kind": Step.Kind.EMAIL,
    "subject": "A question, {{ person.first_name }}",
    "body": "Hi {{ person.first_name }},\n\nMay I ask?",
}
FOLLOW_UP = {"kind": Step.Kind.EMAIL, "delay_days": 2, "body": "Hi {{ person.first_name }}, did you see my note?"}
REQUEST = {"kind": Step.Kind.LINKEDIN_REQUEST, "delay_days": 1, "body": "Hello {{ person.first_name }}"}


def vouch(at: datetime, *mailboxes: Mailbox) -> None:
    """What a gateway's heartbeat at `at` does: the answers of these mailboxes (of all, where none is named) are read."""
    for mailbox in mailboxes or Mailbox.objects.all():
        vouch_read(mailbox_id=mailbox.pk, complete_to=at, now=at)
