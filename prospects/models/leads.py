"""Leads, their stage transitions and the hand-offs between teams."""

from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import AppendOnlyModel, TenantForeignKey, TenantModel
from prospects.models.choices import OPEN_STAGES, Channel, Stage, one_of


class LeadOrigin(models.TextChoices):
    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"
    IMPORT = "import", "Import"
    MANUAL = "manual", "By hand"


class Lead(TenantModel):
    """One buying cycle of one person. `stage` repeats the last transition, for lists; the transitions are the truth."""

    Origin = LeadOrigin

    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True, blank=True)
    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True, blank=True)
    external_id = models.CharField(max_length=120, blank=True)
    origin = models.CharField(max_length=8, choices=Origin.choices)
    channel = models.CharField(max_length=12, choices=Channel.choices, default=Channel.UNKNOWN)
    subchannel = models.CharField(max_length=80, blank=True)  # the workspace's own second level
    campaign = TenantForeignKey("prospects.Campaign", models.DB_SET_NULL, null=True, blank=True)
    source = models.CharField(max_length=120, blank=True)
    owner = TenantForeignKey("accounts.Member", null=True, blank=True)
    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.LEAD)
    stage_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=120, blank=True)  # of the exit
    recycled_until = models.DateField(null=True, blank=True)
    previous = TenantForeignKey("prospects.Lead", models.DB_SET_NULL, null=True, blank=True)
    version = TenantForeignKey("prospects.AgreementVersion", null=True)  # in force when it opened
    fit_grade = models.CharField(max_length=1, blank=True)  # at opening: fit knows no sales effort
    opened_at = models.DateTimeField(null=True)  # null: an import knew no date; shown as undated
    routed_at = models.DateTimeField(null=True)
    route_reason = models.CharField(max_length=300, blank=True)
    seen_at = models.DateTimeField(null=True)
    first_touch_at = models.DateTimeField(null=True)  # first human touch after opening
    touch_due_at = models.DateTimeField(null=True)  # end of the SLA clock, working hours already counted
    closed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    import_id = models.UUIDField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "person"],
                condition=Q(stage__in=OPEN_STAGES, person__isnull=False),
                name="lead_one_open",
            ),
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~Q(external_id=""), name="lead_external"
            ),
            one_of("stage", Stage, "lead_stage"),
            one_of("channel", Channel, "lead_channel"),
            one_of("origin", LeadOrigin, "lead_origin"),
        ]
        indexes = [
            models.Index(fields=["workspace", "-opened_at", "-id"], name="lead_opened"),
            models.Index(fields=["workspace", "-created_at", "-id"], name="lead_created"),
            models.Index(fields=["workspace", "stage", "-stage_at", "-id"], name="lead_stage_at"),
            models.Index(fields=["workspace", "person"], name="lead_person"),
            models.Index(fields=["workspace", "company"], name="lead_company"),
            models.Index(fields=["workspace", "owner", "stage"], name="lead_owner"),
            models.Index(fields=["workspace", "campaign"], name="lead_campaign"),
        ]


class StageTransition(AppendOnlyModel):
    """Every move of a lead, with the agreement version in force and the facts that met its clause."""

    erasable = ("facts", "reason", "note")

    lead = TenantForeignKey("prospects.Lead", models.DB_CASCADE)
    from_stage = models.CharField(max_length=12, choices=Stage.choices, blank=True)  # blank: it opened
    to_stage = models.CharField(max_length=12, choices=Stage.choices)
    at = models.DateTimeField(null=True)  # null: an import knew that, not when
    recorded_at = models.DateTimeField()
    version = TenantForeignKey("prospects.AgreementVersion", null=True)  # null: history from before any agreement
    facts = models.JSONField(default=dict)
    reason = models.CharField(max_length=120, blank=True)
    note = models.TextField(blank=True)
    member = TenantForeignKey("accounts.Member", null=True)
    source = models.CharField(max_length=16)  # user, api, system, import
    # 1 for the first move of a lead, 2 for the next: the order where dates are equal or absent.
    position = models.PositiveSmallIntegerField()

    class Meta(AppendOnlyModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "lead", "position"], name="transition_position"),
            one_of("to_stage", Stage, "transition_to"),
        ]
        indexes = [models.Index(fields=["workspace", "to_stage", "at"], name="transition_to_at")]


class HandoffKind(models.TextChoices):
    MARKETING_TO_SDR = "marketing_to_sdr", "Marketing to SDR"
    SDR_TO_AE = "sdr_to_ae", "SDR to AE"


class HandoffState(models.TextChoices):
    PENDING = "pending", "Waiting"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Handoff(TenantModel):
    """A lead passes, with its brief, to the next team; accepted or rejected with a reason inside its SLA."""

    Kind = HandoffKind
    State = HandoffState

    lead = TenantForeignKey("prospects.Lead", models.DB_CASCADE)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    version = TenantForeignKey("prospects.AgreementVersion", null=True)
    from_member = TenantForeignKey("accounts.Member", null=True)
    to_member = TenantForeignKey("accounts.Member", null=True)
    brief = models.JSONField(default=dict)  # everything known at that moment, frozen
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = TenantForeignKey("accounts.Member", null=True)
    reason = models.CharField(max_length=80, blank=True)
    decision_note = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "lead", "kind"], condition=Q(state="pending"), name="handoff_one_pending"
            ),
            one_of("kind", HandoffKind, "handoff_kind"),
            one_of("state", HandoffState, "handoff_state"),
        ]
        indexes = [
            models.Index(fields=["workspace", "state", "due_at"], name="handoff_due"),
            models.Index(fields=["workspace", "-created_at", "-id"], name="handoff_created"),
            models.Index(fields=["workspace", "lead"], name="handoff_lead"),
        ]
