"""Without a lock: merges go on while it is built."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("prospects", "0037_merge_keys")]

    operations = [
        AddIndexConcurrently(
            "merge", django.contrib.postgres.indexes.GinIndex(fields=["workspace", "keys"], name="merge_keys")
        ),
    ]
