"""Somebody is away: who has their rows meanwhile, until when, and what exactly was handed over."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class AbsenceMode(models.TextChoices):
    REASSIGN = "reassign", "Hand over for good"
    COVER = "cover", "Cover until they are back"


class AbsenceState(models.TextChoices):
    ACTIVE = "active", "Away"
    ENDED = "ended", "Back"
    UNDONE = "undone", "Undone"


class Absence(TenantModel):
    """One absence, or one hand-over for good. `moved` and `returned`: kind of row -> how many."""

    Mode = AbsenceMode
    State = AbsenceState

    member = TenantForeignKey("accounts.Member")
    cover = TenantForeignKey("accounts.Member")
    mode = models.CharField(max_length=8, choices=Mode.choices)
    state = models.CharField(max_length=6, choices=State.choices, default=State.ACTIVE)
    returns_on = models.DateField(null=True)  # of a cover; a hand-over for good has none
    moved = models.JSONField(default=dict)
    returned = models.JSONField(default=dict)
    by = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            # One at a time: two covers of one person could not both give back.
            models.UniqueConstraint(
                fields=["workspace", "member"], condition=Q(state="active", mode="cover"), name="absence_one"
            ),
            models.CheckConstraint(
                condition=Q(mode="cover", returns_on__isnull=False) | Q(mode="reassign", returns_on__isnull=True),
                name="absence_returns",
            ),
            one_of("mode", AbsenceMode, "absence_mode"),
            one_of("state", AbsenceState, "absence_state"),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="absence_created")]

    def __str__(self) -> str:
        return f"{self.member} away"


class AbsenceMove(TenantModel):
    """Up to a thousand rows that were handed over: only these are given back, and only those still with the cover."""

    absence = TenantForeignKey("prospects.Absence", models.DB_CASCADE)
    kind = models.CharField(max_length=10)
    number = models.PositiveIntegerField()
    ids = ArrayField(models.UUIDField())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "absence", "kind", "number"], name="absencemove_key")
        ]
