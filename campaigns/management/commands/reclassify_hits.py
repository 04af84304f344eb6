"""`manage.py reclassify_hits -w SLUG [--version N] [--json]`: class all clicks of a workspace again; scores follow."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.audit import Actor
from accounts.queries.workspaces import workspace_named
from campaigns.actions.clicks import reclassify_hits
from leadgen.core import clock
from leadgen.core.errors import AppError

LEADS = {
    "closed": "leads closed, for only a program's click had opened them",
    "sent_back": "MQLs that went back to lead",
    "kept": "leads that people work on, kept with a note",
}


class Command(BaseCommand):
    help = "Class every kept click by the current classifier; facts, points and scores follow by new rows."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """--version is the classifier's here, not Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("-w", "--workspace", required=True, help="the workspace's address (slug)")
        parser.add_argument("--version", type=int, help="of the classifier; default: the current one")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            workspace = workspace_named(options["workspace"])
            done = reclassify_hits(
                workspace_id=workspace.pk, version=options["version"], now=clock.now(), by=Actor(source="command")
            )
        except AppError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(done.as_dict()))
            return
        self.stdout.write(
            f"{done.hits} hits on {done.messages} messages: {done.verdicts} new verdicts, {done.facts} new facts, "
            f"{done.corrected} corrected, {len(done.people)} people."
        )
        for change, count in sorted(done.became.items()):
            self.stdout.write(f"  {change.replace('>', ' became ')}: {count}")
        for what, count in sorted(done.leads.items()):
            self.stdout.write(f"  {LEADS[what]}: {count}")
