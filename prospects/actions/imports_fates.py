"""What became (of a dry run: would become) of each row of a file, and by which key it was found: a letter a row."""

import csv
import io
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

from leadgen.core.downloads import safe_cell as safe
from leadgen.core.errors import Conflict
from prospects.actions.imports_lease import WORKING
from prospects.actions.imports_setup import Table, options_from_json, read_table
from prospects.models import Import, ImportFates
from prospects.queries.imports import drain, issues_of
from prospects.rules.imports_policy import KEY_WORDS

FATES = {"c": "create", "u": "update", "s": "unchanged", "x": "conflict", "i": "invalid"}


class Letters(Protocol):
    fates: str
    keys: str


def keep_fates(run: Import, letters: Letters, *, position: int) -> None:
    """Of one batch, in its transaction. `position`: rows settled before it."""
    ImportFates(import_run=run, position=position, fates=letters.fates, keys=letters.keys).save()


def forget_fates(run_id: UUID) -> None:
    ImportFates.objects.filter(import_run=run_id).delete()


def has_fates(run: Import) -> bool:
    return bool(ImportFates.objects.filter(import_run=run.pk).exists())


def plan_file(run: Import, content: bytes) -> Iterator[str]:
    """CSV text, line by line: each row of the file with what the run would do (or did) with it, by which key its record was
    found, whether its address is suppressed, what is wrong with it, then its cells. Raises Conflict where there is none.
    Cells are safe to open in a spreadsheet."""
    if run.state in WORKING or not has_fates(run):
        raise Conflict("There is nothing to download row by row. Check the file first.", code="not_checked")
    table = read_table(content, sheet=options_from_json(run.settings).sheet)
    return _lines(run, table)


def _letters(run: Import) -> Iterator[tuple[str, str]]:
    batches = ImportFates.objects.filter(import_run=run.pk).order_by("position")
    for fates, keys in batches.values_list("fates", "keys").iterator(chunk_size=50):
        yield from zip(fates, keys, strict=True)


def _lines(run: Import, table: Table) -> Iterator[str]:
    wrong: dict[int, list[str]] = {}
    for line, column, message in issues_of(run).order_by("row", "id").values_list("row", "column", "message"):
        wrong.setdefault(line, []).append(f"{column}: {message}" if column else message)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["row", "what", "matched by", "suppressed", "remarks", *(safe(name) for name in run.header)])
    # A run that was stopped half way has letters for the rows before.
    for (fate, key), row in zip(_letters(run), table.rows(), strict=False):
        remarks = safe("; ".join(wrong.get(row.line, ())))
        suppressed = "yes" if fate.isupper() else ""
        writer.writerow(
            [row.line, FATES[fate.lower()], KEY_WORDS[key], suppressed, remarks, *(safe(cell) for cell in row.cells)]
        )
        if out.tell() > 65536:
            yield drain(out)
    yield drain(out)
