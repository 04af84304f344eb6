"""API routes of campaigns; mounted at /api/v1/ by leadgen.api."""

from rest_framework.routers import SimpleRouter

from campaigns.api.capture import FormViewSet, SubmissionViewSet
from campaigns.api.domains import DomainViewSet
from campaigns.api.enrolments import EnrolmentViewSet
from campaigns.api.hits import HitViewSet
from campaigns.api.inbox import InboxViewSet
from campaigns.api.linkedin import LinkedInCheckViewSet
from campaigns.api.mailboxes import MailboxViewSet
from campaigns.api.messages import MessageViewSet
from campaigns.api.sequences import SequenceViewSet
from campaigns.api.tasks import TaskViewSet

router = SimpleRouter()
router.register("mailboxes", MailboxViewSet, basename="api_mailbox")
router.register("domains", DomainViewSet, basename="api_domain")
router.register("hits", HitViewSet, basename="api_hit")
router.register("forms", FormViewSet, basename="api_form")
router.register("submissions", SubmissionViewSet, basename="api_submission")
router.register("inbox", InboxViewSet, basename="api_inbox")
router.register("linkedin-checks", LinkedInCheckViewSet, basename="api_linkedin_check")
router.register("tasks", TaskViewSet, basename="api_task")
router.register("sequences", SequenceViewSet, basename="api_sequence")
router.register("enrolments", EnrolmentViewSet, basename="api_enrolment")
router.register("messages", MessageViewSet, basename="api_message")

urlpatterns = router.urls
