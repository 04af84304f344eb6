"""Lanes: who has work. Global, without personal data, so that workers find due work without entering a workspace."""

from django.db import models

from leadgen.core.tenancy import UUIDv7


class Lane(models.Model):
    """One kind of work of one workspace (and, for sending, one mailbox). A hint: a sweep re-derives it from the due rows."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    workspace_id = models.UUIDField()
    kind = models.CharField(max_length=24)
    key = models.CharField(max_length=64, blank=True)
    next_due = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace_id", "kind", "key"], name="lane_key")]
        indexes = [models.Index(fields=["kind", "next_due"], name="lane_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}".strip()


class Heartbeat(models.Model):
    """When a process (beat, worker) was last seen alive: the health dot reads it."""

    name = models.CharField(primary_key=True, max_length=40)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name


class Installation(models.Model):
    """The one row that says which database cluster this is, so that a restored copy is noticed before it sends anything.

    `system_identifier` and `timeline` are what pg_control said when sending was last known to be right. While `held_at` is
    set nothing is sent by anybody.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    system_identifier = models.CharField(max_length=24)
    timeline = models.PositiveIntegerField()
    held_at = models.DateTimeField(null=True)
    held_reason = models.CharField(max_length=300, blank=True)
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=254, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_one")]

    def __str__(self) -> str:
        return self.system_identifier
