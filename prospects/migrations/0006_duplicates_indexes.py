"""What changed since the last look for duplicates is found by date: BRIN, so that an edit still rewrites its row in place."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0002_installation"), ("prospects", "0005_duplicates")]

    operations = [
        AddIndexConcurrently(
            model_name="person",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["workspace", "updated_at"], name="person_updated", pages_per_range=32
            ),
        ),
        AddIndexConcurrently(
            model_name="company",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["workspace", "updated_at"], name="company_updated", pages_per_range=32
            ),
        ),
        # Every workspace that is there gets its first look; new ones are marked with their first person.
        migrations.RunSQL(
            "INSERT INTO core_lane (workspace_id, kind, key, next_due) SELECT id, 'duplicates', '', now() FROM accounts_workspace ON CONFLICT DO NOTHING",
            migrations.RunSQL.noop,
        ),
    ]
