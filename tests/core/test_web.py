"""The one door to the web: it never opens inward, and no server can hold it open."""

import gzip
import socket
import threading
from typing import Any

import pytest

from leadgen.core import web
from leadgen.core.errors import Invalid
from tests.web_server import WebServer, web_server


@pytest.fixture
def server() -> Any:
    with web_server() as found:
        yield found


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "https://[::1]/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest/", "http://10.1.2.3/",
     "http://[64:ff9b::7f00:1]/", "http://localhost/", "http://db.internal/", "http://0/", "http://0.0.0.0/",
     "https://example.com:8443/", "ftp://example.com/", "file:///etc/passwd", "https://u:p@example.com/", "https:///x",
     "http://example.com:99999/", "http://exa mple.com/", "gopher://example.com/"],
)  # fmt: skip
def test_addresses_that_lead_inward_or_are_no_web_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("connected"))
    with pytest.raises(web.WebError) as refused:
        web.fetch(url)
    assert refused.value.permanent


@pytest.mark.parametrize("answer", ["127.0.0.1", "10.0.0.7", "::1", "169.254.169.254"])
def test_a_public_name_with_a_private_answer_is_not_connected_to(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        address = "93.184.216.34" if len(asked) > 1 else answer  # a name that changes its answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("connected"))
    with pytest.raises(web.WebError, match="private network"):
        web.fetch("https://rebind.example/")
    assert asked == ["rebind.example"]


def test_decimal_addresses_are_judged_by_what_they_resolve_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("connected"))
    for host in ("2130706433", "0x7f000001", "0177.0.0.1"):
        with pytest.raises(web.WebError):
            web.fetch(f"http://{host}/")


def test_redirects_are_followed_only_where_asked_and_each_target_is_checked(server: WebServer) -> None:
    server.page("/old", "", 301, Location="/new")
    server.page("/new", "here")
    server.page("/in", "", 302, Location="http://127.0.0.1:1/")
    server.page("/round", "", 302, Location="/round")
    assert web.fetch(server.url + "/old").status == 301
    found = web.fetch(server.url + "/old", redirects=3)
    assert (found.body, found.url) == (b"here", server.url + "/new")
    with pytest.raises(web.WebError, match="Port 1 "):
        web.fetch(server.url + "/in", redirects=3)
    assert web.fetch(server.url + "/round", redirects=3).status == 302
    assert server.paths().count("/round") == 4


def test_size_is_limited_after_unpacking(server: WebServer) -> None:
    server.page("/bomb", gzip.compress(b"0" * 3_000_000), Content_Encoding="gzip")
    with pytest.raises(web.WebError, match="more than 1,024 kB") as refused:
        web.fetch(server.url + "/bomb", limit=1024 * 1024)
    assert refused.value.permanent
    assert len(web.fetch(server.url + "/bomb").body) == 3_000_000


def test_a_server_that_trickles_is_left(settings: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings.WEB_HOST_ALLOW = [f"127.0.0.1:{port}"]
    stop = threading.Event()

    def trickle() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    peer.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    try:
        with pytest.raises(web.WebError, match="too long"):
            web.fetch(f"http://127.0.0.1:{port}/", seconds=0.5)
    finally:
        stop.set()
        thread.join(5)
        listener.close()


def test_text_json_and_what_is_neither(server: WebServer) -> None:
    server.page("/latin", "Müller".encode("latin-1"), Content_Type="text/html; charset=ISO-8859-1")
    server.page("/json", '{"a": 1}')
    assert web.fetch(server.url + "/latin").text() == "Müller"
    assert web.fetch(server.url + "/json").json() == {"a": 1}
    with pytest.raises(web.WebError, match="not JSON"):
        web.fetch(server.url + "/latin").json()
    with pytest.raises(Invalid, match="https://"):
        web.check_url("example.com")
