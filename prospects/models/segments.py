"""Segments: a saved rule (dynamic) or a fixed list (static) of people or companies, who is in it, and how it changes.

A target-account list is a static segment of companies.
"""

from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class SegmentKind(models.TextChoices):
    DYNAMIC = "dynamic", "Rule"
    STATIC = "static", "List"


class SegmentSubject(models.TextChoices):
    PEOPLE = "people", "People"
    COMPANIES = "companies", "Companies"


class Segment(TenantModel):
    """`count` and `counted_at` are of the last look at everybody; a list's count is kept as rows come and go."""

    Kind = SegmentKind
    Subject = SegmentSubject

    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    subject = models.CharField(max_length=9, choices=Subject.choices)
    rule = models.JSONField(default=dict)  # of a dynamic segment, normalised by rulelang
    is_archived = models.BooleanField(default=False)
    count = models.PositiveIntegerField(null=True)
    counted_at = models.DateTimeField(null=True)  # null: the worker has not been there since the rule was written
    owner = TenantForeignKey("accounts.Member", null=True)  # who made it
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="segment_name"),
            one_of("kind", SegmentKind, "segment_kind"),
            one_of("subject", SegmentSubject, "segment_subject"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_dynamic(self) -> bool:
        return self.kind == SegmentKind.DYNAMIC

    @property
    def of_people(self) -> bool:
        return self.subject == SegmentSubject.PEOPLE

    @property
    def noun(self) -> str:
        return "people" if self.of_people else "companies"


class SegmentMember(TenantModel):
    """Who is in a list; of a dynamic segment: who was in it when the worker last looked."""

    segment = TenantForeignKey("prospects.Segment", models.DB_CASCADE)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE, null=True)
    company = TenantForeignKey("prospects.Company", models.DB_CASCADE, null=True)
    added_at = models.DateTimeField()
    added_by = TenantForeignKey("accounts.Member", null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "segment", "person"],
                condition=Q(person__isnull=False),
                name="segmentmember_person",
            ),
            models.UniqueConstraint(
                fields=["workspace", "segment", "company"],
                condition=Q(company__isnull=False),
                name="segmentmember_company",
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, company__isnull=True) | Q(person__isnull=True, company__isnull=False),
                name="segmentmember_one",
            ),
        ]
        indexes = [
            # Pages of members, the latest first; and the lists somebody is on (rules, deletion).
            models.Index(fields=["workspace", "segment", "-id"], name="segmentmember_page"),
            models.Index(fields=["workspace", "person"], condition=Q(person__isnull=False), name="segmentmember_of"),
            models.Index(
                fields=["workspace", "company"], condition=Q(company__isnull=False), name="segmentmember_of_company"
            ),
        ]


class SegmentSnapshot(TenantModel):
    """A segment on a day: how many were in it, came and went since the day before. `rule_changed`: the rule was another."""

    segment = TenantForeignKey("prospects.Segment", models.DB_CASCADE)
    on = models.DateField()
    at = models.DateTimeField()
    count = models.PositiveIntegerField()
    entered = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    rule_changed = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "segment", "on"], name="segmentsnapshot_day")]


class SegmentChange(TenantModel):
    """Somebody entered or left a segment. Kept for 90 days; what a new rule moved is no change of theirs and not written."""

    segment = TenantForeignKey("prospects.Segment", models.DB_CASCADE)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE, null=True)
    company = TenantForeignKey("prospects.Company", models.DB_CASCADE, null=True)
    at = models.DateTimeField()
    entered = models.BooleanField()

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["workspace", "segment", "-at", "-id"], name="segmentchange_at"),
            models.Index(fields=["workspace", "person"], condition=Q(person__isnull=False), name="segmentchange_of"),
            models.Index(
                fields=["workspace", "company"], condition=Q(company__isnull=False), name="segmentchange_of_company"
            ),
        ]
