"""The checks of 0011 hold for every row: read without a lock that writers wait for."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("prospects", "0011_verification")]

    operations = [
        ValidateConstraint(model_name="person", name="person_email_status"),
        ValidateConstraint(model_name="person", name="person_stale_signal"),
    ]
