"""Why data on a person may be kept: each time somebody said so, with the date from which it holds."""

from django.db import models

from leadgen.core.tenancy import AppendOnlyModel, TenantForeignKey


class BasisEntry(AppendOnlyModel):
    """What was said, once a change; the person's own columns hold the newest. `basis` empty: none holds any more."""

    movable = ("person",)
    erasable = ("basis", "note", "source")

    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    basis = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()  # since when it holds
    recorded_at = models.DateTimeField()
    member = TenantForeignKey("accounts.Member", null=True)
    source = models.CharField(max_length=160, blank=True)  # "import fair.csv", "bulk action"; empty: by hand

    class Meta(AppendOnlyModel.Meta):
        indexes = [models.Index(fields=["workspace", "person", "-recorded_at"], name="basisentry_person")]
