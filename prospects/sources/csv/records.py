"""Physical lines into records: RFC 4180, streaming, and every record it cannot read is handed on with its reason."""

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, TextIO

MAX_CHARS = 1024 * 1024  # of one record; a longer one is a lost quote or not a table
MAX_LINES = 1000

_QUOTED = re.compile(r' *"([^"]*+(?:""[^"]*+)*+)"')
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_OPEN = "a quote opened in this row is never closed"


class Record(NamedTuple):
    """`line` is the 1-based number of the physical line it starts on. `problem` is empty when it could be read;
    otherwise `cells` holds the raw line, so that nothing is lost."""

    line: int
    cells: list[str]
    problem: str = ""
    remedy: str = ""


class _Lines:
    """Numbered lines with push-back, cut at MAX_CHARS."""

    def __init__(self, stream: TextIO) -> None:
        self._readline = stream.readline
        self._again: deque[str] = deque()
        self.number = 0

    def next(self) -> str:
        """The next line with its line end, or "" at the end of the file."""
        line = self._again.popleft() if self._again else self._readline(MAX_CHARS)
        if line:
            self.number += 1
        return line

    def push_back(self, lines: list[str]) -> None:
        self._again.extendleft(reversed(lines))
        self.number -= len(lines)

    def skip_rest_of_line(self, line: str) -> None:
        while line and line[-1] not in "\r\n":
            line = self._readline(MAX_CHARS)


def read_records(stream: TextIO, delimiter: str) -> Iterator[Record]:
    """Every record of the stream, blank lines included (as one empty cell).

    A quoted field may hold delimiters, line ends and doubled quotes. A quote inside an unquoted field is data where it
    is a unit mark (after a digit, as in 37.8"N) or where the delimiter is a tab (such files are written unquoted);
    anywhere else it is an error of that row. After an error reading goes on at the next physical line.
    """
    lines = _Lines(stream)
    keep_bare = delimiter == "\t"
    while line := lines.next():
        start = lines.number
        if len(line) >= MAX_CHARS and line[-1] not in "\r\n":
            lines.skip_rest_of_line(line)
            yield Record(
                start,
                [line[:200]],
                f"the row is longer than {MAX_CHARS:,} characters; cut here",
                "Look for a lost line end or a file that is not a table.",
            )
            continue
        if '"' not in line:
            body = line.rstrip("\r\n")
            if "\0" in body or not body.isascii():
                yield _checked(start, body, body.split(delimiter))
            else:
                yield Record(start, body.split(delimiter))
            continue
        record = _quoted_record(lines, line, start, delimiter)
        if record.problem and keep_bare:
            body = line.rstrip("\r\n")
            record = _checked(start, body, _split(body, delimiter, keep_bare=True)[0])
        yield record


def _quoted_record(lines: _Lines, line: str, start: int, delimiter: str) -> Record:
    """The record that starts with `line`; on a problem every line after the first is given back to `lines`."""
    parts, size = [line], len(line)
    while True:
        text = "".join(parts)
        cells, problem = _split(text.rstrip("\r\n"), delimiter, keep_bare=False)
        if not problem:
            return _checked(start, text, cells)
        if problem != _OPEN:
            break
        # Inside a quoted field: only a line with an odd number of quotes can end it.
        ended = False
        while not ended and len(parts) < MAX_LINES and size < MAX_CHARS:
            more = lines.next()
            if not more:
                break
            parts.append(more)
            size += len(more)
            ended = more.count('"') % 2 == 1
        if not ended:
            break
    lines.push_back(parts[1:])
    remedy = 'Put the field in quotes and double each quote inside it: "say ""hello""".'
    if problem == _OPEN:
        remedy = "Close the quote, or double it if it belongs to the text."
    return Record(start, [line.rstrip("\r\n")], problem, remedy)


def _split(text: str, delimiter: str, keep_bare: bool) -> tuple[list[str], str]:
    """The cells of one logical line, or the reason why it has none."""
    cells: list[str] = []
    position, end = 0, len(text)
    while True:
        quoted = _QUOTED.match(text, position)
        if quoted and (quoted.end() == end or text[quoted.end()] == delimiter):
            cells.append(quoted[1].replace('""', '"'))
            position = quoted.end()
        elif text.startswith('"', position) and not keep_bare:
            if not quoted:
                return cells, _OPEN
            return cells, "text stands after a closing quote"
        else:
            stop = text.find(delimiter, position)
            stop = end if stop < 0 else stop
            cell = text[position:stop]
            if '"' in cell and not keep_bare and not _only_unit_marks(cell):
                if cell.lstrip(" ").startswith('"') and not quoted:
                    return cells, _OPEN
                return cells, "a quote stands inside a field that is not quoted"
            cells.append(cell)
            position = stop
        if position >= end:
            return cells, ""
        position += 1
        if position == end:
            cells.append("")
            return cells, ""


def _only_unit_marks(cell: str) -> bool:
    """Whether each quote follows a digit: inches or seconds of arc, never the start of a quotation."""
    return all(i > 0 and cell[i - 1].isdigit() for i, c in enumerate(cell) if c == '"')


def _checked(line: int, text: str, cells: list[str]) -> Record:
    if "\0" in text:
        return Record(
            line, cells, "the row holds a NUL character", "The file is damaged or not a text file; export it again."
        )
    if not text.isascii() and _ESCAPED_BYTE.search(text):
        return Record(
            line,
            [_ESCAPED_BYTE.sub("\ufffd", cell) for cell in cells],
            "the row holds bytes that are not text in the file's encoding",
            "Save the file as UTF-8 and import it again.",
        )
    return Record(line, cells)
