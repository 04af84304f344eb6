"""API routes of prospects; mounted at /api/v1/ by leadgen.api."""

from rest_framework.routers import SimpleRouter

from prospects.api.activities import ActivityViewSet
from prospects.api.agreements import AgreementViewSet
from prospects.api.away import AbsenceViewSet
from prospects.api.bulk import BulkActViewSet
from prospects.api.campaigns import CampaignViewSet
from prospects.api.companies import CompanyViewSet
from prospects.api.custom import CustomFieldViewSet
from prospects.api.customers import CustomerViewSet
from prospects.api.deals import DealViewSet
from prospects.api.duplicates import CompanyPairViewSet, MergeViewSet, PersonPairViewSet
from prospects.api.enrichment import EnrichmentProviderViewSet, EnrichmentRunViewSet
from prospects.api.erasure import ErasureViewSet
from prospects.api.finding import FinderViewSet, FindingSearchViewSet
from prospects.api.finding_providers import FindingProviderViewSet
from prospects.api.handoffs import HandoffViewSet
from prospects.api.icps import IcpViewSet
from prospects.api.imports import ImportViewSet
from prospects.api.imports_templates import ImportTemplateViewSet
from prospects.api.leads import LeadViewSet
from prospects.api.meetings import MeetingViewSet
from prospects.api.offers import OfferViewSet
from prospects.api.people import PersonViewSet
from prospects.api.phone_outcomes import PhoneOutcomeViewSet
from prospects.api.quality import QualityViewSet
from prospects.api.retention import RetentionNoticeViewSet, RetentionRuleViewSet
from prospects.api.saved_views import SavedViewViewSet
from prospects.api.segments import SegmentViewSet
from prospects.api.signals import SignalSourceViewSet, SignalTriggerViewSet, SignalViewSet
from prospects.api.spend import SpendViewSet
from prospects.api.suppressions import SuppressionViewSet
from prospects.api.tags import TagViewSet
from prospects.api.territories import TerritoryRunViewSet, TerritoryViewSet

router = SimpleRouter()
router.register("companies", CompanyViewSet, basename="api_company")
router.register("people", PersonViewSet, basename="api_person")
router.register("person-duplicates", PersonPairViewSet, basename="api_personpair")
router.register("company-duplicates", CompanyPairViewSet, basename="api_companypair")
router.register("merges", MergeViewSet, basename="api_merge")
router.register("custom-fields", CustomFieldViewSet, basename="api_customfield")
router.register("absences", AbsenceViewSet, basename="api_absence")
router.register("territories", TerritoryViewSet, basename="api_territory")
router.register("territory-runs", TerritoryRunViewSet, basename="api_territoryrun")
router.register("tags", TagViewSet, basename="api_tag")
router.register("views", SavedViewViewSet, basename="api_savedview")
router.register("bulk-acts", BulkActViewSet, basename="api_bulkact")
router.register("activities", ActivityViewSet, basename="api_activity")
router.register("suppressions", SuppressionViewSet, basename="api_suppression")
router.register("agreements", AgreementViewSet, basename="api_agreement")
router.register("leads", LeadViewSet, basename="api_lead")
router.register("handoffs", HandoffViewSet, basename="api_handoff")
router.register("meetings", MeetingViewSet, basename="api_meeting")
router.register("deals", DealViewSet, basename="api_deal")
router.register("customers", CustomerViewSet, basename="api_customer")
router.register("icps", IcpViewSet, basename="api_icp")
router.register("segments", SegmentViewSet, basename="api_segment")
router.register("signals", SignalViewSet, basename="api_signal")
router.register("signal-sources", SignalSourceViewSet, basename="api_signalsource")
router.register("signal-triggers", SignalTriggerViewSet, basename="api_signaltrigger")
router.register("quality", QualityViewSet, basename="api_quality")
router.register("enrichment-providers", EnrichmentProviderViewSet, basename="api_enrichmentprovider")
router.register("enrichment-runs", EnrichmentRunViewSet, basename="api_enrichmentrun")
router.register("finding-providers", FindingProviderViewSet, basename="api_findingprovider")
router.register("finding-searches", FindingSearchViewSet, basename="api_findingsearch")
router.register("finders", FinderViewSet, basename="api_finder")
router.register("phone-outcomes", PhoneOutcomeViewSet, basename="api_phoneoutcome")
router.register("imports", ImportViewSet, basename="api_import")
router.register("import-templates", ImportTemplateViewSet, basename="api_importtemplate")
router.register("campaigns", CampaignViewSet, basename="api_campaign")
router.register("offers", OfferViewSet, basename="api_offer")
router.register("spend", SpendViewSet, basename="api_spend")
router.register("erasures", ErasureViewSet, basename="api_erasure")
router.register("retention-rules", RetentionRuleViewSet, basename="api_retentionrule")
router.register("retention-notices", RetentionNoticeViewSet, basename="api_retentionnotice")

urlpatterns = router.urls
