"""Who last gave a record its owner is found by index; built without a lock that writers wait for."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0031_territories")]

    operations = [
        AddIndexConcurrently(
            model_name="activity",
            index=models.Index(
                condition=models.Q(
                    ("deal__isnull", True), ("kind", "assigned"), ("lead__isnull", True), ("person__isnull", False)
                ),
                fields=["workspace", "person", "-at", "-id"],
                name="activity_given_person",
            ),
        ),
        AddIndexConcurrently(
            model_name="activity",
            index=models.Index(
                condition=models.Q(
                    ("deal__isnull", True), ("kind", "assigned"), ("lead__isnull", True), ("person__isnull", True)
                ),
                fields=["workspace", "company", "-at", "-id"],
                name="activity_given_company",
            ),
        ),
    ]
