"""Logs: JSON lines with request and workspace id; no addresses, names, subjects, bodies or tokens."""

import logging
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse

log: Any = structlog.get_logger("leadgen")


def configure(*, debug: bool, quiet: bool) -> None:
    """One handler on stderr; structlog renders JSON (or readable lines while debugging)."""
    renderer: Any = structlog.dev.ConsoleRenderer(colors=False) if debug else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR if quiet else logging.INFO),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.ERROR if quiet else logging.WARNING, format="%(name)s %(message)s"
    )


class RequestLogMiddleware:
    """Binds a request id and writes one line a request: method, route, status, milliseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex[:12]
        structlog.contextvars.bind_contextvars(request=request_id)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            match = request.resolver_match
            log.info(
                "request",
                method=request.method,
                route=match.route if match else "",
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000),
            )
            response["X-Request-Id"] = request_id
            return response
        finally:
            structlog.contextvars.clear_contextvars()
