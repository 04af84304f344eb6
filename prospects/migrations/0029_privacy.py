"""Lawful bases with a date and history, erasures, retention rules."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_user_time_zone"),
        ("prospects", "0028_finding"),
    ]

    operations = [
        migrations.CreateModel(
            name="BasisEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("basis", models.CharField(blank=True, max_length=200)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("source", models.CharField(blank=True, max_length=160)),
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
            name="Erasure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "cause",
                    models.CharField(choices=[("request", "Asked for"), ("retention", "Retention rule")], max_length=9),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("sweeping", "Erasing"), ("done", "Erased")],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("people", models.PositiveIntegerField()),
                ("reference", models.CharField(blank=True, max_length=120)),
                ("suppress", models.BooleanField(default=True)),
                ("source", models.CharField(default="user", max_length=8)),
                ("asked_at", models.DateTimeField()),
                ("erased_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("removed", models.JSONField(default=dict)),
                ("emptied", models.JSONField(default=dict)),
                ("mentions", models.JSONField(default=dict)),
                ("suppressed", models.PositiveSmallIntegerField(default=0)),
                ("person_ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list)),
                ("sealed", models.TextField(blank=True)),
                ("position", models.CharField(blank=True, max_length=80)),
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
            name="RetentionNotice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("noticed_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("kept_at", models.DateTimeField(null=True)),
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
            name="RetentionRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("people", "People nobody had to do with"),
                            ("mail", "Texts of mail received"),
                            ("hits", "Addresses of clicks"),
                            ("files", "Uploaded import files"),
                            ("audit", "Audit log"),
                        ],
                        max_length=6,
                    ),
                ),
                ("is_active", models.BooleanField(default=False)),
                ("period", models.PositiveSmallIntegerField()),
                ("grace_days", models.PositiveSmallIntegerField(default=30)),
                (
                    "keeps",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=12), default=list),
                ),
                ("suppress", models.BooleanField(default=False)),
                ("updated_at", models.DateTimeField()),
                ("ran_at", models.DateTimeField(null=True)),
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
            name="RetentionRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("noticed", models.PositiveIntegerField(default=0)),
                ("spared", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
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
            model_name="suppression",
            name="suppression_reason",
        ),
        migrations.AddField(
            model_name="person",
            name="lawful_basis_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="person",
            name="lawful_basis_note",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AlterField(
            model_name="suppression",
            name="reason",
            field=models.CharField(
                choices=[
                    ("unsubscribed", "Unsubscribed"),
                    ("bounced", "Hard bounce"),
                    ("complained", "Complaint"),
                    ("objected", "Asked not to be contacted"),
                    ("manual", "Added by hand"),
                    ("imported", "Imported list"),
                    ("erased", "Erased on request"),
                ],
                max_length=12,
            ),
        ),
        AddConstraintNotValid(
            model_name="suppression",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "reason__in",
                        ["unsubscribed", "bounced", "complained", "objected", "manual", "imported", "erased"],
                    )
                ),
                name="suppression_reason",
            ),
        ),
        migrations.AddField(
            model_name="basisentry",
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
            model_name="basisentry",
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
            model_name="basisentry",
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
            model_name="erasure",
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
            model_name="erasure",
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
            model_name="retentionnotice",
            name="kept_by",
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
            model_name="retentionnotice",
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
            model_name="retentionnotice",
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
            model_name="retentionrule",
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
            model_name="retentionrule",
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
            model_name="retentionnotice",
            name="rule",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.retentionrule",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="rule",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_SET_NULL,
                related_name="+",
                to="prospects.retentionrule",
            ),
        ),
        migrations.AddField(
            model_name="retentionrun",
            name="rule",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.retentionrule",
            ),
        ),
        migrations.AddField(
            model_name="retentionrun",
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
            model_name="basisentry",
            index=models.Index(fields=["workspace", "person", "-recorded_at"], name="basisentry_person"),
        ),
        migrations.AddConstraint(
            model_name="basisentry",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="person_id", name="prospects_basisentry_person_fk", on_delete="cascade", to="prospects.Person"
            ),
        ),
        migrations.AddConstraint(
            model_name="basisentry",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id", name="prospects_basisentry_member_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="basisentry",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_basisentry_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="retentionrule",
            constraint=models.UniqueConstraint(fields=("workspace", "kind"), name="retentionrule_kind"),
        ),
        migrations.AddConstraint(
            model_name="retentionrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["people", "mail", "hits", "files", "audit"])),
                name="retentionrule_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionrule",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id",
                name="prospects_retentionrule_member_fk",
                on_delete="no_action",
                to="accounts.Member",
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionrule",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_retentionrule_ws_id"),
        ),
        migrations.AddIndex(
            model_name="retentionnotice",
            index=models.Index(
                condition=models.Q(("kept_at__isnull", True)),
                fields=["workspace", "due_at", "id"],
                name="retentionnotice_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionnotice",
            constraint=models.UniqueConstraint(fields=("workspace", "person"), name="retentionnotice_person"),
        ),
        migrations.AddConstraint(
            model_name="retentionnotice",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="rule_id",
                name="prospects_retentionnotice_rule_fk",
                on_delete="cascade",
                to="prospects.RetentionRule",
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionnotice",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="person_id",
                name="prospects_retentionnotice_person_fk",
                on_delete="cascade",
                to="prospects.Person",
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionnotice",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="kept_by_id",
                name="prospects_retentionnotice_kept_by_fk",
                on_delete="no_action",
                to="accounts.Member",
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionnotice",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_retentionnotice_ws_id"),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(fields=["workspace", "-asked_at", "-id"], name="erasure_asked"),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("cause__in", ["request", "retention"])), name="erasure_cause"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "sweeping", "done"])), name="erasure_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="rule_id", name="prospects_erasure_rule_fk", on_delete="set_null", to="prospects.RetentionRule"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id", name="prospects_erasure_member_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_erasure_ws_id"),
        ),
        migrations.AddIndex(
            model_name="retentionrun",
            index=models.Index(fields=["workspace", "-at", "-id"], name="retentionrun_at"),
        ),
        migrations.AddConstraint(
            model_name="retentionrun",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="rule_id",
                name="prospects_retentionrun_rule_fk",
                on_delete="cascade",
                to="prospects.RetentionRule",
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionrun",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_retentionrun_ws_id"),
        ),
    ]
