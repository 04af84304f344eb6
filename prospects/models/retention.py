"""Retention: what goes by itself once it is old, who is told so before, and what rules did."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class RetentionKind(models.TextChoices):
    PEOPLE = "people", "People nobody had to do with"
    MAIL = "mail", "Texts of mail received"
    HITS = "hits", "Addresses of clicks"
    FILES = "files", "Uploaded import files"
    AUDIT = "audit", "Audit log"


class RetentionRule(TenantModel):
    """One rule of a workspace; off until somebody turns it on. Without a row a rule is off."""

    Kind = RetentionKind

    kind = models.CharField(max_length=6, choices=Kind.choices)
    is_active = models.BooleanField(default=False)
    period = models.PositiveSmallIntegerField()  # in the kind's unit: months, days or years
    grace_days = models.PositiveSmallIntegerField(default=30)  # of people: between the notice and the erasure
    keeps = ArrayField(
        models.CharField(max_length=12), default=list
    )  # of people: what keeps somebody, beside customers
    suppress = models.BooleanField(default=False)  # of people: whether they are suppressed, too
    member = TenantForeignKey("accounts.Member", null=True)  # who set it last
    updated_at = models.DateTimeField()
    ran_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "kind"], name="retentionrule_kind"),
            one_of("kind", RetentionKind, "retentionrule_kind_known"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class RetentionNotice(TenantModel):
    """Somebody who will be erased on a day unless something happens, or somebody keeps them."""

    rule = TenantForeignKey("prospects.RetentionRule", models.DB_CASCADE)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    noticed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    kept_at = models.DateTimeField(null=True)
    kept_by = TenantForeignKey("accounts.Member", null=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "person"], name="retentionnotice_person")]
        indexes = [
            models.Index(
                fields=["workspace", "due_at", "id"],
                condition=models.Q(kept_at__isnull=True),
                name="retentionnotice_due",
            )
        ]


class RetentionRun(TenantModel):
    """What a rule did in one go, and how many it found."""

    rule = TenantForeignKey("prospects.RetentionRule", models.DB_CASCADE)
    at = models.DateTimeField()
    noticed = models.PositiveIntegerField(default=0)
    spared = models.PositiveIntegerField(default=0)  # notices taken back: something happened meanwhile
    done = models.PositiveIntegerField(default=0)  # people erased, texts emptied, files removed, entries deleted

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["workspace", "-at", "-id"], name="retentionrun_at")]
