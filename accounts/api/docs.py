"""The API's reference in the browser: Swagger and Redoc from the wheel, without inline script and without a CDN."""

from typing import Any

from django.conf import settings
from django.middleware.csp import get_nonce
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

# Redoc makes its style sheets at run time; a nonce lets exactly those through.
REDOC_CSP: dict[str, Any] = {**settings.SECURE_CSP, "style-src": [CSP.SELF, CSP.NONCE]}


class SwaggerView(SpectacularSwaggerSplitView):
    """Calls can be tried with a token."""

    template_name = "api/swagger.html"


@method_decorator(csp_override(REDOC_CSP), name="dispatch")
class RedocView(SpectacularRedocView):
    """The same document to read."""

    template_name = "api/redoc.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)
        response.data["nonce"] = get_nonce(request._request)
        return response
