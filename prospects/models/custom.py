"""Fields a workspace adds to its people and companies. Their values lie in `custom` of the row, by key."""

from django.db import models

from leadgen.core.tenancy import TenantModel
from prospects.models.choices import one_of
from prospects.models.companies import words


class CustomFieldSubject(models.TextChoices):
    PEOPLE = "people", "People"
    COMPANIES = "companies", "Companies"


class CustomFieldKind(models.TextChoices):
    TEXT = "text", "Text"
    NUMBER = "number", "Number"
    DATE = "date", "Date"
    CHOICE = "choice", "Choice"
    MONEY = "money", "Money"


class CustomField(TenantModel):
    """Its kind never changes: the values there are typed by it."""

    Subject = CustomFieldSubject
    Kind = CustomFieldKind

    subject = models.CharField(max_length=9, choices=Subject.choices)
    key = models.CharField(max_length=60)  # in the API and in files; follows from the first label
    label = models.CharField(max_length=80)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    choices = words()
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "subject", "key"], name="customfield_key"),
            one_of("subject", CustomFieldSubject, "customfield_subject"),
            one_of("kind", CustomFieldKind, "customfield_kind"),
        ]

    def __str__(self) -> str:
        return self.label
