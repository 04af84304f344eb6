"""`/api/v1/sequences/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from campaigns.actions.drafts import STEP_FIELDS, save_steps
from campaigns.actions.sequences import (
    archive_sequence,
    create_sequence,
    draft_version,
    pause_sequence,
    publish_problems,
    publish_sequence,
    published_version,
    resume_sequence,
    update_sequence,
)
from campaigns.forms.sequences import SequenceFilter
from campaigns.models import Mailbox, Sequence, SequenceVersion, Step
from campaigns.queries import sequences as queries
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.api.fields import TenantKeyField, body_of
from prospects.models import Campaign

WRITABLE = [
    "name", "external_id", "campaign", "owner", "window_start", "window_end", "weekdays", "stop_on_company_reply",
    "linkedin_check_days",
]  # fmt: skip


class StepSerializer(serializers.Serializer[Any]):
    """One step; texts are Liquid. `wait` only delays."""

    kind = serializers.ChoiceField(choices=Step.Kind.choices)
    delay_days = serializers.IntegerField(min_value=0, max_value=365, default=0)
    delay_hours = serializers.IntegerField(min_value=0, max_value=23, default=0)
    business_days = serializers.BooleanField(default=True)
    subject = serializers.CharField(max_length=250, default="", allow_blank=True, trim_whitespace=False)
    body = serializers.CharField(default="", allow_blank=True, max_length=50_000, trim_whitespace=False)


class SequenceStepsSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    published_at = serializers.DateTimeField(allow_null=True)
    steps = StepSerializer(many=True)


class SequenceSerializer(serializers.ModelSerializer[Sequence]):
    campaign = TenantKeyField(Campaign)
    owner = TenantKeyField(Member, required=False, allow_null=True)
    mailboxes = serializers.ListField(
        child=TenantKeyField(Mailbox), required=False, write_only=True, max_length=200,
        help_text="The pool it sends from; new people get the one with the fewest people.",
    )  # fmt: skip
    steps = StepSerializer(many=True, required=False, write_only=True, help_text="Of the draft; all of them.")
    pool = serializers.SerializerMethodField(help_text="Ids of the mailboxes it sends from.")
    published = serializers.SerializerMethodField(help_text="The version new people go through; null: none yet.")
    draft = serializers.SerializerMethodField(help_text="The version being written; null: none.")
    problems = serializers.SerializerMethodField(help_text="Why the draft cannot be published yet.")
    people = serializers.SerializerMethodField(help_text="People by state of their enrolment.")

    class Meta:
        model = Sequence
        fields = [
            "id", *WRITABLE, "mailboxes", "steps", "state", "pause_reason", "pool", "published", "draft", "problems",
            "people", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "state", "pause_reason", "created_at"]
        # The actions refuse duplicates; unique validators would read tables of no workspace.
        validators: list[Any] = []
        extra_kwargs = {"name": {"validators": []}, "external_id": {"validators": [], "required": False}}

    def get_pool(self, sequence: Sequence) -> list[str]:
        return [str(mailbox.pk) for mailbox in queries.mailboxes_of(sequence)]

    @extend_schema_field(SequenceStepsSerializer(allow_null=True))
    def get_published(self, sequence: Sequence) -> Any:
        return _version(published_version(sequence))

    @extend_schema_field(SequenceStepsSerializer(allow_null=True))
    def get_draft(self, sequence: Sequence) -> Any:
        return _version(draft_version(sequence))

    def get_problems(self, sequence: Sequence) -> list[str]:
        draft = draft_version(sequence)
        return publish_problems(sequence=sequence, version=draft) if draft else []

    def get_people(self, sequence: Sequence) -> dict[str, int]:
        counts = queries.counts_of([sequence])[sequence.pk]
        return {name: getattr(counts, name) for name in ("active", "paused", "finished", "stopped")}


class SequenceRowSerializer(serializers.ModelSerializer[Sequence]):
    """A row of the list: without its texts."""

    campaign = TenantKeyField(Campaign, read_only=True)
    owner = TenantKeyField(Member, read_only=True)
    people = serializers.SerializerMethodField(help_text="People by state of their enrolment.")

    class Meta:
        model = Sequence
        fields = ["id", *WRITABLE, "state", "pause_reason", "people", "created_at"]
        read_only_fields = fields

    def get_people(self, sequence: Sequence) -> dict[str, int]:
        counts = self.context["counts"][sequence.pk]
        return {name: getattr(counts, name) for name in ("active", "paused", "finished", "stopped")}


def _version(version: SequenceVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    steps = [{name: getattr(step, name) for name in STEP_FIELDS} for step in queries.steps_in(version)]
    return {"number": version.number, "published_at": version.published_at, "steps": steps}


@extend_schema_view(retrieve=extend_schema(summary="One sequence with its steps"))
class SequenceViewSet(
    IdempotentMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Sequence]
):
    """Sequences. Steps are written into a draft; publishing makes it an immutable version, and people inside stay on theirs."""

    model = Sequence
    permissions = {
        "list": "sequences.view",
        "retrieve": "sequences.view",
        "create": "sequences.edit",
        "partial_update": "sequences.edit",
        "by_external_id": "sequences.edit",
        "steps": "sequences.edit",
        "publish": "sequences.publish",
        "pause": "sequences.publish",
        "resume": "sequences.publish",
        "archive": "sequences.publish",
    }
    serializer_class = SequenceSerializer
    filterset_class = SequenceFilter
    orders = queries.ORDERS
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Sequence]:
        if getattr(self, "swagger_fake_view", False):
            return Sequence.unscoped.none()
        return Sequence.objects.select_related("campaign", "owner")

    @extend_schema(summary="List sequences", responses=SequenceRowSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Without their texts; archived ones with `state=archived`."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        context = {**self.get_serializer_context(), "counts": queries.counts_of(rows)}
        return self.get_paginated_response(SequenceRowSerializer(rows, many=True, context=context).data)

    @extend_schema(summary="Create a sequence")
    def create(self, request: Request) -> Response:
        """As a draft, with its `steps` if they are sent."""
        data = self._read(request)
        return self._answer(self._create(request, data), status.HTTP_201_CREATED)

    @extend_schema(summary="Change a sequence")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays. `steps` replace those of the draft, which is made where there is none."""
        sequence = self.get_object()
        self._update(request, sequence, self._read(request, partial=True))
        return self._answer(sequence)

    @extend_schema(
        summary="Create or change a sequence by your own id",
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
    )
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Repeatable: the same steps again make no new draft."""
        found = Sequence.objects.filter(external_id=external_id).first()
        data = self._read(request, partial=found is not None) | {"external_id": external_id}
        if found is None:
            return self._answer(self._create(request, data), status.HTTP_201_CREATED)
        self._update(request, found, data)
        return self._answer(found)

    @extend_schema(summary="Replace the draft's steps", request=StepSerializer(many=True))
    @action(detail=True, methods=["put"])
    def steps(self, request: Request, pk: str) -> Response:
        """A list of steps, all of them. A broken text is refused with `field` `steps.<n>.<field>`, line and column."""
        sequence = self.get_object()
        serializer = StepSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        save_steps(sequence=sequence, steps=serializer.validated_data, by=actor_of(request), now=clock.now())
        return self._answer(sequence)

    @extend_schema(summary="Publish the draft", request=None)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:
        """Refused with `not_ready` and the list of problems where something is missing."""
        sequence = self.get_object()
        publish_sequence(sequence=sequence, by=actor_of(request), now=clock.now())
        return self._answer(sequence)

    @extend_schema(
        summary="Pause a sequence",
        request=inline_serializer("SequencePause", {"reason": serializers.CharField(max_length=200)}),
    )
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Everything of it is held, and says why."""
        sequence = self.get_object()
        reason = str(body_of(request).get("reason", ""))
        pause_sequence(sequence=sequence, reason=reason, by=actor_of(request), now=clock.now())
        return self._answer(sequence)

    @extend_schema(summary="Resume a sequence", request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """What was held is looked at again."""
        sequence = self.get_object()
        resume_sequence(sequence=sequence, by=actor_of(request), now=clock.now())
        return self._answer(sequence)

    @extend_schema(summary="Archive a sequence", request=None)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """Refused while people are inside."""
        sequence = self.get_object()
        archive_sequence(sequence=sequence, by=actor_of(request), now=clock.now())
        return self._answer(sequence)

    def _create(self, request: Request, data: dict[str, Any]) -> Sequence:
        steps, mailboxes = data.pop("steps", None), data.pop("mailboxes", [])
        by, now = actor_of(request), clock.now()
        sequence = create_sequence(by=by, now=now, mailboxes=mailboxes, **data)
        if steps is not None:
            save_steps(sequence=sequence, steps=steps, by=by, now=now)
        return sequence

    def _update(self, request: Request, sequence: Sequence, data: dict[str, Any]) -> None:
        steps, mailboxes = data.pop("steps", None), data.pop("mailboxes", None)
        by, now = actor_of(request), clock.now()
        update_sequence(sequence=sequence, changes=data, mailboxes=mailboxes, by=by, now=now)
        current = _version(draft_version(sequence) or published_version(sequence))
        if steps is not None and (current is None or current["steps"] != [dict(step) for step in steps]):
            save_steps(sequence=sequence, steps=steps, by=by, now=now)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        if partial and "steps" in data:
            # A partial serializer neither requires nor defaults the fields of what it nests; steps are always whole.
            steps = StepSerializer(data=body_of(request)["steps"], many=True)
            steps.is_valid(raise_exception=True)
            data["steps"] = steps.validated_data
        return data

    def _answer(self, sequence: Sequence, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=sequence.pk)).data, status=code)
