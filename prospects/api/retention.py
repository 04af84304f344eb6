"""Retention: `/api/v1/retention-rules/{kind}/`, `/api/v1/retention-notices/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.counts import count_up_to
from leadgen.core.errors import NotFound
from prospects.actions.retention import keep_person, set_rule
from prospects.models import RetentionNotice, RetentionRule
from prospects.queries.retention import due_rows, rule_of
from prospects.rules.retention import KEEPS, KINDS


class RetentionRuleSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(read_only=True, help_text=f"{', '.join(KINDS)}.")
    is_active = serializers.BooleanField()
    period = serializers.IntegerField(help_text="In `unit`.")
    unit = serializers.CharField(read_only=True)
    grace_days = serializers.IntegerField(required=False, help_text="Of people: between the notice and the erasure.")
    keeps = serializers.ListField(
        child=serializers.CharField(), required=False, help_text=f"Of people: {', '.join(KEEPS)}."
    )
    suppress = serializers.BooleanField(required=False)
    due = serializers.IntegerField(read_only=True, help_text="Rows it would take now; above 10,000 an estimate.")
    ran_at = serializers.DateTimeField(read_only=True, allow_null=True)


class RetentionRuleViewSet(viewsets.ViewSet):
    """What goes by age. Each kind has one rule, off until it is turned on."""

    permissions = {"list": "privacy.view", "retrieve": "privacy.view", "update": "privacy.edit"}
    lookup_field = "kind"
    serializer_class = RetentionRuleSerializer

    @extend_schema(summary="List retention rules", responses=RetentionRuleSerializer(many=True))
    def list(self, request: Request) -> Response:
        """All kinds, those that are off too; `due` counts what each would take now."""
        return Response([_answer(rule_of(kind)) for kind in KINDS])

    @extend_schema(
        summary="One retention rule",
        parameters=[OpenApiParameter("kind", str, "path")],
        responses=RetentionRuleSerializer,
    )
    def retrieve(self, request: Request, kind: str) -> Response:
        """With what it would take now."""
        return Response(_answer(_known(kind)))

    @extend_schema(
        summary="Set a retention rule", parameters=[OpenApiParameter("kind", str, "path")],
        request=RetentionRuleSerializer, responses=RetentionRuleSerializer,
    )  # fmt: skip
    def update(self, request: Request, kind: str) -> Response:
        """Turned on it runs in the background, in small batches; people get a notice first."""
        _known(kind)
        body = RetentionRuleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rule = set_rule(kind=kind, by=actor_of(request), now=clock.now(), **body.validated_data)
        return Response(_answer(rule))


def _known(kind: str) -> RetentionRule:
    if kind not in KINDS:
        raise NotFound(f"There is no retention rule “{kind}”.")
    return rule_of(kind)


def _answer(rule: RetentionRule) -> dict[str, Any]:
    return {
        "kind": rule.kind, "is_active": rule.is_active, "period": rule.period, "unit": KINDS[rule.kind].unit,
        "grace_days": rule.grace_days, "keeps": rule.keeps, "suppress": rule.suppress,
        "due": count_up_to(due_rows(rule, clock.now())).value, "ran_at": rule.ran_at,
    }  # fmt: skip


class RetentionNoticeSerializer(serializers.ModelSerializer[RetentionNotice]):
    class Meta:
        model = RetentionNotice
        fields = ["id", "person", "noticed_at", "due_at", "kept_at", "kept_by"]
        read_only_fields = fields


@extend_schema_view(list=extend_schema(summary="List retention notices"))
class RetentionNoticeViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[RetentionNotice]):
    """Who will be erased by a retention rule, and when."""

    model = RetentionNotice
    permissions = {"list": "people.view", "keep": "people.edit"}
    serializer_class = RetentionNoticeSerializer
    orders = ("due_at",)
    default_order = "due_at"

    def get_queryset(self) -> QuerySet[RetentionNotice]:
        if getattr(self, "swagger_fake_view", False):
            return RetentionNotice.unscoped.none()
        return RetentionNotice.objects.select_related("person")

    @extend_schema(summary="Keep somebody", request=None, responses=RetentionNoticeSerializer)
    @action(detail=True, methods=["post"])
    def keep(self, request: Request, pk: str) -> Response:
        """They are not noticed again for as long as the rule says."""
        notice = keep_person(notice=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(RetentionNoticeSerializer(notice).data)
