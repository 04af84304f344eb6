"""Erasures: that people were erased, when, for whom and how much; not whom."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class ErasureCause(models.TextChoices):
    REQUEST = "request", "Asked for"
    RETENTION = "retention", "Retention rule"


class ErasureState(models.TextChoices):
    WAITING = "waiting", "Waiting"  # a mail is on its way; nothing was taken away yet
    SWEEPING = "sweeping", "Erasing"  # the people and their rows are gone; other rows that name them are looked through
    DONE = "done", "Erased"


class Erasure(TenantModel):
    """The certificate. Until it is done, the people's ids and (sealed) what to look for stand here; then nothing of them."""

    Cause = ErasureCause
    State = ErasureState

    cause = models.CharField(max_length=9, choices=Cause.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    people = models.PositiveIntegerField()  # how many
    reference = models.CharField(max_length=120, blank=True)  # of the request, such as a ticket's number; no names
    rule = TenantForeignKey("prospects.RetentionRule", models.DB_SET_NULL, null=True)
    suppress = models.BooleanField(default=True)
    member = TenantForeignKey("accounts.Member", null=True)
    source = models.CharField(max_length=8, default="user")
    asked_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    removed = models.JSONField(default=dict)  # noun -> rows that are gone
    emptied = models.JSONField(default=dict)  # noun -> rows that stay as facts about nobody
    mentions = models.JSONField(default=dict)  # noun -> other rows a mention was taken out of
    suppressed = models.PositiveSmallIntegerField(default=0)  # addresses and numbers kept as keyed hashes
    person_ids = ArrayField(models.UUIDField(), default=list)  # until they are erased
    sealed = models.TextField(blank=True)  # what to look for, until it is done
    position = models.CharField(max_length=80, blank=True)  # the table that was looked through last

    class Meta(TenantModel.Meta):
        constraints = [one_of("cause", ErasureCause, "erasure_cause"), one_of("state", ErasureState, "erasure_state")]
        indexes = [models.Index(fields=["workspace", "-asked_at", "-id"], name="erasure_asked")]

    def __str__(self) -> str:
        return "1 person" if self.people == 1 else f"{self.people:,} people"
