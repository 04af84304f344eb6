"""Signals: dated news about companies and people, where they come from, and what they set off."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class SignalKind(models.TextChoices):
    FUNDING = "funding", "Funding"
    HIRING = "hiring", "Hiring"
    JOB_CHANGE = "job_change", "Job change"
    TECHNOLOGY = "technology", "Technology adopted"
    NEWS = "news", "News"
    USAGE = "usage", "Product usage"


class SignalState(models.TextChoices):
    MATCHED = "matched", "Matched"
    UNMATCHED = "unmatched", "Not matched"
    DISMISSED = "dismissed", "Dismissed"


class SignalSourceKind(models.TextChoices):
    FEED = "feed", "Feed (RSS, Atom)"
    WEBHOOK = "webhook", "Webhook"


class SignalSource(TenantModel):
    """Where signals come from by themselves: a feed that is polled, or a webhook that somebody's program calls."""

    Kind = SignalSourceKind

    kind = models.CharField(max_length=7, choices=Kind.choices)
    name = models.CharField(max_length=120)
    signal_kind = models.CharField(max_length=10, choices=SignalKind.choices, default=SignalKind.NEWS)
    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True, blank=True)  # whose feed it is
    words = ArrayField(models.CharField(max_length=80), default=list, blank=True)  # entries with one of them; none: all
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    # Feeds
    url = models.CharField(max_length=500, blank=True)
    every_minutes = models.PositiveIntegerField(default=60)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    next_poll_at = models.DateTimeField(null=True, blank=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    error = models.CharField(max_length=300, blank=True)
    # Webhooks
    secret_sealed = models.TextField(blank=True)
    received_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            one_of("kind", SignalSourceKind, "signalsource_kind"),
            one_of("signal_kind", SignalKind, "signalsource_signal_kind"),
            models.UniqueConstraint(fields=["workspace", "name"], name="signalsource_name"),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "next_poll_at"], condition=Q(kind="feed", is_active=True), name="signalsource_due"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Signal(TenantModel):
    """One piece of news. `about_*` is what the source said it is about; `company` and `person` what it was matched to."""

    Kind = SignalKind
    State = SignalState

    kind = models.CharField(max_length=10, choices=Kind.choices)
    title = models.CharField(max_length=300)
    text = models.CharField(max_length=2000, blank=True)
    url = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()  # when it happened
    received_at = models.DateTimeField()
    company = TenantForeignKey("prospects.Company", models.DB_CASCADE, null=True, blank=True)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE, null=True, blank=True)
    state = models.CharField(max_length=9, choices=State.choices)
    match = models.CharField(max_length=120, blank=True)  # why it is about them, in words
    about_company = models.CharField(max_length=200, blank=True)
    about_domain = models.CharField(max_length=253, blank=True)  # registrable
    about_person = models.CharField(max_length=250, blank=True)
    about_email = models.CharField(max_length=254, blank=True)
    origin = models.CharField(max_length=160)  # "feed TechNews", "API, token Zapier", "import funding.csv"
    source = TenantForeignKey("prospects.SignalSource", models.DB_SET_NULL, null=True, blank=True)
    decided_by = TenantForeignKey("accounts.Member", null=True, blank=True)  # who matched or dismissed it
    decided_at = models.DateTimeField(null=True, blank=True)
    # The same news told twice is one row: its id at the source, else a digest of what it says.
    key = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="signal_key"),
            one_of("kind", SignalKind, "signal_kind"),
            one_of("state", SignalState, "signal_state"),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "company", "kind", "-at"], condition=Q(state="matched"), name="signal_company"
            ),
            models.Index(
                fields=["workspace", "person", "kind", "-at"],
                condition=Q(state="matched", person__isnull=False),
                name="signal_person",
            ),
            # The latest of any kind: a company's page, and rules that ask for any signal.
            models.Index(
                fields=["workspace", "company", "-at", "-id"], condition=Q(state="matched"), name="signal_company_at"
            ),
            models.Index(fields=["workspace", "state", "-at", "-id"], name="signal_state_at"),
            models.Index(
                fields=["workspace", "about_domain"], condition=Q(state="unmatched") & ~Q(about_domain=""),
                name="signal_waiting",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.title


class SignalTrigger(TenantModel):
    """News of these kinds about who is in a segment (none: about anybody) puts a to-do into an SDR's queue."""

    name = models.CharField(max_length=120)
    kinds = ArrayField(models.CharField(max_length=10))
    segment = TenantForeignKey("prospects.Segment", models.DB_CASCADE, null=True, blank=True)
    grades = ArrayField(models.CharField(max_length=1), default=list, blank=True)  # of the company's fit; none: any
    owner = TenantForeignKey("accounts.Member", null=True, blank=True)  # where the company has none; null: anybody
    is_active = models.BooleanField(default=True)
    made = models.PositiveIntegerField(default=0)  # tasks so far
    fired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="signaltrigger_name")]

    def __str__(self) -> str:
        return self.name
