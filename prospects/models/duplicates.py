"""Duplicates: the keys rows are compared by, pairs that may be one, and what a merge did."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class KeysBase(TenantModel):
    """Derived: `keys` are those of rules.duplicates, of the row as it was at `seen_at` (its `updated_at`)."""

    keys = ArrayField(models.BigIntegerField(), default=list)
    seen_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        abstract = True


class PersonKeys(KeysBase):
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)

    class Meta(KeysBase.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "person"], name="personkeys_person")]
        indexes = [
            GinIndex(fields=["workspace", "keys"], name="personkeys_keys"),
            models.Index(fields=["workspace", "-seen_at"], name="personkeys_seen"),  # where the next look goes on
        ]


class CompanyKeys(KeysBase):
    company = TenantForeignKey("prospects.Company", models.DB_CASCADE)

    class Meta(KeysBase.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "company"], name="companykeys_company")]
        indexes = [
            GinIndex(fields=["workspace", "keys"], name="companykeys_keys"),
            models.Index(fields=["workspace", "-seen_at"], name="companykeys_seen"),
        ]


class PairState(models.TextChoices):
    OPEN = "open", "To review"
    DISMISSED = "dismissed", "Not a duplicate"


class PairBase(TenantModel):
    """Two rows that may be one; `first` has the smaller id. Dismissed pairs stay, so that nobody is asked twice."""

    State = PairState

    score = models.PositiveSmallIntegerField()
    reasons = ArrayField(models.CharField(max_length=24), default=list)  # codes of rules.duplicates.WORDS
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = TenantForeignKey("accounts.Member", null=True)

    class Meta(TenantModel.Meta):
        abstract = True


class PersonPair(PairBase):
    first = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    second = TenantForeignKey("prospects.Person", models.DB_CASCADE)

    class Meta(PairBase.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "first", "second"], name="personpair_key"),
            models.CheckConstraint(condition=Q(first__lte=F("second")), name="personpair_order"),
            one_of("state", PairState, "personpair_state"),
        ]
        indexes = [
            models.Index(fields=["workspace", "state", "-score", "-id"], name="personpair_score"),
            models.Index(fields=["workspace", "second"], name="personpair_second"),
        ]


class CompanyPair(PairBase):
    first = TenantForeignKey("prospects.Company", models.DB_CASCADE)
    second = TenantForeignKey("prospects.Company", models.DB_CASCADE)

    class Meta(PairBase.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "first", "second"], name="companypair_key"),
            models.CheckConstraint(condition=Q(first__lte=F("second")), name="companypair_order"),
            one_of("state", PairState, "companypair_state"),
        ]
        indexes = [
            models.Index(fields=["workspace", "state", "-score", "-id"], name="companypair_score"),
            models.Index(fields=["workspace", "second"], name="companypair_second"),
        ]


class MergeKind(models.TextChoices):
    PEOPLE = "people", "People"
    COMPANIES = "companies", "Companies"


class Merge(TenantModel):
    """One row became part of another. Holds both as they were for as long as it can be undone, then only where it went.

    `person` or `company` is the row that stayed: it moves on when that one is merged away itself, so a gone id always leads
    to what is there now, and what is kept of a person goes with them.
    """

    Kind = MergeKind

    kind = models.CharField(max_length=9, choices=Kind.choices)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE, null=True)
    company = TenantForeignKey("prospects.Company", models.DB_CASCADE, null=True)
    kept_id = models.UUIDField()  # the row that stayed, then
    gone_id = models.UUIDField()  # the row that went
    kept_label = models.CharField(max_length=250)
    gone_label = models.CharField(max_length=250)
    at = models.DateTimeField()
    member = TenantForeignKey("accounts.Member", null=True)
    score = models.PositiveSmallIntegerField(null=True)
    reasons = ArrayField(models.CharField(max_length=24), default=list)
    taken = ArrayField(models.CharField(max_length=40), default=list)  # fields taken from the row that went
    kept_before = models.JSONField(default=dict)
    kept_after = models.JSONField(default=dict)
    gone_before = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)  # {"tasks": 3, ...}
    effects = models.JSONField(default=dict)  # what it did beside moving: a lead closed, sequences stopped, suppressed
    undo_until = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = TenantForeignKey("accounts.Member", null=True)
    left = ArrayField(models.CharField(max_length=300), default=list)  # what an undo could not restore, in words
    # "email:a@b.example", "domain:...", "external_id:...": what only the row that went, or the one that stayed before, was known
    # by. Whoever brings it later means the row that stayed (queries.merges.former).
    keys = ArrayField(models.CharField(max_length=300), default=list, db_default=[])

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "gone_id"], condition=Q(undone_at__isnull=True), name="merge_gone"
            ),
            one_of("kind", MergeKind, "merge_kind"),
        ]
        indexes = [
            models.Index(fields=["workspace", "-at", "-id"], name="merge_at"),
            models.Index(fields=["workspace", "person"], name="merge_person"),
            models.Index(fields=["workspace", "company"], name="merge_company"),
            GinIndex(fields=["workspace", "keys"], name="merge_keys"),
        ]

    def __str__(self) -> str:
        return f"{self.gone_label} into {self.kept_label}"

    @property
    def known_by(self) -> list[tuple[str, str]]:
        """(email, domain, external_id or linkedin_url; value) of what leads to the row that stayed since."""
        return [(name, value) for name, _, value in (key.partition(":") for key in self.keys)]


class MoveAct(models.TextChoices):
    MOVED = "moved", "Moved"
    DELETED = "deleted", "Deleted"
    EMPTIED = "emptied", "Emptied"  # a pointer at a deleted row


class MergeMove(TenantModel):
    """Rows of one table a merge touched, for its undo. `rows`: pre-images of deleted ones."""

    Act = MoveAct

    merge = TenantForeignKey("prospects.Merge", models.DB_CASCADE)
    position = models.PositiveSmallIntegerField()  # order within the merge; undone backwards
    act = models.CharField(max_length=7, choices=Act.choices)
    model = models.CharField(max_length=60)
    column = models.CharField(max_length=60, blank=True)
    value = models.UUIDField(null=True)  # what stood in the column
    ids = ArrayField(models.UUIDField(), default=list)
    rows = models.JSONField(default=list)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "merge", "position"], name="mergemove_position"),
            one_of("act", MoveAct, "mergemove_act"),
        ]
