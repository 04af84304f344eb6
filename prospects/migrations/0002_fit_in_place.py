"""Fit is rewritten in place: no index on what changes, room for the new version of each row on its page.

Both take a short lock and rewrite nothing. Rows written before get the room when their table is next rewritten.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("prospects", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="companyfit", name="companyfit_score"),
        migrations.RemoveIndex(model_name="personfit", name="personfit_score"),
        migrations.RunSQL(
            sql=[
                f"ALTER TABLE {table} SET (fillfactor = 50)"
                for table in ("prospects_companyfit", "prospects_personfit")
            ],
            reverse_sql=[
                f"ALTER TABLE {table} RESET (fillfactor)" for table in ("prospects_companyfit", "prospects_personfit")
            ],
        ),
    ]
