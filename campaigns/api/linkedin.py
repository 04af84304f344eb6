"""`/api/v1/linkedin-checks/`: LinkedIn touches whose answer somebody must look for, and what they saw."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from campaigns.actions.linkedin import CHECKS, check_touches
from campaigns.models import StepRun
from campaigns.queries.linkedin import MOST, checks_of
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin


class CheckedPersonSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    linkedin_url = serializers.CharField()


class LinkedInCheckSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="run.pk", help_text="Of the touch.")
    kind = serializers.CharField(source="run.step.kind", help_text="linkedin_request or linkedin_message.")
    person = serializers.SerializerMethodField()
    enrolment = serializers.UUIDField(source="enrolment.pk")
    sequence = serializers.UUIDField(source="enrolment.sequence_id")
    owner = serializers.UUIDField(source="owner.pk", allow_null=True, default=None, help_text="Whose LinkedIn it was.")
    sent_at = serializers.DateTimeField()
    looked_at = serializers.DateTimeField(help_text="The last look, else when it was sent.")
    holds = serializers.CharField(help_text="What waits for the look, in words; empty: nothing yet.")

    @extend_schema_field(CheckedPersonSerializer)
    def get_person(self, check: Any) -> dict[str, str]:
        person = check.person
        return {"id": str(person.pk), "name": str(person), "linkedin_url": person.linkedin_url}


class LinkedInLookSerializer(serializers.Serializer[Any]):
    touches = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST)
    result = serializers.ChoiceField(
        choices=CHECKS, help_text="`not_yet`: somebody looked, and there was nothing. `declined`: they answered no."
    )


class LinkedInCheckViewSet(IdempotentMixin, viewsets.GenericViewSet[StepRun]):
    """Touches that went out and were not looked at for a day. What waits for a look goes on when it is told here."""

    permissions = {"list": "tasks.view", "create": "tasks.work"}
    model = StepRun
    serializer_class = LinkedInCheckSerializer
    pagination_class = None

    def get_queryset(self) -> QuerySet[StepRun]:
        return StepRun.unscoped.none()

    @extend_schema(
        summary="List LinkedIn touches to look at",
        parameters=[
            OpenApiParameter("who", str, enum=["mine"], description="Only mine; else mine come first."),
            OpenApiParameter("sequence", UUID),
        ],
        responses=inline_serializer("LinkedInChecks", {"results": LinkedInCheckSerializer(many=True), "cut": serializers.BooleanField()}),
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        """At most 500 at once; `cut` says that there are more."""
        sequence = request.query_params.get("sequence")
        try:
            key = UUID(sequence) if sequence else None
        except ValueError as error:
            raise Invalid("A sequence has an id.", field="sequence") from error
        who = request.query_params.get("who", "")
        found = checks_of(member=getattr(request, "member", None), now=clock.now(), who=who, sequence=key)
        return Response({"results": LinkedInCheckSerializer(found.rows, many=True).data, "cut": found.cut})

    @extend_schema(
        summary="Say what LinkedIn shows", request=LinkedInLookSerializer,
        responses=inline_serializer("LinkedInLooked", {"changed": serializers.IntegerField()}),
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """One result for many touches; `changed` counts those that were open still. An answer stops the sequence."""
        body = LinkedInLookSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        count = check_touches(by=actor_of(request), now=clock.now(), **body.validated_data)
        return Response({"changed": count})
