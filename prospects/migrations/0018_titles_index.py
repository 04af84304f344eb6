"""Titles that still have a blank to fill are found by index; built without a lock that writers wait for."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0017_titles")]

    operations = [
        AddIndexConcurrently(
            model_name="person",
            index=models.Index(
                condition=models.Q(
                    models.Q(("seniority", ""), ("department", ""), _connector="OR"),
                    models.Q(("title", ""), _negated=True),
                ),
                fields=["workspace", "title"],
                name="person_unread",
            ),
        ),
    ]
