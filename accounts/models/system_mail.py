"""System mail (verification, reset, invitation): a row written with the change, sent after its commit."""

from django.db import models

from leadgen.core.tenancy import UUIDv7


class SystemMail(models.Model):
    """Global: most of it is written before a workspace is known. The body is emptied once it was sent (it holds links)."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    kind = models.CharField(max_length=60)
    to = models.CharField(max_length=254)
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["planned", "sent", "failed", "unknown"]), name="systemmail_state"
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(state="planned"), name="systemmail_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
