"""Tags, saved views with what members choose for a list, acts on many rows, and the vocabulary of the search."""

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
        ("prospects", "0012_verification_checks"),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkAct",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("subject", models.CharField(choices=[("people", "People"), ("companies", "Companies")], max_length=9)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("assign", "Assign"),
                            ("tag", "Add tags"),
                            ("untag", "Take tags away"),
                            ("field", "Set a field"),
                            ("list", "Put on a list"),
                        ],
                        max_length=6,
                    ),
                ),
                ("params", models.JSONField(default=dict)),
                ("words", models.CharField(max_length=300)),
                ("query", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("total", models.PositiveIntegerField()),
                ("changed", models.PositiveIntegerField(default=0)),
                ("same", models.PositiveIntegerField(default=0)),
                ("blocked", models.JSONField(default=dict)),
                ("examples", models.JSONField(default=list)),
                ("source", models.CharField(default="user", max_length=8)),
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
        migrations.CreateModel(
            name="BulkPart",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField())),
                ("done_at", models.DateTimeField(null=True)),
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
            name="ListChoice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("subject", models.CharField(choices=[("people", "People"), ("companies", "Companies")], max_length=9)),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), blank=True, default=list
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
            name="SavedView",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("subject", models.CharField(choices=[("people", "People"), ("companies", "Companies")], max_length=9)),
                ("name", models.CharField(max_length=60)),
                ("query", models.TextField(blank=True)),
                ("sort", models.CharField(blank=True, max_length=60)),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), blank=True, default=list
                    ),
                ),
                ("is_shared", models.BooleanField(default=False)),
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
            name="SearchWord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("word", models.CharField(max_length=24)),
                ("keys", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=48))),
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
            name="Tag",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                (
                    "colour",
                    models.CharField(
                        choices=[
                            ("grey", "Grey"),
                            ("teal", "Teal"),
                            ("blue", "Blue"),
                            ("green", "Green"),
                            ("purple", "Purple"),
                            ("pink", "Pink"),
                        ],
                        default="grey",
                        max_length=6,
                    ),
                ),
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
        migrations.CreateModel(
            name="TagLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("added_at", models.DateTimeField()),
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
            model_name="bulkact",
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
            model_name="bulkact",
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
            model_name="bulkpart",
            name="act",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.bulkact",
            ),
        ),
        migrations.AddField(
            model_name="bulkpart",
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
            model_name="listchoice",
            name="member",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="accounts.member",
            ),
        ),
        migrations.AddField(
            model_name="listchoice",
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
            model_name="savedview",
            name="owner",
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
            model_name="savedview",
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
            model_name="listchoice",
            name="view",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_SET_NULL,
                related_name="+",
                to="prospects.savedview",
            ),
        ),
        migrations.AddField(
            model_name="searchword",
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
            model_name="tag",
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
            model_name="taglink",
            name="added_by",
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
            model_name="taglink",
            name="company",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.company",
            ),
        ),
        migrations.AddField(
            model_name="taglink",
            name="person",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.person",
            ),
        ),
        migrations.AddField(
            model_name="taglink",
            name="tag",
            field=leadgen.core.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DB_CASCADE,
                related_name="+",
                to="prospects.tag",
            ),
        ),
        migrations.AddField(
            model_name="taglink",
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
            model_name="bulkact",
            index=models.Index(fields=["workspace", "-created_at", "-id"], name="bulkact_created"),
        ),
        migrations.AddConstraint(
            model_name="bulkact",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["people", "companies"])), name="bulkact_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkact",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["assign", "tag", "untag", "field", "list"])), name="bulkact_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkact",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "running", "done", "cancelled"])), name="bulkact_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkact",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id", name="prospects_bulkact_member_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkact",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_bulkact_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="bulkpart",
            constraint=models.UniqueConstraint(fields=("workspace", "act", "number"), name="bulkpart_number"),
        ),
        migrations.AddConstraint(
            model_name="bulkpart",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="act_id", name="prospects_bulkpart_act_fk", on_delete="cascade", to="prospects.BulkAct"
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkpart",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_bulkpart_ws_id"),
        ),
        migrations.AddIndex(
            model_name="savedview",
            index=models.Index(fields=["workspace", "subject", "name"], name="savedview_subject_name"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("workspace", "owner", "subject", "name"), name="savedview_name"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["people", "companies"])), name="savedview_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="owner_id", name="prospects_savedview_owner_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_savedview_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="listchoice",
            constraint=models.UniqueConstraint(fields=("workspace", "member", "subject"), name="listchoice_key"),
        ),
        migrations.AddConstraint(
            model_name="listchoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["people", "companies"])), name="listchoice_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="listchoice",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="member_id", name="prospects_listchoice_member_fk", on_delete="cascade", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="listchoice",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="view_id", name="prospects_listchoice_view_fk", on_delete="set_null", to="prospects.SavedView"
            ),
        ),
        migrations.AddConstraint(
            model_name="listchoice",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_listchoice_ws_id"),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=django.contrib.postgres.indexes.GinIndex(fields=["workspace", "keys"], name="searchword_keys"),
        ),
        migrations.AddConstraint(
            model_name="searchword",
            constraint=models.UniqueConstraint(fields=("workspace", "word"), name="searchword_key"),
        ),
        migrations.AddConstraint(
            model_name="searchword",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_searchword_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(
                models.F("workspace"), django.db.models.functions.text.Lower("name"), name="tag_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(("colour__in", ["grey", "teal", "blue", "green", "purple", "pink"])),
                name="tag_colour",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_tag_ws_id"),
        ),
        migrations.AddIndex(
            model_name="taglink",
            index=models.Index(
                condition=models.Q(("person__isnull", False)), fields=["workspace", "person"], name="taglink_of"
            ),
        ),
        migrations.AddIndex(
            model_name="taglink",
            index=models.Index(
                condition=models.Q(("company__isnull", False)),
                fields=["workspace", "company"],
                name="taglink_of_company",
            ),
        ),
        migrations.AddConstraint(
            model_name="taglink",
            constraint=models.UniqueConstraint(
                condition=models.Q(("person__isnull", False)),
                fields=("workspace", "tag", "person"),
                name="taglink_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="taglink",
            constraint=models.UniqueConstraint(
                condition=models.Q(("company__isnull", False)),
                fields=("workspace", "tag", "company"),
                name="taglink_company",
            ),
        ),
        migrations.AddConstraint(
            model_name="taglink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("company__isnull", True), ("person__isnull", False)),
                    models.Q(("company__isnull", False), ("person__isnull", True)),
                    _connector="OR",
                ),
                name="taglink_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="taglink",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="tag_id", name="prospects_taglink_tag_fk", on_delete="cascade", to="prospects.Tag"
            ),
        ),
        migrations.AddConstraint(
            model_name="taglink",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="person_id", name="prospects_taglink_person_fk", on_delete="cascade", to="prospects.Person"
            ),
        ),
        migrations.AddConstraint(
            model_name="taglink",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="company_id", name="prospects_taglink_company_fk", on_delete="cascade", to="prospects.Company"
            ),
        ),
        migrations.AddConstraint(
            model_name="taglink",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="added_by_id", name="prospects_taglink_added_by_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="taglink",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_taglink_ws_id"),
        ),
    ]
