"""A message's texts lie beside its row, and the row's page has room for its next version.

Claim, point of no return and record each write a new version of the row. With the texts inside, two or three rows filled a
page: a claim, which touches no index, had to go to another page nearly always and then write an entry into each of ten
indexes. No rewrite and no long lock: only what is written from now on lies as told.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0013_fill_intent_by")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE campaigns_message SET (fillfactor = 50, toast_tuple_target = 512)",
            "ALTER TABLE campaigns_message RESET (toast_tuple_target); ALTER TABLE campaigns_message SET (fillfactor = 75)",
        )
    ]
