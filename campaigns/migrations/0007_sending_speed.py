"""What the sender looks up, by index; and room on the pages of rows that are updated in place several times a mail."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# A claim changes no indexed column: with room on its page the new version needs no index entries (HOT).
ROOM = {"campaigns_message": 75, "campaigns_enrolment": 85, "campaigns_steprun": 85, "campaigns_mailbox": 50}


def _fillfactor(table: str, percent: int) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} SET (fillfactor = {percent})", f"ALTER TABLE {table} RESET (fillfactor)"
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("campaigns", "0006_mailbox_check_steps"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "planned"), models.Q(("in_reply_to", ""), _negated=True)),
                fields=["workspace", "mailbox", "due_at"],
                name="message_due_follow",
            ),
        ),
        AddIndexConcurrently(
            model_name="steprun",
            index=models.Index(
                condition=models.Q(("done_at__isnull", True), ("task__isnull", False)),
                fields=["workspace", "task"],
                name="steprun_open",
            ),
        ),
        *(_fillfactor(table, percent) for table, percent in ROOM.items()),
    ]
