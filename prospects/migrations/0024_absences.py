"""Absences: who has whose rows, and what was handed over."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_user_time_zone"),
        ("prospects", "0023_phone_outcomes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Absence",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("reassign", "Hand over for good"), ("cover", "Cover until they are back")],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "Away"), ("ended", "Back"), ("undone", "Undone")],
                        default="active",
                        max_length=6,
                    ),
                ),
                ("returns_on", models.DateField(null=True)),
                ("moved", models.JSONField(default=dict)),
                ("returned", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "by",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.member",
                    ),
                ),
                (
                    "cover",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.member",
                    ),
                ),
                (
                    "member",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.member",
                    ),
                ),
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
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="AbsenceMove",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=10)),
                ("number", models.PositiveIntegerField()),
                ("ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField())),
                (
                    "absence",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.absence",
                    ),
                ),
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
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddIndex(
            model_name="absence",
            index=models.Index(fields=["workspace", "-created_at", "-id"], name="absence_created"),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=models.UniqueConstraint(
                condition=models.Q(("mode", "cover"), ("state", "active")),
                fields=("workspace", "member"),
                name="absence_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("mode", "cover"), ("returns_on__isnull", False)),
                    models.Q(("mode", "reassign"), ("returns_on__isnull", True)),
                    _connector="OR",
                ),
                name="absence_returns",
            ),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["reassign", "cover"])), name="absence_mode"
            ),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["active", "ended", "undone"])), name="absence_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id", name="prospects_absence_member_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="cover_id", name="prospects_absence_cover_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="by_id", name="prospects_absence_by_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_absence_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="absencemove",
            constraint=models.UniqueConstraint(
                fields=("workspace", "absence", "kind", "number"), name="absencemove_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="absencemove",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="absence_id",
                name="prospects_absencemove_absence_fk",
                on_delete="cascade",
                to="prospects.Absence",
            ),
        ),
        migrations.AddConstraint(
            model_name="absencemove",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_absencemove_ws_id"),
        ),
    ]
