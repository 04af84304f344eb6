"""`/api/v1/campaigns/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from accounts.permissions import member_allows
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.campaigns import (
    create_campaign,
    end_campaign,
    pause_campaign,
    resume_campaign,
    start_campaign,
    update_campaign,
)
from prospects.api.fields import TenantKeyField, body_of
from prospects.forms.campaigns import CampaignFilter
from prospects.models import Campaign, Icp, Offer
from prospects.queries import campaigns as queries

WRITABLE = [
    "name", "external_id", "motion", "goal", "offer", "icp", "channel", "budget", "currency", "starts_on", "ends_on", "owner",
]  # fmt: skip


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    owner = TenantKeyField(Member, required=False, allow_null=True)
    offer = TenantKeyField(Offer, required=False, allow_null=True)
    icp = TenantKeyField(Icp, required=False, allow_null=True)
    spent = serializers.SerializerMethodField(
        help_text="Sum of its spend in its own currency; null where the role does not see spend."
    )
    leads = serializers.SerializerMethodField(help_text="Leads whose opening touch was of it.")

    class Meta:
        model = Campaign
        fields = ["id", *WRITABLE, "state", "pause_reason", "spent", "leads", "created_at"]
        read_only_fields = ["id", "state", "pause_reason", "created_at"]
        # The actions refuse duplicates; unique validators would read tables of no workspace.
        validators: list[Any] = []
        extra_kwargs = {name: {"required": False} for name in ("currency", "external_id", "goal")} | {
            "name": {"validators": []}, "external_id": {"validators": [], "required": False},
        }  # fmt: skip

    def get_spent(self, campaign: Campaign) -> str | None:
        if not member_allows(self.context["request"].member, "spend.view"):
            return None
        figures = self.context.get("figures", {}).get(campaign.pk) or queries.figures_of([campaign])[campaign.pk]
        return f"{figures.spent:.2f}"

    def get_leads(self, campaign: Campaign) -> int:
        figures = self.context.get("figures", {}).get(campaign.pk) or queries.figures_of([campaign])[campaign.pk]
        return int(figures.leads)


@extend_schema_view(retrieve=extend_schema(summary="One campaign"))
class CampaignViewSet(
    IdempotentMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Campaign]
):
    """Campaigns. A new one is a draft: nothing of it is sent before `start`."""

    model = Campaign
    permissions = {
        "list": "campaigns.view",
        "retrieve": "campaigns.view",
        "create": "campaigns.edit",
        "partial_update": "campaigns.edit",
        "by_external_id": "campaigns.edit",
        "start": "campaigns.edit",
        "pause": "campaigns.edit",
        "resume": "campaigns.edit",
        "end": "campaigns.edit",
    }
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    orders = queries.ORDERS
    nullable_orders = queries.NULLABLE
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Campaign]:
        if getattr(self, "swagger_fake_view", False):
            return Campaign.unscoped.none()
        return Campaign.objects.all()

    @extend_schema(summary="List campaigns")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """With money spent and leads opened."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        context = {**self.get_serializer_context(), "figures": queries.figures_of(rows)}
        return self.get_paginated_response(CampaignSerializer(rows, many=True, context=context).data)

    @extend_schema(summary="Create a campaign")
    def create(self, request: Request) -> Response:
        """As a draft. `currency` defaults to the workspace's, `owner` to the token's member."""
        campaign = create_campaign(by=actor_of(request), now=clock.now(), **self._read(request))
        return Response(self.get_serializer(campaign).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a campaign")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays."""
        campaign = self.get_object()
        changes = self._read(request, partial=True)
        update_campaign(campaign=campaign, changes=changes, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(campaign).data)

    @extend_schema(
        summary="Create or change a campaign by your own id",
        parameters=[OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
    )
    @action(detail=False, methods=["put"], url_path=r"by-external-id/(?P<external_id>[^/]+)")
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Created as a draft where none has this id."""
        found = Campaign.objects.filter(external_id=external_id).first()
        data = self._read(request, partial=found is not None) | {"external_id": external_id}
        if found is None:
            campaign = create_campaign(by=actor_of(request), now=clock.now(), **data)
            return Response(self.get_serializer(campaign).data, status=status.HTTP_201_CREATED)
        update_campaign(campaign=found, changes=data, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(found).data)

    @extend_schema(summary="Start a draft", request=None)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        """What its sequences hold goes out, as windows and caps allow."""
        campaign = self.get_object()
        start_campaign(campaign=campaign, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(campaign).data)

    @extend_schema(
        summary="Pause a campaign",
        request=inline_serializer("CampaignPause", {"reason": serializers.CharField(max_length=200)}),
    )
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Everything of it is held, and says why."""
        campaign = self.get_object()
        reason = str(body_of(request).get("reason", ""))
        pause_campaign(campaign=campaign, reason=reason, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(campaign).data)

    @extend_schema(summary="Resume a campaign", request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """What was held is looked at again."""
        campaign = self.get_object()
        resume_campaign(campaign=campaign, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(campaign).data)

    @extend_schema(summary="End a campaign", request=None)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """For good: everybody still in its sequences is stopped."""
        campaign = self.get_object()
        end_campaign(campaign=campaign, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(campaign).data)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
