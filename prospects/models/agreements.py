"""The agreement: what lead, MQL and SQL mean, signed by marketing and by sales, versioned."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class AgreementVersionState(models.TextChoices):
    DRAFT = "draft", "Draft"
    PROPOSED = "proposed", "Proposed"
    SIGNED = "signed", "Signed"
    REPLACED = "replaced", "Replaced"


class AgreementVersion(TenantModel):
    """One agreement a workspace; its versions are immutable once proposed.

    `lead_clause`: {"kinds": [activity kinds that open a lead], "imports": true}
    `mql_clause`: {"any": [{"name", "rule"}]} over facts (fit_grade, fit_score, engagement, signals ...)
    `sql_clause`: {"required": ["conversation", "fit", "need", "budget", "authority", "timeline"]} confirmed by a person
    `points`: {activity kind: {"points", "cap_per_day"}}
    """

    State = AgreementVersionState

    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    icp = TenantForeignKey("prospects.Icp", null=True)  # the profile whose fit the clauses read
    lead_clause = models.JSONField(default=dict)
    mql_clause = models.JSONField(default=dict)
    sql_clause = models.JSONField(default=dict)
    points = models.JSONField(default=dict)
    half_life_days = models.PositiveSmallIntegerField(default=14)
    # Minutes of working time to the first human touch of an inbound lead, and to decide on a hand-off.
    first_touch_minutes = models.PositiveIntegerField(default=5)
    sdr_decision_minutes = models.PositiveIntegerField(default=480)
    ae_decision_minutes = models.PositiveIntegerField(default=960)
    reject_reasons = ArrayField(models.CharField(max_length=80), default=list)
    disqualify_reasons = ArrayField(models.CharField(max_length=80), default=list)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()
    proposed_at = models.DateTimeField(null=True)
    proposed_by = TenantForeignKey("accounts.Member", null=True)
    marketing_signed_at = models.DateTimeField(null=True)
    marketing_signed_by = TenantForeignKey("accounts.Member", null=True)
    sales_signed_at = models.DateTimeField(null=True)
    sales_signed_by = TenantForeignKey("accounts.Member", null=True)
    effective_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "number"], name="agreement_number"),
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(state="signed"), name="agreement_one_signed"
            ),
            one_of("state", AgreementVersionState, "agreement_state"),
        ]
