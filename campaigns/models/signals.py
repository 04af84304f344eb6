"""What signals do to sequences: which trigger enrols into which one, and what each signal made of it."""

from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


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


class SignalPlaceState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    ENROLLED = "enrolled", "Enrolled"
    LEFT = "left", "Not enrolled"


class SignalPlace(TenantModel):
    """Somebody who could be enrolled when the cap of the day was reached: they wait in line, the oldest signal first, and
    are looked at again when their turn comes. Who waits for two signals of a trigger has two rows and one place: the first."""

    State = SignalPlaceState

    trigger = TenantForeignKey("prospects.SignalTrigger", models.DB_CASCADE)
    signal = TenantForeignKey("prospects.Signal", models.DB_CASCADE)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    signal_at = models.DateTimeField()  # of the signal, for the order
    joined_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    # Why they were not enrolled: a word of campaigns.rules.signals_line, and in words.
    code = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "signal", "trigger", "person"], name="signalplace_once"),
            one_of("state", SignalPlaceState, "signalplace_state"),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "trigger", "signal_at", "id"], condition=Q(state="waiting"), name="signalplace_line"
            ),
            models.Index(
                fields=["workspace", "trigger", "-ended_at"], condition=~Q(state="waiting"), name="signalplace_ended"
            ),
            models.Index(fields=["workspace", "person", "trigger"], name="signalplace_person"),
        ]  # fmt: skip
