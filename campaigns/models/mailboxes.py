"""Mailboxes: sending identities with caps, ramp, window and health, the folders they are read from, and their domains."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadgen.core.tenancy import AppendOnlyModel, TenantForeignKey, TenantModel
from prospects.models.choices import one_of


def weekdays() -> list[int]:
    """Monday (0) to Friday (4)."""
    return [0, 1, 2, 3, 4]


class MailboxState(models.TextChoices):
    WARMING = "warming", "Warming up"
    ACTIVE = "active", "Active"
    RESTING = "resting", "Resting"
    HELD = "held", "Held"


SENDING_STATES = (MailboxState.WARMING, MailboxState.ACTIVE)


class MailboxSecurity(models.TextChoices):
    NONE = "none", "None (loopback only)"
    STARTTLS = "starttls", "STARTTLS"
    TLS = "tls", "TLS"


class MailboxRoute(models.TextChoices):
    SMTP = "smtp", "SMTP"
    ESP = "esp", "Sending service"


class MailboxAuth(models.TextChoices):
    PASSWORD = "password", "Password"
    GOOGLE = "google", "Google (OAuth)"
    MICROSOFT = "microsoft", "Microsoft (OAuth)"


class MailboxSync(models.TextChoices):
    """How the answers are read. Follow-ups wait unless they were read within the freshness limit."""

    NONE = "none", "Not read"
    IMAP = "imap", "IMAP"
    PUSH = "push", "Pushed over HTTP"


class Mailbox(TenantModel):
    State = MailboxState
    Security = MailboxSecurity
    Route = MailboxRoute
    Auth = MailboxAuth
    Sync = MailboxSync

    address = models.CharField(max_length=254)  # lower case
    from_name = models.CharField(max_length=120)
    member = TenantForeignKey("accounts.Member", null=True, blank=True)  # whose it is
    # Outbound
    route = models.CharField(max_length=4, choices=Route.choices, default=Route.SMTP)
    auth = models.CharField(max_length=9, choices=Auth.choices, default=Auth.PASSWORD)  # of SMTP and IMAP
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(default=587)
    security = models.CharField(max_length=8, choices=Security.choices, default=Security.STARTTLS)
    username = models.CharField(max_length=254, blank=True)
    password_sealed = models.TextField(blank=True)  # leadgen.core.secrets
    oauth_sealed = models.TextField(blank=True)  # {"refresh_token", "access_token", "scope"}
    oauth_expires_at = models.DateTimeField(null=True, blank=True)  # of the access token
    esp = models.CharField(max_length=24, blank=True)  # the sending service's name in transports.esp
    esp_sealed = models.TextField(blank=True)  # its settings: {"api_key": ...}
    webhook_sealed = models.TextField(blank=True)  # what signs its webhooks
    # Inbound
    sync = models.CharField(max_length=4, choices=Sync.choices, default=Sync.PUSH)
    imap_host = models.CharField(max_length=253, blank=True)
    imap_port = models.PositiveIntegerField(default=993)
    imap_security = models.CharField(max_length=8, choices=Security.choices, default=Security.TLS)
    imap_username = models.CharField(max_length=254, blank=True)  # blank: as for SMTP
    imap_password_sealed = models.TextField(blank=True)  # blank: as for SMTP
    copy_to_sent = models.BooleanField(default=False)  # append a copy to the Sent folder (the provider makes none)
    inbound_sealed = models.TextField(blank=True)  # key that signs mail given to the inbound endpoint
    synced_at = models.DateTimeField(null=True, blank=True)  # everything that had arrived by then is stored
    sync_error = models.CharField(max_length=500, blank=True)
    sync_failed_at = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    signature = models.TextField(blank=True)
    # Health and pace
    state = models.CharField(max_length=7, choices=State.choices, default=State.ACTIVE)
    state_code = models.CharField(max_length=20, blank=True)  # why held: person, log_in, bounces, policy, oauth, domain
    state_reason = models.CharField(max_length=300, blank=True)
    state_at = models.DateTimeField(null=True, blank=True)
    daily_cap = models.PositiveIntegerField(default=30)  # over rolling 24 h
    domain_cap = models.PositiveIntegerField(null=True, blank=True)  # to one recipient domain over rolling 24 h
    min_gap_seconds = models.PositiveIntegerField(default=60)
    gap_jitter_seconds = models.PositiveIntegerField(default=0)  # up to so much is added to each gap
    ramp_cap = models.PositiveIntegerField(null=True, blank=True)  # while warming: today's cap
    ramped_at = models.DateTimeField(null=True, blank=True)  # when ramp_cap was last weighed
    ramp_reason = models.CharField(max_length=300, blank=True)  # the evidence of the last step, in words
    weight = models.PositiveSmallIntegerField(default=1)  # its share of a pool
    window_start = models.TimeField(null=True, blank=True)  # its own working window; null: none
    window_end = models.TimeField(null=True, blank=True)
    window_weekdays = ArrayField(models.PositiveSmallIntegerField(), default=weekdays)
    time_zone = models.CharField(max_length=64, blank=True)  # of its window; blank: the workspace's
    # Counts every pass of the point of no return: a sender that counted the last 24 h knows by it that nobody sent since.
    submissions = models.PositiveBigIntegerField(default=0)
    last_submitted_at = models.DateTimeField(null=True, blank=True)
    free_at = models.DateTimeField(null=True, blank=True)  # the end of the gap after the last mail, jitter included
    last_error = models.CharField(max_length=500, blank=True)
    # The last connection test; asked_at later than checked_at: one is under way.
    check_asked_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_ok = models.BooleanField(null=True, blank=True)
    check_words = models.CharField(max_length=500, blank=True)
    check_steps = models.JSONField(default=list)  # [{"part", "name", "ok", "words", "remedy"}] of the last test
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "address"], name="mailbox_address"),
            one_of("state", MailboxState, "mailbox_state"),
            one_of("security", MailboxSecurity, "mailbox_security"),
            one_of("imap_security", MailboxSecurity, "mailbox_imap_security"),
            one_of("route", MailboxRoute, "mailbox_route"),
            one_of("auth", MailboxAuth, "mailbox_auth"),
            one_of("sync", MailboxSync, "mailbox_sync"),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def domain(self) -> str:
        """The address's domain, lower case."""
        return self.address.rpartition("@")[2]

    @property
    def sends(self) -> bool:
        """Whether its state lets mail go: caps, gap and window are looked at besides."""
        return self.state in SENDING_STATES

    @property
    def cap(self) -> int:
        """Mails in rolling 24 hours today: that of the ramp until it is over, then the daily cap."""
        return self.daily_cap if self.ramp_cap is None else min(self.daily_cap, self.ramp_cap)


class MailFolderRole(models.TextChoices):
    INBOX = "inbox", "Inbox"
    SENT = "sent", "Sent"
    ALL = "all", "All mail"
    JUNK = "junk", "Junk"
    OTHER = "other", "Other"


class MailFolder(TenantModel):
    """A folder that is read over IMAP, and how far: every UID up to `last_uid` of this UIDVALIDITY was seen."""

    Role = MailFolderRole

    mailbox = TenantForeignKey("campaigns.Mailbox", models.DB_CASCADE)
    name = models.CharField(max_length=500)  # as the server says it
    role = models.CharField(max_length=5, choices=Role.choices)
    is_read = models.BooleanField(default=True)
    uidvalidity = models.BigIntegerField(null=True)
    last_uid = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True)  # complete to
    total = models.PositiveIntegerField(default=0)  # Message-IDs there at the last count
    stored = models.PositiveIntegerField(default=0)  # of these, stored here
    counted_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "mailbox", "name"], name="mailfolder_key"),
            one_of("role", MailFolderRole, "mailfolder_role"),
        ]


class MailDomainRole(models.TextChoices):
    PRIMARY = "primary", "Primary"  # what the company lives by: its own e-mail and website
    SENDING = "sending", "Sending"
    TRACKING = "tracking", "Tracking"


class MailDomain(TenantModel):
    """A domain of the workspace and its role. Cold mail from a primary domain is warned of, or held where `hold_cold`."""

    Role = MailDomainRole

    name = models.CharField(max_length=253)  # IDNA, lower case
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.SENDING)
    hold_cold = models.BooleanField(default=False)
    dkim_selectors = ArrayField(models.CharField(max_length=63), default=list)
    tracking_target = models.CharField(max_length=253, blank=True)  # where a tracking domain's CNAME must point
    verified_at = models.DateTimeField(null=True)  # tracking: its CNAME was seen to point here
    check_asked_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="maildomain_name"),
            one_of("role", MailDomainRole, "maildomain_role"),
        ]

    def __str__(self) -> str:
        return self.name


class DomainCheckState(models.TextChoices):
    OK = "ok", "Pass"
    WARN = "warn", "Warning"
    FAIL = "fail", "Fail"
    UNKNOWN = "unknown", "Unknown"


class DomainCheckKind(models.TextChoices):
    SPF = "spf", "SPF"
    DKIM = "dkim", "DKIM"
    DMARC = "dmarc", "DMARC"
    MX = "mx", "MX"
    TRACKING = "tracking", "Tracking CNAME"
    UNSUBSCRIBE = "unsubscribe", "One-click unsubscribe"


class DomainCheck(AppendOnlyModel):
    """One finding of a deliverability check: what was found, the raw record, and the fix in words."""

    State = DomainCheckState
    erasable = ("words", "fix", "raw", "detail")

    domain = TenantForeignKey("campaigns.MailDomain", models.DB_CASCADE)
    mailbox = TenantForeignKey("campaigns.Mailbox", models.DB_CASCADE, null=True)  # of a seed mail
    kind = models.CharField(max_length=12, choices=DomainCheckKind.choices)
    name = models.CharField(max_length=253, blank=True)  # what was asked for, such as a DKIM selector
    state = models.CharField(max_length=7, choices=State.choices)
    words = models.CharField(max_length=500)
    fix = models.CharField(max_length=1000, blank=True)
    raw = models.TextField(blank=True)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta(AppendOnlyModel.Meta):
        constraints = [
            one_of("state", DomainCheckState, "domaincheck_state"),
            one_of("kind", DomainCheckKind, "domaincheck_kind"),
        ]
        indexes = [models.Index(fields=["workspace", "domain", "-at"], name="domaincheck_domain")]


class SendingWindow(models.Model):
    """When a sequence may touch people, in their own zone (the workspace's where theirs is unknown)."""

    window_start = models.TimeField(default="09:00")
    window_end = models.TimeField(default="17:00")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=weekdays)

    class Meta:
        abstract = True
