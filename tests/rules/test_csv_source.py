"""Reading CSV files: encodings, delimiters, headers, and rows that are broken."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prospects.sources.csv import Row, Table, TableError, open_table
from tests.rules.shared_data import ROOT, data_file

SPECTRUM = sorted(path.stem for path in (ROOT / "csv/spectrum").glob("*.csv"))
SINEEMORE = sorted(path.stem for path in (ROOT / "csv/sineemore/csv").glob("*.csv"))
BAD = {
    "bad-header-less-fields": (2, "2 fields where the header has 3"),
    "bad-header-more-fields": (2, "4 fields where the header has 3"),
    "bad-missing-quote": (2, "a quote opened in this row is never closed"),
    "bad-quotes-with-unescaped-quote": (2, "text stands after a closing quote"),
    "bad-unescaped-quote": (2, "a quote stands inside a field that is not quoted"),
}


def table(text: str | bytes) -> Table:
    return open_table(text.encode() if isinstance(text, str) else text)


def cells(text: str | bytes) -> list[list[str]]:
    opened = table(text)
    rows = list(opened.rows())
    assert [row for row in rows if row.problem] == []
    return [opened.header, *(row.cells for row in rows)]


def problems(opened: Table) -> list[tuple[int, str]]:
    return [(row.line, row.problem) for row in opened.rows() if row.problem]


def test_the_shared_files_are_all_here() -> None:
    data_file("csv")
    assert (len(SPECTRUM), len(SINEEMORE)) == (12, 25)


@pytest.mark.parametrize("name", SPECTRUM)
def test_spectrum_files_equal_their_json(name: str) -> None:
    opened = open_table(data_file(f"csv/spectrum/{name}.csv"))
    rows = [dict(zip(opened.header, row.cells, strict=True)) for row in opened.rows()]
    wanted = json.loads(data_file(f"csv/spectrum_json/{name}.json").read_text("utf-8"))
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if name == "location_coordinates":  # the published pair disagrees about the phone number
        for row in (*rows, *wanted):
            row.pop("Contact Phone Number")
    assert rows == wanted
    assert problems(opened) == []


@pytest.mark.parametrize("name", SINEEMORE)
def test_sineemore_good_files_equal_their_json_and_bad_ones_name_the_row(name: str) -> None:
    path = data_file(f"csv/sineemore/csv/{name}.csv")
    if name == "bad-header-no-header":
        with pytest.raises(TableError, match="Row 1: the file is empty"):
            open_table(path)
    elif name == "bad-header-wrong-header":  # bad only for who expects other names: see test_imports_mapping
        assert open_table(path).header == ["qux", "quux", "quuz"]
    elif name in BAD:
        assert problems(open_table(path)) == [BAD[name]]
    else:
        wanted = json.loads(data_file(f"csv/sineemore/json/{name}.json").read_text("utf-8"))
        opened = open_table(path, has_header=name != "all-empty")
        found = [row.cells for row in opened.rows()]
        if wanted and isinstance(wanted[0], list):
            assert ([opened.header] if opened.header_row_number else []) + found == wanted
        else:
            assert [dict(zip(opened.header, row, strict=True)) for row in found] == wanted
        assert problems(opened) == []


NAMES = "Vorname;Nachname;Firma\nJürgen;Müller;Bäckerei Groß\nÄnne;Schröder;Café „Crème“ – 5 €\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman"]
)
def test_encodings_are_found(encoding: str) -> None:
    opened = open_table(NAMES.encode(encoding))
    assert [opened.header, *(row.cells for row in opened.rows())] == [line.split(";") for line in NAMES.splitlines()]
    assert opened.encoding_sure == (encoding not in ("utf-16-le", "utf-16-be", "cp1252", "mac_roman"))
    assert bool(opened.warnings) != opened.encoding_sure


def test_other_alphabets_and_a_given_encoding() -> None:
    text = "Имя;Фирма\nИван;Газпром\nМария;Яндекс и партнёры\n"
    assert table(text.encode("cp1251")).sample() == [["Иван", "Газпром"], ["Мария", "Яндекс и партнёры"]]
    given_one = open_table("a,b\nŁódź,1\n".encode("cp1250"), encoding="cp1250")
    assert given_one.sample() == [["Łódź", "1"]]
    with pytest.raises(TableError, match="unknown encoding klingon"):
        open_table(b"a,b\n", encoding="klingon")


def test_damaged_utf8_is_mended_in_the_rows_that_hold_it_and_names_them() -> None:
    good = "".join(f"{i},Größe über Maß\n" for i in range(20))
    opened = table(("id,text\n" + good).encode() + b"99,Gr\xf6\xdfe\n" + "100,ok é\n".encode())
    assert opened.encoding == "utf-8"
    assert "damaged bytes" in opened.warnings[0]
    assert list(opened.rows())[20] == Row(22, ["99", "Größe"])
    assert opened.counts.remarks == ["Row 22: held bytes that are not UTF-8; they were read as Windows-1252."]
    assert opened.counts.rows == 22


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_by_consistency(delimiter: str) -> None:
    rows = [["name", "amount", "note"], ["Ana, Ltd; x", "1,5", "a|b"], ["Bob", "2,5", "tab\there"], ["Cy", "3", ""]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    opened = table(buffer.getvalue())
    assert (opened.delimiter, opened.sample()) == (delimiter, rows[1:])


def test_decimal_commas_do_not_win_over_semicolons() -> None:
    opened = table("name;value\n" + "".join(f"n{i};{i},5\n" for i in range(50)))
    assert opened.delimiter_name == "semicolon"
    assert opened.sample(1) == [["n0", "0,5"]]
    assert table("sep=|\na,x|b\n1,1|2\n").sample() == [["1,1", "2"]]


def test_a_preamble_is_kept_apart() -> None:
    opened = table(
        "Notes:\n"
        '"When exporting your connection data, you may notice that some of the email addresses are missing, see help."\n'
        "\n"
        "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n"
        "Ana,Cruz,https://www.linkedin.com/in/ana,ana@a.example,Acme,CTO,21 Nov 2025\n"
    )
    assert opened.header_row_number == 4
    assert opened.header[0] == "First Name"
    assert opened.preamble[0] == "Notes:"
    assert [row.line for row in opened.rows()] == [5]
    only_header = table('Notes:\n"A, b"\n\nFirst Name,Last Name,URL,Email Address,Company,Position,Connected On')
    assert (only_header.header_row_number, only_header.sample()) == (4, [])
    padded = table("Report,,,\nmade,2026,,\na,b,c,d\n1,2,3,4\n1,2,3,4\n")
    assert (padded.header, padded.header_row_number) == (["a", "b", "c", "d"], 3)
    assert padded.preamble == ["Report,,,", "made,2026,,"]


def test_header_names_are_unique_and_surplus_empty_columns_go() -> None:
    opened = table("Email,Email,,Name,,\na@a.example,b@b.example,x,Ana,,\n")
    assert opened.header == ["Email", "Email (2)", "Column 3", "Name"]
    assert opened.sample() == [["a@a.example", "b@b.example", "x", "Ana"]]
    assert len(opened.warnings) == 2
    assert "looks like data" in table("id,2026-01-05\n7,Bob\n").warnings[0]


def test_a_file_that_begins_with_an_address_has_no_header_and_loses_no_row() -> None:
    opened = table("ana@a.example,Ana\nbob@b.example,Bob\n")
    assert "Row 1 is data, so the file has no header" in opened.warnings[0]
    assert opened.header == ["Column 1", "Column 2"]
    assert opened.sample() == [["ana@a.example", "Ana"], ["bob@b.example", "Bob"]]


def test_broken_rows_are_reported_each_and_the_rest_is_read() -> None:
    opened = table(
        "id,name,note\n"
        "1,Ana,ok\n"
        "2,Bob\n"
        "3,Cy,x,y\n"
        '4,"Dee,never closed\n'
        "5,Eve,nul\0\n"
        "\n"
        "6,Flo,surplus,,\n"
        '7,"Gil ""G"" Gold","two\nlines"\n'
        '8,"Hal","a" b\n'
        "9,Ivy,last\n"
    )
    rows = list(opened.rows())
    assert [(row.line, row.problem) for row in rows] == [
        (2, ""),
        (3, "2 fields where the header has 3"),
        (4, "4 fields where the header has 3"),
        (5, "text stands after a closing quote"),
        (6, ""),
        (8, ""),
        (9, ""),
        (11, "text stands after a closing quote"),
        (12, ""),
    ]
    assert rows[6].cells == ["7", 'Gil "G" Gold', "two\nlines"]
    assert rows[3].cells == ['4,"Dee,never closed']
    assert all(row.remedy for row in rows if row.problem)
    assert (opened.counts.rows, opened.counts.problems, opened.counts.blank_lines) == (9, 4, 1)
    assert opened.counts.remarks == ["Row 6: held NUL characters, which were taken out."]
    assert [row.line for row in opened.rows(after_line=9)] == [11, 12]


def test_quotes_that_are_units_and_tab_files_without_quoting() -> None:
    assert cells('size,name\n5" pipe,a\n37.8"N 2.9"W,b\n')[1:] == [['5" pipe', "a"], ['37.8"N 2.9"W', "b"]]
    assert cells('name\tnick\nBob "the" B\t"B\nAna\t"two\nlines"\n')[1:] == [
        ['Bob "the" B', '"B'],
        ["Ana", "two\nlines"],
    ]
    assert cells('a, b\n1, "x, y"\n')[1:] == [["1", "x, y"]]


def test_line_ends_of_three_systems_and_blank_lines() -> None:
    for end in ("\n", "\r\n", "\r"):
        opened = table(f"a,b{end}1,2{end}{end}3,4{end}")
        assert [(row.line, row.cells) for row in opened.rows()] == [(2, ["1", "2"]), (4, ["3", "4"])]
        assert opened.counts.blank_lines == 1


def test_a_lost_quote_does_not_swallow_the_file() -> None:
    lines = ["id,text"] + [f"{i},row {i}" for i in range(3000)]
    lines[10] = '9,"lost'
    opened = table("\n".join(lines))
    rows = list(opened.rows())
    assert [(row.line, row.problem) for row in rows if row.problem] == [
        (11, "a quote opened in this row is never closed")
    ]
    assert len(rows) == 3000


def test_a_giant_line_is_reported_and_passed_over() -> None:
    opened = table("a,b\n1," + "x" * 3_000_000 + "\n2,ok\n")
    rows = list(opened.rows())
    assert "longer than" in rows[0].problem
    assert len(rows[0].cells[0]) <= 200
    assert rows[1] == Row(3, ["2", "ok"])


@pytest.mark.parametrize("content", [b"", b"\n\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(content: bytes) -> None:
    with pytest.raises(TableError, match="Row 1: the file is empty"):
        open_table(content)


def test_rows_can_be_read_again_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    opened = open_table(str(path))
    assert list(opened.rows()) == list(opened.rows()) == [Row(2, ["1", "2"])]
    assert opened.counts.rows == 1


CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\ufeff"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=1, max_size=8), st.sampled_from([",", ";", "\t", "|"]))
def test_what_pythons_writer_wrote_is_read_back(rows: list[list[str]], delimiter: str) -> None:
    width = len(rows[0])
    # A row of nothing is a blank line, and a lone "Source: ..." below a table is no row of it.
    rows = [["x", *(row + [""] * width)[: width - 1], "x"] for row in rows]
    width += 1
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([[f"h{i}" for i in range(width)], *rows])
    opened = open_table(buffer.getvalue().encode(), delimiter=delimiter)
    found = list(opened.rows())
    assert [row.problem for row in found] == [""] * len(rows)
    assert [row.cells for row in found] == rows


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_it(content: bytes) -> None:
    try:
        opened = open_table(content)
    except TableError:
        return
    for row in opened.rows():
        assert row.problem or len(row.cells) == len(opened.header)
