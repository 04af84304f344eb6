"""Indexes and checks of tables that may be full: built and validated beside the traffic, never under its lock."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("campaigns", "0004_sending"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "unknown")),
                fields=["workspace", "mailbox", "submitted_at"],
                name="message_unknown",
            ),
        ),
        AddIndexConcurrently(
            model_name="inboundmail",
            index=models.Index(fields=["workspace", "mailbox", "mime_id"], name="inboundmail_mime"),
        ),
        ValidateConstraint(model_name="inboundmail", name="inboundmail_kind"),
    ]
