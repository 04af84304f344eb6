"""The API's composition root: each app registers its viewsets once."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from accounts.api.docs import RedocView, SwaggerView

urlpatterns = [
    path("", include("accounts.api.urls")),
    path("", include("prospects.api.urls")),
    path("", include("campaigns.api.urls")),
    path("", include("analytics.api.urls")),
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("docs/", SwaggerView.as_view(url_name="api_schema"), name="api_docs"),
    path("redoc/", RedocView.as_view(url_name="api_schema"), name="api_redoc"),
]
