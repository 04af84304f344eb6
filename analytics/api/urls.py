"""API routes of analytics; mounted at /api/v1/ by leadgen.api."""

from rest_framework.routers import SimpleRouter

from analytics.api.funnel import FunnelViewSet

router = SimpleRouter()
router.register("funnel", FunnelViewSet, basename="api_funnel")

urlpatterns = router.urls
