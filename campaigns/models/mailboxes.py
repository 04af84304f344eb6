"""Mailboxes: sending identities with caps, window, health and the secret of their inbound endpoint."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


def weekdays() -> list[int]:
    """Monday (0) to Friday (4)."""
    return [0, 1, 2, 3, 4]


class MailboxState(models.TextChoices):
    ACTIVE = "active", "Active"
    RESTING = "resting", "Resting"
    HELD = "held", "Held"


class MailboxSecurity(models.TextChoices):
    NONE = "none", "None (loopback only)"
    STARTTLS = "starttls", "STARTTLS"
    TLS = "tls", "TLS"


class Mailbox(TenantModel):
    State = MailboxState
    Security = MailboxSecurity

    address = models.CharField(max_length=254)  # lower case
    from_name = models.CharField(max_length=120)
    member = TenantForeignKey("accounts.Member", null=True, blank=True)  # whose it is
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=587)
    security = models.CharField(max_length=8, choices=Security.choices, default=Security.STARTTLS)
    username = models.CharField(max_length=254, blank=True)
    password_sealed = models.TextField(blank=True)  # leadgen.core.secrets
    inbound_sealed = models.TextField(blank=True)  # key that signs mail given to the inbound endpoint
    signature = models.TextField(blank=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.ACTIVE)
    state_reason = models.CharField(max_length=300, blank=True)
    daily_cap = models.PositiveIntegerField(default=30)  # over rolling 24 h
    min_gap_seconds = models.PositiveIntegerField(default=60)
    # Counts every pass of the point of no return: a sender that counted the last 24 h knows by it that nobody sent since.
    submissions = models.PositiveBigIntegerField(default=0)
    last_submitted_at = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    # The last connection test; asked_at later than checked_at: one is under way.
    check_asked_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_ok = models.BooleanField(null=True, blank=True)
    check_words = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "address"], name="mailbox_address"),
            one_of("state", MailboxState, "mailbox_state"),
            one_of("security", MailboxSecurity, "mailbox_security"),
        ]

    def __str__(self) -> str:
        return self.address


class SendingWindow(models.Model):
    """When a sequence may touch people, in their own zone (the workspace's where theirs is unknown)."""

    window_start = models.TimeField(default="09:00")
    window_end = models.TimeField(default="17:00")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=weekdays)

    class Meta:
        abstract = True
