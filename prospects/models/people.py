"""People: facts about persons. A person has at most one current company."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import Department, Seniority, one_of


class PersonEmailStatus(models.TextChoices):
    UNKNOWN = "unknown", "Not verified"
    VALID = "valid", "Verified"
    RISKY = "risky", "Risky"
    INVALID = "invalid", "Invalid"
    BOUNCED = "bounced", "Bounced"


class StaleSignal(models.TextChoices):
    LEFT = "left", "Left the company"
    BOUNCED = "bounced", "The address bounced"
    MOVED = "moved", "Changed employer"
    ROLE = "role", "Changed role"
    NONE = "", "None"


class Person(TenantModel):
    EmailStatus = PersonEmailStatus

    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    # Kept by the actions: what lists sort and search by.
    full_name = models.CharField(max_length=250, blank=True)
    email = models.CharField(max_length=254, blank=True)  # lower case
    email_status = models.CharField(max_length=8, choices=EmailStatus.choices, default=EmailStatus.UNKNOWN)
    email_status_at = models.DateTimeField(null=True, blank=True)
    email_status_reason = models.CharField(max_length=200, blank=True)
    # Codes of rules.verification.CHECKS that led to the status, and of rules.staleness.SIGNALS: kept by a worker.
    email_checks = ArrayField(models.CharField(max_length=16), default=list, db_default=[], blank=True)
    stale_signal = models.CharField(max_length=8, choices=StaleSignal.choices, default="", db_default="", blank=True)
    stale_at = models.DateTimeField(null=True, blank=True)
    phone = models.CharField(max_length=40, blank=True)  # E.164 where it could be parsed
    linkedin_url = models.CharField(max_length=300, blank=True)
    linkedin_status = models.CharField(max_length=12, blank=True)  # '', requested, connected, declined
    title = models.CharField(max_length=200, blank=True)
    seniority = models.CharField(max_length=12, choices=Seniority.choices, blank=True)
    department = models.CharField(max_length=12, choices=Department.choices, blank=True)
    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True, blank=True)
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=120, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    owner = TenantForeignKey("accounts.Member", null=True, blank=True)
    external_id = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=120, blank=True)
    lawful_basis = models.CharField(max_length=200, blank=True)
    # Since when it holds, and why in words: of the newest BasisEntry, which also tells who said so and what was before.
    lawful_basis_at = models.DateTimeField(null=True, blank=True)
    lawful_basis_note = models.CharField(max_length=300, default="", db_default="", blank=True)
    custom = models.JSONField(default=dict, db_default={}, blank=True)  # key of a CustomField -> typed value
    # Column -> when an import last changed it (actions.imports_store); edits by hand stand on the timeline.
    fields_at = models.JSONField(null=True, blank=True, editable=False)
    # Maintained by record_activity: lists filter by them without walking the ledger.
    last_touch_at = models.DateTimeField(null=True, blank=True)
    last_reply_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "email"], condition=~models.Q(email=""), name="person_email"),
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~models.Q(external_id=""), name="person_external"
            ),
            one_of("email_status", PersonEmailStatus, "person_email_status"),
            one_of("stale_signal", StaleSignal, "person_stale_signal"),
            one_of("seniority", Seniority, "person_seniority"),
            one_of("department", Department, "person_department"),
        ]
        indexes = [
            models.Index(fields=["workspace", "full_name", "id"], name="person_name"),
            models.Index(fields=["workspace", "-created_at", "-id"], name="person_created"),
            models.Index(fields=["workspace", "company", "id"], name="person_company"),
            models.Index(fields=["workspace", "owner", "id"], name="person_owner"),
            # Whom the model may still say something of (queries.titles.UNREAD).
            models.Index(
                fields=["workspace", "title"],
                name="person_unread",
                condition=(models.Q(seniority="") | models.Q(department="")) & ~models.Q(title=""),
            ),
            GinIndex("workspace_id", OpClass(Upper("full_name"), name="gin_trgm_ops"), name="person_name_trgm"),
            # What changed since the last look for duplicates. BRIN: an edit still rewrites the row in place.
            BrinIndex(
                fields=["workspace", "updated_at"], name="person_updated", autosummarize=True, pages_per_range=32
            ),
            GinIndex("workspace_id", OpClass(Upper("email"), name="gin_trgm_ops"), name="person_email_trgm"),
            # Rows without a value are not in it: imports of people without any pay nothing.
            GinIndex(
                "workspace_id",
                OpClass("custom", name="jsonb_path_ops"),
                name="person_custom",
                condition=~models.Q(custom={}),
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email or "unnamed person"
