"""What the import commands share: options, the run in the foreground, and the report."""

import json
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.audit import Actor
from accounts.models import Workspace
from accounts.queries.workspaces import workspace_named
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import create_import, dry_run, plan_of, run_import, start_import
from prospects.actions.imports_setup import Setup, prepare
from prospects.models import Import, ImportIssue
from prospects.rules.imports import CATALOGUE, ImportOptions, Kind, parse_options
from prospects.rules.imports_policy import MATCH_KEYS

SHOWN = 10


class ImportCommand(BaseCommand):
    """`manage.py import_<kind> FILE -w SLUG`. Exit 1 only where nothing could be imported; rows with errors are reported."""

    kind: ClassVar[Kind]

    def add_arguments(self, parser: CommandParser) -> None:
        names = ", ".join(spec.name for spec in CATALOGUE[self.kind])
        parser.add_argument(
            "file", help="a CSV file or a workbook (XLSX, ODS); encoding, delimiter and columns are found"
        )
        parser.add_argument("-w", "--workspace", required=True, help="slug of the workspace")
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=COLUMN", help=f"FIELD is one of: {names}"
        )
        parser.add_argument(
            "--set", action="append", default=[], metavar="FIELD=VALUE", help="for rows without a value"
        )
        parser.add_argument(
            "--value", action="append", default=[], metavar="FIELD:WORD=VALUE", help="what a word in a column means"
        )
        parser.add_argument("--dates", metavar="dmy|mdy|ymd", help="how dates such as 03/04/2026 are to be read")
        parser.add_argument(
            "--sheet", default="", metavar="NAME", help="which sheet of a workbook; else the fullest one"
        )
        if self.kind in MATCH_KEYS:
            parser.add_argument(
                "--match", action="append", default=[], choices=list(MATCH_KEYS[self.kind]),
                help="what says whom a row is about; several in their order",
            )  # fmt: skip
            parser.add_argument(
                "--policy", action="append", default=[], metavar="[FIELD=]overwrite|fill|newest",
                help="what happens where a field is filled already",
            )  # fmt: skip
            parser.add_argument("--as-of", default="", metavar="DAY", help="the day the list is from, for newest")
        parser.add_argument("--dry-run", action="store_true", help="count, and write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            workspace = workspace_named(options["workspace"])
            said = parse_options(
                self.kind, maps=options["map"], sets=options["set"], values=options["value"], dates=options["dates"],
                sheet=options["sheet"], match=options.get("match", ()), policies=options.get("policy", ()),
                as_of=options.get("as_of", ""),
            )  # fmt: skip
            with workspace_scope(workspace.pk):
                setup = prepare(self.kind, path, said)
                self.before(workspace, options)
            report = self._dry(workspace, path, setup) if options["dry_run"] else self._run(workspace, path, said)
        except AppError as error:
            raise CommandError(error.message) from error
        self._say(report, as_json=options["json"])

    def before(self, workspace: Workspace, options: dict[str, Any]) -> None:
        """For what a kind does besides; inside the workspace's scope."""

    def _dry(self, workspace: Workspace, path: Path, setup: Setup) -> dict[str, Any]:
        with workspace_scope(workspace.pk):
            total, tally = dry_run(setup, file_name=path.name, now=clock.now())
        issues = [
            {"row": i.issue.row, "column": i.issue.column, "value": i.issue.value, "message": i.issue.message,
             "remedy": i.issue.remedy, "severity": i.issue.severity}
            for i in total.issues
        ]  # fmt: skip
        return self._report(path, setup.mapping.columns, [*setup.findings, *tally], plan_of(total), issues) | {
            "dry_run": True
        }

    def _run(self, workspace: Workspace, path: Path, said: ImportOptions) -> dict[str, Any]:
        now = clock.now()
        by = Actor(source="command")
        with workspace_scope(workspace.pk):
            run = create_import(by=by, now=now, kind=self.kind, file_name=path.name, source=path, options=said)
            start_import(run=run, by=by, now=now, ring_workers=False)
        run_import(workspace_id=workspace.pk, run_id=run.pk, now=now, source=path)
        with workspace_scope(workspace.pk):
            run = Import.objects.get(pk=run.pk)
            issues = list(
                ImportIssue.objects.filter(import_run=run.pk)
                .order_by("row", "id").values("row", "column", "value", "message", "remedy", "severity")
            )  # fmt: skip
        if run.state != Import.State.DONE:
            raise CommandError(run.error or f"The import is {run.get_state_display().lower()}.")
        counts = {
            "rows": run.done_rows, "created": run.created_count, "updated": run.updated_count,
            "unchanged": run.unchanged_count, "invalid": run.invalid_count, "warnings": run.settings.get("warnings", 0),
            "suppressed": run.settings.get("suppressed", 0), "conflicts": run.settings.get("conflicts", 0),
        }  # fmt: skip
        return self._report(path, run.mapping, run.findings, counts, issues) | {"import": str(run.pk)}

    def _report(
        self,
        path: Path,
        mapping: dict[str, str],
        findings: list[str],
        counts: dict[str, Any],
        issues: list[dict[str, Any]],
    ) -> dict[str, Any]:
        return {
            "file": path.name, "kind": self.kind, "mapping": mapping, "findings": findings, **counts,
            "issues": issues[:200],
        }  # fmt: skip

    def _say(self, report: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report))
            return
        for line in report["findings"]:
            self.stdout.write(f"  {line}")
        counts = ", ".join(f"{report[name]:,} {name}" for name in ("created", "updated", "unchanged", "invalid"))
        dry = "Would be, of" if report.get("dry_run") else "Of"
        self.stdout.write(f"{dry} {report['rows']:,} rows: {counts}.")
        if report.get("suppressed"):
            self.stdout.write(
                f"{report['suppressed']:,} have a suppressed address: they are imported and never written to."
            )
        for issue in sorted(report["issues"], key=lambda issue: issue["severity"])[:SHOWN]:
            place = f"row {issue['row']}" + (f", {issue['column']}" if issue["column"] else "")
            value = f" “{issue['value']}”" if issue["value"] else ""
            self.stdout.write(f"  {issue['severity']}, {place}:{value} {issue['message']}. {issue['remedy']}".rstrip())
        more = report["invalid"] + report["warnings"] - SHOWN
        if more > 0:
            self.stdout.write(f"  and about {more:,} more.")
