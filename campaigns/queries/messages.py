"""Messages by state, and what happened to one after it was sent."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from campaigns.models import InboundMail, Message, TrackedLink
from campaigns.rules import copies

ORDERS = ("created_at", "due_at", "sent_at")
NULLABLE = ("sent_at",)
# Proof met a mail that was sent again: its row says what is known of both copies.
PROVEN = (copies.SECOND_STOPPED, copies.SECOND_NOT_SENT, copies.SECOND_OUT, copies.ONE_OF_TWO, copies.TWICE)
# One line a state, for those who read the word for the first time.
STATE_HELP: dict[str, str] = {
    Message.State.PLANNED: "Written, not handed over yet: it waits for its time, or is held with the reason beside it.",
    Message.State.SENT: "The server accepted it, or evidence proved later that it had.",
    Message.State.BLOCKED: "Never handed over, for a reason that will not go away.",
    Message.State.FAILED: "Refused by the server in words, or it could not be written.",
    Message.State.UNKNOWN: "Handed over, and the server's answer was lost. Never sent again by itself.",
}
TONES: dict[str, str] = {
    Message.State.PLANNED: "neutral",
    Message.State.SENT: "success",
    Message.State.BLOCKED: "neutral",
    Message.State.FAILED: "danger",
    Message.State.UNKNOWN: "info",
}


def balance(**filters: Any) -> dict[str, int]:
    """Messages by state, and `all`: the five add up to it at any moment, for one statement counts them all."""
    states = {state: Count("id", filter=Q(state=state)) for state in Message.State.values}
    return Message.objects.filter(**filters).aggregate(all=Count("id"), **states)


def balance_rows(counts: dict[str, int]) -> list[dict[str, Any]]:
    """A balance for the page: one entry a state {state, label, count, help, tone}, in the order of a message's life."""
    return [
        {
            "state": state.value, "label": state.label, "count": counts[state.value], "help": STATE_HELP[state],
            "tone": TONES[state],
        }
        for state in Message.State
    ]  # fmt: skip


def with_related(queryset: QuerySet[Message]) -> QuerySet[Message]:
    """What a row of the list and the page of a message show."""
    return queryset.select_related(
        "person",
        "person__company",
        "mailbox",
        "campaign",
        "step",
        "enrolment__sequence",
        "enrolment__version",
        "member",
    )


def links_of(message: Message) -> list[TrackedLink]:
    return list(TrackedLink.objects.filter(message=message).order_by("position"))


def copies_in_words(message: Message) -> str:
    """What is known of the copies of a mail that a person sent again; '' where it went out once, or `reason` says it."""
    first, second = message.first_submitted_at, message.submitted_at
    if first is None or message.reason_code in PROVEN:
        return ""
    if message.state == Message.State.PLANNED:
        return copies.waits(first)
    if message.state == Message.State.SENT and second is not None:
        return copies.unproven(first, second) if message.settled_by == "server" else ""
    return copies.not_replaced(first)


def replies_to(message: Message) -> list[InboundMail]:
    """Mail that came in on this message, newest first."""
    return list(InboundMail.objects.filter(message=message).order_by("-received_at", "-id")[:20])


def by_enrolment(enrolments: Iterable[UUID]) -> dict[UUID, list[Message]]:
    """Messages of enrolments, oldest first."""
    found: dict[UUID, list[Message]] = {}
    rows = Message.objects.filter(enrolment__in=list(enrolments)).select_related("step", "mailbox")
    for message in rows.order_by("created_at", "id"):
        if message.enrolment_id:
            found.setdefault(message.enrolment_id, []).append(message)
    return found
