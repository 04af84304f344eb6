"""The composition root: each app is mounted once."""

from django.urls import include, path

from leadgen.core.health import livez, readyz

urlpatterns = [
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("leadgen.api")),
    path("", include("accounts.public_urls")),  # home, workspaces, invitations, profile
    path("p/", include("prospects.public_urls")),  # webhooks of signals
    path("p/", include("campaigns.public_urls")),  # hosted forms, unsubscribe, clicks, inbound mail
    path("w/<slug:slug>/", include("accounts.urls")),
    path("w/<slug:slug>/", include("prospects.urls")),
    path("w/<slug:slug>/", include("campaigns.urls")),
    path("w/<slug:slug>/", include("analytics.urls")),
]

handler400 = "leadgen.core.error_pages.bad_request"
handler403 = "leadgen.core.error_pages.refused"
handler404 = "leadgen.core.error_pages.not_found"
handler500 = "leadgen.core.error_pages.fault"
