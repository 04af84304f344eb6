"""Delimiter and header of a file, found by how well each reading holds over a sample of its records."""

import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import TextIO

from prospects.sources.csv.records import Record, read_records

DELIMITERS = (",", ";", "\t", "|")  # in the order that breaks ties
SAMPLE_CHARS = 256 * 1024
SAMPLE_RECORDS = 500
PREAMBLE_RECORDS = 30

_SEP_LINE = re.compile(r"\s*sep=(.)\s*\Z", re.IGNORECASE)
_DATA_CELL = re.compile(
    r"""\s*(?: [^@\s]+@[^@\s]+\.[^@\s]+ | [+-]?[0-9][0-9.,' ]*[€$%]? | [0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}.* )\s*\Z""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is cut up: the delimiter, the header record, the records before it, the first ones after
    it, and what to tell the user."""

    delimiter: str
    header: Record | None
    preamble: list[Record]
    sample: list[Record]
    warnings: list[str]


def find_layout(stream: TextIO, *, delimiter: str | None = None) -> Layout:
    """The layout of the table in `stream` (read from its start, at most SAMPLE_CHARS)."""
    sample = stream.read(SAMPLE_CHARS)
    if len(sample) == SAMPLE_CHARS:  # the last record may be cut
        sample = sample[: sample.rfind("\n") + 1] or sample
    warnings: list[str] = []
    told = _SEP_LINE.match(sample.split("\n", 1)[0].strip("\r\n"))
    if delimiter is None and told:
        delimiter = told[1]
    if delimiter is None:
        scores = {d: _consistency(_sample_records(sample, d)) for d in DELIMITERS}
        delimiter = max(DELIMITERS, key=lambda d: scores[d])
        rivals = [d for d in DELIMITERS if d != delimiter and 0 < scores[d] >= scores[delimiter] - 0.05]
        if rivals and scores[delimiter] > 0:
            names = " or ".join(delimiter_name(d) for d in [delimiter, *rivals])
            warnings.append(f"The delimiter could be {names}; read with {delimiter_name(delimiter)}.")
    records = _sample_records(sample, delimiter)
    at = _header_index(records, 1 if told else 0)
    if at is None:
        return Layout(delimiter, None, records[:PREAMBLE_RECORDS], [], warnings)
    header = records[at]
    if not header.problem and len(header.cells) > 1 and any(_DATA_CELL.match(cell) for cell in header.cells if cell):
        warnings.append(
            f"Row {header.line} is taken for the header, but it looks like data: {', '.join(header.cells)[:120]}. "
            "If the file has no header, add one."
        )
    return Layout(delimiter, header, records[:at], records[at + 1 :], warnings)


def delimiter_name(delimiter: str) -> str:
    """The delimiter in a word."""
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}.get(delimiter, repr(delimiter))


def _sample_records(sample: str, delimiter: str) -> list[Record]:
    records: list[Record] = []
    for record in read_records(io.StringIO(sample, newline=""), delimiter):
        records.append(record)
        if len(records) >= SAMPLE_RECORDS:
            break
    return records


def is_blank(record: Record) -> bool:
    """Whether the record is an empty line (spaces count as nothing)."""
    return not record.problem and len(record.cells) == 1 and not record.cells[0].strip()


def _consistency(records: list[Record]) -> float:
    """0 where the reading gives one column; else the share of records of the most common width (up to 1), more if the
    first line that could be a header has that width too, a hair more the wider it is."""
    full = [r for r in records if not is_blank(r)]
    widths = Counter(len(r.cells) for r in full if not r.problem)
    wide = {width: n for width, n in widths.items() if width > 1}
    if not wide:
        return 0.0
    width, count = max(wide.items(), key=lambda item: (item[1], item[0]))
    # Preamble lines of one cell say nothing about a delimiter that does not occur in them.
    lead = next((i for i, r in enumerate(full) if len(r.cells) > 1 or r.problem), 0)
    share = count / (len(full) - min(lead, PREAMBLE_RECORDS))
    first = full[lead]
    fits = 0.2 if not first.problem and len(first.cells) == width else 0.0
    unread = sum(1 for r in full if r.problem) / len(full)
    return share + fits - unread - 0.3 * lead / len(full) + min(width, 50) * 0.001


def _header_index(records: list[Record], start: int) -> int | None:
    """The index of the header: the first record that is not a preamble line.

    A preamble line (a title, a note, a date of export) has at most half of the table's columns filled, and a better
    header comes after it: one with more cells filled, none of which looks like data. A line of one cell is always
    preamble in a table of several columns. Tables of one column have no preamble.
    """
    full = [(i, r) for i, r in enumerate(records) if i >= start and not is_blank(r)]
    if not full:
        return None
    widths = Counter(len(r.cells) for _, r in full if not r.problem and len(r.cells) > 1)
    if not widths:
        return full[0][0]
    width = max(widths.items(), key=lambda item: (item[1], item[0]))[0]
    filled = {i: sum(1 for cell in r.cells if cell.strip()) for i, r in full[:PREAMBLE_RECORDS] if not r.problem}
    like_header = [i for i, r in full if i in filled and not any(_DATA_CELL.match(cell) for cell in r.cells if cell)]
    for i in filled:
        if filled[i] > 1 and (filled[i] > width // 2 or not any(j > i and filled[j] > filled[i] for j in like_header)):
            return i
    return full[0][0]
