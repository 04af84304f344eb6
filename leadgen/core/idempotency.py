"""Idempotency-Key on POST: a retry gets the first answer again instead of a second effect.

The stored answer commits with the effect, because both are in the request's one transaction: there is no moment in which
one exists without the other. Answers >= 400 roll everything back, so they are not stored and a retry runs anew.
"""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from leadgen.core import clock, lanes
from leadgen.core.errors import AppError, Conflict, Invalid
from leadgen.core.tenancy import current_workspace_id

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replay"
KEPT = timedelta(hours=24)
MAX_KEY = 200
LANE = "idempotency"


class KeyReused(AppError):
    """The key was used for another request."""

    status = 422
    default_code = "idempotency_key_reused"


class _Replay(Exception):
    """Carries the stored answer past the handler."""

    def __init__(self, response: Response) -> None:
        self.response = response


def _records() -> Any:
    # By name: the kernel imports no app.
    return apps.get_model("accounts", "IdempotencyRecord").objects


def _request_hash(request: Request) -> str:
    """SHA-256 of method, address and body; a multipart boundary, which clients make anew each time, is left out."""
    body: bytes = request._request.body
    _, _, boundary = request.META.get("CONTENT_TYPE", "").partition("boundary=")
    if boundary:
        body = body.replace(boundary.strip('"').encode(), b"")
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def _lock(token_id: Any, key: str) -> bool:
    """Whether this transaction alone works on the key. A waiting lock would hide the flight behind a long answer."""
    name = f"idempotency:{current_workspace_id()}:{token_id}:{key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])


class IdempotentMixin:
    """For viewsets: every POST may carry an Idempotency-Key, kept 24 h for the token that sent it.

    Same key and request: the stored answer with `Idempotent-Replay: true`. Same key, other request: 422. First request
    still running: 409. Put it before GenericViewSet among the bases.
    """

    _idempotency: tuple[str, str] | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        key = request.headers.get(HEADER)
        if request.method == "POST" and key is not None:
            request._request.body  # noqa: B018  read before a parser consumes the stream: the hash needs it
        super().initial(request, *args, **kwargs)  # type: ignore[misc]  # of the viewset beside this mixin
        if request.method != "POST" or key is None:
            return
        if not key or len(key) > MAX_KEY or not key.isprintable():
            raise Invalid(f"{HEADER} must be 1 to {MAX_KEY} printable characters.", field=HEADER)
        if not _lock(request.auth.pk, key):
            raise Conflict(
                "The first request with this Idempotency-Key is still running. Try again in a moment.",
                code="idempotency_in_flight",
            )
        digest = _request_hash(request)
        record = _records().filter(token=request.auth, key=key).first()
        if record is not None and record.created_at <= clock.now() - KEPT:
            record.delete()
            record = None
        if record is None:
            self._idempotency = (key, digest)
            return
        if record.request_hash != digest:
            raise KeyReused("This Idempotency-Key was used for another request. Use a new key for a new request.")
        raise _Replay(Response(record.body["data"], status=record.status, headers={REPLAYED: "true"}))

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _Replay):
            return exc.response
        return super().handle_exception(exc)  # type: ignore[misc]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if self._idempotency is not None and isinstance(response, Response) and response.status_code < 400:
            key, digest = self._idempotency
            now = clock.now()
            if not _records().filter(token=request.auth).exists():
                lanes.mark(workspace_id=current_workspace_id(), kind=LANE, due=now + KEPT)
            _records().create(
                token=request.auth,
                key=key,
                request_hash=digest,
                status=response.status_code,
                # Through the renderer: what is replayed is what was sent (decimals as text, times as ISO).
                body={"data": json.loads(JSONRenderer().render(response.data) or b"null")},
                created_at=now,
            )
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
