"""Tags: the workspace's own words for people and companies, and who has which."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class TagColour(models.TextChoices):
    """By name: what a name looks like follows the theme. Amber and red are not among them, they mean a clock and a loss."""

    GREY = "grey", "Grey"
    TEAL = "teal", "Teal"
    BLUE = "blue", "Blue"
    GREEN = "green", "Green"
    PURPLE = "purple", "Purple"
    PINK = "pink", "Pink"


class Tag(TenantModel):
    """One word of the vocabulary, the same for people and companies."""

    Colour = TagColour

    name = models.CharField(max_length=40)
    colour = models.CharField(max_length=6, choices=Colour.choices, default=Colour.GREY)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            # "VIP" and "vip" are one word.
            models.UniqueConstraint("workspace", Lower("name"), name="tag_name"),
            one_of("colour", TagColour, "tag_colour"),
        ]

    def __str__(self) -> str:
        return self.name


class TagLink(TenantModel):
    """Somebody has a tag. A table of its own: tagging a million people rewrites none of them."""

    tag = TenantForeignKey("prospects.Tag", models.DB_CASCADE)
    person = TenantForeignKey("prospects.Person", models.DB_CASCADE, null=True)
    company = TenantForeignKey("prospects.Company", models.DB_CASCADE, null=True)
    added_at = models.DateTimeField()
    added_by = TenantForeignKey("accounts.Member", null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "tag", "person"], condition=Q(person__isnull=False), name="taglink_person"
            ),
            models.UniqueConstraint(
                fields=["workspace", "tag", "company"], condition=Q(company__isnull=False), name="taglink_company"
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, company__isnull=True) | Q(person__isnull=True, company__isnull=False),
                name="taglink_one",
            ),
        ]
        indexes = [
            # The tags of one row: lists, pages, rules, deletion.
            models.Index(fields=["workspace", "person"], condition=Q(person__isnull=False), name="taglink_of"),
            models.Index(
                fields=["workspace", "company"], condition=Q(company__isnull=False), name="taglink_of_company"
            ),
        ]
