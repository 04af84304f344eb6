"""The ledger as a file: page, API and command give the same one, and leave the same audit row."""

import csv
import io
from datetime import datetime

from accounts.actions.audit import Actor, write_audit
from leadgen.core.downloads import safe_cell
from prospects.queries.suppressions import EXPORT_COLUMNS, export_rows


def export_text(*, by: Actor, now: datetime) -> str:
    """CSV of what is suppressed now. Audited: it may name people."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(EXPORT_COLUMNS)
    count = 0
    for row in export_rows():
        writer.writerow([safe_cell(cell) for cell in row])
        count += 1
    write_audit(by=by, action="suppression.exported", now=now, target_type="suppression", label=f"{count} rows")
    return out.getvalue()
