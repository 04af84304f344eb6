"""API routes of prospects; mounted at /api/v1/ by leadgen.api."""

from rest_framework.routers import SimpleRouter

from prospects.api.activities import ActivityViewSet
from prospects.api.companies import CompanyViewSet
from prospects.api.people import PersonViewSet
from prospects.api.suppressions import SuppressionViewSet

router = SimpleRouter()
router.register("companies", CompanyViewSet, basename="api_company")
router.register("people", PersonViewSet, basename="api_person")
router.register("activities", ActivityViewSet, basename="api_activity")
router.register("suppressions", SuppressionViewSet, basename="api_suppression")

urlpatterns = router.urls
