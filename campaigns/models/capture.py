"""Capture: hosted forms and what was submitted. Nothing is discarded."""

from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import Channel, one_of


class FormKind(models.TextChoices):
    DEMO = "demo", "Demo request"
    CONTACT = "contact", "Contact"
    DOWNLOAD = "download", "Download"
    WEBINAR = "webinar", "Webinar"


class Form(TenantModel):
    """`fields`: [{name, label, type, required}] as rules.capture reads them; names are facts it knows or the form's own."""

    Kind = FormKind

    name = models.CharField(max_length=120)
    title = models.CharField(max_length=160)
    intro = models.TextField(blank=True)
    button = models.CharField(max_length=60, default="Send")
    fields = models.JSONField(default=list)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.DEMO)
    consent_text = models.TextField()
    consent_version = models.PositiveSmallIntegerField(default=1)
    consent_required = models.BooleanField(default=True)
    thank_you = models.TextField(default="Thank you. We will be in touch.")
    campaign = TenantForeignKey("prospects.Campaign", models.DB_SET_NULL, null=True, blank=True)
    channel = models.CharField(max_length=12, choices=Channel.choices, default=Channel.CONTENT)
    default_owner = TenantForeignKey("accounts.Member", null=True, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="form_name"),
            one_of("kind", FormKind, "form_kind"),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="form_created")]

    def __str__(self) -> str:
        return self.name


class SubmissionState(models.TextChoices):
    ACCEPTED = "accepted", "Accepted"
    SUSPECT = "suspect", "Suspected spam"  # kept, shown, not scored until a person says so
    INCOMPLETE = "incomplete", "Incomplete"


class Submission(TenantModel):
    State = SubmissionState

    form = TenantForeignKey("campaigns.Form", models.DB_CASCADE)
    at = models.DateTimeField()
    data = models.JSONField()
    utm = models.JSONField(default=dict)
    referrer = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=500, blank=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=300, blank=True)
    consent_given = models.BooleanField(default=False)
    # The words they saw, kept with the submission: a suspect one has no person yet to keep them for.
    consent_text = models.TextField(blank=True)
    consent_version = models.PositiveSmallIntegerField(default=1)
    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True)
    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True)
    lead = TenantForeignKey("prospects.Lead", models.DB_SET_NULL, null=True)
    # The receipt: captured, matched, scored, routed, queued; rules tried, candidates, capacity, chosen.
    routing = models.JSONField(default=dict)
    key = models.CharField(max_length=64, blank=True)  # makes a double click, or a program's retry, one submission
    accepted_by = TenantForeignKey("accounts.Member", null=True)  # who took in what was suspect or incomplete
    accepted_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            one_of("state", SubmissionState, "submission_state"),
            models.UniqueConstraint(
                fields=["workspace", "form", "key"], condition=~models.Q(key=""), name="submission_key"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "form", "-at", "-id"], name="submission_form"),
            models.Index(fields=["workspace", "-at", "-id"], name="submission_at"),
        ]
