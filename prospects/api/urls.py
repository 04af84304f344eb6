"""API routes of prospects; mounted at /api/v1/ by leadgen.api."""

from rest_framework.routers import SimpleRouter

router = SimpleRouter()

urlpatterns = router.urls
