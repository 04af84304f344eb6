"""Bounces of a mailbox, newest first: its health is looked at when one comes, whatever else waits in the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("campaigns", "0007_sending_speed"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("bounced_at__isnull", False)),
                fields=["workspace", "mailbox", "-bounced_at"],
                name="message_bounced",
            ),
        ),
    ]
