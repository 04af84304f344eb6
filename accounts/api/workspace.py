"""`/api/v1/workspace/`: the token's own workspace."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.actions.workspaces import EDITABLE, update_workspace
from accounts.models import Workspace
from accounts.rules.visibility import CHOICES
from leadgen.core import clock, restore
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import current_workspace_id


class WorkspaceSerializer(serializers.ModelSerializer[Workspace]):
    gross_margin = serializers.DecimalField(max_digits=6, decimal_places=5, help_text="A ratio, 0.8 is 80 %.")
    assumed_churn = serializers.DecimalField(max_digits=7, decimal_places=6, help_text="A ratio a month.")

    visibility = serializers.DictField(
        child=serializers.ChoiceField(choices=CHOICES), required=False,
        help_text="Role to all, team or own: whose records it sees. Owner, admin and ops always see all; so does what is not named.",
    )  # fmt: skip
    sending_held = serializers.SerializerMethodField(
        help_text="Why nobody of this Leadgen may send at the moment (restored from a backup), or empty."
    )

    class Meta:
        model = Workspace
        fields = ["id", "slug", *EDITABLE, "created_at", "sending_held"]
        read_only_fields = ["id", "slug", "created_at"]

    def get_sending_held(self, workspace: Workspace) -> str:
        return restore.sending_held()


class WorkspaceViewSet(viewsets.ViewSet):
    """One workspace, so no id in the address."""

    permissions = {"retrieve": "workspace.view", "partial_update": "workspace.edit"}
    serializer_class = WorkspaceSerializer

    @extend_schema(summary="The workspace", responses=WorkspaceSerializer)
    def retrieve(self, request: Request) -> Response:
        """Name, zone, currency and the assumptions behind customer lifetime value."""
        return Response(WorkspaceSerializer(self._workspace()).data)

    @extend_schema(
        summary="Change the workspace", request=WorkspaceSerializer(partial=True), responses=WorkspaceSerializer
    )
    def partial_update(self, request: Request) -> Response:
        """Only the fields sent are changed."""
        unknown = sorted(set(request.data) - set(EDITABLE))
        if unknown:
            raise Invalid(f"{', '.join(unknown)} cannot be changed.", field=unknown[0])
        workspace = self._workspace()
        serializer = WorkspaceSerializer(workspace, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes: dict[str, Any] = dict(serializer.validated_data)
        update_workspace(by=actor_of(request), workspace=workspace, now=clock.now(), **changes)
        return Response(WorkspaceSerializer(workspace).data)

    def _workspace(self) -> Workspace:
        return Workspace.objects.get(pk=current_workspace_id())
