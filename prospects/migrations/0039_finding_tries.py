"""How often a page of a search was begun. With a default of the database: no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prospects", "0038_merge_keys_index")]

    operations = [
        migrations.AddField("findingrun", "tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
    ]
