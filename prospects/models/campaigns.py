"""What all motions share: campaign heads, offers and spend."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import Channel, one_of


class Offer(TenantModel):
    """What is sold to whom: it says which channels suit it."""

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    audience = models.CharField(max_length=200, blank=True)
    deal_min = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    deal_max = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    cycle_days = models.PositiveSmallIntegerField(null=True, blank=True)
    channels = ArrayField(models.CharField(max_length=12, choices=Channel.choices), default=list, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="offer_name")]

    def __str__(self) -> str:
        return self.name


class CampaignMotion(models.TextChoices):
    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"


class CampaignState(models.TextChoices):
    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ENDED = "ended", "Ended"


class Campaign(TenantModel):
    Motion = CampaignMotion
    State = CampaignState

    name = models.CharField(max_length=120)
    external_id = models.CharField(max_length=120, blank=True)
    motion = models.CharField(max_length=8, choices=Motion.choices, default=Motion.OUTBOUND)
    goal = models.CharField(max_length=200, blank=True)
    offer = TenantForeignKey("prospects.Offer", models.DB_SET_NULL, null=True, blank=True)
    icp = TenantForeignKey("prospects.Icp", models.DB_SET_NULL, null=True, blank=True)
    channel = models.CharField(max_length=12, choices=Channel.choices, default=Channel.UNKNOWN)
    budget = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    pause_reason = models.CharField(max_length=200, blank=True)
    owner = TenantForeignKey("accounts.Member", null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="campaign_name"),
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~Q(external_id=""), name="campaign_external"
            ),
            one_of("motion", CampaignMotion, "campaign_motion"),
            one_of("channel", Channel, "campaign_channel"),
            one_of("state", CampaignState, "campaign_state"),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="campaign_created")]

    def __str__(self) -> str:
        return self.name


class SpendKind(models.TextChoices):
    MEDIA = "media", "Media"
    PEOPLE = "people", "People"
    TOOLS = "tools", "Tools"
    DATA = "data", "Data"
    CONTENT = "content", "Content"
    AGENCY = "agency", "Agency"


class SpendPurpose(models.TextChoices):
    LEADS = "leads", "Leads"
    AWARENESS = "awareness", "Awareness"


class Spend(TenantModel):
    """Money spent on a channel or campaign on dates (both ends count), spread evenly over its days."""

    Kind = SpendKind
    Purpose = SpendPurpose

    channel = models.CharField(max_length=12, choices=Channel.choices)
    subchannel = models.CharField(max_length=80, blank=True)
    campaign = TenantForeignKey("prospects.Campaign", models.DB_SET_NULL, null=True, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.MEDIA)
    purpose = models.CharField(max_length=9, choices=Purpose.choices, default=Purpose.LEADS)
    starts_on = models.DateField()
    ends_on = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    currency = models.CharField(max_length=3)
    note = models.CharField(max_length=200, blank=True)
    # Makes a re-import idempotent: the same line (or external id) is one row.
    external_id = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField()
    import_id = models.UUIDField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~Q(external_id=""), name="spend_external"
            ),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="spend_dates"),
            one_of("channel", Channel, "spend_channel"),
            one_of("kind", SpendKind, "spend_kind"),
            one_of("purpose", SpendPurpose, "spend_purpose"),
        ]
        indexes = [
            models.Index(fields=["workspace", "-starts_on", "-id"], name="spend_starts"),
            models.Index(fields=["workspace", "campaign"], name="spend_campaign"),
        ]
