"""Row locks, always in the order of the primary key, so that two who lock the same rows never wait for each other.

Across tables the order is: lead, hand-off or deal, company, customer, engagement.
"""

from django.db.models import QuerySet

from leadgen.core.tenancy import TenantModel


def lock[T: QuerySet](rows: T) -> T:
    """The rows, locked until the transaction ends. NO KEY UPDATE: rows that refer to them can still be written."""
    return rows.order_by("pk").select_for_update(of=("self",), no_key=True)


def lock_row[M: TenantModel](row: M, *related: str) -> M:
    """Lock one row and bring the passed instance up to date with it; returns that instance. DoesNotExist if it is gone.

    What the caller still holds then shows what the action did, not what stood on their screen.
    """
    rows = type(row).objects.filter(pk=row.pk)
    fresh = lock(rows.select_related(*related) if related else rows).get()
    for field in row._meta.concrete_fields:
        setattr(row, field.attname, getattr(fresh, field.attname))
    row._state.fields_cache = fresh._state.fields_cache
    return row
