"""The OpenAPI document: what drf-spectacular cannot read from the viewsets by itself."""

from typing import Any

from django.db.models import TextChoices
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiParameter

from leadgen.core.idempotency import HEADER, MAX_KEY, IdempotentMixin
from leadgen.core.tenancy import nowhere

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "field", "detail"],
            "properties": {
                "code": {"type": "string", "description": "Stable, for programs."},
                "message": {"type": "string", "description": "What is wrong and how to mend it, for people."},
                "field": {"type": "string", "description": "The input at fault, or empty."},
                "detail": {"type": "object", "additionalProperties": {}},
            },
        }
    },
}
REFUSALS = {
    "400": "The input cannot be used.",
    "401": "No token, or one that is not valid any more.",
    "403": "The token's scopes or its member's role do not allow this.",
    "404": "No such row in this workspace.",
    "409": "It exists already, was changed meanwhile, or the first request with this Idempotency-Key still runs.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
}


class Generator(SchemaGenerator):
    """The document is the same for everybody, and is made without a workspace."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        with nowhere(), patched_settings({"ENUM_NAME_OVERRIDES": enum_names()}):
            return super().get_schema(*args, **kwargs)


def enum_names() -> dict[str, list[tuple[str, Any]]]:
    """A name for each set of choices of the models, after its class (`ActivityHitClassEnum`).

    Left to drf-spectacular, two fields called `stage` would get names that change whenever a third one comes.
    """
    found: dict[str, list[tuple[str, Any]]] = {}
    seen: set[frozenset[str]] = set()  # to the document, sets of the same values are one whatever their labels
    for choices in sorted(TextChoices.__subclasses__(), key=lambda item: (item.__module__, item.__qualname__)):
        named = [(str(value), str(label)) for value, label in choices.choices]
        values = frozenset(value for value, _ in named if value)
        if values and values not in seen:
            seen.add(values)
            found[f"{choices.__qualname__.replace('.', '')}Enum"] = named
    return found


class Schema(AutoSchema):
    """Adds the one error shape to every call, and the Idempotency-Key to the POSTs that take it."""

    def get_override_parameters(self) -> list[Any]:
        if self.method == "POST" and isinstance(self.view, IdempotentMixin):
            return [
                OpenApiParameter(
                    HEADER,
                    {"type": "string", "maxLength": MAX_KEY},
                    OpenApiParameter.HEADER,
                    description="A retry with the same key within 24 h gets the first answer again.",
                )
            ]
        return []

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation:
            self._document_permission(operation)
            self._document_errors(operation)
        return operation

    def _document_permission(self, operation: dict[str, Any]) -> None:
        permission = getattr(self.view, "permissions", {}).get(getattr(self.view, "action", ""), "")
        if permission:
            words = f"Scope: `{permission}`."
            operation["description"] = f"{operation.get('description', '').strip()}\n\n{words}".strip()

    def _document_errors(self, operation: dict[str, Any]) -> None:
        reference = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        wanted = {"401", "403", "429"}
        if "{" in self.path:
            wanted.add("404")
        if self.method != "GET" or any(part["in"] == "query" for part in operation.get("parameters", [])):
            wanted.add("400")
        if self.method != "GET":
            wanted.add("409")
        if self.method == "POST" and isinstance(self.view, IdempotentMixin):
            wanted.add("422")
        for status in sorted(wanted):
            operation["responses"].setdefault(status, {"description": REFUSALS[status], "content": reference})


def add_error_component(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook: the component the calls refer to."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    return result
