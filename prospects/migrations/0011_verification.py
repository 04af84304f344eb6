"""Verification of addresses and staleness on the person, domains' mail hosts, the days of data quality.

Columns with a constant default cost nothing on a full table; the checks are made valid in a migration of their own.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_user_time_zone"),
        ("prospects", "0010_keys_seen"),
    ]

    operations = [
        migrations.CreateModel(
            name="MailHost",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("domain", models.CharField(max_length=253)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("takes", "Takes mail"),
                            ("bare", "No MX record"),
                            ("null", "Refuses mail"),
                            ("dead", "No mail server"),
                            ("gone", "Does not exist"),
                            ("silent", "No answer"),
                            ("unasked", "Not asked"),
                        ],
                        max_length=8,
                    ),
                ),
                ("provider", models.CharField(blank=True, max_length=40)),
                ("detail", models.CharField(blank=True, max_length=253)),
                ("checked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
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
            name="QualityReport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("on", models.DateField()),
                ("at", models.DateTimeField()),
                ("figures", models.JSONField(default=dict)),
                ("sources", models.JSONField(default=list)),
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
            name="Verification",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("address", models.CharField(blank=True, max_length=254)),
                ("since", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField()),
                ("checked_at", models.DateTimeField()),
                ("status_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
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
        migrations.RemoveConstraint(
            model_name="person",
            name="person_email_status",
        ),
        migrations.AddField(
            model_name="person",
            name="email_checks",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=16), blank=True, db_default=[], default=list
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="stale_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="person",
            name="stale_signal",
            field=models.CharField(
                blank=True,
                choices=[
                    ("left", "Left the company"),
                    ("bounced", "The address bounced"),
                    ("moved", "Changed employer"),
                    ("role", "Changed role"),
                    ("", "None"),
                ],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="person",
            name="email_status",
            field=models.CharField(
                choices=[
                    ("unknown", "Not verified"),
                    ("valid", "Verified"),
                    ("risky", "Risky"),
                    ("invalid", "Invalid"),
                    ("bounced", "Bounced"),
                ],
                default="unknown",
                max_length=8,
            ),
        ),
        AddConstraintNotValid(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(("email_status__in", ["unknown", "valid", "risky", "invalid", "bounced"])),
                name="person_email_status",
            ),
        ),
        AddConstraintNotValid(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(("stale_signal__in", ["left", "bounced", "moved", "role", ""])),
                name="person_stale_signal",
            ),
        ),
        migrations.AddField(
            model_name="mailhost",
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
            model_name="qualityreport",
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
            model_name="verification",
            name="person",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.person",
            ),
        ),
        migrations.AddField(
            model_name="verification",
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
            model_name="mailhost",
            constraint=models.UniqueConstraint(fields=("workspace", "domain"), name="mailhost_domain"),
        ),
        migrations.AddConstraint(
            model_name="mailhost",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["takes", "bare", "null", "dead", "gone", "silent", "unasked"])),
                name="mailhost_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="mailhost",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_mailhost_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="qualityreport",
            constraint=models.UniqueConstraint(fields=("workspace", "on"), name="qualityreport_day"),
        ),
        migrations.AddConstraint(
            model_name="qualityreport",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_qualityreport_ws_id"),
        ),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(fields=["workspace", "due_at"], name="verification_due"),
        ),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(fields=["workspace", "-seen_at"], name="verification_seen"),
        ),
        migrations.AddConstraint(
            model_name="verification",
            constraint=models.UniqueConstraint(fields=("workspace", "person"), name="verification_person"),
        ),
        migrations.AddConstraint(
            model_name="verification",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="person_id", name="prospects_verification_person_fk", on_delete="cascade", to="prospects.Person"
            ),
        ),
        migrations.AddConstraint(
            model_name="verification",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_verification_ws_id"),
        ),
    ]
