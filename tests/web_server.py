"""A web server on loopback that answers what a test tells it and remembers what it was asked."""

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

from django.test import override_settings

Reply = tuple[int, dict[str, str], bytes]


class WebServer:
    """`pages` is {path: (status, headers, body)} or a callable(request) -> that; `asked` the requests in order."""

    def __init__(self) -> None:
        self.pages: dict[str, Reply | Callable[[Any], Reply]] = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""

    def page(self, path: str, body: str | bytes, status: int = 200, **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.pages[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, content)

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.asked]


@contextlib.contextmanager
def web_server() -> Iterator[WebServer]:
    """Serve for the length of the block, and let the guarded egress go there (and nowhere else on loopback)."""
    found = WebServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            reply = found.pages.get(self.path, found.pages.get(self.path.split("?")[0], (404, {}, b"nothing here")))
            status, headers, content = reply(found.asked[-1]) if callable(reply) else reply
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side has heard enough
                self.wfile.write(content)

        do_GET = do_POST = do_HEAD = _answer  # noqa: N815  the library names them

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    port = server.server_address[1]
    found.url = f"http://127.0.0.1:{port}"
    try:
        with override_settings(WEB_HOST_ALLOW=[f"127.0.0.1:{port}"]):
            yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
