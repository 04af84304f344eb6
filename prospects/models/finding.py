"""Finding: searches at providers, what they found, what was bought and brought in, and directories a team uploads."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import Department, Seniority, one_of
from prospects.models.enrichment import EnrichmentSubject


class FindingSearch(TenantModel):
    """What is looked for, at whom, and which profile the results are held against."""

    Subject = EnrichmentSubject

    name = models.CharField(max_length=120)
    subject = models.CharField(max_length=9, choices=EnrichmentSubject.choices)
    provider = TenantForeignKey("prospects.EnrichmentProvider", models.DB_CASCADE)
    criteria = models.JSONField(default=dict)  # rules.finding.clean_criteria
    icp = TenantForeignKey("prospects.Icp", models.DB_SET_NULL, null=True)
    wanted = models.PositiveIntegerField(default=100)  # results a run looks for at most
    is_saved = models.BooleanField(default=False)
    member = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [one_of("subject", EnrichmentSubject, "findingsearch_subject")]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="findingsearch_created")]

    def __str__(self) -> str:
        return self.name


class FindingRunState(models.TextChoices):
    ASKING = "asking", "Searching"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Stopped"


class FindingRun(TenantModel):
    """One time a search was run: page by page in the background, each page charged before it is asked for."""

    State = FindingRunState

    search = TenantForeignKey("prospects.FindingSearch", models.DB_CASCADE)
    number = models.PositiveIntegerField()
    token = models.CharField(max_length=40)  # of the form it was confirmed by: a second click is the same run
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKING)
    cursor = models.CharField(max_length=2000, blank=True)
    pages = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)  # rows the provider answered
    fresh = models.PositiveIntegerField(default=0)  # of them never seen in this search before
    total = models.PositiveIntegerField(null=True)  # how many there are, where the provider says so
    amount = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    currency = models.CharField(max_length=3, blank=True)
    error = models.CharField(max_length=300, blank=True)
    due_at = models.DateTimeField(null=True)  # it was asked to slow down until then
    taken_until = models.DateTimeField(null=True)  # a worker is at it
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)  # workers that began the page in hand
    member = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "search", "number"], name="findingrun_number"),
            models.UniqueConstraint(fields=["workspace", "search", "token"], name="findingrun_token"),
            one_of("state", FindingRunState, "findingrun_state"),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "id"], name="findingrun_asking", condition=models.Q(state=FindingRunState.ASKING)
            )
        ]


class FindingOrderState(models.TextChoices):
    IMPORTING = "importing", "Being added"
    DONE = "done", "Added"
    FAILED = "failed", "Failed"


class FindingOrder(TenantModel):
    """Rows somebody confirmed at an exact number and price: charged and handed to an import in one transaction."""

    State = FindingOrderState

    search = TenantForeignKey("prospects.FindingSearch", models.DB_CASCADE)
    token = models.CharField(max_length=40)  # of the form it was confirmed by: a second click is the same order
    state = models.CharField(max_length=9, choices=State.choices, default=State.IMPORTING)
    rows = models.PositiveIntegerField()
    amount = models.DecimalField(max_digits=12, decimal_places=4)
    currency = models.CharField(max_length=3, blank=True)
    import_run = TenantForeignKey("prospects.Import", models.DB_SET_NULL, null=True)
    member = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "search", "token"], name="findingorder_token"),
            one_of("state", FindingOrderState, "findingorder_state"),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "id"],
                name="findingorder_open",
                condition=models.Q(state=FindingOrderState.IMPORTING),
            )
        ]


class FindingResult(TenantModel):
    """One company or person a search found, once a search. `order`: it was bought and is being, or was, added."""

    search = TenantForeignKey("prospects.FindingSearch", models.DB_CASCADE)
    run = TenantForeignKey("prospects.FindingRun", models.DB_CASCADE)  # the first that found it
    key = models.CharField(max_length=254)  # the provider's id, else domain, address or page
    values = models.JSONField(default=dict)  # field -> value, cleaned; of a person also those of the company
    notes = ArrayField(models.CharField(max_length=200), default=list)  # what could not be read
    score = models.SmallIntegerField(null=True)  # null: there is no profile in force
    grade = models.CharField(max_length=1, blank=True)
    marks = models.CharField(max_length=80, blank=True)
    version = TenantForeignKey("prospects.IcpVersion", models.DB_SET_NULL, null=True)
    order = TenantForeignKey("prospects.FindingOrder", models.DB_SET_NULL, null=True)
    company = TenantForeignKey("prospects.Company", models.DB_SET_NULL, null=True)  # what it became
    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True)
    found_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "search", "key"], name="findingresult_key")]
        indexes = [
            models.Index(fields=["workspace", "search", "-score", "id"], name="findingresult_score"),
            models.Index(fields=["workspace", "order"], name="findingresult_order"),
        ]


class DirectoryUploadState(models.TextChoices):
    MAPPING = "mapping", "Columns to be checked"
    WAITING = "waiting", "Being read"
    DONE = "done", "In use"
    FAILED = "failed", "Failed"
    REPLACED = "replaced", "Replaced"


class DirectoryUpload(TenantModel):
    """A file of a directory. Its rows carry its id: a newer upload is read beside it and takes its place in one moment."""

    State = DirectoryUploadState
    Subject = EnrichmentSubject

    provider = TenantForeignKey("prospects.EnrichmentProvider", models.DB_CASCADE)
    subject = models.CharField(max_length=9, choices=EnrichmentSubject.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.MAPPING)
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()  # as CSV; emptied once it was read
    header = models.JSONField(default=list)
    samples = models.JSONField(default=list)
    columns = models.JSONField(default=dict)  # our field -> column
    rows = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    taken_until = models.DateTimeField(null=True)
    member = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            one_of("subject", EnrichmentSubject, "directoryupload_subject"),
            one_of("state", DirectoryUploadState, "directoryupload_state"),
        ]
        indexes = [models.Index(fields=["workspace", "provider", "-created_at"], name="directoryupload_created")]

    def __str__(self) -> str:
        return self.file_name


class DirectoryCompany(TenantModel):
    """A company of a directory: not a record of the workspace until somebody adds it."""

    upload = TenantForeignKey("prospects.DirectoryUpload", models.DB_CASCADE)
    name = models.CharField(max_length=200, blank=True)
    domain = models.CharField(max_length=253, blank=True)
    industry = models.CharField(max_length=120, blank=True)
    industry_code = models.IntegerField(null=True)
    country = models.CharField(max_length=2, blank=True)
    employees = models.PositiveIntegerField(null=True)
    revenue = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    technologies = ArrayField(models.CharField(max_length=120), default=list)
    values = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["workspace", "upload", "id"], name="directorycompany_page"),
            models.Index(fields=["workspace", "upload", "industry_code", "id"], name="directorycompany_industry"),
            models.Index(fields=["workspace", "upload", "country", "id"], name="directorycompany_country"),
            models.Index(fields=["workspace", "upload", "employees"], name="directorycompany_size"),
            models.Index(fields=["workspace", "upload", "domain"], name="directorycompany_domain"),
            GinIndex("workspace_id", OpClass(Upper("name"), name="gin_trgm_ops"), name="directorycompany_name"),
        ]


class DirectoryPerson(TenantModel):
    """A person of a directory: not a record of the workspace until somebody adds them."""

    upload = TenantForeignKey("prospects.DirectoryUpload", models.DB_CASCADE)
    full_name = models.CharField(max_length=250, blank=True)
    domain = models.CharField(max_length=253, blank=True)  # of the company
    title = models.CharField(max_length=200, blank=True)
    seniority = models.CharField(max_length=12, choices=Seniority.choices, blank=True)
    department = models.CharField(max_length=12, choices=Department.choices, blank=True)
    country = models.CharField(max_length=2, blank=True)
    industry_code = models.IntegerField(null=True)
    employees = models.PositiveIntegerField(null=True)
    values = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["workspace", "upload", "id"], name="directoryperson_page"),
            models.Index(fields=["workspace", "upload", "seniority", "department", "id"], name="directoryperson_role"),
            models.Index(fields=["workspace", "upload", "country", "id"], name="directoryperson_country"),
            models.Index(fields=["workspace", "upload", "domain"], name="directoryperson_domain"),
            GinIndex("workspace_id", OpClass(Upper("full_name"), name="gin_trgm_ops"), name="directoryperson_name"),
        ]
