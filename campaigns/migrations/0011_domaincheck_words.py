"""Findings are shown as Pass, Warning, Fail and Unknown. What is stored stays: a finding is a fact and is never rewritten, so
this runs no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0010_message_first_submitted"),
    ]

    operations = [
        migrations.AlterField(
            model_name="domaincheck",
            name="state",
            field=models.CharField(
                choices=[("ok", "Pass"), ("warn", "Warning"), ("fail", "Fail"), ("unknown", "Unknown")], max_length=7
            ),
        ),
    ]
