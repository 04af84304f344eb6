"""Fills `intent_by` of mail that was read before, in batches that are a transaction each: no lock is held for long, and run
again after it was broken off it goes on. Then the constraint of 0012 is checked, which blocks no writes."""

from typing import Any

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

BATCH = 2000
# What the reasons began with where the model decided. Rules quote the words they found, or say that none fit.
FILL = """
WITH batch AS (
    SELECT id FROM campaigns_inboundmail WHERE id > %s ORDER BY id LIMIT %s
), filled AS (
    UPDATE campaigns_inboundmail AS mail
    SET intent_by = CASE
        WHEN mail.corrected_at IS NOT NULL THEN 'person'
        WHEN mail.why LIKE 'the model %%' OR mail.why LIKE 'it reads like a wish to be left alone (%%'
            OR mail.why LIKE 'it may be a wish to be left alone (%%' THEN 'model'
        ELSE 'rules' END
    FROM batch WHERE mail.id = batch.id AND mail.intent <> '' AND mail.intent_by = ''
)
SELECT id FROM batch ORDER BY id DESC LIMIT 1
"""


def fill(apps: Any, schema_editor: Any) -> None:
    """Batch by batch in the order of ids."""
    last: Any = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(FILL, [last, BATCH])
            row = cursor.fetchone()
            if row is None:
                return
            last = row[0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("campaigns", "0012_inboundmail_intent_by"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        # Going back there is nothing to take back: the column goes with 0012.
        ValidateConstraint(model_name="inboundmail", name="inboundmail_intent_by"),
    ]
