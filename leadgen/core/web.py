"""HTTP to addresses that users typed: feeds, websites, data providers. The one door out for them.

Every connection goes to an address that was checked (`egress.open_web_connection`: public, port 80 or 443, or named by the
operator), so a name that changes its answer between two look-ups gains nothing. Redirects are not followed unless asked
for, and then each target is checked like the first. A limit holds for the size after unpacking and for the time as a whole:
a server that sends one byte a second ends like one that is silent. No proxy of the environment, no cookies, no log-in of a
`.netrc`. Never called inside a transaction.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util import Timeout

from leadgen.core import egress
from leadgen.core.errors import Invalid

CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 20.0
LIMIT = 5 * 1024 * 1024
REDIRECTS = {301, 302, 303, 307, 308}


class WebError(Exception):
    """No usable answer, in words. `permanent`: trying again will not help before somebody changes something."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.message, self.permanent = message, permanent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `headers` have lower-case names; a name that came several times is joined by ", "."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON. Raises WebError."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise WebError(f"{host_of(self.url)} answered with something that is not JSON.", permanent=True) from error

    def text(self) -> str:
        """The body by the charset its header names, else UTF-8; what cannot be read is replaced."""
        kind = self.headers.get("content-type", "")
        charset = kind.partition("charset=")[2].strip(" \"';").split(";")[0] or "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")


def check_url(url: str, *, field: str = "url") -> str:
    """The address itself, where it may be asked at all; no network. Raises Invalid in words."""
    parts = urlsplit(url.strip())
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Invalid(f"“{url[:80]}” is not an address of the web.", field=field) from error
    if parts.scheme not in ("http", "https") or not host:
        raise Invalid("Give an address that begins with https://.", field=field)
    if parts.username is not None or parts.password is not None:
        raise Invalid("Leave user name and password out of the address; give them as a header.", field=field)
    if any(ord(sign) < 33 for sign in url.strip()):
        raise Invalid("The address contains a space or a control character.", field=field)
    try:
        egress.check_web_name(host, port or _port(parts.scheme))
    except Invalid as error:
        raise Invalid(error.message, field=field) from error
    return url.strip()


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limit: int = LIMIT,
    seconds: float = TOTAL_SECONDS,
    redirects: int = 0,
) -> Answer:
    """One request. Raises WebError where there is no answer, it is too large or too slow, or it leads somewhere it must not.

    With `redirects=0` an answer of 3xx is returned as it is. Following one drops `headers` that carry a secret to another
    host: Authorization, and any name with "key" or "token" in it.
    """
    until = time.monotonic() + seconds
    sent = {"User-Agent": f"Leadgen (+{settings.SITE_URL})", "Accept-Encoding": "gzip, deflate"} | dict(headers or {})
    while True:
        try:
            check_url(url)
        except Invalid as error:
            raise WebError(error.message, permanent=True) from error
        answer = _once(url, method, sent, body, limit, until)
        target = answer.headers.get("location", "")
        if answer.status not in REDIRECTS or not target or not redirects:
            return answer
        redirects -= 1
        following = urljoin(url, target)
        if host_of(following) != host_of(url) or urlsplit(following).scheme == "http":
            sent = {name: value for name, value in sent.items() if not _is_secret(name)}
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET", None
        url = following


def host_of(url: str) -> str:
    """The host of an address, in lower case; '' where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _once(url: str, method: str, headers: Mapping[str, str], body: bytes | None, limit: int, until: float) -> Answer:
    host = host_of(url)
    left = until - time.monotonic()
    if left <= 0:
        raise WebError(f"{host} took too long to answer.")
    pool = _Pools(num_pools=1, maxsize=1, retries=False, cert_reqs="CERT_REQUIRED")
    try:
        with _cut_off(left):
            answer = pool.request(
                method, url, headers=headers, body=body, redirect=False, preload_content=False, assert_same_host=False,
                timeout=Timeout(connect=min(CONNECT_SECONDS, left), read=left),
            )  # fmt: skip
            content = bytearray()
            while part := answer.read1(65_536, decode_content=True):
                content += part
                if len(content) > limit:
                    raise WebError(f"{host} sent more than {limit // 1024:,} kB.", permanent=True)
        if time.monotonic() >= until:  # what looks like an end may be our own cut
            raise WebError(f"{host} took too long to answer.")
        names = {name.lower(): ", ".join(answer.headers.getlist(name)) for name in answer.headers}
        return Answer(answer.status, names, bytes(content), url)
    except NewConnectionError as error:
        raise WebError(f"{host} cannot be reached.") from error
    except Invalid as error:  # what egress refuses
        raise WebError(error.message, permanent=True) from error
    except (HTTPError, OSError, UnicodeError, ValueError) as error:
        if time.monotonic() >= until or isinstance(error, TimeoutError):
            raise WebError(f"{host} took too long to answer.") from error
        raise WebError(f"{host} did not answer properly: {type(error).__name__}.") from error
    finally:
        pool.clear()


class _Guard(threading.local):
    """The connections a request of this thread opened, each by a second handle that survives TLS."""

    opened: list[socket.socket] | None = None


_guard = _Guard()


@contextmanager
def _cut_off(seconds: float) -> Iterator[None]:
    """End the connections of the block after `seconds`: a time-out of reads alone begins anew with every byte."""
    opened: list[socket.socket] = []

    def cut() -> None:
        for sock in opened:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    _guard.opened = opened
    try:
        yield
    finally:
        timer.cancel()
        _guard.opened = None
        for sock in opened:
            sock.close()


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return lowered in ("authorization", "cookie") or any(word in lowered for word in ("key", "token", "secret"))


def _open(connection: Any) -> socket.socket:
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else CONNECT_SECONDS
    try:
        sock = egress.open_web_connection(connection._dns_host.strip("[]"), connection.port, timeout)
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error
    if _guard.opened is not None:
        _guard.opened.append(sock.dup())
    return sock


class _Http(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _open(self)


class _Https(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _open(self)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Pools(urllib3.PoolManager):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
