"""Row locks, always in the order of the primary key, so that two who lock the same rows never wait for each other.

Across tables the order is: lead, hand-off or deal, company, customer, engagement.
"""

from django.db.models import QuerySet


def lock[T: QuerySet](rows: T) -> T:
    """The rows, locked until the transaction ends. NO KEY UPDATE: rows that refer to them can still be written."""
    return rows.order_by("pk").select_for_update(of=("self",), no_key=True)
