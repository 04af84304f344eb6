"""The latest signals of a company, of whatever kind, by index; built without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0024_absences")]

    operations = [
        AddIndexConcurrently(
            model_name="signal",
            index=models.Index(
                fields=["workspace", "company", "-at", "-id"],
                name="signal_company_at",
                condition=models.Q(state="matched"),
            ),
        ),
    ]
