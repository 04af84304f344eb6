"""The dry run row by row: what would become of each, one letter a row, packed beside the import."""

import base64
import csv
import io
import zlib
from collections.abc import Iterator

from leadgen.core.errors import Conflict
from prospects.actions.imports_setup import Table, options_from_json, read_table
from prospects.models import Import
from prospects.queries.imports import drain, issues_of, safe

FATES = {"c": "create", "u": "update", "s": "unchanged", "x": "conflict", "i": "invalid"}


def pack_fates(fates: str) -> str:
    return base64.b64encode(zlib.compress(fates.encode())).decode()


def plan_file(run: Import, content: bytes) -> Iterator[str]:
    """CSV text, line by line: each row of the file with what the run would do with it, whether its address is suppressed,
    what is wrong with it, then its cells. Raises Conflict where no dry run stands. Cells are safe to open in a spreadsheet."""
    packed = run.settings.get("fates")
    if run.state != Import.State.CHECKED or not packed:
        raise Conflict("There is no dry run to download. Check the file first.", code="not_checked")
    fates = zlib.decompress(base64.b64decode(packed)).decode()
    table = read_table(content, sheet=options_from_json(run.settings).sheet)
    return _lines(run, fates, table)


def _lines(run: Import, fates: str, table: Table) -> Iterator[str]:
    wrong: dict[int, list[str]] = {}
    for line, column, message in issues_of(run).order_by("row", "id").values_list("row", "column", "message"):
        wrong.setdefault(line, []).append(f"{column}: {message}" if column else message)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["row", "what", "suppressed", "remarks", *(safe(name) for name in run.header)])
    for fate, row in zip(fates, table.rows(), strict=True):
        words = FATES[fate.lower()]
        remarks = safe("; ".join(wrong.get(row.line, ())))
        writer.writerow(
            [row.line, words, "yes" if fate.isupper() else "", remarks, *(safe(cell) for cell in row.cells)]
        )
        if out.tell() > 65536:
            yield drain(out)
    yield drain(out)
