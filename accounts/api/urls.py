"""API routes of accounts; mounted at /api/v1/ by leadgen.api."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from accounts.api import schema  # noqa: F401  registers how tokens are documented
from accounts.api.audit import AuditViewSet
from accounts.api.members import InvitationViewSet, MemberViewSet
from accounts.api.tokens import TokenViewSet
from accounts.api.workspace import WorkspaceViewSet

router = SimpleRouter()
router.register("members", MemberViewSet, basename="api_member")
router.register("invitations", InvitationViewSet, basename="api_invitation")
router.register("tokens", TokenViewSet, basename="api_token")
router.register("audit", AuditViewSet, basename="api_audit")

urlpatterns = [
    path(
        "workspace/",
        WorkspaceViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api_workspace",
    ),
    *router.urls,
]
