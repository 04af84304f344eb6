"""What calls said of phone numbers: a new table."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_user_time_zone"),
        ("prospects", "0022_import_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="PhoneOutcome",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.CharField(max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reached", "Reached them"),
                            ("voicemail", "Voicemail"),
                            ("no_answer", "No answer"),
                            ("wrong", "Wrong number"),
                            ("barred", "Do not call"),
                        ],
                        max_length=9,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("calls", models.PositiveIntegerField(default=1)),
                (
                    "member",
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
                    "person",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.person",
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
                "indexes": [models.Index(fields=["workspace", "-at", "-id"], name="phoneoutcome_at")],
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "person", "number"), name="phoneoutcome_number"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["reached", "voicemail", "no_answer", "wrong", "barred"])),
                        name="phoneoutcome_state",
                    ),
                    leadgen.core.tenancy.CompositeForeignKeyConstraint(
                        column="person_id",
                        name="prospects_phoneoutcome_person_fk",
                        on_delete="cascade",
                        to="prospects.Person",
                    ),
                    leadgen.core.tenancy.CompositeForeignKeyConstraint(
                        column="member_id",
                        name="prospects_phoneoutcome_member_fk",
                        on_delete="no_action",
                        to="accounts.Member",
                    ),
                    models.UniqueConstraint(fields=("workspace", "id"), name="prospects_phoneoutcome_ws_id"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
