"""A CSV file as a table: opened once, read as often as needed, one row at a time."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from prospects.sources.csv.dialect import delimiter_name, find_layout, is_blank
from prospects.sources.csv.encoding import Encoding, find_encoding, open_text
from prospects.sources.csv.records import read_records


class TableError(Exception):
    """The file is no table at all. `line` is the 1-based line at fault, `remedy` what the user can do."""

    def __init__(self, message: str, *, line: int = 1, remedy: str = "") -> None:
        super().__init__(f"Row {line}: {message}")
        self.message, self.line, self.remedy = message, line, remedy


class Row(NamedTuple):
    """One row of the file. `line`: 1-based physical line it starts on. `cells`: as many as the header has, untouched.
    With a `problem` (in words, with its `remedy`) the row must not be used; `cells` is then whatever could be read."""

    line: int
    cells: list[str]
    problem: str = ""
    remedy: str = ""


@dataclass(slots=True)
class Counts:
    """What the last full reading met: rows (problem rows included), problem rows, blank lines skipped."""

    rows: int = 0
    problems: int = 0
    blank_lines: int = 0


@dataclass(slots=True)
class Table:
    """`header`: unique column names (a second "Email" becomes "Email (2)", a nameless one "Column 3").
    `header_row_number`: its 1-based line, 0 if the table was opened without one. `preamble`: the lines before it."""

    encoding: str
    encoding_sure: bool
    delimiter: str
    header: list[str]
    header_row_number: int
    preamble: list[str]
    warnings: list[str]
    counts: Counts = field(default_factory=Counts)
    _source: "bytes | Path" = field(default=b"", repr=False)
    _encoding: Encoding = field(default_factory=lambda: Encoding("utf-8", sure=True), repr=False)

    @property
    def delimiter_name(self) -> str:
        """comma, semicolon, tab or pipe."""
        return delimiter_name(self.delimiter)

    def rows(self, *, after_line: int = 0) -> Iterator[Row]:
        """Every row below the header, in order, from the start of the file at each call; `counts` is filled on the way.

        Blank lines are skipped and counted (in a table of one column they are rows with an empty cell). Rows with too
        many or too few fields, lost quotes, NULs or undecodable bytes come with a `problem`; surplus empty fields are
        cut. `after_line`: rows that start at or before this line are passed over (to go on after a crash).
        """
        counts = self.counts = Counts()
        width = len(self.header)
        with open_text(_open(self._source), self._encoding) as stream:
            for record in read_records(stream, self.delimiter):
                line, cells, problem, remedy = record
                if line <= self.header_row_number:
                    continue
                if width > 1 and is_blank(record):
                    counts.blank_lines += 1
                    continue
                counts.rows += 1
                if not problem and len(cells) != width:
                    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
                        cells = cells[:width]
                    else:
                        problem = f"{len(cells)} fields where the header has {width}"
                        remedy = (
                            "Put a field that holds the delimiter in quotes."
                            if len(cells) > width
                            else "Add the missing fields, or the quotes that join lines."
                        )
                if problem:
                    counts.problems += 1
                if line > after_line:
                    yield Row(line, cells, problem, remedy)

    def sample(self, size: int = 200) -> list[list[str]]:
        """The cells of the first `size` rows without a problem: what `guess_mapping` wants."""
        found: list[list[str]] = []
        for row in self.rows():
            if not row.problem:
                found.append(row.cells)
                if len(found) >= size:
                    break
        return found


def open_table(
    source: "bytes | Path | str", *, encoding: str | None = None, delimiter: str | None = None, has_header: bool = True
) -> Table:
    """Find encoding, delimiter and header of a file (its bytes, or a path to it). `encoding` and `delimiter` overrule.

    Raises TableError for an empty file, one without a readable header, or one that is no text.
    """
    kept: bytes | Path = Path(source) if isinstance(source, str) else source
    try:
        codec = Encoding(encoding, sure=True, errors="replace") if encoding else find_encoding(lambda: _open(kept))
        with open_text(_open(kept), codec) as stream:
            layout = find_layout(stream, delimiter=delimiter)
    except LookupError as error:
        raise TableError(f"unknown encoding {encoding}", remedy="Name one such as utf-8 or cp1252.") from error
    warnings = [codec.warning] if codec.warning else []
    warnings += layout.warnings
    preamble = [layout.delimiter.join(record.cells) for record in layout.preamble]
    if not has_header:
        width = max((len(r.cells) for r in [*layout.preamble, layout.header] if r is not None), default=0)
        names = [f"Column {i + 1}" for i in range(width)]
        return Table(codec.name, codec.sure, layout.delimiter, names, 0, [], warnings, _source=kept, _encoding=codec)
    header = layout.header
    if header is None:
        raise TableError(
            "the file is empty; there is no header", remedy="Give a file whose first row names the columns."
        )
    if header.problem:
        raise TableError(f"the header cannot be read: {header.problem}", line=header.line, remedy=header.remedy)
    # Spreadsheets write empty cells to the right of the table; they are columns only if something stands below.
    used = max((i + 1 for r in layout.sample for i, cell in enumerate(r.cells) if cell.strip()), default=0)
    named = max((i + 1 for i, cell in enumerate(header.cells) if cell.strip()), default=1)
    names, renamed = _unique(header.cells[: max(used, named)])
    warnings += renamed
    return Table(
        codec.name,
        codec.sure,
        layout.delimiter,
        names,
        header.line,
        preamble,
        warnings,
        _source=kept,
        _encoding=codec,
    )


def _open(source: bytes | Path) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _unique(cells: list[str]) -> tuple[list[str], list[str]]:
    """Trimmed, unique names and what was changed."""
    cells = [" ".join(cell.split()) for cell in cells]
    names: list[str] = []
    warnings: list[str] = []
    for i, cell in enumerate(cells):
        name = cell or f"Column {i + 1}"
        base, n = name, 2
        while name in names:
            name = f"{base} ({n})"
            n += 1
        if not cell:
            warnings.append(f"Column {i + 1} has no name.")
        elif name != cell:
            warnings.append(f"Two columns are named {cell}; the later one is called {name} here.")
        names.append(name)
    return names, warnings
