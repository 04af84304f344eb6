"""Answers a browser saves as a file."""

from django.http import HttpResponse


def csv_download(text: str, *, name: str) -> HttpResponse:
    """`text` as a CSV download a spreadsheet opens; `name` is ours, without the ending."""
    response = HttpResponse(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
