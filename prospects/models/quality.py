"""Data quality: what was counted on a day. The page counts anew where that is quick; trends are read from these rows."""

from django.db import models

from leadgen.core.tenancy import TenantModel


class QualityReport(TenantModel):
    """One day's figures: {key: [rows, of]}, and the sources with the most trouble."""

    on = models.DateField()
    at = models.DateTimeField()
    figures = models.JSONField(default=dict)
    sources = models.JSONField(default=list)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "on"], name="qualityreport_day")]
