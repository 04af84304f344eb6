"""Imports: a file, its mapping, its run and what could not be used."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class ImportKind(models.TextChoices):
    PEOPLE = "people", "People"
    COMPANIES = "companies", "Companies"
    LEADS = "leads", "Leads and deals"
    SPEND = "spend", "Spend"
    ACTIVITIES = "activities", "Activities"
    SIGNALS = "signals", "Signals"


class ImportState(models.TextChoices):
    UPLOADED = "uploaded", "Uploaded"
    CHECKING = "checking", "Checking"
    CHECKED = "checked", "Checked"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    UNDOING = "undoing", "Undoing"
    UNDONE = "undone", "Undone"


class Import(TenantModel):
    Kind = ImportKind
    State = ImportState

    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.UPLOADED)
    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    file_size = models.PositiveIntegerField()
    encoding = models.CharField(max_length=40, blank=True)
    delimiter = models.CharField(max_length=4, blank=True)
    header = models.JSONField(default=list)  # column names
    samples = models.JSONField(default=list)  # first rows, for the mapping page
    mapping = models.JSONField(default=dict)  # field -> column
    settings = models.JSONField(default=dict)  # fixed values, value translations, date format, policy
    findings = models.JSONField(default=list)  # what was found and assumed, in words
    total_rows = models.PositiveIntegerField(null=True)
    done_rows = models.PositiveIntegerField(default=0)  # checkpoint: rows before it are settled
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    invalid_count = models.PositiveIntegerField(default=0)
    plan = models.JSONField(default=dict)  # the dry run's counts
    undo = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField())
    )  # what undoing would do, and did
    error = models.TextField(blank=True)
    member = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [one_of("kind", ImportKind, "import_kind"), one_of("state", ImportState, "import_state")]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="import_created")]


class ImportFile(TenantModel):
    """The bytes as they were uploaded: in the database, so that every worker reads the same file and a backup holds it."""

    import_run = TenantForeignKey("prospects.Import", models.DB_CASCADE)
    content = models.BinaryField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "import_run"], name="importfile_run")]


class ImportBatch(TenantModel):
    """What one batch of a run made and changed in one table: what an undo works from. Kept 30 days; gone once undone."""

    import_run = TenantForeignKey("prospects.Import", models.DB_CASCADE)
    position = models.PositiveIntegerField()  # rows that were settled before it
    subject = models.CharField(max_length=8, choices=[("company", "Company"), ("person", "Person")])
    made = ArrayField(models.UUIDField(), default=list)
    changed = models.JSONField(default=list)  # [id, columns before, columns after]
    tagged = ArrayField(models.UUIDField(), default=list, db_default=[])  # ids of the TagLinks it made
    at = models.DateTimeField()  # what `updated_at` of those rows says

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "import_run", "position", "subject"], name="importbatch_key"),
            models.CheckConstraint(condition=models.Q(subject__in=["company", "person"]), name="importbatch_subject"),
        ]
        indexes = [models.Index(fields=["workspace", "at"], name="importbatch_at")]


class ImportFates(TenantModel):
    """What became of each row of one batch (of a dry run: would become), and by which key it was found: a letter a row, see
    actions.imports_fates."""

    import_run = TenantForeignKey("prospects.Import", models.DB_CASCADE)
    position = models.PositiveIntegerField()  # rows that were settled before it
    fates = models.TextField()
    keys = models.TextField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "import_run", "position"], name="importfates_key")]


class ImportMemo(TenantModel):
    """A row of a file that said nothing new when it was read last (actions.imports_memo). A cache: UNLOGGED, so a crash of the
    database may empty it, and without foreign keys; its `id` is the keyed digest of the row's cells."""

    record_id = models.UUIDField()  # the person or company it is about
    company_id = models.UUIDField(null=True)  # the company a row about a person also names
    state = models.BigIntegerField()  # hash of all columns such a row may write, as they stood then
    key = models.CharField(max_length=1)  # by which the record was found (rules.imports_policy.KEY_WORDS)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        pass


class ImportTemplate(TenantModel):
    """How files with these columns are read here: mapping, fixed values, words, match rule and policies, under a name."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=ImportKind.choices)
    header = models.JSONField(default=list)  # column names of the file it was made from
    settings = models.JSONField(default=dict)  # as Import.settings: columns, constants, translations, dates, handling
    used_count = models.PositiveIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    member = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "kind", "name"], name="importtemplate_name"),
            one_of("kind", ImportKind, "importtemplate_kind"),
        ]

    def __str__(self) -> str:
        return self.name


class ImportIssue(TenantModel):
    """One thing that was wrong with one row: column, value, words and remedy. The row's cells are kept for the error file."""

    import_run = TenantForeignKey("prospects.Import", models.DB_CASCADE)
    row = models.PositiveIntegerField()  # line in the file, 1-based
    column = models.CharField(max_length=120, blank=True)
    value = models.CharField(max_length=300, blank=True)
    message = models.CharField(max_length=300)
    remedy = models.CharField(max_length=300, blank=True)
    severity = models.CharField(
        max_length=8, default="error"
    )  # error: the row was refused; warning: imported all the same
    cells = models.JSONField(default=list)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["workspace", "import_run", "row", "id"], name="importissue_row")]
