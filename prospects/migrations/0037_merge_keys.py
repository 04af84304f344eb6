"""What a record was known by before a merge. With a default of the database: no row is rewritten."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prospects", "0036_import_tags_undone")]

    operations = [
        migrations.AddField(
            "merge",
            "keys",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=300), db_default=[], default=list
            ),
        ),
    ]
