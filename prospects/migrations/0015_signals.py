"""Signals, where they come from, and what they set off: new tables only."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_user_time_zone"),
        ("prospects", "0014_deal_search"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignalSource",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=[("feed", "Feed (RSS, Atom)"), ("webhook", "Webhook")], max_length=7),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "signal_kind",
                    models.CharField(
                        choices=[
                            ("funding", "Funding"),
                            ("hiring", "Hiring"),
                            ("job_change", "Job change"),
                            ("technology", "Technology adopted"),
                            ("news", "News"),
                            ("usage", "Product usage"),
                        ],
                        default="news",
                        max_length=10,
                    ),
                ),
                (
                    "words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), blank=True, default=list
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                ("url", models.CharField(blank=True, max_length=500)),
                ("every_minutes", models.PositiveIntegerField(default=60)),
                ("etag", models.CharField(blank=True, max_length=300)),
                ("last_modified", models.CharField(blank=True, max_length=100)),
                ("next_poll_at", models.DateTimeField(blank=True, null=True)),
                ("polled_at", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("secret_sealed", models.TextField(blank=True)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                (
                    "company",
                    leadgen.core.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DB_SET_NULL,
                        related_name="+",
                        to="prospects.company",
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
            name="Signal",
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
                            ("funding", "Funding"),
                            ("hiring", "Hiring"),
                            ("job_change", "Job change"),
                            ("technology", "Technology adopted"),
                            ("news", "News"),
                            ("usage", "Product usage"),
                        ],
                        max_length=10,
                    ),
                ),
                ("title", models.CharField(max_length=300)),
                ("text", models.CharField(blank=True, max_length=2000)),
                ("url", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("matched", "Matched"), ("unmatched", "Not matched"), ("dismissed", "Dismissed")],
                        max_length=9,
                    ),
                ),
                ("match", models.CharField(blank=True, max_length=120)),
                ("about_company", models.CharField(blank=True, max_length=200)),
                ("about_domain", models.CharField(blank=True, max_length=253)),
                ("about_person", models.CharField(blank=True, max_length=250)),
                ("about_email", models.CharField(blank=True, max_length=254)),
                ("origin", models.CharField(max_length=160)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("key", models.CharField(max_length=200)),
                (
                    "company",
                    leadgen.core.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.company",
                    ),
                ),
                (
                    "decided_by",
                    leadgen.core.tenancy.TenantForeignKey(
                        blank=True,
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
                        blank=True,
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
                    "source",
                    leadgen.core.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DB_SET_NULL,
                        related_name="+",
                        to="prospects.signalsource",
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
            name="SignalTrigger",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("kinds", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10))),
                (
                    "grades",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=1), blank=True, default=list
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("made", models.PositiveIntegerField(default=0)),
                ("fired_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "owner",
                    leadgen.core.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.member",
                    ),
                ),
                (
                    "segment",
                    leadgen.core.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="+",
                        to="prospects.segment",
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
            model_name="signalsource",
            index=models.Index(
                condition=models.Q(("is_active", True), ("kind", "feed")),
                fields=["workspace", "next_poll_at"],
                name="signalsource_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="signalsource",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["feed", "webhook"])), name="signalsource_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="signalsource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("signal_kind__in", ["funding", "hiring", "job_change", "technology", "news", "usage"])
                ),
                name="signalsource_signal_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="signalsource",
            constraint=models.UniqueConstraint(fields=("workspace", "name"), name="signalsource_name"),
        ),
        migrations.AddConstraint(
            model_name="signalsource",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="company_id",
                name="prospects_signalsource_company_fk",
                on_delete="set_null",
                to="prospects.Company",
            ),
        ),
        migrations.AddConstraint(
            model_name="signalsource",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_signalsource_ws_id"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(
                condition=models.Q(("state", "matched")),
                fields=["workspace", "company", "kind", "-at"],
                name="signal_company",
            ),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(
                condition=models.Q(("person__isnull", False), ("state", "matched")),
                fields=["workspace", "person", "kind", "-at"],
                name="signal_person",
            ),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["workspace", "state", "-at", "-id"], name="signal_state_at"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(
                condition=models.Q(("state", "unmatched"), models.Q(("about_domain", ""), _negated=True)),
                fields=["workspace", "about_domain"],
                name="signal_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.UniqueConstraint(fields=("workspace", "key"), name="signal_key"),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["funding", "hiring", "job_change", "technology", "news", "usage"])),
                name="signal_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["matched", "unmatched", "dismissed"])), name="signal_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="company_id", name="prospects_signal_company_fk", on_delete="cascade", to="prospects.Company"
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="person_id", name="prospects_signal_person_fk", on_delete="cascade", to="prospects.Person"
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="source_id", name="prospects_signal_source_fk", on_delete="set_null", to="prospects.SignalSource"
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="decided_by_id",
                name="prospects_signal_decided_by_fk",
                on_delete="no_action",
                to="accounts.Member",
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_signal_ws_id"),
        ),
        migrations.AddConstraint(
            model_name="signaltrigger",
            constraint=models.UniqueConstraint(fields=("workspace", "name"), name="signaltrigger_name"),
        ),
        migrations.AddConstraint(
            model_name="signaltrigger",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="segment_id",
                name="prospects_signaltrigger_segment_fk",
                on_delete="cascade",
                to="prospects.Segment",
            ),
        ),
        migrations.AddConstraint(
            model_name="signaltrigger",
            constraint=leadgen.core.tenancy.CompositeForeignKeyConstraint(
                column="owner_id", name="prospects_signaltrigger_owner_fk", on_delete="no_action", to="accounts.Member"
            ),
        ),
        migrations.AddConstraint(
            model_name="signaltrigger",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_signaltrigger_ws_id"),
        ),
    ]
