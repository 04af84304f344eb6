"""What is known of the rows of imported files. A cache, so UNLOGGED: it costs no write-ahead log, and a crash may empty it."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_workspace_visibility"), ("prospects", "0034_enrichment_asking")]

    operations = [
        migrations.CreateModel(
            name="ImportMemo",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("record_id", models.UUIDField()),
                ("company_id", models.UUIDField(null=True)),
                ("state", models.BigIntegerField()),
                ("key", models.CharField(max_length=1)),
                ("at", models.DateTimeField()),
                (
                    "workspace",
                    leadgen.core.tenancy.WorkspaceField(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("workspace", "id"), name="prospects_importmemo_ws_id")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE prospects_importmemo SET UNLOGGED", "ALTER TABLE prospects_importmemo SET LOGGED"
        ),
    ]
