"""Reading workbooks: Excel, OpenDocument, pages that call themselves .xls; and what must end in words, not in a dead worker."""

import datetime
import gzip
import io
import zipfile
from typing import Any

import pytest

from leadgen.core.errors import Invalid
from prospects.actions.imports_setup import file_findings, read_table
from tests.rules.workbooks import ods, xlsx

ROWS: list[list[Any]] = [
    ["Exported by Ana"],
    [],
    ["Name", "E-mail", "Since", "Phone", "Mailing"],
    ["Ana Cruz", "ana@a.example", datetime.date(2026, 1, 5), 4930123456, True],
    ["Bob", "b@b.example"],
    [],
    ["Cy\nLee", "cy@c.example", datetime.date(2025, 12, 31), 1.5, False],
    ["Total", None, None, 3],
]
READ = [
    (4, ["Ana Cruz", "ana@a.example", "2026-01-05", "4930123456", "TRUE"]),
    (5, ["Bob", "b@b.example", "", "", ""]),
    (7, ["Cy\nLee", "cy@c.example", "2025-12-31", "1.5", "FALSE"]),
]
FAR = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c>'
    '</row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
)


def refused(content: bytes, **options: Any) -> str:
    with pytest.raises(Invalid) as caught:
        read_table(content, **options)
    assert caught.value.code in ("not_csv", "empty")
    return caught.value.message


@pytest.mark.parametrize("make", [xlsx, ods])
def test_the_fullest_sheet_is_read_with_its_row_numbers_and_the_others_are_named(make: Any) -> None:
    table = read_table(make(("Read me", [["This list is for Ana."]]), ("People", ROWS)))
    assert table.header == ROWS[2]
    rows = list(table.rows())
    assert [(row.line, row.cells) for row in rows] == READ
    assert not any(row.problem for row in rows)
    said = file_findings(table)
    assert "sheet “People”, header in row 3" in said[0]
    assert said[1] == "1 line above the header was left out: Exported by Ana, , , , "
    assert said[2] == "Read from sheet “People”; the other sheets were not read: Read me."
    assert table.counts.remarks == ["Row 8 was left out as a line of totals: Total, 3"]


def test_another_sheet_can_be_chosen_and_hidden_ones_are_not_shown() -> None:
    book = xlsx(("A", ROWS), ("B", [["x", "y"], ["1", "2"]]), ("C", [["secret"]]), hidden=["C"])
    table = read_table(book, sheet="B")
    assert (table.sheets, table.header, table.sample()) == (["A", "B"], ["x", "y"], [["1", "2"]])
    assert refused(book, sheet="Z") == "The workbook has no sheet “Z”. Its sheets are A, B."


def test_a_web_page_or_xml_that_calls_itself_xls_is_read() -> None:
    page = "<html><meta charset='utf-8'><table><tr><th>Name</th><th>Mail</th></tr><tr><td>Ana &amp; Bo</td><td>a@b.example</td></tr></table>"
    assert read_table(page.encode()).sample() == [["Ana & Bo", "a@b.example"]]
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    xml = (
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="S"><Table>'
        "<Row><Cell><Data ss:Type='String'>Name</Data></Cell><Cell><Data>Mail</Data></Cell><Cell><Data>City</Data></Cell></Row>"
        "<Row><Cell><Data>Ana</Data></Cell><Cell ss:Index='3'><Data>Porto</Data></Cell></Row></Table></Worksheet></Workbook>"
    )
    assert read_table(xml.encode()).sample() == [["Ana", "", "Porto"]]


def test_a_packed_csv_is_unpacked_whatever_the_name() -> None:
    text = b"Name,Mail\nAna,a@b.example\n"
    assert read_table(gzip.compress(text)).sample() == [["Ana", "a@b.example"]]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("list.csv", text)
        archive.writestr("__MACOSX/._list.csv", b"x")
    assert read_table(buffer.getvalue()).sample() == [["Ana", "a@b.example"]]


@pytest.mark.timeout(60)
def test_bombs_and_files_that_are_no_table_end_in_words() -> None:
    far = refused(xlsx(("S", []), raw={"S": FAR}))
    assert "more than can be read" in far or "more memory or time than is allowed" in far
    assert "Delete" in far or "delete" in far
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(600):
            part.write(bytes(2**20))
    assert len(buffer.getvalue()) < 2**20
    assert "Unpacked, the file is larger than 512 MB" in refused(buffer.getvalue())
    assert "Unpacked, the file is larger than 200 MB" in refused(gzip.compress(bytes(201 * 2**20), 1))
    assert refused(xlsx(("S", []))) == "The workbook is empty. Choose one with a header and rows."
    assert "damaged" in refused(b"PK\x03\x04 this was a workbook")
    assert "cannot be read" in refused(b"\xd0\xcf\x11\xe0 this was an old workbook")
    assert "password" in refused(b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"))
    assert "PDF" in refused(b"%PDF-1.7")
    assert "web page without a table" in refused(b"<html><body>Log in</body></html>")
    assert refused(b"") == "The file is empty. Choose one with a header and rows."
