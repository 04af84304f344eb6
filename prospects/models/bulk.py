"""Acts on many rows at once: what was asked, of whom exactly, how far it is and what came of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class BulkSubject(models.TextChoices):
    PEOPLE = "people", "People"
    COMPANIES = "companies", "Companies"


class BulkKind(models.TextChoices):
    ASSIGN = "assign", "Assign"
    TAG = "tag", "Add tags"
    UNTAG = "untag", "Take tags away"
    FIELD = "field", "Set a field"
    LIST = "list", "Put on a list"
    VERIFY = "verify", "Verify e-mail addresses"


class BulkState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class BulkAct(TenantModel):
    """One act. `total` = `changed` + `same` + the sum of `blocked` once it is done."""

    Subject = BulkSubject
    Kind = BulkKind
    State = BulkState

    subject = models.CharField(max_length=9, choices=Subject.choices)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    params = models.JSONField(default=dict)  # ids and values, as rules.bulk reads them
    words = models.CharField(max_length=300)  # "Assign to Ana Ferreira"
    query = models.TextField(blank=True)  # the filter it was asked with; empty: rows selected by hand
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    total = models.PositiveIntegerField()
    changed = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)  # had it already
    blocked = models.JSONField(default=dict)  # reason -> how many
    examples = models.JSONField(default=list)  # [id, name, reason] of the first that were blocked
    member = TenantForeignKey("accounts.Member", null=True)
    source = models.CharField(max_length=8, default="user")  # of the Actor who asked
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            one_of("subject", BulkSubject, "bulkact_subject"),
            one_of("kind", BulkKind, "bulkact_kind"),
            one_of("state", BulkState, "bulkact_state"),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="bulkact_created")]

    def __str__(self) -> str:
        return self.words


class BulkPart(TenantModel):
    """Up to a thousand of the rows of an act, fixed when it was confirmed; done in one transaction, so each row once."""

    act = TenantForeignKey("prospects.BulkAct", models.DB_CASCADE)
    number = models.PositiveIntegerField()
    ids = ArrayField(models.UUIDField())
    done_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "act", "number"], name="bulkpart_number")]
