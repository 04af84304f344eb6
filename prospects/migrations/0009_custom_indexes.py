"""Custom values are found by what they hold; built without locking tables that are written to."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0008_custom_fields")]

    operations = [
        AddIndexConcurrently(
            model_name="company",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("workspace_id"),
                django.contrib.postgres.indexes.OpClass("custom", name="jsonb_path_ops"),
                condition=models.Q(("custom", {}), _negated=True),
                name="company_custom",
            ),
        ),
        AddIndexConcurrently(
            model_name="person",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("workspace_id"),
                django.contrib.postgres.indexes.OpClass("custom", name="jsonb_path_ops"),
                condition=models.Q(("custom", {}), _negated=True),
                name="person_custom",
            ),
        ),
    ]
