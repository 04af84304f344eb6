"""Deals, the customers they make, and meetings."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import Channel, one_of


class Customer(TenantModel):
    """A company (or a person without one) that bought; extended by each further won deal."""

    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True, blank=True)
    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True, blank=True)
    name = models.CharField(max_length=200)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["workspace", "-started_at", "-id"], name="customer_started"),
            models.Index(fields=["workspace", "company"], name="customer_company"),
        ]

    def __str__(self) -> str:
        return self.name


class DealOutcome(models.TextChoices):
    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"


class DealDealStage(models.TextChoices):
    DISCOVERY = "discovery", "Discovery"
    PROPOSAL = "proposal", "Proposal"
    NEGOTIATION = "negotiation", "Negotiation"
    CLOSED = "closed", "Closed"


class Deal(TenantModel):
    Outcome = DealOutcome
    DealStage = DealDealStage

    name = models.CharField(max_length=200)
    external_id = models.CharField(max_length=120, blank=True)
    lead = TenantForeignKey("prospects.Lead", models.DB_SET_NULL, null=True, blank=True)
    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True, blank=True)
    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True, blank=True)
    customer = TenantForeignKey("prospects.Customer", models.DB_SET_NULL, null=True, blank=True)
    campaign = TenantForeignKey("prospects.Campaign", models.DB_SET_NULL, null=True, blank=True)
    channel = models.CharField(max_length=12, choices=Channel.choices, default=Channel.UNKNOWN)
    owner = TenantForeignKey("accounts.Member", null=True, blank=True)
    stage = models.CharField(max_length=12, choices=DealStage.choices, default=DealStage.DISCOVERY)
    probability = models.DecimalField(max_digits=4, decimal_places=3, default=0)  # 0 to 1, of the stage
    outcome = models.CharField(max_length=4, choices=Outcome.choices, default=Outcome.OPEN)
    value = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)  # total contract value
    currency = models.CharField(max_length=3)
    mrr = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)  # recurring part a month
    term_months = models.PositiveSmallIntegerField(null=True, blank=True)
    expected_close = models.DateField(null=True, blank=True)
    next_step = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=120, blank=True)  # why lost
    opened_at = models.DateTimeField(null=True)  # null: an import knew no date
    closed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # when its recurring part ended
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    import_id = models.UUIDField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~Q(external_id=""), name="deal_external"
            ),
            models.CheckConstraint(condition=Q(value__isnull=True) | Q(value__gte=0), name="deal_value"),
            one_of("outcome", DealOutcome, "deal_outcome"),
            one_of("stage", DealDealStage, "deal_stage"),
        ]
        indexes = [
            models.Index(fields=["workspace", "outcome", "-closed_at"], name="deal_closed"),
            models.Index(fields=["workspace", "-created_at", "-id"], name="deal_created"),
            models.Index(fields=["workspace", "-opened_at"], name="deal_opened"),
            models.Index(fields=["workspace", "lead"], name="deal_lead"),
            models.Index(fields=["workspace", "company"], name="deal_company"),
            models.Index(fields=["workspace", "owner", "outcome"], name="deal_owner"),
            GinIndex("workspace_id", OpClass(Upper("name"), name="gin_trgm_ops"), name="deal_name_trgm"),
        ]

    def __str__(self) -> str:
        return self.name


class MeetingState(models.TextChoices):
    BOOKED = "booked", "Booked"
    HELD = "held", "Held"
    NO_SHOW = "no_show", "No-show"
    CANCELLED = "cancelled", "Cancelled"


class Meeting(TenantModel):
    State = MeetingState

    lead = TenantForeignKey("prospects.Lead", models.DB_SET_NULL, null=True, blank=True)
    deal = TenantForeignKey("prospects.Deal", models.DB_SET_NULL, null=True, blank=True)
    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True, blank=True)
    member = TenantForeignKey("accounts.Member", null=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.BOOKED)
    title = models.CharField(max_length=200)
    starts_at = models.DateTimeField()
    duration_minutes = models.PositiveSmallIntegerField(default=30)
    notes = models.TextField(blank=True)
    booked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [one_of("state", MeetingState, "meeting_state")]
        indexes = [
            models.Index(fields=["workspace", "state", "starts_at"], name="meeting_state_at"),
            models.Index(fields=["workspace", "lead"], name="meeting_lead"),
            models.Index(fields=["workspace", "person"], name="meeting_person"),
        ]
