"""What the embedding model reads in titles that no rule knows."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import leadgen.core.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_user_time_zone"),
        ("prospects", "0016_company_naics"),
    ]

    operations = [
        migrations.CreateModel(
            name="TitleReading",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=leadgen.core.tenancy.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("seniority", models.CharField(blank=True, max_length=12)),
                ("seniority_sure", models.FloatField()),
                ("department", models.CharField(blank=True, max_length=12)),
                ("department_sure", models.FloatField()),
                ("model", models.CharField(max_length=40)),
                ("read_at", models.DateTimeField()),
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
            model_name="titlereading",
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
            model_name="titlereading",
            constraint=models.UniqueConstraint(fields=("workspace", "title"), name="titlereading_title"),
        ),
        migrations.AddConstraint(
            model_name="titlereading",
            constraint=models.UniqueConstraint(fields=("workspace", "id"), name="prospects_titlereading_ws_id"),
        ),
    ]
