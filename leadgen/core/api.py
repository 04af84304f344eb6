"""The API's one error shape: `{"error": {"code", "message", "field", "detail"}}`."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from leadgen.core.errors import AppError


def error_body(code: str, message: str, *, field: str = "", detail: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "field": field, "detail": detail or {}}}


def _first(detail: Any, path: str = "") -> tuple[str, str]:
    """The first message of DRF's nested validation detail, with the path of its field."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else key
            return _first(value, f"{path}.{name}".strip("."))
    if isinstance(detail, list) and detail:
        return _first(detail[0], path)
    return path, str(detail)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """AppError and DRF's own errors in one shape; anything else is a fault and propagates to the 500 page."""
    if isinstance(error, AppError):
        return Response(
            error_body(error.code, error.message, field=error.field, detail=error.detail), status=error.status
        )
    if isinstance(error, Http404):
        return Response(error_body("not_found", "No such row in this workspace."), status=404)
    if isinstance(error, PermissionDenied):
        return Response(error_body("refused", str(error) or "You may not do this."), status=403)
    if isinstance(error, exceptions.ValidationError):
        field, message = _first(error.detail)
        return Response(error_body("invalid", message, field=field, detail={"fields": error.detail}), status=400)
    if isinstance(error, exceptions.APIException):
        headers = {}
        wait = getattr(error, "wait", None)
        if wait:
            headers["Retry-After"] = str(int(wait) + 1)
        auth_header = getattr(error, "auth_header", None)
        if auth_header:
            headers["WWW-Authenticate"] = auth_header
        code = str(getattr(error.detail, "code", "") or error.default_code)
        return Response(error_body(code, str(error.detail)), status=error.status_code, headers=headers)
    return None
