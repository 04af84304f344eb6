"""Enrolments: one person going through one version of a sequence."""

from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class EnrolmentState(models.TextChoices):
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    FINISHED = "finished", "Finished"
    STOPPED = "stopped", "Stopped"


class Enrolment(TenantModel):
    State = EnrolmentState

    sequence = TenantForeignKey("campaigns.Sequence", models.DB_CASCADE)
    version = TenantForeignKey("campaigns.SequenceVersion")
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    lead = TenantForeignKey("prospects.Lead", models.DB_SET_NULL, null=True)  # the lead this work opened or works on
    mailbox = TenantForeignKey("campaigns.Mailbox", null=True)
    owner = TenantForeignKey("accounts.Member", null=True)  # whose tasks its LinkedIn and call steps become
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    reason = models.CharField(max_length=300, blank=True)  # why it stopped or paused, in words
    stopped_by_type = models.CharField(max_length=20, blank=True)  # reply, bounce, unsubscribe, person ...
    position = models.PositiveSmallIntegerField(default=0)  # last step begun; 0: none yet
    next_at = models.DateTimeField(null=True)  # when the next step may begin; null: nothing is due by itself
    wait_reason = models.CharField(max_length=300, blank=True)  # why it waits, in words
    external_id = models.CharField(max_length=120, blank=True)
    # Where no person enrolled them: which signal and trigger did, in words.
    cause = models.CharField(max_length=300, default="", db_default="", blank=True)
    enrolled_at = models.DateTimeField()
    enrolled_by = TenantForeignKey("accounts.Member", null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            # A person goes through a sequence once, and through one sequence at a time.
            models.UniqueConstraint(fields=["workspace", "sequence", "person"], name="enrolment_once"),
            models.UniqueConstraint(
                fields=["workspace", "person"], condition=Q(state__in=["active", "paused"]), name="enrolment_exclusive"
            ),
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~Q(external_id=""), name="enrolment_external"
            ),
            one_of("state", EnrolmentState, "enrolment_state"),
        ]
        indexes = [
            models.Index(fields=["workspace", "next_at"], condition=Q(state="active"), name="enrolment_due"),
            models.Index(fields=["workspace", "sequence", "state", "-enrolled_at"], name="enrolment_sequence"),
            models.Index(fields=["workspace", "-enrolled_at", "-id"], name="enrolment_enrolled"),
            # Where somebody stands: rules ask it of everybody.
            models.Index(fields=["workspace", "person", "-enrolled_at"], name="enrolment_person"),
            # Whom somebody has in a sequence: asked of whoever sees their own records only (queries.visibility).
            models.Index(
                fields=["workspace", "owner"],
                condition=Q(state__in=["active", "paused"], owner__isnull=False),
                name="enrolment_owner",
            ),
        ]


class StepRun(TenantModel):
    """A step begun for an enrolment: at most once, by its unique key. Its message or task points back here."""

    enrolment = TenantForeignKey("campaigns.Enrolment", models.DB_CASCADE)
    step = TenantForeignKey("campaigns.Step")
    begun_at = models.DateTimeField()
    task = TenantForeignKey("prospects.Task", models.DB_SET_NULL, null=True)
    done_at = models.DateTimeField(null=True)
    # Of a LinkedIn touch: when somebody last looked whether it was accepted or answered, and when it was.
    checked_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=24, blank=True)  # sent, blocked, failed, unknown, done, skipped

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "enrolment", "step"], name="steprun_once")]
        indexes = [
            # Steps that wait for a person: small beside all runs there ever were.
            models.Index(
                fields=["workspace", "task"], condition=Q(done_at__isnull=True, task__isnull=False), name="steprun_open"
            ),
        ]
