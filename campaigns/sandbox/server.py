"""The sandbox itself: SMTP in, a journal, reactions out by HTTP."""

import asyncio
import hashlib
import hmac
import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from campaigns.sandbox.personas import Crowd
from campaigns.sandbox.reactions import Reaction, reactions_to

# Seconds until a mail that was not taken is offered again.
AGAIN = 10.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where mail to one mailbox goes: the signed inbound address and its key."""

    url: str
    key: str


@dataclass
class Sandbox:
    """Accepts mail for `.example` people and lets them react.

    `endpoints` maps a mailbox address to its Endpoint (the demo writes them to a file; see `read_endpoints`).
    `journal` is a file of JSON lines; a mail's line is on disk before its 250 is spoken.
    """

    crowd: Crowd
    journal: Path
    endpoints: Callable[[], dict[str, Endpoint]]
    fastest: float = 20.0
    slowest: float = 90.0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    received: Counter[str] = field(default_factory=Counter)
    pending: list[tuple[float, Reaction]] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)  # mails a mailbox's endpoint did not take yet
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, event: str, **values: Any) -> None:
        """Append one line to the journal, on disk before this returns."""
        line = json.dumps({"event": event, "at": self.now().isoformat(), **values}) + "\n"
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, self.journal.open("a") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    # --- SMTP in ----------------------------------------------------------------------------------------------------
    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        try:
            persona = self.crowd.persona(address)
        except ValueError:
            return "550 5.7.1 the sandbox takes mail for .example and .test only"
        if persona.behaviour == "refused":
            self.write("refused", to=persona.address)
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        for address in envelope.rcpt_tos:
            await asyncio.to_thread(self._accept, address, content)
        return "250 2.0.0 taken by the sandbox"

    def _accept(self, address: str, content: bytes) -> None:
        persona = self.crowd.persona(address)
        self.received[persona.address] += 1
        number = self.received[persona.address]
        head = content.split(b"\r\n\r\n", 1)[0].decode("ascii", "replace")
        message_id = next(
            (line[11:].strip() for line in head.split("\r\n") if line.lower().startswith("message-id:")), ""
        )
        self.write("accepted", to=persona.address, number=number, message_id=message_id, size=len(content))
        due = time.monotonic() + self.crowd.delay_seconds(persona.address, self.fastest, self.slowest)
        for reaction in reactions_to(content, persona=persona, number=number, now=self.now()):
            with self._lock:
                self.pending.append((due, reaction))

    # --- mail and clicks out ------------------------------------------------------------------------------------------
    def react(self, *, until: float | None = None) -> int:
        """Carry out reactions that are due (all of them where `until` is None); returns how many."""
        with self._lock:
            due = [entry for entry in self.pending if until is None or entry[0] <= until]
            self.pending = [entry for entry in self.pending if entry not in due]
        for _, reaction in due:
            self._carry_out(reaction)
        return len(due)

    def _carry_out(self, reaction: Reaction) -> None:
        who = {"person": reaction.persona.address, "behaviour": reaction.persona.behaviour}
        if reaction.kind == "mail":
            endpoint = self.endpoints().get(reaction.mailbox)
            if endpoint is None:
                self.write("undeliverable", **who, mailbox=reaction.mailbox)
                return
            status, body = self._post(endpoint, reaction.raw)
            self.write("mailed", **who, status=status, answer=body[:300])
            if status == 0 or status >= 500:  # as a mail server would: again later, and until then nobody vouches
                self.failed[reaction.mailbox] += 1
                with self._lock:
                    self.pending.append((time.monotonic() + AGAIN, reaction))
            else:
                self.failed.pop(reaction.mailbox, None)
        elif reaction.kind == "click":
            status, _ = _request(reaction.url, headers={"User-Agent": reaction.user_agent})
            self.write("clicked", **who, status=status)
        else:
            status, _ = _request(
                reaction.url, data=b"List-Unsubscribe=One-Click", headers={"User-Agent": reaction.user_agent}
            )
            self.write("unsubscribed", **who, status=status)

    def heartbeat(self) -> int:
        """Vouch to every mailbox that all mail which came to it was handed in; returns how many took it.

        A mailbox with a mail its endpoint would not take gets none.
        """
        taken = 0
        for address, endpoint in self.endpoints().items():
            if not self.failed[address]:
                taken += self._post(endpoint, b"")[0] == 200
        return taken

    def _post(self, endpoint: Endpoint, raw: bytes) -> tuple[int, str]:
        """Hand `raw` to a mailbox's endpoint, signed."""
        stamp = int(self.now().timestamp())
        signature = hmac.new(endpoint.key.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "message/rfc822", "X-Leadgen-Signature": f"t={stamp},v1={signature}"}
        return _request(endpoint.url, data=raw, headers=headers)

    def lines(self) -> list[dict[str, Any]]:
        """The journal so far."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()] if self.journal.exists() else []

    def controller(self, *, port: int, host: str = "127.0.0.1") -> Controller:
        """An SMTP server on loopback; start() and stop() it."""
        if host not in LOOPBACK and not os.environ.get("SANDBOX_ANY_HOST"):
            raise ValueError("the sandbox listens on loopback only")
        return Controller(self, hostname=host, port=port, ready_timeout=10)


class _Stay(urllib.request.HTTPRedirectHandler):
    """A click ends where the product's redirect begins: the sandbox visits nobody else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _request(url: str, *, data: bytes | None = None, headers: dict[str, str]) -> tuple[int, str]:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"not a web address: {url}")
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310  scheme checked above
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=20) as response:
            return response.status, response.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except OSError as error:
        return 0, str(error)


def read_endpoints(path: Path) -> Callable[[], dict[str, Endpoint]]:
    """The endpoints in a JSON file `{address: {url, key}}`, read anew whenever it changed."""
    cache: dict[str, Any] = {"stamp": None, "found": {}}

    def read() -> dict[str, Endpoint]:
        try:
            stamp = path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if stamp != cache["stamp"]:
            cache["found"] = {address: Endpoint(**value) for address, value in json.loads(path.read_text()).items()}
            cache["stamp"] = stamp
        return dict(cache["found"])

    return read
