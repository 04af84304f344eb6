"""`/api/v1/tokens/`: list and revoke. Making one needs a person in the browser."""

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.actions.tokens import revoke_token
from accounts.models import ApiToken, Member
from leadgen.core import clock
from leadgen.core.filters import TenantFilterSet


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    member = serializers.PrimaryKeyRelatedField[Member](read_only=True)

    class Meta:
        model = ApiToken
        fields = ["id", "name", "member", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]
        read_only_fields = fields


class TokenFilter(TenantFilterSet):
    revoked = django_filters.BooleanFilter(field_name="revoked_at", lookup_expr="isnull", exclude=True)


@extend_schema_view(
    list=extend_schema(summary="List API tokens"),
    retrieve=extend_schema(summary="One API token"),
    destroy=extend_schema(summary="Revoke an API token"),
)
class TokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ApiToken]):
    """API tokens of the workspace, without their secrets."""

    permissions = {"list": "tokens.view", "retrieve": "tokens.view", "destroy": "tokens.edit"}
    model = ApiToken
    serializer_class = TokenSerializer
    filterset_class = TokenFilter
    orders = ("created_at", "name")
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.all()

    def destroy(self, request: Request, pk: str) -> Response:
        """It is refused from then on; its row stays, for the audit log."""
        revoke_token(by=actor_of(request), token=self.get_object(), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
