"""From a file and what the user said to everything a run needs: table, mapping, formats, and what was found, in words."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from accounts.models import Workspace
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.models import CustomField
from prospects.queries.custom import definitions
from prospects.rules import custom as custom_rules
from prospects.rules import imports as rules
from prospects.rules.exports import custom_headers
from prospects.rules.imports import Formats, Handling, ImportOptions, Kind, RowConverter
from prospects.rules.imports import Mapping as ColumnMapping
from prospects.rules.imports_policy import check_handling, words_of
from prospects.rules.normalise import clean_text, plain
from prospects.rules.normalise_places import country_of_zone
from prospects.sources.csv import Table, TableError, open_table
from prospects.sources.workbook import WorkbookError, kind_of, rows_of, unpacked

type Source = bytes | Path
MAX_BYTES = 50 * 1024 * 1024
SAMPLE_ROWS = 300
CUSTOM_KINDS = ("people", "companies")  # as the subjects of custom fields are called
SHOWN_SAMPLES = 5
JUDGED = (
    "e mail status",
    "email status",
    "e mail verif",
    "email verif",
    "email confidence",
)  # a verdict of another system

_NOT_A_TABLE = (
    (b"%PDF", "This is a PDF. Export the table itself as CSV from the program that made it."),
    (b"\x89PNG", "This is a picture. Upload the table as a CSV file or a workbook."),
    (b"\xff\xd8\xff", "This is a picture. Upload the table as a CSV file or a workbook."),
    (b"GIF8", "This is a picture. Upload the table as a CSV file or a workbook."),
    (b"{\\rtf", "This is a text document (RTF). Copy the table into a spreadsheet and upload that."),
    (b"7z\xbc\xaf", "This file is compressed (7-Zip). Unpack it, then upload the table inside."),
    (b"Rar!", "This file is compressed (RAR). Unpack it, then upload the table inside."),
    (b"PAR1", "This is a Parquet file. Export the table as CSV and upload that."),
    (b"SQLite format 3", "This is a database file. Export the table as CSV and upload that."),
    (b"BEGIN:VCARD", "These are vCards. Export the contacts as CSV from the program that made them."),
)  # fmt: skip
HEAD_BYTES = 4096
CACHED_BYTES = 32 * 1024 * 1024
_last_rows: dict[tuple[bytes, str], bytes] = {}  # of the workbook read last: a page and its check read it again


def read_table(source: Source, *, sheet: str = "") -> Table:
    """The file as a table, whatever its name says it is. `sheet`: of a workbook, else its fullest one. Raises Invalid, in
    words, for what is none: a PDF, a picture, an empty file."""
    head = source[:HEAD_BYTES] if isinstance(source, bytes) else _head(source)
    for mark, words in _NOT_A_TABLE:
        if head.startswith(mark):
            raise Invalid(words, code="not_csv", field="file")
    if not head.strip():
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if not size:
            raise Invalid("The file is empty. Choose one with a header and rows.", code="empty", field="file")
    try:
        return open_table(_text_or_rows(source, head, sheet))
    except TableError as error:
        raise Invalid(f"{error} {error.remedy}".strip(), code="not_csv", field="file") from error
    except WorkbookError as error:
        raise Invalid(str(error), code="not_csv", field="file") from error


def _text_or_rows(source: Source, head: bytes, sheet: str) -> Source:
    """The file itself where it is text; else what is packed in it, or the rows of the workbook it is."""
    kind = kind_of(head)
    if kind in ("zip", "gzip"):
        inner = unpacked(source)
        if inner is not None:
            source, kind = inner, kind_of(inner[:HEAD_BYTES])
            if kind in ("zip", "gzip"):
                raise WorkbookError("This is an archive inside an archive.", "Unpack it, then upload the file inside.")
    if not kind:
        return source
    data = source if isinstance(source, bytes) else source.read_bytes()
    key = (hashlib.sha256(data).digest(), sheet)
    rows = _last_rows.get(key)
    if rows is None:
        rows = rows_of(data, kind=kind, sheet=sheet)
        _last_rows.clear()
        if len(rows) <= CACHED_BYTES:
            _last_rows[key] = rows
    return rows


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def options_as_json(options: ImportOptions) -> dict[str, Any]:
    """For Import.settings."""
    return {
        "columns": options.columns,
        "constants": options.constants,
        "translations": options.translations,
        "dates": options.dates,
        "sheet": options.sheet,
        "handling": options.handling.as_json(),
    }


def options_from_json(settings: Mapping[str, Any]) -> ImportOptions:
    return ImportOptions(
        columns=dict(settings.get("columns") or {}),
        constants=dict(settings.get("constants") or {}),
        translations={name: dict(words) for name, words in (settings.get("translations") or {}).items()},
        dates=settings.get("dates") or None,
        sheet=str(settings.get("sheet") or ""),
        handling=Handling.from_json(settings.get("handling") or {}),
    )


@dataclass(slots=True)
class Setup:
    """Everything needed to convert rows. `findings`: what was found and assumed, in words. `reading`: what of the workspace
    decides how cells are read."""

    kind: Kind
    table: Table
    mapping: ColumnMapping
    formats: Formats
    converter: RowConverter
    options: ImportOptions
    total_rows: int
    currency: str
    findings: list[str]
    reading: list[Any]


def guess(kind: Kind, table: Table, options: ImportOptions) -> ColumnMapping:
    """The mapping as guessed and overruled; it may be incomplete."""
    mapping = rules.resolve_mapping(kind, table.header, table.sample(SAMPLE_ROWS), options)
    if kind in CUSTOM_KINDS:
        _map_custom(mapping, options)
    return mapping


def _map_custom(mapping: ColumnMapping, options: ImportOptions) -> None:
    """Columns that are called as a custom field or its key fill it; of what somebody said, only fields there are."""
    fields = {f"{rules.CUSTOM}{field.key}": field for field in definitions(mapping.kind)}
    gone = [name for name in mapping.columns if name.startswith(rules.CUSTOM) and name not in fields]
    if gone:
        raise Invalid(
            f"There is no custom field {gone[0].removeprefix(rules.CUSTOM)}. The fields are: "
            f"{', '.join(field.key for field in fields.values()) or 'none yet'}.", code="unknown_field", field="map",
        )  # fmt: skip
    ours = custom_headers(mapping.kind, list(fields.values())) if rules.OWN_ID in mapping.columns else {}
    for name, field in fields.items():
        column = next((c for c in mapping.leftover if clean_text(c) == ours.get(field.key)), None)
        if column is not None and name not in options.columns:
            mapping.columns[name], mapping.reasons[name] = column, "a column of Leadgen's own export"
            mapping.leftover.remove(column)
    for name, field in fields.items():
        if name in mapping.columns:
            continue
        names = {plain(field.label), plain(field.key)}
        column = next((c for c in mapping.leftover if plain(c) in names), None)
        if column is not None and name not in options.columns:
            mapping.columns[name], mapping.reasons[name] = column, f'named "{column}"'
            mapping.leftover.remove(column)
    mapping.dated = {name for name, field in fields.items() if field.kind == "date" and name in mapping.columns}


def _custom_fields(mapping: ColumnMapping) -> dict[str, CustomField]:
    """The custom fields that the mapping fills."""
    fields = {f"{rules.CUSTOM}{field.key}": field for field in definitions(mapping.kind)}
    return {name: fields[name] for name in mapping.columns if name in fields}


def _read_custom(kind: str, choices: tuple[str, ...], currency: str, text: str) -> Any:
    return custom_rules.read(kind, text, choices, currency)


def find_all_formats(table: Table, mapping: ColumnMapping, options: ImportOptions) -> Formats:
    """Date and number formats over all rows; `table.counts` is filled on the way."""
    width = len(table.header)
    rows = (row.cells for row in table.rows() if not row.problem and len(row.cells) == width)
    return rules.find_formats(mapping, table.header, rows, order=options.dates)


def prepare(kind: Kind, source: Source, options: ImportOptions) -> Setup:
    """Read the file once from end to end. Raises Invalid where the mapping says too little or dates can be read in two
    ways, naming the option that settles it."""
    table = read_table(source, sheet=options.sheet)
    mapping = guess(kind, table, options)
    rules.check_mapping(mapping, table.header, header_row=table.header_row_number)
    check_handling(options.handling, mapped=mapping.columns)
    formats = find_all_formats(table, mapping, options)
    total = table.counts.rows
    rules.check_formats(mapping, formats)
    workspace = Workspace.objects.get(pk=current_workspace_id())
    fields = _custom_fields(mapping) if kind in CUSTOM_KINDS else {}
    converter = RowConverter(
        mapping,
        table.header,
        formats,
        zone=workspace.time_zone,
        country=country_of_zone(workspace.time_zone),
        translations=options.translations,
        custom={
            name: partial(_read_custom, field.kind, tuple(field.choices), workspace.currency)
            for name, field in fields.items()
        },
    )
    custom = [[name, field.kind, list(field.choices)] for name, field in sorted(fields.items())]
    findings = [
        *file_findings(table), *table.counts.remarks, *mapping_findings(mapping),
        *words_of(kind, options.handling), *formats.findings,
    ]  # fmt: skip
    reading = [workspace.time_zone, workspace.currency, custom]
    return Setup(kind, table, mapping, formats, converter, options, total, workspace.currency, findings, reading)


def file_findings(table: Table) -> list[str]:
    """Encoding, delimiter and header, in words."""
    header = f"header in row {table.header_row_number}" if table.header_row_number else "no header"
    if table.origin:
        found = [f"{table.origin}{f', sheet “{table.sheet}”' if table.sheet else ''}, {header}"]
    else:
        sure = "" if table.encoding_sure else " (a guess)"
        found = [f"{table.encoding}{sure}, {table.delimiter_name} between fields, {header}"]
    if table.preamble:
        count = len(table.preamble)
        lines = "1 line above the header was" if count == 1 else f"{count} lines above the header were"
        found.append(f"{lines} left out: {' / '.join(table.preamble)[:200]}")
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
        if any(plain(column).startswith(JUDGED) for column in mapping.leftover):
            found.append(
                "What another system says of whether an address works is not imported: addresses are verified here."
            )
    found += [question.message for question in mapping.questions]
    return found
