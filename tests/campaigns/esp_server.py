"""A sending service's API on loopback: takes mail, refuses, breaks, or accepts and falls silent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Api:
    """`calls`: (path, headers, body) of every POST. `script`: what the next calls get instead of 200, in order: a (status, body),
    "drop" (close without a word) or "accept-drop" (take the mail, then close). `asked`: (path, api-key, authorization) of every
    GET; bytes of the script are answered as they are. `taken` are bodies it accepted, by
    idempotency key where one was given."""

    port: int = 0
    calls: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    script: list[Any] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def body(self, number: int = -1) -> Any:
        return json.loads(self.calls[number][2])


@contextmanager
def running_api(answer: dict[str, Any]) -> Iterator[Api]:
    api = Api(answer=answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.asked.append((self.path, self.headers.get("api-key", ""), self.headers.get("Authorization", "")))
            self.reply(*(api.script.pop(0) if api.script else (200, {})))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            api.calls.append((self.path, {k.lower(): v for k, v in self.headers.items()}, raw))
            trick = api.script.pop(0) if api.script else None
            if isinstance(trick, tuple):
                self.reply(*trick)
                return
            if trick != "drop":
                key = self.headers.get("Idempotency-Key", "")
                if not key or key not in api.keys:
                    api.taken.append(raw)
                    api.keys[key] = raw
            if trick in {"drop", "accept-drop"}:
                self.close_connection = True
                self.connection.close()
                return
            self.reply(200, api.answer)

        def reply(self, status: int, body: Any) -> None:
            out = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *args: Any) -> None:
            return

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]  # a connection it was told to drop
    api.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
