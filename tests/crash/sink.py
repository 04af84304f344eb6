"""The mail server of the crash test, a process of its own: `python -m tests.crash.sink CONFIG.json`.

Each mail's line is on disk in the journal before its 250 is spoken; that journal is what everything else is judged by. Some
recipients are refused, asked to come again, or accepted with the answer lost. A provider that copies puts a copy into the
Sent folder; people answer, bounce, click and unsubscribe. `XSTAT` tells how many reactions are still to come.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any

from campaigns.sandbox.personas import Crowd
from campaigns.sandbox.reactions import Reaction, reactions_to
from tests.dovecot import Dovecot

# Shares of (recipient, step) pairs whose first attempt meets this; what is left over is plainly accepted.
TRICKS = {
    "try_later_rcpt": 0.03,
    "try_later_dot": 0.03,
    "accepted_and_hung_up": 0.04,  # journal line, then the line drops: unknown
    "hung_up": 0.02,  # no journal line, the line drops after the dot: unknown
    "accepted_and_silent": 0.01,  # journal line, then no answer at all
}
PEOPLE = {
    "refused": 0.004, "bounces": 0.008, "away": 0.03, "positive": 0.05, "not_interested": 0.03, "opt_out": 0.02,
    "unsubscribes": 0.04, "clicks": 0.15,
}  # fmt: skip
STEP = re.compile(r"This is step (\d+)")
CLICK = re.compile(r"https?://[^\s<>\"]+/p/c/[^\s<>\"]+")
SILENCE = 8.0  # longer than the client's patience


class Sink:
    """One server for all mailboxes; `config` is what tests.crash.harness wrote."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.journal = Path(config["journal"]).open("ab")  # noqa: SIM115  open as long as the process
        self.crowd = Crowd(seed=config["seed"], odds=PEOPLE)
        self.met: set[tuple[str, str]] = set()
        self.received: Counter[str] = Counter()
        self.undelivered: Counter[str] = Counter()
        self.accepted = 0
        self.pending: set[asyncio.Task[None]] = set()
        dovecot = config.get("dovecot")
        self.dovecot = Dovecot(Path(dovecot["root"]), 0, dovecot["uid"], dovecot["gid"]) if dovecot else None

    def write(self, **line: Any) -> None:
        """Append a line to the journal; it is on disk before this returns."""
        self.journal.write(json.dumps({"at": time.time(), **line}).encode() + b"\n")
        self.journal.flush()
        os.fsync(self.journal.fileno())

    def trick(self, recipient: str, step: str) -> str:
        """What happens to the first attempt at this (recipient, step)."""
        if (recipient, step) in self.met:
            return ""
        digest = hashlib.sha256(f"{self.config['seed']}:{recipient}:{step}".encode()).digest()
        draw = int.from_bytes(digest[:8]) / 2**64
        for name, share in TRICKS.items():
            if draw < share:
                if step == "rcpt" and name != "try_later_rcpt":
                    return ""
                self.met.add((recipient, step))
                return name
            draw -= share
        return ""

    async def vouch(self) -> None:
        """Say to every mailbox whose mail is handed in over HTTP that nothing is on its way, where nothing is."""
        while True:
            for address, endpoint in self.config["endpoints"].items():
                if address not in self.config["imap"] and not self.undelivered[address]:
                    await asyncio.to_thread(post, endpoint, b"")
            await asyncio.sleep(2)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(text: str) -> None:
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        sender = recipient = ""
        await say("220 sink.example ESMTP")
        while line := await reader.readline():
            word = line[:5].strip().upper().decode("ascii", "replace").split(":")[0]
            if word == "EHLO":
                await say("250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 20000000")
            elif word == "MAIL":
                sender = _address(line)
                await say("250 2.1.0 ok")
            elif word == "RCPT":
                recipient = _address(line)
                if self.crowd.persona(recipient).behaviour == "refused":
                    await say("550 5.1.1 no such user here")
                elif self.trick(recipient, "rcpt") == "try_later_rcpt":
                    await say("451 4.7.1 try again later")
                else:
                    await say("250 2.1.5 ok")
            elif word == "DATA":
                await say("354 go on")
                content = await _body(reader)
                if content is None:
                    return  # the line ended before the dot: nothing was accepted
                answer = self.take(sender, recipient, content)
                if answer == "silent":
                    await asyncio.sleep(SILENCE)
                    return
                if not answer:
                    return
                await say(answer)
            elif word == "XSTAT":
                await say(f"250 pending={len(self.pending)} accepted={self.accepted}")
            elif word == "QUIT":
                await say("221 bye")
                return
            else:
                await say("250 ok")

    async def serve_service(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The API of a sending service: POST /email as Postmark has it, one request a connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii", "replace")
            length = int(re.search(r"(?i)content-length:\s*(\d+)", head)[1])  # type: ignore[index]  # requests sends it
            answer = self.take_from_service(json.loads(await reader.readexactly(length)))
            if answer:
                writer.write(
                    f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n"
                    f"Connection: close\r\n\r\n{answer}".encode()
                )
                await writer.drain()
        writer.close()

    def take_from_service(self, mail: dict[str, Any]) -> str:
        """The service took it: its line is in the journal. '' hangs up without a word."""
        recipient, text = parseaddr(mail["To"])[1].lower(), mail["TextBody"]
        step_found, click = STEP.search(text), CLICK.search(text)
        step = step_found.group(1) if step_found else "?"
        trick = self.trick(recipient, step)
        if trick == "hung_up":
            return ""
        self.write(
            event="accepted", id=mail["Metadata"]["lg"], to=recipient, step=step, click=click.group() if click else "",
            sender=parseaddr(mail["From"])[1].lower(),
        )  # fmt: skip
        self.accepted += 1
        if trick.startswith("accepted_and"):
            return ""
        given = {"To": recipient, "SubmittedAt": datetime.now(UTC).isoformat(), "ErrorCode": 0, "Message": "OK"}
        return json.dumps(given | {"MessageID": f"pm-{self.accepted}"})

    def take(self, sender: str, recipient: str, content: bytes) -> str:
        """Accept or not. Returns what to answer: '' hangs up, 'silent' says nothing for long."""
        text = _text(content)
        step_found = STEP.search(text)
        step = step_found.group(1) if step_found else "?"
        trick = self.trick(recipient, step)
        if trick == "try_later_dot":
            return "451 4.3.2 system not accepting messages"
        if trick == "hung_up":
            return ""
        headers = content.split(b"\r\n\r\n", 1)[0].decode("ascii", "replace")
        mime_id = re.search(r"^Message-ID:\s*<([^>]+)>", headers, re.IGNORECASE | re.MULTILINE)
        click = CLICK.search(text)
        self.write(
            event="accepted", id=mime_id.group(1) if mime_id else "", to=recipient, step=step, sender=sender,
            click=click.group() if click else "",
        )  # fmt: skip
        self.accepted += 1
        if self.dovecot and sender in self.config["copying"]:
            self.dovecot.deliver(sender, content, "Sent")
        self.received[recipient] += 1
        persona = self.crowd.persona(recipient)
        for reaction in reactions_to(content, persona=persona, number=self.received[recipient], now=datetime.now(UTC)):
            task = asyncio.get_running_loop().create_task(self.react(reaction, mime_id.group(1) if mime_id else ""))
            self.pending.add(task)
            task.add_done_callback(self.pending.discard)
        if trick == "accepted_and_hung_up":
            return ""
        return "silent" if trick == "accepted_and_silent" else f"250 2.0.0 queued as {self.accepted}"

    async def react(self, reaction: Reaction, answers: str) -> None:
        """Carry one out, again and again until somebody took it: the web server may be dead at the moment."""
        await asyncio.sleep(0.3 + self.crowd.delay_seconds(reaction.persona.address, 0, 1.5))
        if reaction.kind == "mail" and self.dovecot and reaction.mailbox in self.config["imap"]:
            self.dovecot.deliver(reaction.mailbox, reaction.raw)
            self.write(event="reaction", kind="imap", to=reaction.persona.address, answers=answers, status=0)
            return
        endpoint = self.config["endpoints"].get(reaction.mailbox)
        self.undelivered[reaction.mailbox] += 1
        try:
            await self._react_by_http(reaction, endpoint, answers)
        finally:
            self.undelivered[reaction.mailbox] -= 1

    async def _react_by_http(self, reaction: Reaction, endpoint: dict[str, str] | None, answers: str) -> None:
        status = 0
        for _ in range(600):
            status = await asyncio.to_thread(_deliver, reaction, endpoint)
            if 200 <= status < 400:
                self.write(
                    event="reaction", kind=reaction.persona.behaviour, to=reaction.persona.address, answers=answers,
                    status=status,
                )  # fmt: skip
                return
            await asyncio.sleep(0.25)
        self.write(
            event="reaction_lost", kind=reaction.kind, to=reaction.persona.address, answers=answers, status=status
        )


def _address(line: bytes) -> str:
    return line.decode("utf-8", "replace").partition("<")[2].partition(">")[0].lower()


def _text(content: bytes) -> str:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("plain",))
    return part.get_content() if part else ""


async def _body(reader: asyncio.StreamReader) -> bytes | None:
    content = bytearray()
    while line := await reader.readline():
        if line == b".\r\n":
            return bytes(content)
        content += line[1:] if line.startswith(b".") else line
    return None


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _deliver(reaction: Reaction, endpoint: dict[str, str] | None) -> int:
    if reaction.kind == "mail":
        return post(endpoint, reaction.raw) if endpoint else 404
    data = b"List-Unsubscribe=One-Click" if reaction.kind == "unsubscribe" else None
    return request(reaction.url, data, {"User-Agent": reaction.user_agent})


def post(endpoint: dict[str, str], raw: bytes) -> int:
    """Hand a mail to a mailbox's endpoint, signed; an empty one vouches that there is no other."""
    stamp = int(time.time())
    digest = hmac.new(endpoint["key"].encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
    return request(
        endpoint["url"], raw, {"Content-Type": "message/rfc822", "X-Leadgen-Signature": f"t={stamp},v1={digest}"}
    )


def request(url: str, data: bytes | None, headers: dict[str, str]) -> int:
    """The status of a request that follows no redirect; 0 where nobody answers."""
    try:
        asked = urllib.request.Request(url, data=data, headers=headers)
        with urllib.request.build_opener(_Stay).open(asked, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return 0


def returned_mail(message_id: str, recipient: str, sender: str) -> bytes:
    """A delivery status notification (RFC 3464) for a full mailbox that returns the headers of our mail."""
    number = time.time_ns()
    lines = [
        "From: Mail Delivery System <mailer-daemon@mx.example>", f"To: {sender}",
        "Subject: Undelivered Mail Returned to Sender", f"Message-ID: <{number}@mx.example>",
        f"Date: {format_datetime(datetime.now(UTC))}", "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "", "--b",
        "Content-Type: text/plain", "", "The mailbox is full.", "--b", "Content-Type: message/delivery-status", "",
        "Reporting-MTA: dns; mx.example", "", f"Final-Recipient: rfc822; {recipient}", "Action: failed",
        "Status: 5.2.2", "Diagnostic-Code: smtp; 552 5.2.2 mailbox full", "", "--b", "Content-Type: text/rfc822-headers",
        "", f"Message-ID: <{message_id}>", f"To: {recipient}", "", "--b--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def stray_mail(address: str) -> bytes:
    """A mail that answers nothing of ours."""
    number = time.time_ns()
    return (
        f"From: news{number}@letters.example\r\nTo: {address}\r\nSubject: News {number}\r\n"
        f"Message-ID: <{number}@letters.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nHello.\r\n"
    ).encode()


async def main(path: Path) -> None:
    config = json.loads(path.read_text())
    sink = Sink(config)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", config["port"], limit=2**22)
    service = await asyncio.start_server(sink.serve_service, "127.0.0.1", config["service_port"])
    vouching = asyncio.create_task(sink.vouch())
    async with server, service:
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()
    vouching.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
