"""Physical lines into records: RFC 4180, streaming, and every record it cannot read is handed on with its reason."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TextIO

MAX_CHARS = 1024 * 1024  # of one record; a longer one is a lost quote or not a table
MAX_LINES = 1000

_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_OPEN = "a quote opened in this row is never closed"
NULS = "held NUL characters, which were taken out"
STRAYS = "held bytes that are not UTF-8; they were read as Windows-1252"
# ="0049301234" is how programs stop a spreadsheet from making a number of a text.
_FORMULA_TEXT = re.compile(r'="([^"]*)" *')


class Record(NamedTuple):
    """`line` is the 1-based number of the physical line it starts on. `problem` is empty when it could be read;
    otherwise `cells` holds the raw line, so that nothing is lost. `note`: what was mended to read it."""

    line: int
    cells: list[str]
    problem: str = ""
    remedy: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`escape`: the sign before a quote or delimiter that is text ("" where quotes are doubled instead).
    `stray`: the codec of bytes that do not decode, "" where a row that holds some is a problem."""

    delimiter: str
    quote: str = '"'
    escape: str = ""
    stray: str = ""


class _Lines:
    """Numbered lines with push-back, cut at MAX_CHARS."""

    def __init__(self, stream: TextIO) -> None:
        self._readline = stream.readline
        self._again: deque[str] = deque()
        self.number = 0
        self.nuls: set[int] = set()  # numbers of the lines that held any; they are taken out

    def next(self) -> str:
        """The next line with its line end, or "" at the end of the file."""
        line = self._again.popleft() if self._again else self._readline(MAX_CHARS)
        if line:
            self.number += 1
            if "\0" in line:
                self.nuls.add(self.number)
                line = line.replace("\0", "") or "\n"
        return line

    def push_back(self, lines: list[str]) -> None:
        self._again.extendleft(reversed(lines))
        self.number -= len(lines)

    def skip_rest_of_line(self, line: str) -> None:
        while line and line[-1] not in "\r\n":
            line = self._readline(MAX_CHARS)


def read_records(stream: TextIO, dialect: Dialect | str) -> Iterator[Record]:
    """Every record of the stream, blank lines included (as one empty cell).

    A quoted field may hold delimiters, line ends and doubled quotes. A quote inside an unquoted field is data where it
    is a unit mark (after a digit, as in 37.8"N) or where the delimiter is a tab (such files are written unquoted);
    anywhere else it is an error of that row. After an error reading goes on at the next physical line.
    """
    dialect = Dialect(dialect) if isinstance(dialect, str) else dialect
    lines = _Lines(stream)
    delimiter, quote, escape = dialect.delimiter, dialect.quote, dialect.escape or dialect.quote
    splitter = _Splitter(dialect)
    keep_bare = delimiter == "\t"
    while line := lines.next():
        start = lines.number
        noted = NULS if lines.nuls and start in lines.nuls else ""
        if len(line) >= MAX_CHARS and line[-1] not in "\r\n":
            lines.skip_rest_of_line(line)
            yield Record(
                start,
                [line[:200]],
                f"the row is longer than {MAX_CHARS:,} characters; cut here",
                "Look for a lost line end or a file that is not a table.",
            )
            continue
        if quote not in line and escape not in line:
            body = line.rstrip("\r\n")
            if noted or not body.isascii():
                yield _checked(start, body, body.split(delimiter), dialect, noted)
            else:
                yield Record(start, body.split(delimiter))
            continue
        body = line.rstrip("\r\n")
        if not noted and body.isascii() and (regular := splitter.regular(body)):
            yield Record(start, regular)
            continue
        record = _quoted_record(lines, line, start, splitter)
        if record.problem and keep_bare:
            body = line.rstrip("\r\n")
            record = _checked(start, body, splitter.split(body, keep_bare=True)[0], dialect)
        if lines.nuls and not lines.nuls.isdisjoint(range(start, lines.number + 1)):
            record = record._replace(note=record.note or NULS)
        yield record


def _quoted_record(lines: _Lines, line: str, start: int, splitter: "_Splitter") -> Record:
    """The record that starts with `line`; on a problem every line after the first is given back to `lines`."""
    parts, size = [line], len(line)
    while True:
        text = "".join(parts)
        cells, problem = splitter.split(text.rstrip("\r\n"))
        if not problem:
            return _checked(start, text, cells, splitter.dialect)
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
            ended = splitter.quotes(more) % 2 == 1
        if not ended:
            break
    lines.push_back(parts[1:])
    remedy = 'Put the field in quotes and double each quote inside it: "say ""hello""".'
    if problem == _OPEN:
        remedy = "Close the quote, or double it if it belongs to the text."
    return Record(start, [line.rstrip("\r\n")], problem, remedy)


@lru_cache(maxsize=64)
def _quoted_field(quote: str, escape: str) -> re.Pattern[str]:
    q, e = re.escape(quote), re.escape(escape)
    if escape:
        return re.compile(rf" *{q}([^{q}{e}]*+(?:(?:{q}{q}|{e}.)[^{q}{e}]*+)*+){q} *", re.DOTALL)
    return re.compile(rf" *{q}([^{q}]*+(?:{q}{q}[^{q}]*+)*+){q} *")


class _Splitter:
    """Logical lines of one dialect into cells."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._field = _quoted_field(dialect.quote, dialect.escape)
        escape = re.escape(dialect.escape)
        self._escaped = re.compile(rf"{escape}.", re.DOTALL) if escape else None
        # Fields in quotes without quotes or line ends inside, and fields without any: nothing to judge.
        self._regular = None
        if not escape and len(dialect.delimiter) == 1:
            q, d = re.escape(dialect.quote), re.escape(dialect.delimiter)
            field = rf"(?:{q}[^{q}\r\n]*+{q}|[^{q}{d}\r\n]*+)"
            self._regular = re.compile(rf"{field}(?:{d}{field})*+")
            # One reader for all lines: making one takes longer than reading a line.
            self._fed: deque[str] = deque()
            self._reader = csv.reader(
                iter(self._fed.popleft, None), delimiter=dialect.delimiter, quotechar=dialect.quote
            )
        signs = re.escape(dialect.quote + dialect.escape + dialect.delimiter)
        self._unescape = re.compile(rf"{escape}([{signs}])") if escape else None
        bare = rf"(?:[^{re.escape(dialect.delimiter[0])}{escape}]|{escape}.)*+"
        self._bare = re.compile(bare, re.DOTALL) if escape and len(dialect.delimiter) == 1 else None

    def regular(self, text: str) -> list[str] | None:
        """The cells of a line in which there is nothing to judge, as nearly all are, at C's speed; None for any other."""
        if text and self._regular and self._regular.fullmatch(text):
            self._fed.append(text)
            return next(self._reader)
        return None

    def quotes(self, text: str) -> int:
        """The quotes of a line that open or close a field."""
        return (self._escaped.sub("", text) if self._escaped else text).count(self.dialect.quote)

    def split(self, text: str, *, keep_bare: bool = False) -> tuple[list[str], str]:
        """The cells of one logical line, or the reason why it has none."""
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        if regular := self.regular(text):
            return regular, ""
        cells: list[str] = []
        position, end, step = 0, len(text), len(delimiter)
        while True:
            quoted = self._field.match(text, position)
            if quoted and (quoted.end() == end or text.startswith(delimiter, quoted.end())):
                cell = quoted[1].replace(quote * 2, quote)
                cells.append(self._plain(cell))
                position = quoted.end()
            elif (
                quote == '"'
                and (formula := _FORMULA_TEXT.match(text, position))
                and (formula.end() == end or text.startswith(delimiter, formula.end()))
            ):
                cells.append(formula[1])
                position = formula.end()
            elif text.startswith(quote, position) and not keep_bare:
                return cells, "text stands after a closing quote" if quoted else _OPEN
            else:
                stop = self._stop(text, position, end)
                cell = text[position:stop]
                if quote in cell and not keep_bare and not self._harmless(cell):
                    if cell.lstrip(" ").startswith(quote) and not quoted:
                        return cells, _OPEN
                    return cells, "a quote stands inside a field that is not quoted"
                cells.append(self._unescape.sub(r"\1", cell) if self._unescape else cell)
                position = stop
            if position >= end:
                return cells, ""
            position += step
            if position >= end:
                cells.append("")
                return cells, ""

    def _stop(self, text: str, position: int, end: int) -> int:
        if self._bare and (bare := self._bare.match(text, position)):
            return bare.end()
        stop = text.find(self.dialect.delimiter, position)
        return end if stop < 0 else stop

    def _plain(self, cell: str) -> str:
        if self._unescape:
            cell = self._unescape.sub(r"\1", cell)
        if cell.startswith('="') and (formula := _FORMULA_TEXT.fullmatch(cell)):
            return formula[1]
        return cell

    def _harmless(self, cell: str) -> bool:
        """Whether each quote follows a digit (inches, seconds of arc), is escaped, or is an apostrophe in a word."""
        if self._escaped:
            cell = self._escaped.sub("", cell)
        quote = self.dialect.quote
        places = [i for i, c in enumerate(cell) if c == quote]
        if quote == "'":
            return all(i > 0 and cell[i - 1].isalnum() for i in places)
        return all(i > 0 and cell[i - 1].isdigit() for i in places)


def _checked(line: int, text: str, cells: list[str], dialect: Dialect, note: str = "") -> Record:
    if not text.isascii() and _ESCAPED_BYTE.search(text):
        if not dialect.stray:
            return Record(
                line,
                [_ESCAPED_BYTE.sub("\ufffd", cell) for cell in cells],
                "the row holds bytes that are not text in the file's encoding",
                "Save the file as UTF-8 and import it again.",
            )
        cells = [_ESCAPED_BYTE.sub(lambda hit: _stray(hit[0], dialect.stray), cell) for cell in cells]
        note = STRAYS
    return Record(line, cells, note=note)


def _stray(sign: str, codec: str) -> str:
    return bytes([ord(sign) - 0xDC00]).decode(codec, errors="replace")
