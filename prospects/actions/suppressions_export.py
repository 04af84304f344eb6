"""The ledger as a file: page, API and command give the same one, and leave the same audit row."""

import csv
import io
from datetime import datetime

from django.http import HttpResponse

from accounts.actions.audit import Actor, write_audit
from prospects.queries.suppressions import EXPORT_COLUMNS, export_rows


def export_text(*, by: Actor, now: datetime) -> str:
    """CSV of what is suppressed now. Audited: it may name people."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(EXPORT_COLUMNS)
    count = 0
    for row in export_rows():
        writer.writerow([_safe(cell) for cell in row])
        count += 1
    write_audit(by=by, action="suppression.exported", now=now, target_type="suppression", label=f"{count} rows")
    return out.getvalue()


def csv_of_export(*, by: Actor, now: datetime) -> HttpResponse:
    """The answer of page and API: a download a spreadsheet opens."""
    response = HttpResponse(export_text(by=by, now=now).encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="suppressions.csv"'
    return response


def _safe(text: str) -> str:
    """A cell a spreadsheet does not run as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
