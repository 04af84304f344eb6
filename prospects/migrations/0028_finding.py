"""Searches, what they found and what was added from it, directories; new tables, and columns of small ones or with a constant default."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_user_time_zone"),
        ("prospects", "0025_signal_company_at"),
    ]

    operations = [
        migrations.CreateModel(
            name="DirectoryCompany",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200)),
                ("domain", models.CharField(blank=True, max_length=253)),
                ("industry", models.CharField(blank=True, max_length=120)),
                ("industry_code", models.IntegerField(null=True)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("employees", models.PositiveIntegerField(null=True)),
                ("revenue", models.DecimalField(decimal_places=2, max_digits=18, null=True)),
                (
                    "technologies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), default=list
                    ),
                ),
                ("values", models.JSONField(default=dict)),
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
            name="DirectoryPerson",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("full_name", models.CharField(blank=True, max_length=250)),
                ("domain", models.CharField(blank=True, max_length=253)),
                ("title", models.CharField(blank=True, max_length=200)),
                (
                    "seniority",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("founder", "Founder, owner"),
                            ("c_level", "C-level"),
                            ("vp", "VP"),
                            ("head", "Head"),
                            ("director", "Director"),
                            ("manager", "Manager"),
                            ("senior", "Senior"),
                            ("staff", "Staff"),
                            ("", "Unknown"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "department",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("executive", "Executive"),
                            ("sales", "Sales"),
                            ("marketing", "Marketing"),
                            ("operations", "Operations"),
                            ("engineering", "Engineering"),
                            ("it", "IT"),
                            ("finance", "Finance"),
                            ("hr", "HR"),
                            ("legal", "Legal"),
                            ("product", "Product"),
                            ("purchasing", "Purchasing"),
                            ("support", "Support"),
                            ("other", "Other"),
                            ("", "Unknown"),
                        ],
                        max_length=12,
                    ),
                ),
                ("country", models.CharField(blank=True, max_length=2)),
                ("industry_code", models.IntegerField(null=True)),
                ("employees", models.PositiveIntegerField(null=True)),
                ("values", models.JSONField(default=dict)),
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
            name="DirectoryUpload",
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
                            ("mapping", "Columns to be checked"),
                            ("waiting", "Being read"),
                            ("done", "In use"),
                            ("failed", "Failed"),
                            ("replaced", "Replaced"),
                        ],
                        default="mapping",
                        max_length=8,
                    ),
                ),
                ("file_name", models.CharField(max_length=200)),
                ("content", models.BinaryField()),
                ("header", models.JSONField(default=list)),
                ("samples", models.JSONField(default=list)),
                ("columns", models.JSONField(default=dict)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("left_out", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("taken_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
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
            name="FindingOrder",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("token", models.CharField(max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[("importing", "Being added"), ("done", "Added"), ("failed", "Failed")],
                        default="importing",
                        max_length=9,
                    ),
                ),
                ("rows", models.PositiveIntegerField()),
                ("amount", models.DecimalField(decimal_places=4, max_digits=12)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
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
            name="FindingResult",
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
                    "notes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list
                    ),
                ),
                ("score", models.SmallIntegerField(null=True)),
                ("grade", models.CharField(blank=True, max_length=1)),
                ("marks", models.CharField(blank=True, max_length=80)),
                ("found_at", models.DateTimeField()),
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
            name="FindingRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("token", models.CharField(max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asking", "Searching"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Stopped"),
                        ],
                        default="asking",
                        max_length=9,
                    ),
                ),
                ("cursor", models.CharField(blank=True, max_length=2000)),
                ("pages", models.PositiveIntegerField(default=0)),
                ("seen", models.PositiveIntegerField(default=0)),
                ("fresh", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(null=True)),
                ("amount", models.DecimalField(decimal_places=4, default=0, max_digits=12)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("due_at", models.DateTimeField(null=True)),
                ("taken_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
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
            name="FindingSearch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("subject", models.CharField(choices=[("companies", "Companies"), ("people", "People")], max_length=9)),
                ("criteria", models.JSONField(default=dict)),
                ("wanted", models.PositiveIntegerField(default=100)),
                ("is_saved", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
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
            model_name="enrichmentprovider",
            name="enrichmentprovider_kind",
        ),
        migrations.AddField(
            model_name="enrichmentrun",
            name="finder",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="enrichmentrun",
            name="token",
            field=models.CharField(blank=True, db_default="", max_length=40),
        ),
        migrations.AddField(
            model_name="fieldorigin",
            name="search",
            field=models.CharField(blank=True, db_default="", max_length=120),
        ),
        migrations.AlterField(
            model_name="enrichmentprovider",
            name="kind",
            field=models.CharField(
                choices=[
                    ("http", "HTTP service"),
                    ("website", "Company website"),
                    ("dns", "Name servers (DNS)"),
                    ("table", "Table (CSV)"),
                    ("search", "Search service (HTTP)"),
                    ("directory", "Directory (CSV, Parquet)"),
                    ("pattern", "Address pattern"),
                ],
                max_length=9,
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentprovider",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["http", "website", "dns", "table", "search", "directory", "pattern"])),
                name="enrichmentprovider_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrichmentrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("token", ""), _negated=True),
                fields=("workspace", "token"),
                name="enrichmentrun_token",
            ),
        ),
        migrations.AddField(
            model_name="directorycompany",
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
            model_name="directoryperson",
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
            model_name="directoryupload",
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
            model_name="directoryupload",
            name="provider",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.enrichmentprovider",
            ),
        ),
        migrations.AddField(
            model_name="directoryupload",
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
            model_name="directoryperson",
            name="upload",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.directoryupload",
            ),
        ),
        migrations.AddField(
            model_name="directorycompany",
            name="upload",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.directoryupload",
            ),
        ),
        migrations.AddField(
            model_name="findingorder",
            name="import_run",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_SET_NULL,
                related_name="+",
                to="prospects.import",
            ),
        ),
        migrations.AddField(
            model_name="findingorder",
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
            model_name="findingorder",
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
            model_name="findingresult",
            name="company",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_SET_NULL,
                related_name="+",
                to="prospects.company",
            ),
        ),
        migrations.AddField(
            model_name="findingresult",
            name="order",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_SET_NULL,
                related_name="+",
                to="prospects.findingorder",
            ),
        ),
        migrations.AddField(
            model_name="findingresult",
            name="person",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_SET_NULL,
                related_name="+",
                to="prospects.person",
            ),
        ),
        migrations.AddField(
            model_name="findingresult",
            name="version",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_SET_NULL,
                related_name="+",
                to="prospects.icpversion",
            ),
        ),
        migrations.AddField(
            model_name="findingresult",
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
            model_name="findingrun",
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
            model_name="findingrun",
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
            model_name="findingresult",
            name="run",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.findingrun",
            ),
        ),
        migrations.AddField(
            model_name="findingsearch",
            name="icp",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_SET_NULL,
                related_name="+",
                to="prospects.icp",
            ),
        ),
        migrations.AddField(
            model_name="findingsearch",
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
            model_name="findingsearch",
            name="provider",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.enrichmentprovider",
            ),
        ),
        migrations.AddField(
            model_name="findingsearch",
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
            model_name="findingrun",
            name="search",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.findingsearch",
            ),
        ),
        migrations.AddField(
            model_name="findingresult",
            name="search",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.findingsearch",
            ),
        ),
        migrations.AddField(
            model_name="findingorder",
            name="search",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.findingsearch",
            ),
        ),
        migrations.AddIndex(
            model_name="directoryupload",
            index=models.Index(fields=["workspace", "provider", "-created_at"], name="directoryupload_created"),
        ),
        migrations.AddConstraint(
            model_name="directoryupload",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["companies", "people"])), name="directoryupload_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryupload",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["mapping", "waiting", "done", "failed", "replaced"])),
                name="directoryupload_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryupload",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="provider_id",
                name="prospects_directoryupload_provider_fk",
                on_delete="cascade",
                to="prospects.EnrichmentProvider",
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryupload",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id",
                name="prospects_directoryupload_member_fk",
                on_delete="no_action",
                to="accounts.Member",
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryupload",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_directoryupload_ws_id"),
        ),
        migrations.AddIndex(
            model_name="directoryperson",
            index=models.Index(fields=["workspace", "upload", "id"], name="directoryperson_page"),
        ),
        migrations.AddIndex(
            model_name="directoryperson",
            index=models.Index(
                fields=["workspace", "upload", "seniority", "department", "id"], name="directoryperson_role"
            ),
        ),
        migrations.AddIndex(
            model_name="directoryperson",
            index=models.Index(fields=["workspace", "upload", "country", "id"], name="directoryperson_country"),
        ),
        migrations.AddIndex(
            model_name="directoryperson",
            index=models.Index(fields=["workspace", "upload", "domain"], name="directoryperson_domain"),
        ),
        migrations.AddIndex(
            model_name="directoryperson",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("workspace_id"),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("full_name"), name="gin_trgm_ops"
                ),
                name="directoryperson_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryperson",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="upload_id",
                name="prospects_directoryperson_upload_fk",
                on_delete="cascade",
                to="prospects.DirectoryUpload",
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryperson",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_directoryperson_ws_id"),
        ),
        migrations.AddIndex(
            model_name="directorycompany",
            index=models.Index(fields=["workspace", "upload", "id"], name="directorycompany_page"),
        ),
        migrations.AddIndex(
            model_name="directorycompany",
            index=models.Index(fields=["workspace", "upload", "industry_code", "id"], name="directorycompany_industry"),
        ),
        migrations.AddIndex(
            model_name="directorycompany",
            index=models.Index(fields=["workspace", "upload", "country", "id"], name="directorycompany_country"),
        ),
        migrations.AddIndex(
            model_name="directorycompany",
            index=models.Index(fields=["workspace", "upload", "employees"], name="directorycompany_size"),
        ),
        migrations.AddIndex(
            model_name="directorycompany",
            index=models.Index(fields=["workspace", "upload", "domain"], name="directorycompany_domain"),
        ),
        migrations.AddIndex(
            model_name="directorycompany",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("workspace_id"),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                ),
                name="directorycompany_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="directorycompany",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="upload_id",
                name="prospects_directorycompany_upload_fk",
                on_delete="cascade",
                to="prospects.DirectoryUpload",
            ),
        ),
        migrations.AddConstraint(
            model_name="directorycompany",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_directorycompany_ws_id"),
        ),
        migrations.AddIndex(
            model_name="findingsearch",
            index=models.Index(fields=["workspace", "-created_at", "-id"], name="findingsearch_created"),
        ),
        migrations.AddConstraint(
            model_name="findingsearch",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["companies", "people"])), name="findingsearch_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingsearch",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="provider_id",
                name="prospects_findingsearch_provider_fk",
                on_delete="cascade",
                to="prospects.EnrichmentProvider",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingsearch",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="icp_id", name="prospects_findingsearch_icp_fk", on_delete="set_null", to="prospects.Icp"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingsearch",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id",
                name="prospects_findingsearch_member_fk",
                on_delete="no_action",
                to="accounts.Member",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingsearch",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_findingsearch_ws_id"),
        ),
        migrations.AddIndex(
            model_name="findingrun",
            index=models.Index(
                condition=models.Q(("state", "asking")), fields=["workspace", "id"], name="findingrun_asking"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingrun",
            constraint=models.UniqueConstraint(fields=("workspace", "search", "number"), name="findingrun_number"),
        ),
        migrations.AddConstraint(
            model_name="findingrun",
            constraint=models.UniqueConstraint(fields=("workspace", "search", "token"), name="findingrun_token"),
        ),
        migrations.AddConstraint(
            model_name="findingrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["asking", "done", "failed", "cancelled"])), name="findingrun_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingrun",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="search_id",
                name="prospects_findingrun_search_fk",
                on_delete="cascade",
                to="prospects.FindingSearch",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingrun",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id", name="prospects_findingrun_member_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingrun",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_findingrun_ws_id"),
        ),
        migrations.AddIndex(
            model_name="findingresult",
            index=models.Index(fields=["workspace", "search", "-score", "id"], name="findingresult_score"),
        ),
        migrations.AddIndex(
            model_name="findingresult",
            index=models.Index(fields=["workspace", "order"], name="findingresult_order"),
        ),
        migrations.AddConstraint(
            model_name="findingresult",
            constraint=models.UniqueConstraint(fields=("workspace", "search", "key"), name="findingresult_key"),
        ),
        migrations.AddConstraint(
            model_name="findingresult",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="search_id",
                name="prospects_findingresult_search_fk",
                on_delete="cascade",
                to="prospects.FindingSearch",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingresult",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="run_id", name="prospects_findingresult_run_fk", on_delete="cascade", to="prospects.FindingRun"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingresult",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="version_id",
                name="prospects_findingresult_version_fk",
                on_delete="set_null",
                to="prospects.IcpVersion",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingresult",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="order_id",
                name="prospects_findingresult_order_fk",
                on_delete="set_null",
                to="prospects.FindingOrder",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingresult",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="company_id",
                name="prospects_findingresult_company_fk",
                on_delete="set_null",
                to="prospects.Company",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingresult",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="person_id",
                name="prospects_findingresult_person_fk",
                on_delete="set_null",
                to="prospects.Person",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingresult",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_findingresult_ws_id"),
        ),
        migrations.AddIndex(
            model_name="findingorder",
            index=models.Index(
                condition=models.Q(("state", "importing")), fields=["workspace", "id"], name="findingorder_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingorder",
            constraint=models.UniqueConstraint(fields=("workspace", "search", "token"), name="findingorder_token"),
        ),
        migrations.AddConstraint(
            model_name="findingorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["importing", "done", "failed"])), name="findingorder_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingorder",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="search_id",
                name="prospects_findingorder_search_fk",
                on_delete="cascade",
                to="prospects.FindingSearch",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingorder",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="import_run_id",
                name="prospects_findingorder_import_run_fk",
                on_delete="set_null",
                to="prospects.Import",
            ),
        ),
        migrations.AddConstraint(
            model_name="findingorder",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id", name="prospects_findingorder_member_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingorder",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_findingorder_ws_id"),
        ),
    ]
