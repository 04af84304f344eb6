"""Ideal customer profiles, their versions, and the fit computed from them."""

from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel


class Icp(TenantModel):
    name = models.CharField(max_length=120)
    is_archived = models.BooleanField(default=False)
    # The profile whose fit lists and queue show when none is chosen.
    is_primary = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = TenantForeignKey("accounts.Member", null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="icp_name"),
            models.UniqueConstraint(fields=["workspace"], condition=models.Q(is_primary=True), name="icp_primary"),
        ]

    def __str__(self) -> str:
        return self.name


class IcpVersion(TenantModel):
    """`criteria`: [{key, label, weight, rule}]; `must` and `exclude`: rules; `personas`: [{name, weight, rule, pains}].

    Published versions are immutable (actions.icps); at most one draft.
    """

    icp = TenantForeignKey("prospects.Icp", models.DB_CASCADE)
    number = models.PositiveSmallIntegerField()
    criteria = models.JSONField(default=list)
    must = models.JSONField(default=dict)
    exclude = models.JSONField(default=dict)
    personas = models.JSONField(default=list)
    # Score from which a grade holds, e.g. {"A": 80, "B": 60, "C": 40}.
    grades = models.JSONField(default=dict)
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    published_by = TenantForeignKey("accounts.Member", null=True)
    scored_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "icp", "number"], name="icpversion_number"),
            models.UniqueConstraint(
                fields=["workspace", "icp"], condition=models.Q(published_at__isnull=True), name="icpversion_draft"
            ),
        ]


class FitBase(TenantModel):
    """Narrow: rewritten only where something changed. `marks` has one sign a part: + met, - not met, ? unknown (rules.fit).
    `version`: under which this was written first; later ones that said the same left it (queries.fit.version_of).

    No index holds score, grade or marks, and pages are half filled (migration): a new score is then written in place,
    without touching an index, which makes scoring a million rows anew three times as fast.
    """

    icp = TenantForeignKey("prospects.Icp", models.DB_CASCADE)
    version = TenantForeignKey("prospects.IcpVersion", models.DB_CASCADE)
    score = models.SmallIntegerField()
    grade = models.CharField(max_length=1)  # A-D, X excluded
    marks = models.CharField(max_length=80)

    class Meta(TenantModel.Meta):
        abstract = True


class CompanyFit(FitBase):
    company = TenantForeignKey("prospects.Company", models.DB_CASCADE)

    class Meta(FitBase.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "icp", "company"], name="companyfit_key")]
        indexes = [
            models.Index(fields=["workspace", "company"], name="companyfit_company"),
        ]


class PersonFit(FitBase):
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)

    class Meta(FitBase.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "icp", "person"], name="personfit_key")]
        indexes = [
            models.Index(fields=["workspace", "person"], name="personfit_person"),
        ]
