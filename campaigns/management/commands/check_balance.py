"""`manage.py check_balance [-w SLUG] [--json]`: all = planned + sent + blocked + failed + unknown, per campaign."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Workspace
from accounts.queries.workspaces import workspace_named
from campaigns.queries.books import STATES, Books, books_of_workspace
from leadgen.core.errors import AppError
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope


class Command(BaseCommand):
    help = (
        "Check that every message stands in exactly one of five states and that steps begun, messages and activities say "
        "the same. Exit code 1 where they do not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("-w", "--workspace", help="slug of one workspace (default: every one that ever sent)")
        parser.add_argument("--json", action="store_true", help="print every campaign as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found: dict[str, list[Books]] = {}
        for key in self._workspaces(options["workspace"]):
            with workspace_scope(key):
                slug = Workspace.objects.get(pk=key).slug
                found[slug] = books_of_workspace()
        wrong = sum(not books.hold for entries in found.values() for books in entries)
        if options["json"]:
            report = {slug: [books.as_dict() for books in entries] for slug, entries in found.items()}
            self.stdout.write(json.dumps({"holds": not wrong, "workspaces": report}))
        else:
            self._print(found)
        if wrong:
            sys.exit(1)

    def _workspaces(self, slug: str | None) -> list[Any]:
        if slug is None:
            return list(Lane.objects.order_by("workspace_id").values_list("workspace_id", flat=True).distinct())
        try:
            return [workspace_named(slug).pk]
        except AppError as error:
            raise CommandError(error.message) from error

    def _print(self, found: dict[str, list[Books]]) -> None:
        if not any(found.values()):
            self.stdout.write("No messages yet: nothing to check.")
        for slug, entries in found.items():
            for books in entries:
                sums = " + ".join(f"{books.states[state]} {state}" for state in STATES)
                verdict = "holds" if books.hold else "DOES NOT HOLD"
                self.stdout.write(f"{slug} · {books.name or 'no campaign'}: {books.all} = {sums}: {verdict}")
                for problem in books.problems:
                    self.stdout.write(f"  {problem}")
