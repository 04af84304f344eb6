"""What became of each row and how it was found; remembered mappings; when an import last changed which column.

New columns may be null and have no default: no table is rewritten.
"""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_user_time_zone"), ("prospects", "0020_import_signals")]

    operations = [
        migrations.CreateModel(
            name="ImportFates",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                ("fates", models.TextField()),
                ("keys", models.TextField()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "objects",
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ImportTemplate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("people", "People"),
                            ("companies", "Companies"),
                            ("leads", "Leads and deals"),
                            ("spend", "Spend"),
                            ("activities", "Activities"),
                            ("signals", "Signals"),
                        ],
                        max_length=10,
                    ),
                ),
                ("header", models.JSONField(default=list)),
                ("settings", models.JSONField(default=dict)),
                ("used_count", models.PositiveIntegerField(default=0)),
                ("used_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "objects",
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name="company",
            name="fields_at",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="person",
            name="fields_at",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="importfates",
            name="import_run",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.import",
            ),
        ),
        migrations.AddField(
            model_name="importfates",
            name="workspace",
            field=leadgen.core.tenancy.WorkspaceField(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddField(
            model_name="importtemplate",
            name="member",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.member",
            ),
        ),
        migrations.AddField(
            model_name="importtemplate",
            name="workspace",
            field=leadgen.core.tenancy.WorkspaceField(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddConstraint(
            model_name="importfates",
            constraint=models.UniqueConstraint(fields=("workspace", "import_run", "position"), name="importfates_key"),
        ),
        migrations.AddConstraint(
            model_name="importfates",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="import_run_id",
                name="prospects_importfates_import_run_fk",
                on_delete="cascade",
                to="prospects.Import",
            ),
        ),
        migrations.AddConstraint(
            model_name="importfates",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_importfates_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="importtemplate",
            constraint=models.UniqueConstraint(fields=("workspace", "kind", "name"), name="importtemplate_name"),
        ),
        migrations.AddConstraint(
            model_name="importtemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["people", "companies", "leads", "spend", "activities", "signals"])),
                name="importtemplate_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="importtemplate",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id",
                name="prospects_importtemplate_member_fk",
                on_delete="no_action",
                to="accounts.Member",
            ),
        ),
        migrations.AddConstraint(
            model_name="importtemplate",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_importtemplate_ws_id"),
        ),
    ]
