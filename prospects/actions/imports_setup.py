"""From a file and what the user said to everything a run needs: table, mapping, formats, and what was found, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts.models import Workspace
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.rules import imports as rules
from prospects.rules.imports import Formats, ImportOptions, Kind, RowConverter
from prospects.rules.imports import Mapping as ColumnMapping
from prospects.sources.csv import Table, TableError, open_table

type Source = bytes | Path
MAX_BYTES = 50 * 1024 * 1024
SAMPLE_ROWS = 300
SHOWN_SAMPLES = 5

_NOT_CSV = (
    (b"%PDF", "This is a PDF. Export the table itself as CSV from the program that made it."),
    (b"PK\x03\x04", "This is an Excel or OpenOffice workbook. Open it and choose Save as, CSV UTF-8, then upload that file."),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook. Open it and choose Save as, CSV UTF-8, then upload that file."),
    (b"\x1f\x8b", "This file is compressed. Unpack it, then upload the CSV file inside."),
    (b"\x89PNG", "This is a picture. Upload the table as a CSV file."),
    (b"\xff\xd8\xff", "This is a picture. Upload the table as a CSV file."),
)  # fmt: skip


def read_table(source: Source) -> Table:
    """The file as a table. Raises Invalid, in words, for what is none: a PDF, a workbook, an empty file."""
    head = source[:8] if isinstance(source, bytes) else _head(source)
    for mark, words in _NOT_CSV:
        if head.startswith(mark):
            raise Invalid(words, code="not_csv", field="file")
    if not head.strip():
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if not size:
            raise Invalid("The file is empty. Choose one with a header and rows.", code="empty", field="file")
    try:
        return open_table(source)
    except TableError as error:
        raise Invalid(f"{error} {error.remedy}".strip(), code="not_csv", field="file") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def options_as_json(options: ImportOptions) -> dict[str, Any]:
    """For Import.settings."""
    return {
        "columns": options.columns,
        "constants": options.constants,
        "translations": options.translations,
        "dates": options.dates,
    }


def options_from_json(settings: Mapping[str, Any]) -> ImportOptions:
    return ImportOptions(
        columns=dict(settings.get("columns") or {}),
        constants=dict(settings.get("constants") or {}),
        translations={name: dict(words) for name, words in (settings.get("translations") or {}).items()},
        dates=settings.get("dates") or None,
    )


@dataclass(slots=True)
class Setup:
    """Everything needed to convert rows. `findings`: what was found and assumed, in words."""

    kind: Kind
    table: Table
    mapping: ColumnMapping
    formats: Formats
    converter: RowConverter
    options: ImportOptions
    total_rows: int
    currency: str
    findings: list[str]


def guess(kind: Kind, table: Table, options: ImportOptions) -> ColumnMapping:
    """The mapping as guessed and overruled; it may be incomplete."""
    return rules.resolve_mapping(kind, table.header, table.sample(SAMPLE_ROWS), options)


def find_all_formats(table: Table, mapping: ColumnMapping, options: ImportOptions) -> Formats:
    """Date and number formats over all rows; `table.counts` is filled on the way."""
    width = len(table.header)
    rows = (row.cells for row in table.rows() if not row.problem and len(row.cells) == width)
    return rules.find_formats(mapping, table.header, rows, order=options.dates)


def prepare(kind: Kind, source: Source, options: ImportOptions) -> Setup:
    """Read the file once from end to end. Raises Invalid where the mapping says too little or dates can be read in two
    ways, naming the option that settles it."""
    table = read_table(source)
    mapping = guess(kind, table, options)
    rules.check_mapping(mapping, table.header, header_row=table.header_row_number)
    formats = find_all_formats(table, mapping, options)
    total = table.counts.rows
    rules.check_formats(mapping, formats)
    workspace = Workspace.objects.get(pk=current_workspace_id())
    converter = RowConverter(
        mapping, table.header, formats, zone=workspace.time_zone, translations=options.translations
    )
    findings = [*file_findings(table), *mapping_findings(mapping), *formats.findings]
    return Setup(kind, table, mapping, formats, converter, options, total, workspace.currency, findings)


def file_findings(table: Table) -> list[str]:
    """Encoding, delimiter and header, in words."""
    found = [
        f"{table.encoding}{'' if table.encoding_sure else ' (a guess)'}, {table.delimiter_name} between fields, header in "
        f"row {table.header_row_number}"
    ]
    if table.preamble:
        found.append(f"{len(table.preamble)} lines above the header were left out: {' / '.join(table.preamble)[:200]}")
    return [*found, *table.warnings]


def mapping_findings(mapping: ColumnMapping) -> list[str]:
    """What fills what, and why; what fills nothing; what is left to a human."""
    found = [f"{column} → {name}: {mapping.reasons.get(name, '')}" for name, column in mapping.columns.items()]
    found += [
        f"{name} is “{text}” for rows without a value: {mapping.reasons.get(name, '')}"
        for name, text in mapping.constants.items()
    ]
    if mapping.leftover:
        found.append(f"Not imported: {', '.join(mapping.leftover)}")
    found += [question.message for question in mapping.questions]
    return found
