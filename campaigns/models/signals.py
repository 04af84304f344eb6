"""What signals do to sequences: which trigger enrols into which one, and what each signal made of it."""

from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel


class SignalSequence(TenantModel):
    """A trigger that enrols. No row: it only makes to-dos, as every trigger does until somebody chooses a sequence."""

    trigger = TenantForeignKey("prospects.SignalTrigger", models.DB_CASCADE)
    sequence = TenantForeignKey("campaigns.Sequence", models.DB_CASCADE)
    per_day = models.PositiveIntegerField()  # people enrolled at most, by the workspace's day
    enrolled = models.PositiveIntegerField(default=0)  # so far
    note = models.CharField(
        max_length=300, blank=True
    )  # why the last signal enrolled nobody at all; empty: it went well

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "trigger"], name="signalsequence_trigger")]
        indexes = [models.Index(fields=["workspace", "sequence"], name="signalsequence_sequence")]


class SignalEnrolment(TenantModel):
    """What came of one signal and one trigger, once: written in the transaction that enrols, so a kill leaves both or none."""

    signal = TenantForeignKey("prospects.Signal", models.DB_CASCADE)
    trigger = TenantForeignKey("prospects.SignalTrigger", models.DB_CASCADE)
    at = models.DateTimeField()
    enrolled = models.PositiveIntegerField(default=0)
    blocked = models.JSONField(default=dict)  # reason in words -> how many

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "signal", "trigger"], name="signalenrolment_once")]
        indexes = [models.Index(fields=["workspace", "trigger", "-at"], name="signalenrolment_day")]
