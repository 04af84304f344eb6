"""`imaplib` over connections that egress made, with a reader of its own and IDLE (which it has from Python 3.14 only).

The reader is ours because IDLE must wait on the socket: `imaplib` of Python 3.12 reads through a buffered file, whose buffer
a wait on the socket cannot see.
"""

import contextlib
import imaplib
import selectors
import socket
import ssl
import time
from typing import Any

from leadgen.core import egress

# The largest piece a server may hand us at once: mails are asked for in pieces smaller than this.
MAX_LITERAL = 64 * 1024 * 1024
MAX_LINE = 1_000_000


class Client(imaplib.IMAP4):
    """One connection. `context` set: TLS from the first byte."""

    def __init__(self, host: str, port: int, *, timeout: float, context: ssl.SSLContext | None = None) -> None:
        self._buffer = bytearray()
        self._tls = context
        super().__init__(host, port, timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock = egress.open_connection(self.host, self.port, timeout)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname=self.host)
        return sock

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Connect; called by imaplib's constructor."""
        self.host, self.port = host, port
        self.sock = self._create_socket(timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        """Turn to TLS. What a stranger on the line put behind the server's OK must not be read as if it came by TLS."""
        typ, _data = self._simple_command("STARTTLS")
        if typ != "OK":
            raise self.error("The server does not turn to TLS.")
        if self._buffer:
            raise self.abort("something was injected before TLS began")
        self.sock = (ssl_context or ssl.create_default_context()).wrap_socket(self.sock, server_hostname=self.host)
        self._tls_established = True
        self._get_capabilities()
        return typ

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        if size > MAX_LITERAL:
            raise self.abort(f"the server sent a piece of {size} bytes")
        while len(self._buffer) < size:
            self._receive()
        return self._take(size)

    def readline(self) -> bytes:
        """A line with its end."""
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if seen > MAX_LINE:
                raise self.abort("the server sent a line without end")
            self._receive()
        return self._take(end + 1)

    def shutdown(self) -> None:
        """Close the socket."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def _receive(self) -> None:
        found = self.sock.recv(65536)
        if not found:
            raise self.abort("the server closed the connection")
        self._buffer += found

    def _take(self, size: int) -> bytes:
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    # --- IDLE (RFC 2177) ----------------------------------------------------------------------------------------------
    def idle_wait(self, *, seconds: float, wake: int | None = None) -> bool:
        """Wait until the selected folder changes (True), `seconds` passed or the file descriptor `wake` becomes readable.

        Raises imaplib's errors and OSError where the line breaks.
        """
        tag: bytes = self._new_tag()
        self.send(tag + b" IDLE\r\n")
        while not (line := self.readline()).startswith(b"+"):
            if line.startswith(tag):
                raise self.error(f"IDLE refused: {line.decode('utf-8', 'replace').strip()}")
        news = self._await_news(time.monotonic() + seconds, wake)
        self.send(b"DONE\r\n")
        while not (line := self.readline()).startswith(tag):
            news = news or _tells_of_mail(line)
        return news

    def _await_news(self, deadline: float, wake: int | None) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            if wake is not None:
                selector.register(wake, selectors.EVENT_READ)
            while True:
                while b"\n" in self._buffer:
                    line = self.readline()
                    if _tells_of_mail(line):
                        return True
                    if line.startswith(b"* BYE"):
                        raise self.abort(line.decode("utf-8", "replace").strip())
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                # What TLS has deciphered already does not show on the socket.
                if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                    self._receive()
                    continue
                ready = selector.select(left)
                if any(key.fd == wake for key, _ in ready):
                    return False
                if ready:
                    self._receive()


def _tells_of_mail(line: bytes) -> bool:
    """An untagged EXISTS or RECENT: the folder got mail."""
    words = line.split()
    return len(words) >= 3 and words[0] == b"*" and words[1].isdigit() and words[2].upper() in {b"EXISTS", b"RECENT"}
