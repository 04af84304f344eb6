"""The mail server of outbox_machine, scripted at the transport's border."""

import itertools
from typing import TYPE_CHECKING, Any

from campaigns.transports.smtp import Accepted, OutcomeUnknown, TransportError

if TYPE_CHECKING:
    from tests.campaigns.outbox_machine import Outbox

# What the server (or death) does to one hand-over. Most mail is plainly accepted.
FATES = (
    "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "later", "refused", "lost_accepted", "lost_not_accepted", "dead_before", "dead_after_return",
    "dead_accepted", "broken_in_body", "rcpt_refused", "rcpt_later",
    "suppressed_meanwhile", "replied_meanwhile", "paused_meanwhile", "held_meanwhile", "frozen",
)  # fmt: skip
DEADLY = {"dead_before", "dead_after_return", "dead_accepted"}


class Died(BaseException):
    """The worker is gone: nothing after it runs."""


class Server:
    """The mail server as the machine scripts it, and the model's memory of what it accepted."""

    def __init__(self, machine: "Outbox") -> None:
        self.machine = machine
        self.fates: Any = itertools.repeat("ok")
        self.fate, self.recipient, self.connected = "ok", "", False

    def connect(self) -> None:
        self.connected = True

    def prepare(self, *, sender: str, recipient: str) -> None:
        self.fate, self.recipient = next(self.fates), recipient
        if self.fate == "dead_before":
            raise Died
        if self.fate == "rcpt_refused":
            raise TransportError("The server refused the recipient: 550 5.1.1 no such user", permanent=True, code=550)
        if self.fate == "rcpt_later":
            raise TransportError("The server refused the recipient: 451 4.7.1 later", permanent=False, code=451)
        happens = {
            "suppressed_meanwhile": self.machine.is_suppressed, "replied_meanwhile": self.machine.replies,
            "paused_meanwhile": lambda who: self.machine.act(who, "pause"),
            "held_meanwhile": lambda who: self.machine.turn_key("mailbox", opening=False),
            "frozen": lambda who: self.machine.another_takes_over(),
        }.get(self.fate)  # fmt: skip
        if happens is not None:
            self.fate = "ok"  # the server itself has nothing against it
            happens(self.machine.who_has(recipient))

    def hand_over(self, content: bytes, *, until: float) -> Accepted:
        message_id = content.split(b"Message-ID: <", 1)[1].split(b">", 1)[0].decode()
        if self.fate in {"ok", "lost_accepted", "dead_accepted"}:
            self.machine.was_accepted(message_id)
        if self.fate in DEADLY:
            raise Died
        if self.fate in {"lost_accepted", "lost_not_accepted"}:
            self.connected = False
            raise OutcomeUnknown("No answer after the mail was handed over: timed out")
        if self.fate == "broken_in_body":
            self.connected = False
            raise TransportError("The connection broke inside the mail", permanent=False, whole_server=True)
        if self.fate == "later":
            raise TransportError("The server refused the mail: 451 4.3.2 later", permanent=False, code=451)
        if self.fate == "refused":
            raise TransportError("The server refused the mail: 554 5.6.0 no", permanent=True, code=554)
        return Accepted(250, "250 ok")

    def abort(self) -> None:
        pass

    def close(self) -> None:
        self.connected = False
