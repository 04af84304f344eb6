"""Enrichment: providers, answers, costs, runs and where values came from; new tables only."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_user_time_zone"),
        ("prospects", "0018_titles_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="EnrichmentProvider",
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
                            ("http", "HTTP service"),
                            ("website", "Company website"),
                            ("dns", "Name servers (DNS)"),
                            ("table", "Table (CSV)"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        choices=[("companies", "Companies"), ("people", "People")], default="companies", max_length=9
                    ),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("is_active", models.BooleanField(default=True)),
                ("settings", models.JSONField(default=dict)),
                ("headers_sealed", models.TextField(blank=True)),
                ("price", models.DecimalField(decimal_places=4, default=0, max_digits=12)),
                (
                    "per",
                    models.CharField(
                        choices=[("call", "Each question"), ("match", "Each answer found")],
                        default="call",
                        max_length=5,
                    ),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("monthly_budget", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                ("cache_days", models.PositiveIntegerField(default=90)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
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
            name="EnrichmentCharge",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("amount", models.DecimalField(decimal_places=4, max_digits=12)),
                ("currency", models.CharField(max_length=3)),
                ("key", models.CharField(max_length=254)),
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
                (
                    "provider",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.enrichmentprovider",
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
            name="EnrichmentAnswer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.CharField(max_length=254)),
                ("values", models.JSONField(default=dict)),
                ("asked_at", models.DateTimeField()),
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
                (
                    "provider",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.enrichmentprovider",
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
            name="EnrichmentRow",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.CharField(max_length=254)),
                ("values", models.JSONField(default=dict)),
                (
                    "provider",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.enrichmentprovider",
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
            name="EnrichmentRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("subject", models.CharField(choices=[("companies", "Companies"), ("people", "People")], max_length=9)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asking", "Asking"),
                            ("review", "To be reviewed"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="asking",
                        max_length=9,
                    ),
                ),
                ("fields", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40))),
                ("label", models.CharField(max_length=200)),
                ("write_at_once", models.BooleanField(default=False)),
                ("total", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
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
            name="EnrichmentItem",
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
                            ("waiting", "Waiting"),
                            ("found", "Found"),
                            ("nothing", "Nothing new"),
                            ("stopped", "Stopped"),
                            ("written", "Written"),
                            ("refused", "Refused"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("proposal", models.JSONField(default=dict)),
                (
                    "notes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), default=list
                    ),
                ),
                ("taken_until", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "company",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.company",
                    ),
                ),
                (
                    "person",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
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
                (
                    "run",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.enrichmentrun",
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
            name="FieldOrigin",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("field", models.CharField(max_length=40)),
                ("provider_name", models.CharField(max_length=80)),
                ("value", models.JSONField()),
                ("at", models.DateTimeField()),
                (
                    "company",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.company",
                    ),
                ),
                (
                    "person",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.person",
                    ),
                ),
                (
                    "provider",
                    leadgen.core.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DB_SET_NULL,
                        related_name="+",
                        to="prospects.enrichmentprovider",
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
        migrations.AddConstraint(
            model_name="enrichmentprovider",
            constraint=models.UniqueConstraint(fields=("workspace", "name"), name="enrichmentprovider_name"),
        ),
        migrations.AddConstraint(
            model_name="enrichmentprovider",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["http", "website", "dns", "table"])), name="enrichmentprovider_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentprovider",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["companies", "people"])), name="enrichmentprovider_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentprovider",
            constraint=models.CheckConstraint(
                condition=models.Q(("per__in", ["call", "match"])), name="enrichmentprovider_per"
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentprovider",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_enrichmentprovider_ws_id"),
        ),
        migrations.AddIndex(
            model_name="enrichmentcharge",
            index=models.Index(fields=["workspace", "provider", "at"], name="enrichmentcharge_at"),
        ),
        migrations.AddConstraint(
            model_name="enrichmentcharge",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="provider_id",
                name="prospects_enrichmentcharge_provider_fk",
                on_delete="cascade",
                to="prospects.EnrichmentProvider",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentcharge",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_enrichmentcharge_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="enrichmentanswer",
            constraint=models.UniqueConstraint(fields=("workspace", "provider", "key"), name="enrichmentanswer_key"),
        ),
        migrations.AddConstraint(
            model_name="enrichmentanswer",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="provider_id",
                name="prospects_enrichmentanswer_provider_fk",
                on_delete="cascade",
                to="prospects.EnrichmentProvider",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentanswer",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_enrichmentanswer_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="enrichmentrow",
            constraint=models.UniqueConstraint(fields=("workspace", "provider", "key"), name="enrichmentrow_key"),
        ),
        migrations.AddConstraint(
            model_name="enrichmentrow",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="provider_id",
                name="prospects_enrichmentrow_provider_fk",
                on_delete="cascade",
                to="prospects.EnrichmentProvider",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentrow",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_enrichmentrow_ws_id"),
        ),
        migrations.AddIndex(
            model_name="enrichmentrun",
            index=models.Index(fields=["workspace", "-created_at", "-id"], name="enrichmentrun_created"),
        ),
        migrations.AddConstraint(
            model_name="enrichmentrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["companies", "people"])), name="enrichmentrun_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["asking", "review", "done", "cancelled"])), name="enrichmentrun_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentrun",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id",
                name="prospects_enrichmentrun_member_fk",
                on_delete="no_action",
                to="accounts.Member",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentrun",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_enrichmentrun_ws_id"),
        ),
        migrations.AddIndex(
            model_name="enrichmentitem",
            index=models.Index(fields=["workspace", "run", "state", "id"], name="enrichmentitem_state_id"),
        ),
        migrations.AddConstraint(
            model_name="enrichmentitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("company__isnull", False)),
                fields=("workspace", "run", "company"),
                name="enrichmentitem_company",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("person__isnull", False)),
                fields=("workspace", "run", "person"),
                name="enrichmentitem_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "found", "nothing", "stopped", "written", "refused"])),
                name="enrichmentitem_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentitem",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="run_id",
                name="prospects_enrichmentitem_run_fk",
                on_delete="cascade",
                to="prospects.EnrichmentRun",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentitem",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="company_id",
                name="prospects_enrichmentitem_company_fk",
                on_delete="cascade",
                to="prospects.Company",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentitem",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="person_id",
                name="prospects_enrichmentitem_person_fk",
                on_delete="cascade",
                to="prospects.Person",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentitem",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_enrichmentitem_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="fieldorigin",
            constraint=models.UniqueConstraint(
                condition=models.Q(("company__isnull", False)),
                fields=("workspace", "company", "field"),
                name="fieldorigin_company",
            ),
        ),
        migrations.AddConstraint(
            model_name="fieldorigin",
            constraint=models.UniqueConstraint(
                condition=models.Q(("person__isnull", False)),
                fields=("workspace", "person", "field"),
                name="fieldorigin_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="fieldorigin",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="company_id",
                name="prospects_fieldorigin_company_fk",
                on_delete="cascade",
                to="prospects.Company",
            ),
        ),
        migrations.AddConstraint(
            model_name="fieldorigin",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="person_id", name="prospects_fieldorigin_person_fk", on_delete="cascade", to="prospects.Person"
            ),
        ),
        migrations.AddConstraint(
            model_name="fieldorigin",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="provider_id",
                name="prospects_fieldorigin_provider_fk",
                on_delete="set_null",
                to="prospects.EnrichmentProvider",
            ),
        ),
        migrations.AddConstraint(
            model_name="fieldorigin",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_fieldorigin_ws_id"),
        ),
    ]
