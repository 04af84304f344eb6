"""Where the next look for duplicates goes on is read every five minutes: by index, built without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0009_custom_indexes")]

    operations = [
        AddIndexConcurrently(
            model_name="companykeys", index=models.Index(fields=["workspace", "-seen_at"], name="companykeys_seen")
        ),
        AddIndexConcurrently(
            model_name="personkeys", index=models.Index(fields=["workspace", "-seen_at"], name="personkeys_seen")
        ),
    ]
