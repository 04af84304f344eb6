"""Serializer fields the API of prospects shares."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from leadgen.core.errors import Invalid
from leadgen.core.tenancy import TenantModel
from prospects.queries.tags import tags_of


@extend_schema_field(OpenApiTypes.UUID)
class TenantKeyField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of a row of this workspace, looked up when a request is served: another workspace's id does not exist."""

    def __init__(self, model: type[TenantModel], **kwargs: Any) -> None:
        self.model = model
        if not kwargs.get("read_only"):
            kwargs["queryset"] = model.unscoped.none()
        super().__init__(**kwargs)

    def get_queryset(self) -> Any:
        return self.model.objects.all()

    default_error_messages = {
        "does_not_exist": "There is no {pk_value} in this workspace.",
        "incorrect_type": "Send an id as text.",
    }


class TagNamesField(serializers.ListField):
    """The names of a row's tags; sent, they are exactly its tags from then on. Lists read them once, into `tags` of the
    context."""

    def __init__(self, subject: str, **kwargs: Any) -> None:
        self.subject = subject
        words = "Names. Sent: exactly these from then on; one that is no tag of the workspace is refused."
        super().__init__(
            child=serializers.CharField(max_length=40), required=False, max_length=50, help_text=words, **kwargs
        )

    def get_attribute(self, instance: Any) -> list[str]:
        known = self.context.get("tags")
        found = known if known is not None else tags_of(self.subject, [instance.pk])
        return [tag.name for tag in found.get(instance.pk, [])]


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object, for look-ups before a serializer has read it. Raises Invalid for a list."""
    if not isinstance(request.data, dict):
        raise Invalid("Send one JSON object.")
    return request.data
