"""People and companies as a file: who took how many, by which filter, stands in the log before the first row leaves."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import IO, Any, cast

import xlsxwriter  # type: ignore[import-untyped]  # no types published
from django.db.models import QuerySet

from accounts.actions.audit import Actor, write_audit
from leadgen.core.downloads import safe_cell
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.queries.custom import definitions
from prospects.queries.exports import count, keys_of, records
from prospects.rules.exports import Cell, Column, cell, columns_of, csv_text, value_of
from prospects.rules.imports_fields import Kind

FORMATS = ("csv", "xlsx")
MAX_XLSX = 100_000  # rows; a workbook is made before its first byte can be sent
MAX_CELL = 32_767  # characters a cell of a workbook holds
_FIRST_DAY = date(1900, 3, 1)  # workbooks count days from 1900, and count one that never was


class Export:
    """One file in the making, as `csv_parts` or `workbook`. `parts`: reads the records, some thousand at a time."""

    def __init__(self, subject: str, columns: Sequence[Column], parts: Callable[[], Iterable[Sequence[Any]]]) -> None:
        self.subject, self._columns, self._parts = subject, columns, parts

    def _cells(self, record: Any) -> list[Cell]:
        return [cell(column, value_of(record, column)) for column in self._columns]

    def csv_parts(self) -> Iterator[str]:
        """CSV text, a few thousand rows at a time; may be asked for after the request's transaction has ended."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([safe_cell(column.header) for column in self._columns])
        for part in self._parts():
            writer.writerows([csv_text(found, safe_cell) for found in self._cells(record)] for record in part)
            yield _drained(out)
        yield _drained(out)

    def workbook(self) -> IO[bytes]:
        """An XLSX file, at its beginning. Texts are texts, whatever they begin with; numbers and days are typed. Raises
        Invalid where a text is longer than a cell may be: nothing is cut."""
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the answer it is sent by
        options = {
            "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        }  # fmt: skip
        book = xlsxwriter.Workbook(file, options)
        sheet = book.add_worksheet(self.subject.capitalize())
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 1)
        sheet.write_row(0, 0, [column.header for column in self._columns], book.add_format({"bold": True}))
        line = 0
        try:
            for part in self._parts():
                for record in part:
                    line += 1
                    for place, found in enumerate(self._cells(record)):
                        if found is not None:
                            _write(sheet, line, place, found, day, self._columns[place], record)
        except Invalid:
            book.close()  # it holds files of its own
            file.close()
            raise
        book.close()
        file.seek(0)
        return file


def open_export(
    *, by: Actor, now: datetime, subject: str, rows: QuerySet[Any], file_format: str, filters: Sequence[str] = ()
) -> Export:
    """An export of exactly the rows there are now. `filters`: the conditions in words. Writes the audit row, in the caller's
    transaction: what is in the file afterwards never left without one. Raises Invalid for another format, or too many rows for a workbook."""
    if file_format not in FORMATS:
        raise Invalid(f"Choose one of: {', '.join(FORMATS)}.", field="as")
    keys = keys_of(rows)
    if file_format == "xlsx" and count(keys) > MAX_XLSX:
        raise Invalid(
            f"{count(keys):,} rows are too many for a workbook: at most {MAX_XLSX:,}. Take CSV, or filter the list.", field="as"
        )  # fmt: skip
    columns = columns_of(cast(Kind, subject), definitions(subject))
    noun = "person" if subject == "people" else "company"
    write_audit(
        by=by, action=f"{noun}.exported", now=now, target_type=noun, label=f"{count(keys):,} {subject}",
        detail={"rows": count(keys), "format": file_format, "filters": [text[:200] for text in filters[:20]]},
    )  # fmt: skip
    workspace_id = current_workspace_id()
    return Export(subject, columns, partial(records, subject, keys, workspace_id))


def _write(sheet: Any, line: int, place: int, found: Cell, day: Any, column: Column, record: Any) -> None:
    if isinstance(found, date) and found >= _FIRST_DAY:
        sheet.write_datetime(line, place, datetime(found.year, found.month, found.day), day)  # noqa: DTZ001  a day
    elif isinstance(found, int | float) or (isinstance(found, Decimal) and Decimal(repr(float(found))) == found):
        sheet.write_number(line, place, found)
    else:
        text = str(found)
        if len(text) > MAX_CELL:
            raise Invalid(
                f"{column.header} of {record} has {len(text):,} characters; a cell of a workbook holds {MAX_CELL:,}. Take CSV.",
                field="as",
            )  # fmt: skip
        sheet.write_string(line, place, text)


def _drained(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text
