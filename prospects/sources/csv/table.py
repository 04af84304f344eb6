"""A file of rows as a table: opened once, read as often as needed, one row at a time."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

from prospects.sources.csv.dialect import Layout, delimiter_name, filled, find_layout, is_blank, layout_of
from prospects.sources.csv.encoding import Encoding, find_encoding, open_text
from prospects.sources.csv.records import Dialect, Record, read_records

SHEET_MARK = b'{"leadgen-sheet": 1'  # how the rows of a workbook begin; see sources.workbook
STRAY_CODEC = "cp1252"
MAX_HELD = 40  # rows that may be the foot of the table
_TOTALS_START = frozenset(
    ("tot", "gra", "sum", "sub", "ges", "ins", "som", "cou", "ave", "mea", "zwi", "max", "min", "anz", "rec", "row", "num",
     "nom", "net", "rep", "col", "sou")
)  # fmt: skip
_TOTALS = re.compile(
    r"""(?:(?:grand|sub|net|gesamt|zwischen|report|column)[\s-]*)?(?:total(?:s|e|es|en)?|sum(?:me|men|a|as|s)?|somma|somme|gesamt|insgesamt|
    count|average|mean|max(?:imum)?|min(?:imum)?|anzahl|gesamtsumme|gesamtergebnis|zwischensumme|suma|
    total\s+g[ée]n[ée]ral|total\s+general|sous-total|records?|rows?|number\s+of\s+\w+|nombre\s+de\s+\w+)
    (?:\s*\([^)]*\))?\s*[:=]?\s*(?P<own>[0-9][0-9.,' ]*)?(?:\s*(?:records?|rows?|entries|items|contacts|leads|companies|people))?\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_FOOT = re.compile(
    r"\s*(?:\*|†|©|--+|==+|__+|(?:source|sources|note|notes|nb|n\.b|quelle|quellen|hinweis|fuente|nota|remarque|report|generated|exported|"
    r"created|printed|downloaded|confidential|copyright|page|seite|end\s+of|data\s+as\s+of|as\s+of|stand|legend|footnote|disclaimer|"
    r"total|totals|erstellt|export[ée])\b)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\s*[^\w\s]{0,3}\s*-?[0-9][0-9.,' ]*\s*(?:%|[^\w\s]{1,3}|[A-Z]{3}|[kKmM])?\s*")


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
    """What the last full reading met: rows (problem rows included), problem rows, blank lines skipped, rows that are no
    data and were left out (line, why, text), and what was mended (words -> lines)."""

    rows: int = 0
    problems: int = 0
    blank_lines: int = 0
    left_out: list[tuple[int, str, str]] = field(default_factory=list)
    mended: dict[str, list[int]] = field(default_factory=dict)
    mended_rows: Counter[str] = field(default_factory=Counter)

    def mend(self, words: str, line: int) -> None:
        """Take note of a row that could be read only after a change."""
        self.mended_rows[words] += 1
        lines = self.mended.setdefault(words, [])
        if len(lines) < 10:
            lines.append(line)

    @property
    def remarks(self) -> list[str]:
        """What was left out and mended, in words that name the rows."""
        found = []
        for words, lines in self.mended.items():
            more = self.mended_rows[words] - len(lines)
            named = ", ".join(f"{line:,}" for line in lines) + (f" and {more:,} more" if more else "")
            found.append(f"{'Row' if len(lines) == 1 else 'Rows'} {named}: {words}.")
        headers = [line for line, why, _ in self.left_out if why == "header"]
        if headers:
            named = ", ".join(f"{line:,}" for line in headers[:10])
            found.append(f"The header stands again in {len(headers):,} rows ({named}); they were left out.")
        found += [
            f"Row {line:,} was left out as {'a line of totals' if why == 'totals' else 'a note below the table'}: {text}"
            for line, why, text in self.left_out if why != "header"
        ]  # fmt: skip
        return found


@dataclass(slots=True)
class Table:
    """`header`: unique column names (a second "Email" becomes "Email (2)", a nameless one "Column 3").
    `header_row_number`: its 1-based line, 0 if the table has none. `preamble`: the lines before it. `origin`: for a
    workbook, what it is and which sheet this is, in words."""

    encoding: str
    encoding_sure: bool
    delimiter: str
    header: list[str]
    header_row_number: int
    preamble: list[str]
    warnings: list[str]
    counts: Counts = field(default_factory=Counts)
    origin: str = ""
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    pads: bool = False  # rows may end early: what is missing is empty
    _source: "bytes | Path" = field(default=b"", repr=False)
    _encoding: Encoding = field(default_factory=lambda: Encoding("utf-8", sure=True), repr=False)
    _dialect: Dialect = field(default_factory=lambda: Dialect(","), repr=False)
    _above: int = 0  # rows on lines up to this one are no data
    _raw_header: list[str] = field(default_factory=list, repr=False)

    @property
    def delimiter_name(self) -> str:
        """comma, semicolon, tab or pipe."""
        return delimiter_name(self.delimiter)

    def _records(self, stream: io.TextIOWrapper) -> Iterator[Record]:
        if self.origin:
            return _sheet_records(stream)
        return read_records(stream, self._dialect)

    def rows(self, *, after_line: int = 0) -> Iterator[Row]:
        """Every row below the header, in order, from the start of the file at each call; `counts` is filled on the way.

        Blank lines are skipped and counted (in a table of one column they are rows with an empty cell). Rows with too
        many or too few fields, lost quotes or undecodable bytes come with a `problem`; surplus empty fields are cut.
        A repeated header, and totals and notes below the table, are left out and told in `counts`.
        `after_line`: rows that start at or before this line are passed over (to go on after a crash).
        """
        counts = self.counts = Counts()
        held: list[tuple[Row, str]] = []  # rows that are left out if nothing but their like follows
        blank_before = False
        for record in self._body(counts):
            if record is None:
                blank_before = True
                continue
            why = self._foot(record, blank_before or bool(held)) if len(held) < MAX_HELD else ""
            blank_before = False
            if why:
                held.append((record, why))
                continue
            if held:
                for row, _ in held:
                    if self._told(row, counts).line > after_line:
                        yield row
                held.clear()
            if self._told(record, counts).line > after_line:
                yield record
        for row, why in held:
            text = ", ".join(cell.strip() for cell in row.cells if cell.strip())
            counts.left_out.append((row.line, why, text[:120]))

    def _told(self, row: Row, counts: Counts) -> Row:
        counts.rows += 1
        if row.problem:
            counts.problems += 1
        return row

    def _body(self, counts: Counts) -> Iterator[Row | None]:
        """The rows below the header, fitted to its width; None for a blank line."""
        width, header = len(self.header), self._raw_header
        first = header[0] if header else None
        with open_text(_open(self._source), self._encoding) as stream:
            for record in self._records(stream):
                line, cells, problem, remedy, note = record
                if line <= self._above:
                    continue
                if width > 1 and (is_blank(record) or (not cells[0] and not problem and not any(cells))):
                    counts.blank_lines += 1
                    yield None
                    continue
                if note:
                    counts.mend(note, line)
                if not problem and len(cells) != width:
                    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
                        cells = cells[:width]
                    elif len(cells) < width and self.pads:
                        cells = cells + [""] * (width - len(cells))
                    else:
                        problem = f"{len(cells)} fields where the header has {width}"
                        remedy = (
                            "Put a field that holds the delimiter in quotes."
                            if len(cells) > width
                            else "Add the missing fields, or the quotes that join lines."
                        )
                if cells[0] == first and not problem and cells == header and width > 1:
                    counts.left_out.append((line, "header", ""))
                    continue
                yield Row(line, cells, problem, remedy)

    def _foot(self, row: Row, apart: bool) -> str:
        """ "totals" or "note" where the row may be the foot of the table rather than data, else "". `apart`: a blank
        line or another such row is before it."""
        cells = row.cells
        label = cells[0]
        if not label:
            label = next((cell for cell in cells if cell), "")
        if len(self.header) > 1 and label[:3].casefold() in _TOTALS_START and (found := _TOTALS.fullmatch(label)):
            others = [cell for cell in cells if cell.strip() and cell != label]
            if all(_NUMBER.fullmatch(cell) or _TOTALS.fullmatch(cell) for cell in others) and (
                others or found["own"] or apart
            ):
                return "totals"
        if len(self.header) < 3 or (row.problem and len(cells) > 1):
            return ""
        if not cells[0] or not _alone(cells) or (row.problem and not row.problem.startswith("1 fields")):
            return ""
        text = cells[0].strip()
        like_note = bool(_FOOT.match(text)) or (apart and (len(text) > 40 or text[-1] in ".:"))
        return "note" if (like_note and (apart or row.problem)) or (apart and row.problem) else ""

    def sample(self, size: int = 200) -> list[list[str]]:
        """The cells of the first `size` rows without a problem: what `guess_mapping` wants."""
        found: list[list[str]] = []
        for row in self.rows():
            if not row.problem:
                found.append(row.cells)
                if len(found) >= size:
                    break
        return found


def _alone(cells: Sequence[str]) -> bool:
    """Whether exactly one cell has something in it. Nearly every row shows two at once."""
    found = False
    for cell in cells:
        if cell and not cell.isspace():
            if found:
                return False
            found = True
    return found


def open_table(
    source: "bytes | Path | str", *, encoding: str | None = None, delimiter: str | None = None, has_header: bool = True
) -> Table:
    """Find encoding, delimiter and header of a file (its bytes, or a path to it). `encoding` and `delimiter` overrule.

    Raises TableError for an empty file, one without a readable header, or one that is no text.
    """
    kept: bytes | Path = Path(source) if isinstance(source, str) else source
    with _open(kept) as file:
        if file.read(len(SHEET_MARK)) == SHEET_MARK:
            return _open_sheet(kept)
    try:
        codec = Encoding(encoding, sure=True, errors="replace") if encoding else find_encoding(lambda: _open(kept))
        stray = STRAY_CODEC if codec.name in ("utf-8", "utf-8-sig") and codec.errors == "surrogateescape" else ""
        with open_text(_open(kept), codec) as stream:
            layout = find_layout(stream, delimiter=delimiter, stray=stray)
    except LookupError as error:
        raise TableError(f"unknown encoding {encoding}", remedy="Name one such as utf-8 or cp1252.") from error
    except UnicodeError as error:
        raise TableError(f"the file is not text in {codec.name}", remedy="Save it as CSV UTF-8.") from error
    warnings = [codec.warning] if codec.warning else []
    warnings += layout.warnings
    table = Table(
        codec.name, codec.sure, layout.dialect.delimiter, [], 0, [], warnings,
        _source=kept, _encoding=codec, _dialect=layout.dialect,
    )  # fmt: skip
    if not has_header:
        width = max((len(r.cells) for r in [*layout.preamble, layout.header] if r is not None), default=0)
        table.header = [f"Column {i + 1}" for i in range(width)]
        return table
    return _with_header(table, layout)


def _with_header(table: Table, layout: Layout) -> Table:
    """The table with its header's names and what stands above them."""
    header = layout.header
    if header is None:
        raise TableError(
            "the file is empty; there is no header", remedy="Give a file whose first row names the columns."
        )
    if header.problem:
        raise TableError(f"the header cannot be read: {header.problem}", line=header.line, remedy=header.remedy)
    between = layout.dialect.delimiter or ", "
    table.preamble = [
        between.join(record.cells) for record in layout.preamble if filled(record.cells) or not table.origin
    ]
    # Spreadsheets write empty cells to the right of the table; they are columns only if something stands below.
    used = max((i + 1 for r in layout.sample for i, cell in enumerate(r.cells) if cell.strip()), default=0)
    named = max((i + 1 for i, cell in enumerate(header.cells) if cell.strip()), default=1)
    if layout.headless:
        table.header = [f"Column {i + 1}" for i in range(max(used, named))]
        table._above = header.line - 1
        return table
    cells = header.cells[: max(used, named)]
    table.header, renamed = _unique(cells)
    table.warnings += renamed
    table.header_row_number = table._above = header.line
    table._raw_header = cells
    if not table.pads and _ends_early(layout.sample, len(cells)):
        table.pads = True
        table.warnings.append("Rows that end before the header does lack their last, empty fields; they are read so.")
    return table


def _ends_early(sample: list[Record], width: int) -> bool:
    """Whether the program that wrote the file leaves empty fields at the end of a row away: some rows are short, none
    ends in an empty field, and no two short ones look like one row that a line end has cut."""
    rows = [r.cells for r in sample if not r.problem and not is_blank(r)]
    short = [cells for cells in rows if 1 < len(cells) < width]
    if len(short) < 3 or len(short) < 0.05 * len(rows):
        return False
    if any(not cells[-1].strip() for cells in rows):
        return False
    pairs = pairwise(rows)
    return sum(len(a) < width and len(b) < width and len(a) + len(b) == width + 1 for a, b in pairs) < 0.3 * len(short)


def _open_sheet(source: "bytes | Path") -> Table:
    """The rows of a workbook, as sources.workbook wrote them."""
    try:
        with open_text(_open(source), Encoding("utf-8", sure=True)) as stream:
            told = json.loads(stream.readline())
            records = [record for record, _ in zip(_sheet_records(stream, 1), range(1000), strict=False)]
        table = Table(
            "utf-8", True, "", [], 0, [], [str(text) for text in told["notes"]], origin=str(told["origin"]),
            sheet=str(told["sheet"]), sheets=[str(name) for name in told["sheets"]], pads=True, _source=source,
        )  # fmt: skip
        width = max((len(r.cells) for r in records), default=0)
        # As wide as the widest row, so that a title above the table does not pass for its header.
        padded = [r._replace(cells=r.cells + [""] * (width - len(r.cells))) if any(r.cells) else r for r in records]
        return _with_header(table, layout_of(padded, Dialect(""), table.warnings))
    except (ValueError, KeyError, TypeError) as error:
        raise TableError("the rows of the workbook cannot be read", remedy="Upload the workbook again.") from error


def _sheet_records(stream: io.TextIOWrapper, line: int = 0) -> Iterator[Record]:
    """Rows of a sheet under the numbers they have in it. `line`: lines read before."""
    for number, text in enumerate(stream, start=line):
        if number:
            yield Record(number, json.loads(text) or [""])


def _open(source: bytes | Path) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _unique(cells: list[str]) -> tuple[list[str], list[str]]:
    """Trimmed, unique names and what was changed."""
    cells = [" ".join(cell.replace("\ufeff", "").replace("\u200b", "").split()) for cell in cells]
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
