"""A company's class of NAICS 2022. With a default of the database: no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prospects", "0015_signals")]

    operations = [
        migrations.AddField(
            model_name="company",
            name="naics",
            field=models.CharField(blank=True, db_default="", default="", max_length=6),
        ),
    ]
