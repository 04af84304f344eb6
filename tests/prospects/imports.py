"""Helpers of the import tests: a run from text to the end, without a worker or a file."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import create_import, run_due_imports, start_import
from prospects.models import Import, ImportIssue
from prospects.rules.imports import parse_options

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


def text_of(rows: list[dict[str, Any]]) -> str:
    """CSV text of rows that all have the same columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def upload(workspace: Workspace, kind: str, text: str, *, name: str = "file.csv", **options: Any) -> Import:
    """An import that waits for its run. `options`: maps, sets, values, dates as the commands take them."""
    with workspace_scope(workspace.pk):
        said = parse_options(kind, **options)  # type: ignore[arg-type]  # tests pass one of KINDS
        return create_import(
            by=Actor(source="command"), now=NOW, kind=kind, file_name=name, source=text.encode(), options=said
        )


def run(workspace: Workspace, kind: str, text: str, *, now: datetime = NOW, **options: Any) -> Import:
    """Upload, start and let a worker's turn run it; the import as it is then."""
    made = upload(workspace, kind, text, **options)
    with workspace_scope(workspace.pk):
        start_import(run=made, by=Actor(source="command"), now=now)
    run_due_imports(workspace_id=workspace.pk, now=now)
    return fresh(workspace, made)


def fresh(workspace: Workspace, made: Import) -> Import:
    with workspace_scope(workspace.pk):
        return Import.objects.get(pk=made.pk)


def counts(made: Import) -> tuple[int, int, int, int]:
    """(created, updated, unchanged, invalid), which must be every row."""
    found = (made.created_count, made.updated_count, made.unchanged_count, made.invalid_count)
    assert sum(found) == made.done_rows == made.total_rows, made.error
    return found


def issues(workspace: Workspace, made: Import) -> list[tuple[int, str, str]]:
    """(row, severity, message) in file order."""
    with workspace_scope(workspace.pk):
        rows = ImportIssue.objects.filter(import_run=made.pk).order_by("row", "id")
        return list(rows.values_list("row", "severity", "message"))
