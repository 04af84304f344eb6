"""Enrichment: who is asked, what they answered and cost, what a run proposes, and where each value came from."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import AppendOnlyModel, TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class EnrichmentSubject(models.TextChoices):
    COMPANIES = "companies", "Companies"
    PEOPLE = "people", "People"


class EnrichmentProviderKind(models.TextChoices):
    HTTP = "http", "HTTP service"
    WEBSITE = "website", "Company website"
    DNS = "dns", "Name servers (DNS)"
    TABLE = "table", "Table (CSV)"
    # Those of finding: asked by searches and finders, never by a plain enrichment run.
    SEARCH = "search", "Search service (HTTP)"
    DIRECTORY = "directory", "Directory (CSV, Parquet)"
    PATTERN = "pattern", "Address pattern"


FINDING_KINDS = (EnrichmentProviderKind.SEARCH, EnrichmentProviderKind.DIRECTORY, EnrichmentProviderKind.PATTERN)


class EnrichmentPer(models.TextChoices):
    CALL = "call", "Each question"
    MATCH = "match", "Each answer found"


class EnrichmentProvider(TenantModel):
    """One who is asked. The order of all is the waterfall: the next one is asked only for what is still missing."""

    Kind = EnrichmentProviderKind
    Subject = EnrichmentSubject
    Per = EnrichmentPer

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    subject = models.CharField(max_length=9, choices=Subject.choices, default=Subject.COMPANIES)
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    # HTTP: {"url", "method", "body", "mapping": {field: JMESPath}}. Table: {"columns": {field: column}, "key": column}.
    settings = models.JSONField(default=dict)
    headers_sealed = models.TextField(blank=True)  # {"Authorization": ...}
    price = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    per = models.CharField(max_length=5, choices=Per.choices, default=Per.CALL)
    currency = models.CharField(max_length=3, blank=True)
    monthly_budget = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)  # null: none is set
    cache_days = models.PositiveIntegerField(default=90)
    error = models.CharField(max_length=300, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="enrichmentprovider_name"),
            one_of("kind", EnrichmentProviderKind, "enrichmentprovider_kind"),
            one_of("subject", EnrichmentSubject, "enrichmentprovider_subject"),
            one_of("per", EnrichmentPer, "enrichmentprovider_per"),
        ]

    def __str__(self) -> str:
        return self.name


class EnrichmentRow(TenantModel):
    """One row of a table that was uploaded."""

    provider = TenantForeignKey("prospects.EnrichmentProvider", models.DB_CASCADE)
    key = models.CharField(max_length=254)  # domain or e-mail address
    values = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "provider", "key"], name="enrichmentrow_key"),
        ]


class EnrichmentAnswer(TenantModel):
    """What a provider said about a domain or address: within its days nobody is asked, and nothing paid, again."""

    provider = TenantForeignKey("prospects.EnrichmentProvider", models.DB_CASCADE)
    key = models.CharField(max_length=254)
    values = models.JSONField(default=dict)  # {} where it knew nothing
    asked_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "provider", "key"], name="enrichmentanswer_key"),
        ]


class EnrichmentCharge(AppendOnlyModel):
    """Money for one question, written before it is asked; a negative row gives back what finding nothing does not cost."""

    erasable = ("key",)

    provider = TenantForeignKey("prospects.EnrichmentProvider", models.DB_CASCADE)
    at = models.DateTimeField()
    amount = models.DecimalField(max_digits=12, decimal_places=4)
    currency = models.CharField(max_length=3)
    key = models.CharField(max_length=254)

    class Meta(AppendOnlyModel.Meta):
        indexes = [models.Index(fields=["workspace", "provider", "at"], name="enrichmentcharge_at")]


class EnrichmentRunState(models.TextChoices):
    ASKING = "asking", "Asking"
    REVIEW = "review", "To be reviewed"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class EnrichmentRun(TenantModel):
    """Some companies or people, asked about in the background; what was found is shown before it is written."""

    State = EnrichmentRunState
    Subject = EnrichmentSubject

    subject = models.CharField(max_length=9, choices=Subject.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKING)
    fields = ArrayField(models.CharField(max_length=40))
    label = models.CharField(max_length=200)  # "Lumen", "34 companies", "segment Fintech"
    write_at_once = models.BooleanField(default=False)
    finder = models.BooleanField(default=False, db_default=False)  # finders are asked, at a price somebody confirmed
    token = models.CharField(max_length=40, blank=True, db_default="")  # of a finder: a second click is the same run
    total = models.PositiveIntegerField(default=0)
    member = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            one_of("subject", EnrichmentSubject, "enrichmentrun_subject"),
            one_of("state", EnrichmentRunState, "enrichmentrun_state"),
            models.UniqueConstraint(fields=["workspace", "token"], condition=~Q(token=""), name="enrichmentrun_token"),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="enrichmentrun_created")]

    def __str__(self) -> str:
        return self.label


class EnrichmentItemState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    FOUND = "found", "Found"
    NOTHING = "nothing", "Nothing new"
    STOPPED = "stopped", "Stopped"
    WRITTEN = "written", "Written"
    REFUSED = "refused", "Refused"


class EnrichmentItem(TenantModel):
    """One company or person of a run: asked once, written once."""

    State = EnrichmentItemState

    run = TenantForeignKey("prospects.EnrichmentRun", models.DB_CASCADE)
    company = TenantForeignKey("prospects.Company", models.DB_CASCADE, null=True)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE, null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    proposal = models.JSONField(default=dict)  # field -> {"value", "old", "provider", "name", "at"}
    notes = ArrayField(models.CharField(max_length=300), default=list)  # what was left alone or stopped, and why
    taken_until = models.DateTimeField(null=True)  # a worker is at it
    # A question that costs money is on its way to this provider: still there when the item is taken up again, its answer is lost.
    asking = models.UUIDField(null=True)
    asked_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "run", "company"],
                condition=Q(company__isnull=False),
                name="enrichmentitem_company",
            ),
            models.UniqueConstraint(
                fields=["workspace", "run", "person"], condition=Q(person__isnull=False), name="enrichmentitem_person"
            ),
            one_of("state", EnrichmentItemState, "enrichmentitem_state"),
        ]
        indexes = [
            models.Index(fields=["workspace", "run", "state", "id"], name="enrichmentitem_state_id"),
        ]


class FieldOrigin(TenantModel):
    """Where the present value of one field came from, and when: written by enrichment, void once a person edits the field."""

    company = TenantForeignKey("prospects.Company", models.DB_CASCADE, null=True)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE, null=True)
    field = models.CharField(max_length=40)
    provider_name = models.CharField(max_length=80)
    provider = TenantForeignKey("prospects.EnrichmentProvider", models.DB_SET_NULL, null=True)
    value = models.JSONField()  # what was written: another value there now is somebody else's
    at = models.DateTimeField()  # when the provider said so
    search = models.CharField(max_length=120, blank=True, db_default="")  # the name of the one by which it was found

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "company", "field"], condition=Q(company__isnull=False), name="fieldorigin_company"
            ),
            models.UniqueConstraint(
                fields=["workspace", "person", "field"], condition=Q(person__isnull=False), name="fieldorigin_person"
            ),
        ]
