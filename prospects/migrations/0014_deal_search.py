"""Deals are found by their names; built without locking the table."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0013_views")]

    operations = [
        AddIndexConcurrently(
            model_name="deal",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("workspace_id"),
                django.contrib.postgres.indexes.OpClass(Upper("name"), name="gin_trgm_ops"),
                name="deal_name_trgm",
            ),
        ),
    ]
