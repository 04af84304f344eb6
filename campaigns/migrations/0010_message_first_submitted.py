"""When the first copy of a mail was handed over that a person sent again: proof of it must still be placed."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("campaigns", "0009_domaincheck_kind"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="first_submitted_at",
            field=models.DateTimeField(null=True),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("first_submitted_at__isnull", False)),
                fields=["workspace", "mailbox", "first_submitted_at"],
                name="message_again",
            ),
        ),
    ]
