"""The check of reasons of suppression looks at the rows there are, without a lock that writers wait for."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("prospects", "0029_privacy")]

    operations = [ValidateConstraint(model_name="suppression", name="suppression_reason")]
