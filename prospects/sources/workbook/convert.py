"""The process that reads a workbook from stdin and writes its rows to stdout, one JSON list a line.

`python -I convert.py KIND [SHEET]`: no Django, and no more memory and time than is said below.
"""

import datetime
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any, NoReturn

MAX_OUTPUT = 200 * 2**20  # bytes of the rows as text
MAX_CELLS = 12_000_000  # of the sheet's rectangle, empty ones too
MEMORY = 1_500 * 2**20  # address space of this process
SECONDS = 90
FAILED = 3  # exit code where the reason is on stderr

_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9_-]{3,20})""")


def fail(message: str, remedy: str = "") -> NoReturn:
    """End with a reason for the user."""
    sys.stderr.write(json.dumps({"message": message, "remedy": remedy}) + "\n")
    sys.exit(FAILED)


def text_of(value: Any) -> str:
    """A cell as the text a CSV file would hold: whole numbers without .0, dates as 2026-11-21."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")
    return str(value)  # int, date, time, timedelta


def write(told: dict[str, Any], rows: Iterable[list[str]]) -> None:
    """The rows, trimmed at their right end."""
    out = sys.stdout.buffer
    size = out.write(json.dumps({"leadgen-sheet": 1, **told}).encode() + b"\n")
    for cells in rows:
        while cells and not cells[-1]:
            cells.pop()
        size += out.write(json.dumps(cells, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        if size > MAX_OUTPUT:
            fail(f"The sheet holds more than {MAX_OUTPUT // 2**20} MB of text.", "Split it.")


def convert_workbook(data: bytes, wanted: str) -> None:
    """Excel and OpenDocument."""
    import python_calamine as calamine

    names = {"xlsx": "Excel workbook", "ods": "OpenDocument spreadsheet", "xls": "old Excel workbook"}
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [
            meta.name
            for meta in book.sheets_metadata
            if meta.visible == calamine.SheetVisibleEnum.Visible and meta.typ == calamine.SheetTypeEnum.WorkSheet
        ] or list(book.sheet_names)
        if wanted and wanted not in sheets:
            fail(f"The workbook has no sheet “{wanted}”.", f"Its sheets are {', '.join(sheets)}.")
        found = {name: book.get_sheet_by_name(name) for name in ([wanted] if wanted else sheets[:50])}
    except calamine.PasswordError:
        fail("The workbook is protected by a password.", "Save it without one, then upload it again.")
    except calamine.CalamineError as error:
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data:
            fail("The workbook is protected by a password.", "Save it without one, then upload it again.")
        fail(f"The workbook cannot be read ({str(error)[:120]}).")
    size = {name: sheet.height * sheet.width for name, sheet in found.items()}
    full = [name for name in found if size[name]]
    if not full:
        fail("The workbook is empty.", "Choose one with a header and rows.")
    name = wanted or max(full, key=lambda name: (found[name].height > 1 and found[name].width > 1, size[name]))
    sheet = found[name]
    if size[name] > MAX_CELLS:
        fail(
            f"Sheet “{name}” spans {sheet.height:,} rows and {sheet.width:,} columns, more than can be read.",
            "Delete the empty rows and columns around the table, or split it.",
        )
    others = [other for other in full if other != name]
    notes = [f"Read from sheet “{name}”; the other sheets were not read: {', '.join(others)}."] if others else []
    left = sheet.start[1] if sheet.start else 0  # empty columns left of the table are no columns
    kind = "ods" if b"mimetypeapplication/vnd.oasis" in data[:120] else ("xlsx" if data[:2] == b"PK" else "xls")
    told = {"origin": names[kind], "sheet": name, "sheets": sheets if len(sheets) > 1 else [], "notes": notes}

    def rows() -> Iterator[list[str]]:
        for row in sheet.iter_rows():
            yield [text_of(value) for value in row[left:]]

    write(told, rows())


class _Tables(HTMLParser):
    """The rows of the largest table of a page, and of the first worksheet of Excel's XML of 2003."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._span = 0
        self.sheets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag, given = tag.split(":")[-1], {name.split(":")[-1]: value or "" for name, value in attrs}
        if tag == "worksheet":
            self.sheets.append(given.get("name", ""))
        elif tag == "table":
            self._open.append([])
            self.tables.append(self._open[-1])
        elif tag in ("tr", "row"):
            if not self._open:
                self._open.append([])
                self.tables.append(self._open[-1])
            index = int(given["index"]) - 1 if given.get("index", "").isdigit() else 0
            table = self._open[-1]
            table.extend([] for _ in range(min(index - len(table), 100_000)))
            table.append([])
        elif tag in ("td", "th", "cell") and self._open and self._open[-1]:
            row = self._open[-1][-1]
            index = int(given["index"]) - 1 if given.get("index", "").isdigit() else 0
            row.extend("" for _ in range(min(index - len(row), 16_384)))
            self._cell = []
            row.append("")
            span = int(given["colspan"]) - 1 if given.get("colspan", "").isdigit() else 0
            self._span = min(span, 1000)
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        tag = tag.split(":")[-1]
        if tag in ("td", "th", "cell") and self._cell is not None and self._open:
            lines = (" ".join(line.split()) for line in "".join(self._cell).split("\n"))
            self._open[-1][-1][-1] = "\n".join(lines).strip()
            self._open[-1][-1].extend("" for _ in range(self._span))
            self._cell, self._span = None, 0
        elif tag == "table" and self._open:
            self._open.pop()


def convert_markup(data: bytes, kind: str) -> None:
    """HTML and XML that programs save under .xls."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        named = _CHARSET.search(data[:3000])
        try:
            text = data.decode(named[1].decode() if named else "utf-8")
        except (UnicodeDecodeError, LookupError):
            text = data.decode("utf-8", "replace") if named else data.decode("cp1252", "replace")
    parser = _Tables()
    parser.feed(text)
    parser.close()
    tables = [table for table in parser.tables if any(any(row) for row in table)]
    if not tables:
        fail("This is a web page without a table.", "Export the table itself as CSV and upload that.")
    largest = max(tables, key=len)
    notes = [f"The file holds {len(tables)} tables; the longest was read."] if len(tables) > 1 else []
    origin = "web page saved as a workbook" if kind == "html" else "Excel workbook in XML"
    write({"origin": origin, "sheet": "", "sheets": [], "notes": notes}, largest)


def main() -> None:
    """Read, limited; write."""
    try:
        import resource
    except ImportError:  # not on Windows
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    kind, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    data = sys.stdin.buffer.read()
    try:
        if kind in ("html", "xml"):
            convert_markup(data, kind)
        else:
            convert_workbook(data, wanted)
    except MemoryError:
        fail("The workbook needs more memory than is allowed.", "Delete empty rows and columns, or split it.")


if __name__ == "__main__":
    main()
