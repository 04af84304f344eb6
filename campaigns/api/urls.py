"""API routes of campaigns; mounted at /api/v1/ by leadgen.api."""

from rest_framework.routers import SimpleRouter

from campaigns.api.capture import FormViewSet, SubmissionViewSet
from campaigns.api.inbox import InboxViewSet
from campaigns.api.mailboxes import MailboxViewSet

router = SimpleRouter()
router.register("mailboxes", MailboxViewSet, basename="api_mailbox")
router.register("forms", FormViewSet, basename="api_form")
router.register("submissions", SubmissionViewSet, basename="api_submission")
router.register("inbox", InboxViewSet, basename="api_inbox")

urlpatterns = router.urls
