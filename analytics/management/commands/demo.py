"""`manage.py demo`: fill the demo workspace (idempotent). `--logins` prints who may sign in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.demo.cast import SLUG
from analytics.demo.story import logins, tell
from leadgen.core import clock
from leadgen.core.errors import AppError


class Command(BaseCommand):
    help = "Fill the demo workspace through the same actions people use; running it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--logins", action="store_true", help="print one log-in per role")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["logins"]:
            for role, email, password in logins():
                self.stdout.write(f"{role:<9} {email:<34} {password}")
            return
        try:
            workspace = tell(now=clock.now(), say=self.stdout.write)
        except AppError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"The demo stands at /w/{workspace.slug or SLUG}/.")
