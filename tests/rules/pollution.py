"""Tables as people send them: a clean table, written the way some program or person would, with what its reading must give.

`polluted(rng)` draws a table, a dialect and a handful of damages. `Case.rows` is the clean table; a damage of single rows
(a lost quote, a field too many) names the lines that must be reported instead.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.rules.pollution_words import (
    ALPHABETS,
    FIRMS,
    FIRST,
    HEADERS,
    LAST,
    NOTES,
    TITLES,
    WESTERN_FIRST,
    WESTERN_LAST,
)


@dataclass
class Case:
    """`header` and `rows` as they must be read; `broken`: numbers of rows that must be reported as a problem instead."""

    header: list[str]
    rows: list[list[str]]
    content: bytes = b""
    what: list[str] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)


def table(rng: random.Random, *, western: bool = False, plain: bool = False) -> Case:
    """A clean table. `western`: only letters of cp1252 and Mac Roman. `plain`: no quotes or line ends in cells."""
    names = rng.choice(HEADERS)
    width = rng.randint(3, len(names))
    rows = []
    for n in range(rng.randint(3, 40)):
        first = rng.choice(WESTERN_FIRST if western else FIRST)
        last = rng.choice(WESTERN_LAST if western else LAST).replace("_", " ")
        decimal = rng.choice([".", ","])
        row = [
            first, last, f"p{n}@{rng.choice(['acme', 'lumen', 'nord'])}.example", rng.choice(FIRMS), rng.choice(TITLES),
            rng.choice([f"+49 30 {rng.randint(10**5, 10**7)}", f"({rng.randint(200, 999)}) 555-{rng.randint(1000, 9999)}", ""]),
            str(rng.randint(1, 90000)), f"{rng.randint(1, 999)}{decimal}{rng.randint(10, 99)}",
            rng.choice(["2026-01-05", "05.01.2026", "1/5/2026 10:30"]), rng.choice(NOTES),
        ]  # fmt: skip
        if western:
            row = [cell.replace("„", "“") for cell in row]
        if plain:
            row = [cell.replace('"', "").replace("\n", " ").replace("\\", "").replace("'", "") for cell in row]
        rows.append(row[:width])
    return Case(names[:width], rows)


def written(
    rows: list[list[str]],
    delimiter: str,
    *,
    quote: str = '"',
    quote_all: bool = False,
    escape: str = "",
    end: str = "\n",
) -> str:
    """Rows as text. Python's csv module is not asked: this must know no more than the format does."""
    lines = []
    for row in rows:
        cells = []
        for cell in row:
            must = (
                any(sign in cell for sign in (delimiter, quote, "\n", "\r"))
                or (escape and escape in cell)
                or cell[:1] == " "
            )
            if quote_all or must:
                body = cell.replace(escape, escape * 2) if escape else cell
                body = body.replace(quote, (escape or quote) + quote)
                cells.append(f"{quote}{body}{quote}")
            else:
                cells.append(cell)
        lines.append(delimiter.join(cells))
    return end.join(lines) + end


def polluted(rng: random.Random) -> Case:
    """One file. The seed of `rng` decides everything."""
    encoding = rng.choice(
        ["utf-8"] * 6
        + ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1", "mac_roman", "cp850", "utf-32"]
    )
    western = encoding in ("cp1252", "latin-1", "mac_roman", "cp850")
    quote = rng.choice(['"'] * 9 + ["'"])
    delimiter = rng.choice([",", ";", "\t", "|"] * 4 + ["^", "~", ", ", "||", "\x1f"])
    escape = rng.choice([""] * 8 + ["\\"])
    case = table(rng, western=western, plain=quote == "'" or (delimiter == "\t" and rng.random() < 0.5))
    if encoding in ("latin-1", "mac_roman", "cp850"):
        case.rows = [[_fitting(cell, encoding) for cell in row] for row in case.rows]
    end = rng.choice(["\n", "\r\n", "\r\n", "\r"])
    inner = [list(row) for row in case.rows]
    case.what = [encoding, repr(delimiter), f"quote {quote}", f"escape {escape}", f"end {end!r}"]
    grid = [case.header, *inner]
    text = written(
        grid, delimiter, quote=quote, quote_all=rng.random() < 0.3, escape=escape, end=end,
    )  # fmt: skip
    for damage in rng.sample(_DAMAGES, rng.choice([0, 1, 1, 2, 3])):
        text = damage(rng, case, text, delimiter, end)
    if rng.random() < 0.15:
        text = text.removesuffix(end)
        case.what.append("no line end at the end")
    case.content = text.encode(encoding)
    return case


def other_alphabet(rng: random.Random) -> Case:
    """A file in a code page of another alphabet, as local programs write it."""
    encoding = rng.choice(list(ALPHABETS))
    words = ALPHABETS[encoding].split()
    case = table(rng, western=True, plain=True)
    for row in case.rows:
        row[0], row[1] = rng.choice(words), f"{rng.choice(words)} {rng.choice(words)}"
        if len(row) > 4:
            row[3], row[4] = rng.choice(words), " ".join(rng.sample(words, 3))
        row[2:] = [cell if n in (1, 2) and len(row) > 4 else _fitting(cell, "ascii") for n, cell in enumerate(row[2:])]
    case.header = [f"H{n}" for n in range(len(case.header))]
    delimiter = rng.choice([",", ";", "\t"])
    case.what = [encoding, repr(delimiter)]
    case.content = written([case.header, *case.rows], delimiter, end="\r\n").encode(encoding)
    return case


def _fitting(text: str, encoding: str) -> str:
    return text.encode(encoding, "ignore").decode(encoding)


def _preamble(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    case.what.append("preamble")
    title = rng.choice(["Contacts export", "Report: all leads", "Liste der Kontakte", "Exported by Ana"])
    lines = [title, *rng.choice([[], ["Date: 2026-01-05"], ["2026-01-05 10:00", ""], [""]])]
    if rng.random() < 0.3:  # a spreadsheet pads them
        lines = [line + delimiter * (len(case.header) - 1) for line in lines]
    return end.join(lines) + end + text


def _facts_above(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    """Pairs of word and value above the table, as reports write them."""
    if {"preamble", "sep="} & set(case.what) or len(case.header) < 5:
        return text
    case.what.append("preamble of pairs")
    pairs = [
        ("Report", "All leads"),
        ("Date", "2026-01-05"),
        ("User", "Ana"),
        ("Filter", "Country is DE"),
        ("Rows", "40"),
    ]
    return (
        end.join(delimiter.join(pair) for pair in rng.sample(pairs, rng.randint(2, 4))) + end * rng.randint(1, 2) + text
    )


def _comments(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    if {"preamble", "sep=", "preamble of pairs"} & set(case.what):
        return text
    case.what.append("comments above")
    return f"# Export of contacts{end}# made 2026-01-05{end}" + text


def _ends_early(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    """Empty fields at the end of a row left away, as some programs do."""
    if (
        len(case.what) > 5
        or len(case.rows) < 8
        or len(case.header) < 4
        or "\n" in "".join("".join(r) for r in case.rows)
    ):
        return text
    quote, escape = case.what[2][-1], case.what[3].removeprefix("escape ")
    case.what.append("rows that end early")
    trimmed = []
    for row in case.rows:
        keep = rng.randint(3, len(row)) if rng.random() < 0.5 else len(row)
        row[keep:] = [""] * (len(row) - keep)
        cells = list(row)
        while cells and not cells[-1]:
            cells.pop()
        trimmed.append(cells)
    return written([case.header, *trimmed], delimiter, quote=quote, escape=escape, end=end)


def _mixed_ends(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    if "\n" in "".join("".join(row) for row in case.rows) or end == "\r":
        return text
    case.what.append("mixed line ends")
    lines = text.split(end)
    return "".join(line + rng.choice(["\n", "\r\n"]) for line in lines[:-1]) + lines[-1]


def _totals(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    case.what.append("totals")
    width = len(case.header)
    cells = [
        rng.choice(["Total", "Summe", "Grand Total", "Gesamt", "TOTAL:"]),
        *([""] * (width - 2)),
        str(len(case.rows)),
    ]
    return text + delimiter.join(cells) + end


def _notes(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    case.what.append("notes below")
    lines = rng.choice(
        [
            ["Confidential Information - Do Not Distribute"],
            ["Copyright © 2026 acme" if delimiter != "^" else "Copyright"],
            ["Source: own"],
            ["* estimated", "** at year end"],
        ]
    )
    return text + end + end.join(_fitting(line, "ascii") for line in lines) + end


def _blank_lines(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    case.what.append("blank lines")
    return text + rng.choice([end, end * 3, (delimiter * (len(case.header) - 1) + end) * 2, "   " + end])


def _nuls(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    if case.what[0].startswith("utf-16") or case.what[0] == "utf-32":
        return text
    case.what.append("NULs")
    at = text.find(delimiter, len(text) // 2)
    return text[:at] + "\0" + text[at:] if at > 0 else text


def _sep_line(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    if len(delimiter) > 1 or "preamble" in case.what:
        return text
    case.what.append("sep=")
    return f"sep={delimiter}{end}{text}"


def _again(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    """The header once more below the rows, as where files are put together."""
    if {"totals", "notes below", "blank lines"} & set(case.what):
        return text
    case.what.append("header again")
    quote, escape = case.what[2][-1], case.what[3].removeprefix("escape ")
    extra = table(rng, western=True, plain=True)
    more = [[_fitting(cell, "ascii") for cell in (row + ["x"] * 10)[: len(case.header)]] for row in extra.rows]
    case.rows += more
    return text + written([case.header, *more], delimiter, quote=quote, escape=escape, end=end)


def _empty_columns(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    if "\n" in "".join("".join(row) for row in case.rows) or len(case.what) > 5:
        return text
    case.what.append("empty columns at the right")
    return end.join(line + delimiter * 3 if line else line for line in text.split(end))


def _formula_text(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    quote = case.what[2][-1]
    if quote != '"' or case.what[3] != "escape " or "header again" in case.what or len(case.what) > 5:
        return text
    case.what.append('="..."')
    width = len(case.header)
    added = ["0049301234", *["x"] * (width - 1)]
    case.rows.append(added)
    cells = rng.choice([['="0049301234"', *added[1:]], ['"=""0049301234"""', *added[1:]]])
    return text + delimiter.join(cells) + end


def _broken_row(rng: random.Random, case: Case, text: str, delimiter: str, end: str) -> str:
    """One row with a field too few or too many, or a lost quote: it must be named, and every other row read."""
    quote = case.what[2][-1]
    if len(case.what) > 5:
        return text
    # A lost quote in a file between tabs is text: such files are written without quotes.
    kind = rng.choice(["short", "long", *([] if delimiter == "\t" else ["open"])])
    case.what.append(f"broken row ({kind})")
    width = len(case.header)
    cells = ["Eve"] + ["y"] * (width - 1)
    if kind == "short":
        cells = cells[:-1]
    elif kind == "long":
        cells.append("z")
    else:
        cells[1] = f"{quote}y"
    case.broken.add(len(case.rows))
    case.rows += [cells, ["Zed", *["w"] * (width - 1)]]
    return text + delimiter.join(cells) + end + delimiter.join(case.rows[-1]) + end


_DAMAGES: list[Callable[[random.Random, Case, str, str, str], str]] = [
    _preamble, _totals, _notes, _blank_lines, _nuls, _sep_line, _again, _empty_columns, _formula_text, _broken_row,
    _facts_above, _comments, _ends_early, _mixed_ends,
]  # fmt: skip


def difference(case: Case, read: Callable[[bytes], tuple[list[str], list[tuple[list[str], str]]]]) -> str:
    """How the reading (header, rows with their problems) differs from the clean table, "" where it does not."""
    header, rows = read(case.content)
    if header != case.header:
        return f"header {header}"
    if len(rows) != len(case.rows):
        return f"{len(rows)} rows instead of {len(case.rows)}"
    for n, ((cells, problem), wanted) in enumerate(zip(rows, case.rows, strict=True)):
        if n in case.broken:
            if not problem:
                return f"row {n} is broken and was not reported: {cells}"
        elif problem:
            return f"row {n}: {problem}"
        elif [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells] != wanted:
            return f"row {n}: {cells} instead of {wanted}"
    return ""
