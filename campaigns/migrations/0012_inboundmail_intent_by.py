"""Who decided what a reply wants: a value instead of the first words of the reason. 0013 fills the rows that are there.

A constant default rewrites nothing, and the constraint is added without looking at the rows: a short lock each.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0011_domaincheck_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboundmail",
            name="intent_by",
            field=models.CharField(
                blank=True,
                choices=[("rules", "Rules"), ("model", "Model"), ("person", "Person")],
                db_default="",
                default="",
                max_length=6,
            ),
        ),
        AddConstraintNotValid(
            model_name="inboundmail",
            constraint=models.CheckConstraint(
                condition=models.Q(("intent_by__in", ["", "rules", "model", "person"])), name="inboundmail_intent_by"
            ),
        ),
    ]
