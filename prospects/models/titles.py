"""Titles that no rule reads, as the embedding model reads them."""

from django.db import models

from leadgen.core.tenancy import TenantModel


class TitleReading(TenantModel):
    """Derived: one title and what the model took it for, "" where it was not sure enough. `*_sure`: 0 to 1, of its best."""

    title = models.CharField(max_length=200)
    seniority = models.CharField(max_length=12, blank=True)
    seniority_sure = models.FloatField()
    department = models.CharField(max_length=12, blank=True)
    department_sure = models.FloatField()
    model = models.CharField(max_length=40)  # the version that read it
    read_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "title"], name="titlereading_title")]
