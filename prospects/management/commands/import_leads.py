"""`manage.py import_leads FILE -w SLUG`: history from elsewhere, with its stages, deals and customers."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core import clock
from prospects.actions.imports_teams import assign_teams
from prospects.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import leads, their dated stages, deals and customers from a CSV file. The same file again makes nothing twice."
    kind = "leads"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--teams", metavar="FILE", help="a CSV file that says which team each owner belongs to")
        parser.add_argument(
            "--team-map", action="append", default=[], metavar="owner|team=COLUMN", help="columns of the file of teams"
        )

    def before(self, workspace: Workspace, options: dict[str, Any]) -> None:
        if not options["teams"] or options["dry_run"]:
            return
        path = Path(options["teams"])
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        columns = dict(text.partition("=")[::2] for text in options["team_map"])
        counts = assign_teams(source=path, columns=columns, by=Actor(source="command"), now=clock.now())
        if not options["json"]:
            self.stdout.write(
                f"  Teams: {counts['made']} owners made, {counts['set']} changed, {counts['unchanged']} as they were"
            )
