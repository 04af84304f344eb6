"""Where somebody stands in sequences, by person: built beside the traffic."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("campaigns", "0014_message_texts_apart"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="enrolment",
            index=models.Index(fields=["workspace", "person", "-enrolled_at"], name="enrolment_person"),
        ),
    ]
