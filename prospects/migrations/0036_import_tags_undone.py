"""The journal of an import knows the tags it gave. With a default of the database: no row is rewritten."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prospects", "0035_import_memo")]

    operations = [
        migrations.AddField(
            "importbatch",
            "tagged",
            django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), db_default=[], default=list),
        ),
    ]
