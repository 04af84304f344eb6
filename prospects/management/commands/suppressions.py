"""`manage.py suppressions export|import FILE -w SLUG`: the suppression ledger from the shell."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.audit import Actor
from accounts.queries.workspaces import workspace_named
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.tenancy import workspace_scope
from prospects.actions.suppressions import suppress_list
from prospects.actions.suppressions_export import export_text
from prospects.models import Suppression


class Command(BaseCommand):
    help = "Export what is suppressed, or import a list: addresses and domains, one a line, or an export."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["export", "import"])
        parser.add_argument("file", help="read from, or written to")
        parser.add_argument("-w", "--workspace", required=True, help="slug of the workspace")
        parser.add_argument("--reason", choices=Suppression.Reason.values, default=Suppression.Reason.IMPORTED)
        parser.add_argument("--note", default="", help="where the list comes from")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        path, by, now = Path(options["file"]), Actor(source="command"), clock.now()
        try:
            with workspace_scope(workspace_named(options["workspace"]).pk):
                if options["act"] == "export":
                    text = export_text(by=by, now=now)
                    path.write_text(text, encoding="utf-8")
                    report: dict[str, Any] = {"rows": text.count("\n") - 1, "file": str(path)}
                else:
                    lines = path.read_text(encoding="utf-8-sig").splitlines()
                    done = suppress_list(by=by, now=now, lines=lines, reason=options["reason"], note=options["note"])
                    refused = [{"line": number, "text": cell, "why": why} for number, cell, why in done.refused]
                    report = {"added": done.added, "already": done.already, "refused": refused}
        except (AppError, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for name, value in report.items():
            lines_ = [f"line {one['line']}: {one['text']}: {one['why']}" for one in value] if name == "refused" else []
            self.stdout.write("\n".join(lines_) if lines_ else f"{name}: {len(value) if name == 'refused' else value}")
