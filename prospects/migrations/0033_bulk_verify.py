"""A bulk act that verifies addresses. There are few acts: their check is made anew at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("prospects", "0032_territories_index"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="bulkact",
            name="bulkact_kind",
        ),
        migrations.AlterField(
            model_name="bulkact",
            name="kind",
            field=models.CharField(
                choices=[
                    ("assign", "Assign"),
                    ("tag", "Add tags"),
                    ("untag", "Take tags away"),
                    ("field", "Set a field"),
                    ("list", "Put on a list"),
                    ("verify", "Verify e-mail addresses"),
                ],
                max_length=6,
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkact",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["assign", "tag", "untag", "field", "list", "verify"])),
                name="bulkact_kind",
            ),
        ),
    ]
