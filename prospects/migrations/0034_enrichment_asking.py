"""A paid question on its way is told by its item: two empty columns, no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prospects", "0033_bulk_verify")]

    operations = [
        migrations.AddField("enrichmentitem", "asking", models.UUIDField(null=True)),
        migrations.AddField("enrichmentitem", "asked_at", models.DateTimeField(null=True)),
    ]
