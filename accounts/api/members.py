"""`/api/v1/members/` and `/api/v1/invitations/`."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.actions.invitations import invite_member, resend_invitation, revoke_invitation
from accounts.models import Invitation, Member, Role
from accounts.queries.memberships import open_invitations
from leadgen.core import clock
from leadgen.core.filters import TenantFilterSet
from leadgen.core.idempotency import IdempotentMixin


class MemberSerializer(serializers.ModelSerializer[Member]):
    can_log_in = serializers.SerializerMethodField(help_text="False for names that an import brought.")

    class Meta:
        model = Member
        fields = ["id", "name", "email", "role", "team", "capacity", "is_active", "can_log_in", "created_at", "left_at"]
        read_only_fields = fields

    def get_can_log_in(self, member: Member) -> bool:
        return member.is_active and member.user_id is not None


class MemberFilter(TenantFilterSet):
    role = django_filters.ChoiceFilter(choices=Role.choices)
    email = django_filters.CharFilter(lookup_expr="iexact")

    class Meta:
        model = Member
        fields = ["role", "email", "team", "is_active"]


@extend_schema_view(list=extend_schema(summary="List members"), retrieve=extend_schema(summary="One member"))
class MemberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Member]):
    """People of the workspace, and names that imports brought (inactive, without a log-in)."""

    permissions = {"list": "members.view", "retrieve": "members.view"}
    model = Member
    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    orders = ("name", "role", "created_at")
    default_order = "name"

    def get_queryset(self) -> QuerySet[Member]:
        return Member.objects.all()


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    role = serializers.ChoiceField(choices=Role.choices)
    invited_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "invited_by", "created_at", "expires_at"]
        read_only_fields = ["id", "invited_by", "created_at", "expires_at"]


@extend_schema_view(
    list=extend_schema(summary="List open invitations"),
    create=extend_schema(summary="Invite somebody"),
    destroy=extend_schema(summary="Withdraw an invitation"),
)
class InvitationViewSet(IdempotentMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Invitation]):
    """Invitations not yet accepted or withdrawn. Each is mailed; its link is never shown here."""

    permissions = {
        "list": "members.view",
        "create": "members.edit",
        "resend": "members.edit",
        "destroy": "members.edit",
    }
    model = Invitation
    serializer_class = InvitationSerializer
    orders = ("created_at", "email")
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Invitation]:
        return open_invitations()

    def create(self, request: Request) -> Response:
        """Mails a link that works once, for seven days."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        invitation = invite_member(by=actor_of(request), email=data["email"], role=data["role"], now=clock.now())
        return Response(self.get_serializer(invitation).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Send an invitation again", request=None)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: str) -> Response:
        """Mails a new link; the old one ends."""
        invitation = resend_invitation(by=actor_of(request), invitation=self.get_object(), now=clock.now())
        return Response(self.get_serializer(invitation).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Its link stops working."""
        revoke_invitation(by=actor_of(request), invitation=self.get_object(), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
