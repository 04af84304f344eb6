"""`/api/v1/enrolments/`."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from campaigns.actions.enrolments import (
    BLOCKS,
    MAX_PEOPLE,
    EnrolmentPlan,
    change_enrolments,
    enrol_people,
    first_touches,
    plan_enrolment,
)
from campaigns.forms.enrolments import EnrolmentFilter
from campaigns.models import Enrolment, Mailbox, Sequence
from campaigns.queries import enrolments as queries
from leadgen.core import clock
from leadgen.core.errors import Invalid, Refused
from leadgen.core.idempotency import IdempotentMixin
from prospects.api.fields import TenantKeyField, body_of
from prospects.models import Lead, Person
from prospects.queries.people import matching


class EnrolmentSerializer(serializers.ModelSerializer[Enrolment]):
    sequence = TenantKeyField(Sequence, read_only=True)
    person = TenantKeyField(Person, read_only=True)
    mailbox = TenantKeyField(Mailbox, read_only=True)
    owner = TenantKeyField(Member, read_only=True)
    lead = TenantKeyField(Lead, read_only=True)
    version = serializers.IntegerField(source="version.number", help_text="Of the sequence; it never changes.")
    next_step = serializers.SerializerMethodField(help_text="What comes next, in words.")
    why = serializers.SerializerMethodField(help_text="Why it waits, or why it ended, in words.")

    class Meta:
        model = Enrolment
        fields = [
            "id", "external_id", "sequence", "version", "person", "lead", "mailbox", "owner", "state", "stopped_by_type",
            "position", "next_step", "next_at", "why", "cause", "enrolled_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_next_step(self, enrolment: Enrolment) -> str:
        return str(self.context["next"][enrolment.pk].what)

    def get_why(self, enrolment: Enrolment) -> str:
        return str(self.context["next"][enrolment.pk].why or enrolment.reason)


class EnrolSerializer(serializers.Serializer[Any]):
    """Whom: ids in `people`, or everybody for whom `rule` over people is true. Exactly one of the two."""

    sequence = TenantKeyField(Sequence)
    people = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=MAX_PEOPLE)
    rule = serializers.JSONField(required=False, help_text="The rule language, as in the filters of people.")
    owner = TenantKeyField(
        Member, required=False, allow_null=True, help_text="Gets the tasks; default: each person's owner."
    )

    def validate(self, attrs: Any) -> Any:
        if ("people" in attrs) == ("rule" in attrs):
            raise serializers.ValidationError({"people": "Send `people` or `rule`, one of the two."})
        return attrs

    def ids(self) -> list[UUID]:
        """The people meant. Raises Invalid for a rule that cannot be read, or matches too many."""
        data = self.validated_data
        if "people" in data:
            return list(data["people"])
        found = list(
            matching(data["rule"], now=clock.now()).order_by("id").values_list("pk", flat=True)[: MAX_PEOPLE + 1]
        )
        if len(found) > MAX_PEOPLE:
            raise Invalid(f"More than {MAX_PEOPLE:,} people match. Narrow the rule.", field="rule")
        return found


class EnrolOneSerializer(serializers.Serializer[Any]):
    sequence = TenantKeyField(Sequence)
    person = TenantKeyField(Person)
    owner = TenantKeyField(Member, required=False, allow_null=True)


class BlockedSerializer(serializers.Serializer[Any]):
    person = serializers.UUIDField()
    code = serializers.ChoiceField(choices=[*BLOCKS.items(), ("not_found", "not in this workspace")])
    reason = serializers.CharField()


PREVIEW = inline_serializer(
    "EnrolmentPreview",
    {
        "eligible": serializers.IntegerField(),
        "blocked": BlockedSerializer(many=True),
        "by_reason": serializers.DictField(child=serializers.IntegerField()),
        "people": inline_serializer(
            "EnrolmentFirst",
            {
                "person": serializers.UUIDField(),
                "first_at": serializers.DateTimeField(),
                "why": serializers.CharField(),
            },
            many=True,
        ),
    },
)
ENROLLED = inline_serializer(
    "Enrolled",
    {
        "enrolled": serializers.IntegerField(),
        "ids": serializers.ListField(child=serializers.UUIDField()),
        "blocked": BlockedSerializer(many=True),
        "by_reason": serializers.DictField(child=serializers.IntegerField()),
    },
)
REASON = inline_serializer("EnrolmentReason", {"reason": serializers.CharField(max_length=300)})


def _blocked(plan: EnrolmentPlan) -> list[dict[str, str]]:
    found = [{"person": str(pk), "code": code, "reason": reason} for pk, (code, reason) in plan.blocked.items()]
    return found + [
        {"person": str(pk), "code": "not_found", "reason": "There is no such person in this workspace"}
        for pk in plan.unknown
    ]


def _by_reason(plan: EnrolmentPlan) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in _blocked(plan):
        counts[row["code"]] = counts.get(row["code"], 0) + 1
    return counts


@extend_schema_view(retrieve=extend_schema(summary="One enrolment"))
class EnrolmentViewSet(IdempotentMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Enrolment]):
    """People going through sequences: once per sequence, one sequence at a time."""

    model = Enrolment
    permissions = {
        "list": "enrolments.view",
        "retrieve": "enrolments.view",
        "create": "enrolments.create",
        "preview": "enrolments.create",
        "by_external_id": "enrolments.create",
        "pause": "enrolments.stop",
        "resume": "enrolments.stop",
        "stop": "enrolments.stop",
    }
    serializer_class = EnrolmentSerializer
    filterset_class = EnrolmentFilter
    orders = queries.ORDERS
    nullable_orders = queries.NULLABLE
    default_order = "-enrolled_at"

    def get_queryset(self) -> QuerySet[Enrolment]:
        if getattr(self, "swagger_fake_view", False):
            return Enrolment.unscoped.none()
        return queries.with_related(Enrolment.objects.all())

    @extend_schema(summary="List enrolments")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """With what comes next for each, and why it waits."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(self._serialize(rows))

    def retrieve(self, request: Request, pk: str) -> Response:
        """With what comes next, and why it waits."""
        return Response(self._serialize([self.get_object()])[0])

    @extend_schema(summary="See who is eligible", request=EnrolSerializer, responses=PREVIEW)
    @action(detail=False, methods=["post"], filterset_class=None)
    def preview(self, request: Request) -> Response:
        """Nothing is written: who would be enrolled and when the first step is due, and who is blocked and why."""
        asked = self._asked(request)
        sequence = asked.validated_data["sequence"]
        plan = plan_enrolment(sequence=sequence, people=asked.ids())
        slots = first_touches(sequence=sequence, people=plan.eligible, now=clock.now())
        people = [
            {"person": str(person.pk), "first_at": slots[person.pk][0].at, "why": slots[person.pk][0].reason}
            for person in plan.eligible
        ]
        return Response(
            {"eligible": len(people), "blocked": _blocked(plan), "by_reason": _by_reason(plan), "people": people}
        )

    @extend_schema(summary="Enrol people", request=EnrolSerializer, responses={201: ENROLLED})
    def create(self, request: Request) -> Response:
        """Those who are eligible at this moment; the others are named with the reason. A repeat enrols nobody twice."""
        asked = self._asked(request)
        data = asked.validated_data
        ids = asked.ids()
        plan = plan_enrolment(sequence=data["sequence"], people=ids)
        made = enrol_people(
            sequence=data["sequence"], people=ids, owner=data.get("owner"), by=actor_of(request), now=clock.now()
        )
        answer = {
            "enrolled": len(made), "ids": [str(row.pk) for row in made], "blocked": _blocked(plan),
            "by_reason": _by_reason(plan),
        }  # fmt: skip
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Enrol one person by your own id", request=EnrolOneSerializer,
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
    )  # fmt: skip
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Repeatable: the same id is the same enrolment, whatever became of it. Refused with the reason if blocked."""
        found = self.get_queryset().filter(external_id=external_id).first()
        if found is not None:
            return Response(self._serialize([found])[0])
        serializer = EnrolOneSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        plan = plan_enrolment(sequence=data["sequence"], people=[data["person"].pk])
        if plan.blocked:
            code, reason = plan.blocked[data["person"].pk]
            raise Refused(f"{data['person']} cannot be enrolled: {reason}.", code=code, field="person")
        made = enrol_people(
            sequence=data["sequence"], people=[data["person"].pk], owner=data.get("owner"), external_id=external_id,
            by=actor_of(request), now=clock.now(),
        )  # fmt: skip
        row = self.get_queryset().get(pk=made[0].pk)
        return Response(self._serialize([row])[0], status=status.HTTP_201_CREATED)

    @extend_schema(summary="Pause an enrolment", request=REASON)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Held until it is resumed."""
        return self._change(request, "pause")

    @extend_schema(summary="Resume an enrolment", request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Goes on where it was held."""
        return self._change(request, "resume")

    @extend_schema(summary="Stop an enrolment", request=REASON)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        """For good: planned e-mail is blocked, open tasks are cancelled. Stopping twice changes nothing."""
        return self._change(request, "stop")

    def _change(self, request: Request, act: str) -> Response:
        enrolment = self.get_object()
        reason = str(body_of(request).get("reason", "")) if request.data else ""
        change_enrolments(enrolments=[enrolment], act=act, reason=reason, by=actor_of(request), now=clock.now())
        return Response(self._serialize([self.get_queryset().get(pk=enrolment.pk)])[0])

    def _asked(self, request: Request) -> EnrolSerializer:
        serializer = EnrolSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer

    def _serialize(self, rows: Any) -> Any:
        context = {**self.get_serializer_context(), "next": queries.next_actions(list(rows), clock.now())}
        return EnrolmentSerializer(rows, many=True, context=context).data
