"""Pages of accounts; mounted at /w/<slug>/ by leadgen.urls."""

from django.urls import path

from accounts.views import audit, health, home, invitations, members, settings, tokens, visibility

urlpatterns = [
    path("", home.workspace_home, name="workspace_home"),
    path("health/", health.health, name="health"),
    path("settings/", settings.settings, name="settings"),
    path("settings/workspace/", settings.workspace_edit, name="workspace_edit"),
    path("settings/visibility/", visibility.visibility_edit, name="visibility_edit"),
    path("settings/members/", members.member_list, name="member_list"),
    path("settings/members/invite/", invitations.invitation_create, name="invitation_create"),
    path("settings/members/<uuid:member_id>/", members.member_edit, name="member_edit"),
    path("settings/members/<uuid:member_id>/deactivate/", members.member_deactivate, name="member_deactivate"),
    path("settings/members/<uuid:member_id>/reactivate/", members.member_reactivate, name="member_reactivate"),
    path("settings/invitations/<uuid:invitation_id>/resend/", invitations.invitation_resend, name="invitation_resend"),
    path("settings/invitations/<uuid:invitation_id>/revoke/", invitations.invitation_revoke, name="invitation_revoke"),
    path("settings/leave/", members.workspace_leave, name="workspace_leave"),
    path("settings/transfer/", members.workspace_transfer, name="workspace_transfer"),
    path("settings/tokens/", tokens.token_list, name="token_list"),
    path("settings/tokens/new/", tokens.token_create, name="token_create"),
    path("settings/tokens/<uuid:token_id>/revoke/", tokens.token_revoke, name="token_revoke"),
    path("settings/audit/", audit.audit_list, name="audit_list"),
]
