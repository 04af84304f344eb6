"""Errors a user can mend. Views show them as a form error or a toast, the API as its one error shape, commands on stderr."""

from collections.abc import Mapping
from typing import Any


class AppError(Exception):
    """A refusal in plain words: what is wrong, where, and what to do about it.

    `code` is stable for programs, `field` names the input at fault, `detail` holds machine-readable extras.
    """

    status = 400
    default_code = "invalid"

    def __init__(
        self, message: str, *, code: str = "", field: str = "", detail: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field
        self.detail = dict(detail or {})


class Invalid(AppError):
    """The input cannot be used as it is."""


class Refused(AppError):
    """The member may not do this, or the state of things forbids it."""

    status = 403
    default_code = "refused"


class NotFound(AppError):
    """No such row in this workspace."""

    status = 404
    default_code = "not_found"


class Conflict(AppError):
    """Somebody else changed it first, or it exists already."""

    status = 409
    default_code = "conflict"
