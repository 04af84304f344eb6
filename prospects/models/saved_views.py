"""Saved views of the people and companies lists, and what a member last chose there."""

from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of
from prospects.models.companies import words


class SavedViewSubject(models.TextChoices):
    PEOPLE = "people", "People"
    COMPANIES = "companies", "Companies"


class SavedView(TenantModel):
    """A list as somebody set it up: filter, order and columns under a name. Private to its owner unless shared."""

    Subject = SavedViewSubject

    subject = models.CharField(max_length=9, choices=Subject.choices)
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)  # the list's filter as its query string, without order and page
    sort = models.CharField(max_length=60, blank=True)  # "-created_at"; empty: the list's own order
    columns = words()  # keys in their order; empty: the member's own
    is_shared = models.BooleanField(default=False)
    owner = TenantForeignKey("accounts.Member", null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "owner", "subject", "name"], name="savedview_name"),
            one_of("subject", SavedViewSubject, "savedview_subject"),
        ]
        indexes = [models.Index(fields=["workspace", "subject", "name"], name="savedview_subject_name")]

    def __str__(self) -> str:
        return self.name


class ListChoice(TenantModel):
    """What a member chose for a list: its columns where no view is open, and the view it opens with."""

    member = TenantForeignKey("accounts.Member", models.DB_CASCADE)
    subject = models.CharField(max_length=9, choices=SavedViewSubject.choices)
    columns = words()
    view = TenantForeignKey("prospects.SavedView", models.DB_SET_NULL, null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "member", "subject"], name="listchoice_key"),
            one_of("subject", SavedViewSubject, "listchoice_subject"),
        ]
