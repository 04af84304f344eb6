"""Companies: facts about organisations."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper

from leadgen.core.tenancy import TenantForeignKey, TenantModel


def words() -> ArrayField:
    """A list of short texts; an empty list means unknown."""
    return ArrayField(models.CharField(max_length=120), default=list, blank=True)


class Company(TenantModel):
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=253, blank=True)  # lower case, registrable, no scheme
    website = models.CharField(max_length=300, blank=True)
    linkedin_url = models.CharField(max_length=300, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    description = models.TextField(blank=True)
    industry = models.CharField(max_length=120, blank=True)
    industry_code = models.IntegerField(null=True, blank=True)  # of LinkedIn's tree, rules.industries
    sub_industry = models.CharField(max_length=120, blank=True)
    naics = models.CharField(max_length=6, blank=True, default="", db_default="")  # a class of rules.naics
    employees = models.PositiveIntegerField(null=True, blank=True)
    revenue = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    revenue_currency = models.CharField(max_length=3, blank=True)
    country = models.CharField(max_length=2, blank=True)  # ISO 3166-1 alpha-2
    region = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=120, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    founded = models.PositiveSmallIntegerField(null=True, blank=True)
    technologies = words()
    keywords = words()
    pains = words()
    goals = words()
    funding_stage = models.CharField(max_length=40, blank=True)
    funding_total = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    funding_currency = models.CharField(max_length=3, blank=True)
    funded_on = models.DateField(null=True, blank=True)
    owner = TenantForeignKey("accounts.Member", null=True, blank=True)
    external_id = models.CharField(max_length=120, blank=True)
    source = models.CharField(
        max_length=120, blank=True
    )  # why we have it: "import sp500.csv", "form Demo", "typed by Ana"
    custom = models.JSONField(default=dict, db_default={}, blank=True)  # key of a CustomField -> typed value
    # Column -> when an import last changed it (actions.imports_store); edits by hand stand on the timeline.
    fields_at = models.JSONField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "domain"], condition=~models.Q(domain=""), name="company_domain"
            ),
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~models.Q(external_id=""), name="company_external"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "name", "id"], name="company_name"),
            models.Index(fields=["workspace", "-created_at", "-id"], name="company_created"),
            models.Index(fields=["workspace", "-employees", "-id"], name="company_employees"),
            models.Index(fields=["workspace", "industry", "id"], name="company_industry"),
            models.Index(fields=["workspace", "owner", "id"], name="company_owner"),
            GinIndex("workspace_id", OpClass(Upper("name"), name="gin_trgm_ops"), name="company_name_trgm"),
            # What changed since the last look for duplicates. BRIN: an edit still rewrites the row in place.
            BrinIndex(
                fields=["workspace", "updated_at"], name="company_updated", autosummarize=True, pages_per_range=32
            ),
            GinIndex("workspace_id", OpClass(Upper("domain"), name="gin_trgm_ops"), name="company_domain_trgm"),
            # Rows without a value are not in it: imports of people without any pay nothing.
            GinIndex(
                "workspace_id",
                OpClass("custom", name="jsonb_path_ops"),
                name="company_custom",
                condition=~models.Q(custom={}),
            ),
        ]

    def __str__(self) -> str:
        return self.name
