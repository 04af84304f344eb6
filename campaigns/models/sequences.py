"""Sequences: an ordered list of touches. A published version is immutable."""

from django.db import models

from campaigns.models.mailboxes import SendingWindow
from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class SequenceState(models.TextChoices):
    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ARCHIVED = "archived", "Archived"


class Sequence(SendingWindow, TenantModel):
    State = SequenceState

    name = models.CharField(max_length=120)
    external_id = models.CharField(max_length=120, blank=True)
    campaign = TenantForeignKey("prospects.Campaign")
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    pause_reason = models.CharField(max_length=200, blank=True)
    stop_on_company_reply = models.BooleanField(default=False)
    linkedin_check_days = models.PositiveSmallIntegerField(
        default=7
    )  # unchecked so long, a request holds the next touch
    owner = TenantForeignKey("accounts.Member", null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="sequence_name"),
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~models.Q(external_id=""), name="sequence_external"
            ),
            one_of("state", SequenceState, "sequence_state"),
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at", "-id"], name="sequence_created"),
            models.Index(fields=["workspace", "campaign"], name="sequence_campaign"),
        ]

    def __str__(self) -> str:
        return self.name


class SequenceMailbox(TenantModel):
    """The pool a sequence sends from; an enrolment keeps the mailbox it got."""

    sequence = TenantForeignKey("campaigns.Sequence", models.DB_CASCADE)
    mailbox = TenantForeignKey("campaigns.Mailbox", models.DB_CASCADE)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "sequence", "mailbox"], name="sequencemailbox_key")]


class SequenceVersion(TenantModel):
    """A draft (published_at null, at most one) or an immutable published version."""

    sequence = TenantForeignKey("campaigns.Sequence", models.DB_CASCADE)
    number = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    published_by = TenantForeignKey("accounts.Member", null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "sequence", "number"], name="sequenceversion_number"),
            models.UniqueConstraint(
                fields=["workspace", "sequence"],
                condition=models.Q(published_at__isnull=True),
                name="sequenceversion_draft",
            ),
        ]


class StepKind(models.TextChoices):
    EMAIL = "email", "E-mail"
    LINKEDIN_REQUEST = "linkedin_request", "LinkedIn request"
    LINKEDIN_MESSAGE = "linkedin_message", "LinkedIn message"
    CALL = "call", "Call"
    WAIT = "wait", "Wait"


class Step(TenantModel):
    """One touch of a version. `wait` only delays; the others act when their delay after the step before is over."""

    Kind = StepKind

    version = TenantForeignKey("campaigns.SequenceVersion", models.DB_CASCADE)
    position = models.PositiveSmallIntegerField()  # 1-based
    kind = models.CharField(max_length=16, choices=Kind.choices)
    delay_days = models.PositiveSmallIntegerField(default=0)
    delay_hours = models.PositiveSmallIntegerField(default=0)
    business_days = models.BooleanField(default=True)
    subject = models.CharField(max_length=250, blank=True)  # blank after the first e-mail: same thread
    body = models.TextField(blank=True)  # Liquid: mail text, LinkedIn text or call script

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "version", "position"],
                name="step_position",
                deferrable=models.Deferrable.DEFERRED,
            ),
            one_of("kind", StepKind, "step_kind"),
        ]
