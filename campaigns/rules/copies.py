"""A mail that a person sent again: what is known of its two copies, in words. Both carry one Message-ID.

`how` is a whole sentence of what proves it ("Proven by a click.").
"""

from datetime import datetime

# A row's reason_code where proof met a mail that was sent again.
SECOND_STOPPED = "second_stopped"
SECOND_NOT_SENT = "second_not_sent"
SECOND_OUT = "second_out"
ONE_OF_TWO = "one_of_two"
TWICE = "sent_twice"


def moment(at: datetime) -> str:
    return f"{at:%d %b %Y %H:%M} UTC"


def stopped(first: datetime, how: str) -> str:
    """The second copy had not been handed over."""
    return (
        f"The first copy, handed over on {moment(first)}, was delivered. {how} The second, which a person had asked for, "
        "was stopped and is not sent."
    )


def not_sent(first: datetime, how: str, *, state: str, reason: str) -> str:
    """The second copy was blocked or refused before the proof came."""
    return (
        f"The first copy, handed over on {moment(first)}, was delivered. {how} "
        f"The second was not: {state}. {reason}"
    ).strip()  # fmt: skip


def second_out(first: datetime, second: datetime, how: str) -> str:
    """Too late: the second copy is out and nobody knows what became of it."""
    return (
        f"The first copy, handed over on {moment(first)}, was delivered. {how} The second could not be stopped: it was "
        f"handed over on {moment(second)}, and its answer was lost. It may have arrived too."
    )


def one_of_two(first: datetime, second: datetime, how: str) -> str:
    """Both copies are out, and what came does not tell which one it is about."""
    return (
        f"Handed over twice, on {moment(first)} and {moment(second)}, each time without an answer. {how} So at least one "
        "arrived; both carry the same Message-ID, so it cannot be told which, or whether both did."
    )


def twice(first: datetime, second: datetime, how: str) -> str:
    """Too late: the server took the second copy, and the first is proven as well."""
    return (
        f"It went out twice. The first copy, handed over on {moment(first)}, had been delivered after all. {how} The "
        f"second could not be stopped: the server took it on {moment(second)}."
    )


def waits(first: datetime) -> str:
    """Planned once more."""
    return (
        f"A person sends it again: its first copy was handed over on {moment(first)}, and the answer was lost. If proof "
        "comes that the first was delivered, this one is stopped."
    )


def unproven(first: datetime, second: datetime) -> str:
    """The second was accepted, and nobody knows of the first."""
    return (
        f"Handed over twice: on {moment(first)}, when the answer was lost, and on {moment(second)}, because a person "
        "chose to send it again. Whether the first arrived too is not known."
    )


def not_replaced(first: datetime) -> str:
    """The second was blocked, failed or lost like the first, and nobody knows of the first."""
    return (
        f"This is about its second copy. The first was handed over on {moment(first)} and may have been delivered; proof "
        "that comes later still makes it sent."
    )
