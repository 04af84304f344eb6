"""Territories: whose a company or a person is by rule, and runs that hand out owners over everything that is there."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class Territory(TenantModel):
    """Tried in the order of `position`; the first whose rule holds decides. Several members get what comes in turn."""

    name = models.CharField(max_length=80)
    rule = models.JSONField(default=dict)  # over people's facts, which hold their company's; normalised by rulelang
    members = ArrayField(models.UUIDField(), default=list)
    position = models.PositiveIntegerField()
    is_active = models.BooleanField(default=True)
    turn = models.PositiveIntegerField(default=0)  # how many it gave: whose turn is next
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="territory_name")]
        indexes = [models.Index(fields=["workspace", "position", "id"], name="territory_position")]

    def __str__(self) -> str:
        return self.name


class TerritoryPolicy(models.TextChoices):
    UNOWNED = "unowned", "Only records without an owner"
    CHANGE = "change", "Also change owners"


class TerritoryRunState(models.TextChoices):
    COUNTING = "counting", "Counting"
    COUNTED = "counted", "Counted"
    APPLYING = "applying", "Applying"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Stopped"


class TerritoryRun(TenantModel):
    """Everything gone through once to count what would change, then, if somebody says so, once more to change it.

    `step` and `after` say how far: rows of a batch and this place are written in one transaction.
    """

    Policy = TerritoryPolicy
    State = TerritoryRunState

    state = models.CharField(max_length=9, choices=State.choices, default=State.COUNTING)
    policy = models.CharField(max_length=7, choices=Policy.choices, default=Policy.UNOWNED)
    moves_open = models.BooleanField(default=False)  # also open leads and deals of the one who had the record
    setup = models.JSONField(default=list)  # the territories as they were when it began
    counts = models.JSONField(default=dict)  # what would change
    done = models.JSONField(default=dict)  # what did
    step = models.CharField(max_length=9, default="companies")
    after = models.UUIDField(null=True)
    seen = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    member = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            # Two that hand out at once would give the same record twice.
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(state__in=["counting", "applying"]), name="territoryrun_one"
            ),
            one_of("state", TerritoryRunState, "territoryrun_state"),
            one_of("policy", TerritoryPolicy, "territoryrun_policy"),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="territoryrun_created")]

    def __str__(self) -> str:
        return f"Territories, {self.get_policy_display().lower()}"

    @property
    def is_open(self) -> bool:
        return self.state in (TerritoryRunState.COUNTING, TerritoryRunState.APPLYING)


class TerritoryLook(TenantModel):
    """Up to when a workspace's new and changed records were given their owners."""

    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace"], name="territorylook_one")]
