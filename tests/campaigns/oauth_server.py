"""A provider on loopback: a token endpoint that rotates refresh tokens, and an SMTP server that takes XOAUTH2 only."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from campaigns.transports.oauth import challenge_of


@dataclass
class Provider:
    """`codes`: {code: PKCE challenge} that were given out. `refresh_tokens`: those that still work; each works once where
    `rotates`. `asked`: the forms it got. `trouble`: (status, body) to answer instead. `slow`: set by a test to hold an answer."""

    port: int = 0
    codes: dict[str, str] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    access_tokens: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    rotates: bool = True
    lifetime: int = 3600
    trouble: tuple[int, dict[str, Any]] | None = None
    slow: threading.Event | None = None

    @property
    def token_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    def settings(self, provider: str = "microsoft") -> dict[str, Any]:
        """MAILBOX_OAUTH with this server in the provider's place."""
        return {
            provider: {
                "label": provider.title(), "client_id": "our-client", "client_secret": "our-secret",
                "authorize_url": f"http://127.0.0.1:{self.port}/authorize", "token_url": self.token_url,
                "scope": "mail offline_access", "extra": {"prompt": "consent"},
            }
        }  # fmt: skip

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append(form)
        if self.slow is not None:
            self.slow.wait(10)
        if self.trouble is not None:
            return self.trouble
        if (form.get("client_id"), form.get("client_secret")) != ("our-client", "our-secret"):
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            challenge = self.codes.pop(form["code"], None)
            if challenge is None or challenge != challenge_of(form["code_verifier"]):
                return 400, {"error": "invalid_grant", "error_description": "This code is not good."}
        elif form["refresh_token"] not in self.refresh_tokens:
            return 400, {"error": "invalid_grant", "error_description": "AADSTS70000: this token was revoked."}
        elif self.rotates:
            self.refresh_tokens.discard(form["refresh_token"])
        number = len(self.asked)
        self.access_tokens.add(f"access-{number}")
        body: dict[str, Any] = {"access_token": f"access-{number}", "expires_in": self.lifetime, "token_type": "Bearer"}
        if self.rotates or form["grant_type"] == "authorization_code":
            self.refresh_tokens.add(f"refresh-{number}")
            body["refresh_token"] = f"refresh-{number}"
        return 200, body


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, body = provider.answer({key: values[0] for key, values in parse_qs(raw).items()})
            out = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class TokenSmtp:
    port: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)  # (user, token)
    accepted: list[bytes] = field(default_factory=list)


@contextmanager
def running_token_smtp(provider: Provider) -> Iterator[TokenSmtp]:
    """An SMTP server that lets in whoever shows one of the provider's access tokens, as Google and Microsoft do."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = TokenSmtp(port=listener.getsockname()[1])

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 token\r\n")
            for line in lines:
                word = line[:4].upper().strip().decode()
                if word == "EHLO":
                    connection.sendall(b"250-token\r\n250 AUTH XOAUTH2\r\n")
                elif word == "AUTH":
                    said = base64.b64decode(line.split()[2]).decode()
                    user, token = said.split("\x01")[0][5:], said.split("\x01")[1].removeprefix("auth=Bearer ")
                    server.logins.append((user, token))
                    if token in provider.access_tokens:
                        connection.sendall(b"235 2.7.0 Accepted\r\n")
                        continue
                    connection.sendall(b"334 " + base64.b64encode(b'{"status":"401","schemes":"Bearer"}') + b"\r\n")
                    lines.readline()  # the client must answer the challenge, with nothing
                    connection.sendall(b"535 5.7.3 Authentication unsuccessful\r\n")
                elif word == "DATA":
                    connection.sendall(b"354 go on\r\n")
                    content = b""
                    for part in lines:
                        if part == b".\r\n":
                            break
                        content += part
                    server.accepted.append(content)
                    connection.sendall(b"250 queued\r\n")
                elif word == "QUIT":
                    connection.sendall(b"221 bye\r\n")
                    return
                else:
                    connection.sendall(b"250 ok\r\n")

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server
    finally:
        listener.close()
