"""Migrate as the owner, then lay the second lock over every table."""

from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections, transaction

from leadgen.core.migration_state import little_rendering
from leadgen.core.policies import sync_policies


class Command(Migrate):
    help = "Apply migrations with the owner role, then policies and grants for the app role."

    def handle(self, *args: Any, **options: Any) -> None:
        # The app role owns nothing, so a migration through it could only fail half-way.
        if options["database"] == "default":
            options["database"] = "owner"
        with little_rendering():
            super().handle(*args, **options)
        if options["plan"] or options["check_unapplied"]:
            return
        owner = connections[options["database"]]
        with transaction.atomic(using=options["database"]):
            sync_policies(owner, app_role=str(settings.DATABASES["default"]["USER"]))
        if options["verbosity"] >= 1:
            self.stdout.write("Row-level security and grants are in place.")
