"""`/api/v1/tasks/`: work for people: list, create, complete, skip, snooze, claim, give on; upsert by your own id."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from accounts.permissions import refuse_owner
from campaigns.actions.queue import (
    CALL_OUTCOMES,
    change_task,
    finish_item,
    log_call,
    log_linkedin,
    skip_item,
    take_item,
)
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.tasks import claim_task, create_task, reassign, release_task, snooze_task
from prospects.api.fields import TenantKeyField
from prospects.forms.fields import ListFilter
from prospects.models import Campaign, Company, Deal, Handoff, Lead, Person, Task

K = Task.Kind
# A hand-off's task comes with its hand-off; it is neither made nor closed here.
BY_HAND = [(kind.value, kind.label) for kind in Task.Kind if kind != K.HANDOFF]


class TaskSerializer(serializers.ModelSerializer[Task]):
    kind = serializers.ChoiceField(choices=BY_HAND, help_text="`handoff` tasks are made by hand-offs only.")
    person = TenantKeyField(Person, required=False, allow_null=True)
    company = TenantKeyField(Company, required=False, allow_null=True)
    lead = TenantKeyField(Lead, required=False, allow_null=True)
    deal = TenantKeyField(Deal, required=False, allow_null=True)
    campaign = TenantKeyField(Campaign, required=False, allow_null=True)
    owner = TenantKeyField(Member, required=False, allow_null=True)
    handoff = serializers.PrimaryKeyRelatedField[Handoff](read_only=True)
    claimed_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    closed_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)

    class Meta:
        model = Task
        fields = [
            "id", "kind", "state", "title", "reason", "body", "person", "company", "lead", "deal", "campaign", "handoff",
            "owner", "due_at", "sla_due_at", "snoozed_until", "claimed_by", "claimed_until", "outcome", "note",
            "created_at", "closed_at", "closed_by", "external_id",
        ]  # fmt: skip
        read_only_fields = [
            "id", "state", "snoozed_until", "claimed_until", "outcome", "note", "created_at", "closed_at",
        ]  # fmt: skip
        # The action finds the row that is there; a unique validator would read tables of no workspace.
        validators: list[Any] = []


class CompleteSerializer(serializers.Serializer[Any]):
    outcome = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=24,
        help_text=f"Of a call: {', '.join(CALL_OUTCOMES)}. Of a LinkedIn task: sent, could_not. Else free, or empty.",
    )  # fmt: skip
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=5000)
    callback_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class SkipSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=5000)


class SnoozeSerializer(serializers.Serializer[Any]):
    until = serializers.DateTimeField()


class ReassignSerializer(serializers.Serializer[Any]):
    owner = TenantKeyField(Member, allow_null=True)


class TaskFilter(ListFilter):
    """Filters of the API's list."""

    state = django_filters.ChoiceFilter(choices=Task.State.choices)
    kind = django_filters.ChoiceFilter(choices=Task.Kind.choices)
    owner = django_filters.CharFilter(method="by_owner", help_text="A member's id, `me` or `none`.")
    person = django_filters.UUIDFilter(field_name="person")
    company = django_filters.UUIDFilter(field_name="company")
    lead = django_filters.UUIDFilter(field_name="lead")
    external_id = django_filters.CharFilter(field_name="external_id")
    due_from = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="gte")
    due_to = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt")


@extend_schema_view(list=extend_schema(summary="List tasks"), retrieve=extend_schema(summary="One task"))
class TaskViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Task]):
    """Work for people. What a sequence waits for moves on when its task is closed, wherever it is closed."""

    permissions = {
        "list": "tasks.view",
        "retrieve": "tasks.view",
        "create": "tasks.work",
        "by_external_id": "tasks.work",
        "complete": "tasks.work",
        "skip": "tasks.work",
        "snooze": "tasks.work",
        "claim": "tasks.work",
        "release": "tasks.work",
        "reassign": "tasks.assign",
    }
    model = Task
    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    orders = ("created_at", "due_at")
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Task]:
        if getattr(self, "swagger_fake_view", False):
            return Task.unscoped.none()
        related = (
            "person__company",
            "company",
            "lead",
            "deal",
            "campaign",
            "handoff",
            "owner",
            "claimed_by",
            "closed_by",
        )
        rows: QuerySet[Task] = Task.objects.select_related(*related)
        return rows

    @extend_schema(summary="Create a task")
    def create(self, request: Request) -> Response:
        """Without an owner it is whoever's takes it first. An `external_id` that is there already gives that task."""
        data = self._body(TaskSerializer, request)
        refuse_owner(data.get("owner"))
        task = create_task(by=actor_of(request), now=clock.now(), **data)
        return self._answer(task, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Create or change a task by your own id", request=TaskSerializer, responses=TaskSerializer,
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
    )  # fmt: skip
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """An open task takes title, reason, body, due and SLA times as sent; a closed one is refused with 409."""
        found = self.get_queryset().filter(external_id=external_id).first()
        if found is None:
            data = self._body(TaskSerializer, request) | {"external_id": external_id}
            refuse_owner(data.get("owner"))
            return self._answer(create_task(by=actor_of(request), now=clock.now(), **data), status.HTTP_201_CREATED)
        data = self._body(TaskSerializer, request, partial=True)
        return self._answer(change_task(task=found, changes=data, by=actor_of(request), now=clock.now()))

    @extend_schema(summary="Complete a task", request=CompleteSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: str) -> Response:
        """With the outcome a call or LinkedIn task needs. A call-back comes again at `callback_at`."""
        task, data = self.get_object(), self._body(CompleteSerializer, request)
        by, now, outcome, note = actor_of(request), clock.now(), data["outcome"], data["note"]
        if task.kind == K.CALL or (task.kind in {K.INBOUND, K.REPLY} and outcome in CALL_OUTCOMES):
            log_call(task=task, by=by, now=now, outcome=outcome, note=note, callback_at=data["callback_at"])
        elif task.kind in {K.LINKEDIN_REQUEST, K.LINKEDIN_MESSAGE}:
            log_linkedin(task=task, by=by, now=now, sent=outcome != "could_not", note=note)
        else:
            finish_item(task=task, by=by, now=now, outcome=outcome, note=note)
        return self._answer(task)

    @extend_schema(summary="Skip a task", request=SkipSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        """Not done, and not to be done; its sequence goes on."""
        task, data = self.get_object(), self._body(SkipSerializer, request)
        return self._answer(skip_item(task=task, by=actor_of(request), now=clock.now(), note=data["note"]))

    @extend_schema(summary="Snooze a task", request=SnoozeSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Out of the queue until then; an SLA clock does not stop."""
        by, now, data = actor_of(request), clock.now(), self._body(SnoozeSerializer, request)
        return self._answer(
            snooze_task(task=take_item(self.get_object(), by, now), by=by, now=now, until=data["until"])
        )

    @extend_schema(summary="Claim a task for three minutes", request=None, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def claim(self, request: Request, pk: str) -> Response:
        """Others see it. 409 with the name where somebody has it."""
        return self._answer(claim_task(task=self.get_object(), by=actor_of(request), now=clock.now()))

    @extend_schema(summary="Let go of a claim", request=None, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str) -> Response:
        """One's own only."""
        task = self.get_object()
        release_task(task=task, by=actor_of(request), now=clock.now())
        return self._answer(task)

    @extend_schema(summary="Give a task to somebody else", request=ReassignSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def reassign(self, request: Request, pk: str) -> Response:
        """`owner: null` is anybody."""
        data = self._body(ReassignSerializer, request)
        return self._answer(
            reassign(task=self.get_object(), by=actor_of(request), now=clock.now(), owner=data["owner"])
        )

    def _body(self, serializer_class: Any, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = serializer_class(data=request.data, partial=partial, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _answer(self, task: Task, code: int = status.HTTP_200_OK) -> Response:
        return Response(TaskSerializer(self.get_queryset().get(pk=task.pk)).data, status=code)
