"""Delimiter, quotes and header of a file, found by how well each reading holds over a sample of its records."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from prospects.sources.csv.records import Dialect, Record, read_records

DELIMITERS = (",", ";", "\t", "|", "^", "~", "¦", "\x1f", "\x01")  # in the order that breaks ties
_FAINT = (":", " ")  # only where nothing else cuts the lines, and these do so without one exception
SAMPLE_CHARS = 256 * 1024
SAMPLE_RECORDS = 500
PREAMBLE_RECORDS = 30
_NAMES = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space", ":": "colon", "^": "caret", "~": "tilde",
    ", ": "comma and space", "\x1f": "unit separator (0x1F)", "\x01": "start of heading (0x01)",
}  # fmt: skip

_SEP_LINE = re.compile(r"\s*\"?sep=(\\t|.)\"?[,;\s]*\Z", re.IGNORECASE)
_DATA_CELL = re.compile(
    r"""\s*(?: [^@\s]+@[^@\s]+\.[^@\s]+ | [+-]?[0-9][0-9.,' ]*[€$%]? | [0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}.* )\s*\Z""",
    re.VERBOSE,
)
_SINGLE = re.compile(r"(?:^|[,;\t|^~¦\x1f\x01] ?)'[^'\r\n]*'(?=[,;\t|^~¦\x1f\x01]|\r|$)", re.MULTILINE)
_SURE_DATA = re.compile(r"\s*(?:[^@\s,;]+@[^@\s,;]+\.[a-z]{2,}|https?://\S+)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is cut up: its dialect, the header record, the records before it, the first ones after it, and what
    to tell the user. `headless`: the record in `header` is data, as nobody names a column with an address."""

    dialect: Dialect
    header: Record | None
    preamble: list[Record]
    sample: list[Record]
    warnings: list[str]
    headless: bool = False


def find_layout(stream: TextIO, *, delimiter: str | None = None, stray: str = "") -> Layout:
    """The layout of the table in `stream` (read from its start, at most SAMPLE_CHARS)."""
    sample = stream.read(SAMPLE_CHARS)
    if len(sample) == SAMPLE_CHARS:  # the last record may be cut
        sample = sample[: sample.rfind("\n") + 1] or sample
    sample = sample.lstrip("\ufeff")
    told = _SEP_LINE.match(re.split(r"[\r\n]", sample, maxsplit=1)[0])
    if delimiter is None and told:
        delimiter = "\t" if told[1] == "\\t" else told[1]
    dialect, warnings = _find_dialect(sample, delimiter)
    dialect = replace(dialect, stray=stray)
    if dialect.quote != '"':
        warnings.append(f"Fields are quoted with {dialect.quote} here.")
    if dialect.escape:
        warnings.append(f"{dialect.escape} before a quote or delimiter makes it part of the text here.")
    return layout_of(_sample_records(sample, dialect), dialect, warnings, start=1 if told else 0)


def layout_of(records: list[Record], dialect: Dialect, warnings: list[str], *, start: int = 0) -> Layout:
    """Where in these records the header stands."""
    at = _header_index(records, start)
    if at is None:
        return Layout(dialect, None, records[:PREAMBLE_RECORDS], [], warnings)
    header = records[at]
    headless = False
    if not header.problem and any(_DATA_CELL.match(cell) for cell in header.cells if cell):
        headless = any(_SURE_DATA.match(cell) for cell in header.cells)
        words = ", ".join(header.cells)[:120]
        if headless:
            warnings.append(
                f"Row {header.line} is data, so the file has no header: {words}. Its columns are called Column 1 and so on."
            )
        elif len(header.cells) > 1:
            warnings.append(
                f"Row {header.line} is taken for the header, but it looks like data: {words}. "
                "If the file has no header, add one."
            )
    return Layout(dialect, header, records[:at], records[at + 1 :], warnings, headless)


def _find_dialect(sample: str, delimiter: str | None) -> tuple[Dialect, list[str]]:
    """The reading under which most records have one width. Doubled quotes and " win unless another way is clearly better."""
    warnings: list[str] = []
    ways = [('"', "")]
    if '\\"' in sample:
        ways.append(('"', "\\"))
    if _SINGLE.search(sample):
        ways += [("'", ""), *([("'", "\\")] if "\\'" in sample else [])]
    present = [d for d in DELIMITERS if d in sample] if delimiter is None else [delimiter]
    if delimiter is None and sample.count(", ") > 0.5 * sample.count(",") > 2:
        present.append(", ")
    scores = {
        Dialect(d, quote, escape): _consistency(_sample_records(sample, Dialect(d, quote, escape)))
        + (0.0 if quote == '"' else 0.02 if _all_single(sample, d) else -0.02)
        - 0.02 * bool(escape)
        for d in present
        for quote, escape in ways
    }
    if delimiter is not None:
        best = max(scores, key=lambda dialect: scores[dialect])
        return best, warnings
    best = max(scores, key=lambda dialect: scores[dialect], default=Dialect(","))
    if scores.get(best, 0.0) <= 0:
        return _faint(sample) or Dialect(","), warnings
    rivals = [d for d in scores if d.delimiter != best.delimiter and 0 < scores[d] >= scores[best] - 0.05]
    if rivals:
        names = " or ".join(dict.fromkeys(delimiter_name(d.delimiter) for d in [best, *rivals]))
        warnings.append(f"The delimiter could be {names}; read with {delimiter_name(best.delimiter)}.")
    if "\\" + best.delimiter in sample and not best.escape:
        escaped = replace(best, escape="\\")
        if _consistency(_sample_records(sample, escaped)) > scores[best] + 0.01:
            best = escaped
    return _widened(sample, best), warnings


def _all_single(sample: str, delimiter: str) -> bool:
    """Whether cells that begin with an apostrophe end with one too, so that it is a quote and no letter."""
    cells = [c for r in _sample_records(sample, Dialect(delimiter, '"')) for c in r.cells]
    begun = [c for c in cells if c.startswith("'")]
    closed = [c for c in begun if len(c) > 1 and c.endswith("'")]
    sure = len(closed) >= 2 or any(c[1] == " " or c[-2] == " " for c in closed)
    return sure and len(closed) == len(begun) and not any('""' in c for c in cells)


def _faint(sample: str) -> Dialect | None:
    """Colons and spaces cut lines only where each line has the same number of them, four fields or more, or where the
    fields are quoted."""
    for delimiter in _FAINT:
        for quote in ('"', "'"):
            records = [r for r in _sample_records(sample, Dialect(delimiter, quote)) if not is_blank(r)]
            widths = {len(r.cells) for r in records}
            if len(records) < 3 or len(widths) != 1 or any(r.problem for r in records):
                continue
            width = widths.pop()
            if width >= 4 or (width > 1 and sample.count(f"{quote}{delimiter}{quote}") >= len(records)):
                return Dialect(delimiter, quote)
    return None


def _widened(sample: str, dialect: Dialect) -> Dialect:
    """Delimiters of two signs: a doubled one, and one that a space follows each time."""
    d = dialect.delimiter
    if len(d) > 1:
        return dialect
    for wider in (d * 2, d + " "):
        if sample.count(wider) < 4 or sample.count(wider) * (2 if wider == d * 2 else 1) < 0.9 * sample.count(d):
            continue
        records = [
            r for r in _sample_records(sample, dialect) if not is_blank(r) and not r.problem and len(r.cells) > 1
        ]
        odd = [cell for r in records for cell in (r.cells[1::2] if wider == d * 2 else r.cells[1:])]
        if wider == d * 2 and len(records) > 1 and not any(odd):
            return replace(dialect, delimiter=wider)
        # A quoted field loses the space before it by itself.
        bare = [cell for cell in odd if cell]
        read = _sample_records(sample, replace(dialect, delimiter=wider))
        same = sum(len(a.cells) == len(b.cells) for a, b in zip(read, _sample_records(sample, dialect), strict=False))
        if (
            wider == d + " "
            and len(records) > 2
            and same >= 0.9 * len(read)
            and sum(c.startswith(" ") for c in bare) > 0.5 * len(bare)
        ):
            return replace(dialect, delimiter=wider)
    return dialect


def delimiter_name(delimiter: str) -> str:
    """The delimiter in a word."""
    return _NAMES.get(delimiter, repr(delimiter))


def _sample_records(sample: str, dialect: Dialect) -> list[Record]:
    records: list[Record] = []
    for record in read_records(io.StringIO(sample, newline=""), dialect):
        records.append(record)
        if len(records) >= SAMPLE_RECORDS:
            break
    return records


def is_blank(record: Record) -> bool:
    """Whether the record is an empty line (spaces count as nothing)."""
    return not record.problem and len(record.cells) == 1 and not record.cells[0].strip()


def filled(cells: Sequence[str]) -> int:
    """How many cells have something in them."""
    return sum(1 for cell in cells if cell and not cell.isspace())


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
    if any(cell.startswith('"') for r in full if not r.problem for cell in r.cells):
        unread += 0.05  # a quote that this reading leaves in the text
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
    counts = {i: filled(r.cells) for i, r in full[:PREAMBLE_RECORDS] if not r.problem}
    like_header = [i for i, r in full if i in counts and not any(_DATA_CELL.match(cell) for cell in r.cells if cell)]
    for i in counts:
        if counts[i] > 1 and (counts[i] > width // 2 or not any(j > i and counts[j] > counts[i] for j in like_header)):
            return i
    return full[0][0]
