"""API routes of accounts; mounted at /api/v1/ by leadgen.api."""

from rest_framework.routers import SimpleRouter

router = SimpleRouter()

urlpatterns = router.urls
