"""`/api/v1/leads/`: open, look, qualify, disqualify, recycle, reopen, assign, hand on."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.handoffs import create_handoff
from prospects.actions.leads import (
    assign_lead,
    disqualify_lead,
    edit_lead,
    open_lead,
    qualify_lead,
    recycle_lead,
    reopen_lead,
)
from prospects.api.fields import TenantKeyField
from prospects.api.handoffs import HandoffSerializer
from prospects.forms.leads import LeadFilter
from prospects.models import Campaign, Company, Handoff, Lead, Person, StageTransition
from prospects.queries.engagement import score_of


class TransitionSerializer(serializers.ModelSerializer[StageTransition]):
    version = serializers.IntegerField(
        source="version.number", read_only=True, default=None, help_text="Of the agreement."
    )
    member = serializers.PrimaryKeyRelatedField[Member](read_only=True)

    class Meta:
        model = StageTransition
        fields = ["position", "from_stage", "to_stage", "at", "version", "facts", "reason", "note", "member", "source"]
        read_only_fields = fields


class LeadSerializer(serializers.ModelSerializer[Lead]):
    person = TenantKeyField(Person, required=False, allow_null=True)
    company = TenantKeyField(Company, required=False, allow_null=True)
    campaign = TenantKeyField(Campaign, required=False, allow_null=True)
    owner = TenantKeyField(Member, required=False, allow_null=True)
    previous = serializers.PrimaryKeyRelatedField[Lead](read_only=True)
    agreement_version = serializers.IntegerField(
        source="version.number", read_only=True, default=None, help_text="In force when it opened."
    )

    class Meta:
        model = Lead
        fields = [
            "id", "external_id", "person", "company", "origin", "channel", "subchannel", "campaign", "source", "owner",
            "stage", "stage_at", "reason", "recycled_until", "previous", "agreement_version", "fit_grade", "opened_at",
            "routed_at", "route_reason", "seen_at", "first_touch_at", "touch_due_at", "closed_at", "created_at",
        ]  # fmt: skip
        read_only_fields = [
            "id", "stage", "stage_at", "reason", "recycled_until", "fit_grade", "routed_at", "route_reason", "seen_at",
            "first_touch_at", "touch_due_at", "closed_at", "created_at",
        ]  # fmt: skip
        extra_kwargs = {"origin": {"required": False}}
        validators: list[Any] = []


class LeadDetailSerializer(LeadSerializer):
    transitions = TransitionSerializer(many=True, read_only=True, source="x_transitions")
    engagement = serializers.FloatField(source="x_engagement", read_only=True, allow_null=True)

    class Meta(LeadSerializer.Meta):
        fields = [*LeadSerializer.Meta.fields, "transitions", "engagement"]


class QualifySerializer(serializers.Serializer[Any]):
    confirmed = serializers.DictField(
        child=serializers.CharField(max_length=500, trim_whitespace=True),
        help_text="What was said, by item: fit, need, budget, authority, timeline. The conversation is read from the ledger.",
    )
    note = serializers.CharField(required=False, allow_blank=True, default="")


class DisqualifySerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(help_text="One of the agreement's `disqualify_reasons`.")
    note = serializers.CharField(required=False, allow_blank=True, default="")


class RecycleSerializer(serializers.Serializer[Any]):
    until = serializers.DateField()
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)
    note = serializers.CharField(required=False, allow_blank=True, default="")


class ReopenSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)


class AssignSerializer(serializers.Serializer[Any]):
    owner = TenantKeyField(Member, allow_null=True)


class HandOnSerializer(serializers.Serializer[Any]):
    to = TenantKeyField(Member, required=False, allow_null=True, default=None, help_text="An AE; empty: by rotation.")
    note = serializers.CharField(required=False, allow_blank=True, default="")


@extend_schema_view(list=extend_schema(summary="List leads"), retrieve=extend_schema(summary="One lead"))
class LeadViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Lead]):
    """Buying cycles. A person has at most one open lead; stages move only by the acts below."""

    model = Lead
    permissions = {
        "list": "leads.view",
        "retrieve": "leads.view",
        "create": "leads.edit",
        "partial_update": "leads.edit",
        "by_external_id": "leads.edit",
        "qualify": "leads.edit",
        "disqualify": "leads.edit",
        "recycle": "leads.edit",
        "reopen": "leads.edit",
        "assign": "leads.assign",
        "hand_on": "leads.edit",
    }
    serializer_class = LeadSerializer
    filterset_class = LeadFilter
    orders = ("created_at", "opened_at", "stage_at")
    nullable_orders = ("opened_at", "stage_at")
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Lead]:
        if getattr(self, "swagger_fake_view", False):
            return Lead.unscoped.none()
        rows: QuerySet[Lead] = Lead.objects.select_related("person", "company", "owner", "campaign", "version")
        return rows

    @extend_schema(responses=LeadDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """With every transition, the facts that met it and the agreement version, and engagement now."""
        return Response(self._detail(self.get_object()))

    @extend_schema(summary="Open a lead", responses={201: LeadDetailSerializer, 200: LeadDetailSerializer})
    def create(self, request: Request) -> Response:
        """`201` for a new lead; `200` with the person's open lead where there is one. Evaluates MQL at once."""
        return self._open(request, {})

    @extend_schema(summary="Correct where a lead came from", responses=LeadDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Channel, second level, campaign, source, company. The timeline keeps what stood there before."""
        lead = self.get_object()
        data = self._read(request, partial=True)
        allowed = {
            name: value
            for name, value in data.items()
            if name in ("channel", "subchannel", "campaign", "source", "company")
        }
        edit_lead(lead=lead, changes=allowed, by=actor_of(request), now=clock.now())
        return Response(self._detail(lead))

    @extend_schema(summary="Open or correct a lead by your own id", responses=LeadDetailSerializer)
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Found by `external_id`: corrected. Else opened."""
        lead = self.get_queryset().filter(external_id=external_id).first()
        if lead is None:
            return self._open(request, {"external_id": external_id})
        data = self._read(request, partial=True)
        allowed = {
            name: value
            for name, value in data.items()
            if name in ("channel", "subchannel", "campaign", "source", "company")
        }
        edit_lead(lead=lead, changes=allowed, by=actor_of(request), now=clock.now())
        return Response(self._detail(lead))

    @extend_schema(summary="Qualify to SQL", request=QualifySerializer, responses=LeadDetailSerializer)
    @action(detail=True, methods=["post"])
    def qualify(self, request: Request, pk: str) -> Response:
        """Confirmed by the member of the token. `403` with `missing` in its detail while the checklist is not complete."""
        lead, data = self.get_object(), self._body(QualifySerializer, request)
        qualify_lead(lead=lead, by=actor_of(request), now=clock.now(), **data)
        return Response(self._detail(lead))

    @extend_schema(summary="Disqualify", request=DisqualifySerializer, responses=LeadDetailSerializer)
    @action(detail=True, methods=["post"])
    def disqualify(self, request: Request, pk: str) -> Response:
        """For a reason of the agreement."""
        lead, data = self.get_object(), self._body(DisqualifySerializer, request)
        disqualify_lead(lead=lead, by=actor_of(request), now=clock.now(), **data)
        return Response(self._detail(lead))

    @extend_schema(summary="Let rest", request=RecycleSerializer, responses=LeadDetailSerializer)
    @action(detail=True, methods=["post"])
    def recycle(self, request: Request, pk: str) -> Response:
        """Until a day; the next interest opens a new lead that names this one as `previous`."""
        lead, data = self.get_object(), self._body(RecycleSerializer, request)
        recycle_lead(lead=lead, by=actor_of(request), now=clock.now(), **data)
        return Response(self._detail(lead))

    @extend_schema(summary="Reopen", request=ReopenSerializer, responses=LeadDetailSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Back to the stage it was taken from; `409` where a newer lead of the person is open."""
        lead, data = self.get_object(), self._body(ReopenSerializer, request)
        reopen_lead(lead=lead, by=actor_of(request), now=clock.now(), **data)
        return Response(self._detail(lead))

    @extend_schema(summary="Assign", request=AssignSerializer, responses=LeadDetailSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """To a member, or to nobody."""
        lead, data = self.get_object(), self._body(AssignSerializer, request)
        assign_lead(lead=lead, by=actor_of(request), now=clock.now(), **data)
        return Response(self._detail(lead))

    @extend_schema(summary="Hand to an AE", request=HandOnSerializer, responses=HandoffSerializer)
    @action(detail=True, methods=["post"], url_path="hand-off")
    def hand_on(self, request: Request, pk: str) -> Response:
        """Of an SQL; the hand-off that waits already is returned."""
        lead, data = self.get_object(), self._body(HandOnSerializer, request)
        handoff = create_handoff(lead=lead, kind=Handoff.Kind.SDR_TO_AE, by=actor_of(request), now=clock.now(), **data)
        return Response(HandoffSerializer(handoff, context=self.get_serializer_context()).data)

    def _open(self, request: Request, extra: dict[str, Any]) -> Response:
        now = clock.now()
        data = self._read(request) | extra
        at = data.pop("opened_at", None) or now
        if at > now:
            raise Invalid("A lead cannot open in the future.", field="opened_at")
        known = Lead.objects.filter(external_id=data["external_id"]).first() if data.get("external_id") else None
        before = (
            set(Lead.objects.filter(person=data["person"]).values_list("pk", flat=True))
            if data.get("person")
            else set()
        )
        lead = known or open_lead(by=actor_of(request), now=now, at=at, **{"origin": Lead.Origin.MANUAL, **data})
        found = known is not None or lead.pk in before
        return Response(self._detail(lead), status=status.HTTP_200_OK if found else status.HTTP_201_CREATED)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = LeadSerializer(data=request.data, partial=partial, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _body(self, serializer_class: Any, request: Request) -> dict[str, Any]:
        serializer = serializer_class(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _detail(self, lead: Lead) -> dict[str, Any]:
        now = clock.now()
        row: Any = self.get_queryset().get(pk=lead.pk)
        row.x_transitions = StageTransition.objects.filter(lead=lead.pk).select_related("version").order_by("position")
        row.x_engagement = (
            round(score_of(row.person_id, ensure_first_agreement(now), now), 2) if row.person_id else None
        )
        return dict(LeadDetailSerializer(row, context=self.get_serializer_context()).data)
