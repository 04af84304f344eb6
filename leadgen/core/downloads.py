"""Answers a browser saves as a file."""

import re
from collections.abc import Iterable
from typing import IO

from django.http import FileResponse, HttpResponse, StreamingHttpResponse

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def safe_cell(text: str) -> str:
    """A cell of a CSV file that no spreadsheet runs as a formula: an apostrophe before what could begin one, which our
    imports take off again (rules.normalise_text.clean_text). Negative numbers stay numbers."""
    if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_download(text: str, *, name: str) -> HttpResponse:
    """`text` as a CSV download a spreadsheet opens; `name` is ours, without the ending."""
    response = HttpResponse(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def csv_stream(parts: Iterable[str], *, name: str) -> StreamingHttpResponse:
    """The same, sent part by part as it is made."""
    texts = iter(parts)
    response = StreamingHttpResponse(
        (part.encode("utf-8-sig" if first else "utf-8") for first, part in _marked(texts)),
        content_type="text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _marked(parts: Iterable[str]) -> Iterable[tuple[bool, str]]:
    for number, part in enumerate(parts):
        yield number == 0, part


def xlsx_download(file: IO[bytes], *, name: str) -> FileResponse:
    """A workbook as a download; the file is closed with the answer."""
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)
