"""The ledger: one append-only fact a row. Scores, stages, reports and webhooks derive from it."""

from django.db import models

from leadgen.core.tenancy import AppendOnlyModel, TenantForeignKey, TenantModel
from prospects.models.choices import Channel, one_of


class ActivityKind(models.TextChoices):
    SENT = "sent", "E-mail sent"
    DELIVERED = "delivered", "Delivered"
    OPENED = "opened", "Opened"
    CLICKED = "clicked", "Clicked"
    REPLIED = "replied", "Replied"
    AUTO_REPLIED = "auto_replied", "Automatic reply"
    BOUNCED = "bounced", "Bounced"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    COMPLAINED = "complained", "Complained"
    FORM = "form_submitted", "Form submitted"
    PAGE = "page_viewed", "Page viewed"
    CALLED = "called", "Called"
    LINKEDIN_REQUESTED = "linkedin_requested", "LinkedIn request sent"
    LINKEDIN_ACCEPTED = "linkedin_accepted", "LinkedIn request accepted"
    LINKEDIN_SENT = "linkedin_sent", "LinkedIn message sent"
    LINKEDIN_REPLIED = "linkedin_replied", "LinkedIn answer"
    MEETING_BOOKED = "meeting_booked", "Meeting booked"
    MEETING_HELD = "meeting_held", "Meeting held"
    MEETING_MISSED = "meeting_missed", "Meeting missed"
    ENROLLED = "enrolled", "Enrolled"
    STOPPED = "stopped", "Sequence stopped"
    STAGE = "stage_changed", "Stage changed"
    HANDED_OFF = "handed_off", "Handed off"
    HANDOFF_DECIDED = "handoff_decided", "Hand-off decided"
    DEAL = "deal_changed", "Deal changed"
    ASSIGNED = "assigned", "Assigned"
    TASK = "task_done", "Task done"
    TOUCH = "touch", "Touch"
    EDITED = "edited", "Edited"
    IMPORTED = "imported", "Imported"
    NOTE = "note", "Note"


class ActivityHitClass(models.TextChoices):
    HUMAN = "human", "Human"
    AUTOMATED = "automated", "Automated"
    UNSURE = "unsure", "Unsure"


class Activity(AppendOnlyModel):
    HitClass = ActivityHitClass
    movable = ("person", "company")
    erasable = ("summary", "detail", "key")

    at = models.DateTimeField()  # when it happened
    recorded_at = models.DateTimeField()  # when we learned of it
    kind = models.CharField(max_length=20, choices=ActivityKind.choices)
    hit_class = models.CharField(max_length=9, choices=HitClass.choices, default=HitClass.HUMAN)
    channel = models.CharField(max_length=12, choices=Channel.choices, blank=True)
    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True)
    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True)
    lead = TenantForeignKey("prospects.Lead", models.DB_SET_NULL, null=True)
    deal = TenantForeignKey("prospects.Deal", models.DB_SET_NULL, null=True)
    campaign = TenantForeignKey("prospects.Campaign", models.DB_SET_NULL, null=True)
    member = TenantForeignKey("accounts.Member", null=True)  # who did it; null: the person, or the system
    summary = models.CharField(max_length=300)  # one line for the timeline
    detail = models.JSONField(default=dict)
    # The row of an upper app this tells of (message, enrolment, submission): a type word and an id, no foreign key upward.
    about_type = models.CharField(max_length=20, blank=True)
    about_id = models.UUIDField(null=True)
    # Makes recording idempotent: the same fact told twice is one row.
    key = models.CharField(max_length=200, blank=True)

    class Meta(AppendOnlyModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], condition=~models.Q(key=""), name="activity_key"),
            one_of("kind", ActivityKind, "activity_kind"),
            one_of("hit_class", ActivityHitClass, "activity_hit_class"),
        ]
        indexes = [
            models.Index(fields=["workspace", "person", "-at", "-id"], name="activity_person"),
            models.Index(fields=["workspace", "company", "-at", "-id"], name="activity_company"),
            models.Index(fields=["workspace", "lead", "-at"], name="activity_lead"),
            models.Index(fields=["workspace", "kind", "-at"], name="activity_kind_at"),
            models.Index(fields=["workspace", "about_type", "about_id"], name="activity_about"),
            # Who last gave a record its owner, a rule or somebody (queries.territories).
            models.Index(
                fields=["workspace", "person", "-at", "-id"],
                name="activity_given_person",
                condition=models.Q(kind="assigned", person__isnull=False, lead__isnull=True, deal__isnull=True),
            ),
            models.Index(
                fields=["workspace", "company", "-at", "-id"],
                name="activity_given_company",
                condition=models.Q(kind="assigned", person__isnull=True, lead__isnull=True, deal__isnull=True),
            ),
        ]


class PointEntry(AppendOnlyModel):
    """One row of a person's engagement: points awarded by a rule of an agreement version for one activity.

    Shown score = sum over rows of points * 2^(-age / half-life); an expiry is a dated negative row.
    """

    movable = ("person",)
    erasable = ("reason",)

    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    activity = TenantForeignKey("prospects.Activity", models.DB_CASCADE, null=True)
    version = TenantForeignKey("prospects.AgreementVersion")
    at = models.DateTimeField()
    points = models.DecimalField(max_digits=9, decimal_places=4)
    rule = models.CharField(max_length=60)
    reason = models.CharField(max_length=200, blank=True)

    class Meta(AppendOnlyModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "version", "activity", "rule"],
                condition=models.Q(activity__isnull=False),
                name="pointentry_once",
            )
        ]
        indexes = [models.Index(fields=["workspace", "person", "version", "-at"], name="pointentry_person")]


class Engagement(TenantModel):
    """log2 of the sum of points * 2^((at - epoch) / half-life): its order does not change as time passes.

    Score at t = 2^(level - (t - epoch) / half-life). Rebuilt from PointEntry by actions.engagement.rebuild_engagement.
    """

    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    version = TenantForeignKey("prospects.AgreementVersion")
    level = models.FloatField(null=True)  # null: the sum is zero or less
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "person", "version"], name="engagement_key")]
        indexes = [models.Index(fields=["workspace", "version", "-level"], name="engagement_level")]
