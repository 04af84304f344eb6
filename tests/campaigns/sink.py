"""A real SMTP server on loopback that can refuse, break and fall silent at a chosen point."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as ParsedMail


@dataclass
class Sink:
    """`accepted` holds (recipient, bytes) in order. `script` maps a command word (MAIL, RCPT, DATA, DOT, BODY) to what it
    does instead of answering: an SMTP reply line, "drop" (close the line) or "accept-drop" (accept, then close). `meet` makes
    mails wait for one another: none is answered before as many are there."""

    port: int = 0
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0
    script: dict[str, str] = field(default_factory=dict)
    meet: threading.Barrier | None = None

    @property
    def mails(self) -> list[ParsedMail]:
        return [message_from_bytes(content) for _, content in self.accepted]

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.accepted]


@contextmanager
def running_sink() -> Iterator[Sink]:
    listener = socket.create_server(("127.0.0.1", 0))
    sink = Sink(port=listener.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            sink.connections += 1
            threading.Thread(target=_talk, args=(connection, sink), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield sink
    finally:
        listener.close()


def _talk(connection: socket.socket, sink: Sink) -> None:
    with connection, connection.makefile("rb") as lines:
        send = connection.sendall
        send(b"220 sink\r\n")
        recipient = ""
        for line in lines:
            word = line[:4].strip().upper().decode()
            trick = sink.script.get(word)
            if trick == "drop":
                return
            if trick:
                send(trick.encode() + b"\r\n")
                continue
            if word == "RCPT":
                recipient = line.decode().split("<")[1].split(">")[0]
            if word == "DATA":
                send(b"354 go on\r\n")
                if sink.script.get("BODY") == "drop":
                    lines.readline()
                    return
                content = b""
                for part in lines:
                    if part == b".\r\n":
                        break
                    content += part[1:] if part.startswith(b".") else part
                else:
                    return  # the line ended without the dot: nothing was accepted
                if sink.meet is not None:
                    sink.meet.wait()  # a broken barrier ends the line, and the test sees what became of the mail
                trick = sink.script.get("DOT")
                if trick == "drop":
                    return
                if trick == "accept-drop":
                    sink.accepted.append((recipient, content))
                    return
                if trick:
                    send(trick.encode() + b"\r\n")
                    continue
                sink.accepted.append((recipient, content))
                send(b"250 queued as 4711\r\n")
                continue
            if word == "QUIT":
                send(b"221 bye\r\n")
                return
            send(b"250 ok\r\n")
