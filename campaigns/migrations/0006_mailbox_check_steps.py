"""The steps of a mailbox's last connection test, each with its remedy."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0005_sending_indexes")]

    operations = [
        # A constant default: PostgreSQL adds the column without writing a row.
        migrations.AddField("mailbox", "check_steps", models.JSONField(default=list)),
    ]
