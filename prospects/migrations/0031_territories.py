"""Territories: owners by rule, and runs that hand them out."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_workspace_visibility"),
        ("prospects", "0030_privacy_checks"),
    ]

    operations = [
        migrations.CreateModel(
            name="Territory",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("rule", models.JSONField(default=dict)),
                ("members", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list)),
                ("position", models.PositiveIntegerField()),
                ("is_active", models.BooleanField(default=True)),
                ("turn", models.PositiveIntegerField(default=0)),
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
        migrations.CreateModel(
            name="TerritoryLook",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
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
            name="TerritoryRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("counting", "Counting"),
                            ("counted", "Counted"),
                            ("applying", "Applying"),
                            ("done", "Done"),
                            ("cancelled", "Stopped"),
                        ],
                        default="counting",
                        max_length=9,
                    ),
                ),
                (
                    "policy",
                    models.CharField(
                        choices=[("unowned", "Only records without an owner"), ("change", "Also change owners")],
                        default="unowned",
                        max_length=7,
                    ),
                ),
                ("moves_open", models.BooleanField(default=False)),
                ("setup", models.JSONField(default=list)),
                ("counts", models.JSONField(default=dict)),
                ("done", models.JSONField(default=dict)),
                ("step", models.CharField(default="companies", max_length=9)),
                ("after", models.UUIDField(null=True)),
                ("seen", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
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
            model_name="territory",
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
            model_name="territorylook",
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
            model_name="territoryrun",
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
            model_name="territoryrun",
            name="workspace",
            field=leadgen.core.tenancy.WorkspaceField(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddIndex(
            model_name="territory",
            index=models.Index(fields=["workspace", "position", "id"], name="territory_position"),
        ),
        migrations.AddConstraint(
            model_name="territory",
            constraint=models.UniqueConstraint(fields=("workspace", "name"), name="territory_name"),
        ),
        migrations.AddConstraint(
            model_name="territory",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_territory_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="territorylook",
            constraint=models.UniqueConstraint(fields=("workspace",), name="territorylook_one"),
        ),
        migrations.AddConstraint(
            model_name="territorylook",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_territorylook_ws_id"),
        ),
        migrations.AddIndex(
            model_name="territoryrun",
            index=models.Index(fields=["workspace", "-created_at", "-id"], name="territoryrun_created"),
        ),
        migrations.AddConstraint(
            model_name="territoryrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["counting", "applying"])),
                fields=("workspace",),
                name="territoryrun_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="territoryrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["counting", "counted", "applying", "done", "cancelled"])),
                name="territoryrun_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="territoryrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("policy__in", ["unowned", "change"])), name="territoryrun_policy"
            ),
        ),
        migrations.AddConstraint(
            model_name="territoryrun",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id", name="prospects_territoryrun_member_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="territoryrun",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_territoryrun_ws_id"),
        ),
    ]
