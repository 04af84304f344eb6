"""Whom somebody has in a sequence now, for those who see their own records only: built beside the traffic."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("campaigns", "0015_enrolment_person"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="enrolment",
            index=models.Index(
                condition=models.Q(("owner__isnull", False), ("state__in", ["active", "paused"])),
                fields=["workspace", "owner"],
                name="enrolment_owner",
            ),
        ),
    ]
