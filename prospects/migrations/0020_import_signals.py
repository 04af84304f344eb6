"""Signals can be imported. The table of imports is small: its check is replaced in place."""

from django.db import migrations, models

KINDS = ["people", "companies", "leads", "spend", "activities", "signals"]
LABELS = ["People", "Companies", "Leads and deals", "Spend", "Activities", "Signals"]


class Migration(migrations.Migration):
    dependencies = [("prospects", "0019_enrichment")]

    operations = [
        migrations.AlterField(
            model_name="import",
            name="kind",
            field=models.CharField(choices=list(zip(KINDS, LABELS, strict=True)), max_length=10),
        ),
        migrations.RemoveConstraint(model_name="import", name="import_kind"),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(condition=models.Q(("kind__in", KINDS)), name="import_kind"),
        ),
    ]
