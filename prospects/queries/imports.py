"""Reads of imports: lists, issues, and the file of refused rows."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from leadgen.core.downloads import safe_cell as safe
from prospects.models import Import, ImportIssue


def import_rows() -> "QuerySet[Import]":
    """Every import, without the columns that are only read one by one."""
    rows: QuerySet[Import] = Import.objects.select_related("member").defer(
        "samples",
        "header",
        "findings",
        "settings",
    )
    return rows


def issues_of(run: Import, severity: str = "") -> "QuerySet[ImportIssue]":
    rows: QuerySet[ImportIssue] = ImportIssue.objects.filter(import_run=run.pk)
    return rows.filter(severity=severity) if severity else rows


def error_file(run: Import) -> Iterator[str]:
    """CSV text, line by line: each refused row once, with its line in the file, what was wrong and what to do, then its
    cells as they were, so that it can be mended and imported again. Cells are safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["row", "error", "remedy", *(safe(name) for name in run.header)])
    rows = issues_of(run, "error").order_by("row", "id").values_list("row", "column", "message", "remedy", "cells")
    held: tuple[int, list[str], list[str], list[str]] | None = None
    for row, column, message, remedy, cells in rows.iterator(chunk_size=2000):
        words = f"{column}: {message}" if column else message
        if held is not None and held[0] == row:
            held[1].append(words)
            held[2].append(remedy)
            continue
        if held is not None:
            _write(writer, held)
            yield drain(out)
        held = (row, [words], [remedy], cells)
    if held is not None:
        _write(writer, held)
    yield drain(out)


def _write(writer: Any, held: tuple[int, list[str], list[str], list[str]]) -> None:
    row, words, remedies, cells = held
    remedy = " ".join(dict.fromkeys(text for text in remedies if text))
    writer.writerow([row, safe("; ".join(words)), safe(remedy), *(safe(cell) for cell in cells)])


def drain(out: io.StringIO) -> str:
    """What was written, taken out."""
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text
