"""Pages of accounts outside a workspace's own addresses."""

from django.urls import path, re_path

from accounts.views import home, invitations, profile

urlpatterns = [
    path("", home.home, name="home"),
    path("workspaces/", home.workspaces, name="workspaces"),
    path("workspaces/new/", home.workspace_create, name="workspace_create"),
    path("profile/", profile.profile, name="profile"),
    # The workspace in clear, because no row can be read before it is known; then 160 random bits in base32.
    re_path(
        r"^invitations/(?P<workspace>[0-9a-f]{32})\.(?P<secret>[a-z2-7]{32})/$",
        invitations.invitation,
        name="invitation",
    ),
]
