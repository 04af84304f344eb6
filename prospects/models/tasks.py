"""Tasks: work for a human."""

from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class TaskKind(models.TextChoices):
    CALL = "call", "Call"
    LINKEDIN_REQUEST = "linkedin_request", "LinkedIn request"
    LINKEDIN_MESSAGE = "linkedin_message", "LinkedIn message"
    MANUAL_EMAIL = "manual_email", "Manual e-mail"
    REPLY = "reply", "Reply"
    INBOUND = "inbound", "Inbound follow-up"
    HANDOFF = "handoff", "Accept hand-off"
    TODO = "todo", "To do"


class TaskState(models.TextChoices):
    OPEN = "open", "Open"
    DONE = "done", "Done"
    SKIPPED = "skipped", "Skipped"
    CANCELLED = "cancelled", "Cancelled"


class Task(TenantModel):
    Kind = TaskKind
    State = TaskState

    kind = models.CharField(max_length=16, choices=Kind.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    title = models.CharField(max_length=200)
    reason = models.CharField(max_length=300, blank=True)  # why it is here, in words: shown under the title
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE, null=True, blank=True)
    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True, blank=True)
    lead = TenantForeignKey("prospects.Lead", models.DB_SET_NULL, null=True, blank=True)
    deal = TenantForeignKey("prospects.Deal", models.DB_SET_NULL, null=True, blank=True)
    handoff = TenantForeignKey("prospects.Handoff", models.DB_CASCADE, null=True, blank=True)
    campaign = TenantForeignKey("prospects.Campaign", models.DB_SET_NULL, null=True, blank=True)
    owner = TenantForeignKey("accounts.Member", null=True, blank=True)
    due_at = models.DateTimeField()
    sla_due_at = models.DateTimeField(null=True, blank=True)  # a clock runs: breach is red
    snoozed_until = models.DateTimeField(null=True, blank=True)
    claimed_by = TenantForeignKey("accounts.Member", null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    # The row of an upper app it came from (enrolment step, inbound mail, submission).
    about_type = models.CharField(max_length=20, blank=True)
    about_id = models.UUIDField(null=True)
    body = models.TextField(blank=True)  # the text to send or the call script, rendered
    outcome = models.CharField(max_length=24, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = TenantForeignKey("accounts.Member", null=True, blank=True)
    external_id = models.CharField(max_length=120, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            one_of("kind", TaskKind, "task_kind"),
            one_of("state", TaskState, "task_state"),
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~Q(external_id=""), name="task_external"
            ),
            models.UniqueConstraint(
                fields=["workspace", "about_type", "about_id", "kind"],
                condition=Q(about_id__isnull=False),
                name="task_about",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "owner", "due_at"], condition=Q(state="open"), name="task_open_owner"),
            models.Index(fields=["workspace", "person", "-created_at"], name="task_person"),
            models.Index(fields=["workspace", "lead"], name="task_lead"),
            models.Index(fields=["workspace", "closed_by", "-closed_at"], name="task_closed"),
            models.Index(fields=["workspace", "-created_at", "-id"], name="task_created"),
        ]
