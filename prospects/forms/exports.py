"""The rows an export takes: those of the list under the same query string."""

from typing import Any

from django.db.models import QuerySet

from leadgen.core.errors import Invalid
from prospects.forms.fields import ListFilter


def filtered(request: Any, filter_class: type[ListFilter], rows: QuerySet[Any]) -> tuple[QuerySet[Any], list[str]]:
    """The rows, newest first, and the filters in words. Raises Invalid for a filter that cannot be read: a list leaves it
    out and says so, a file would hold more than was asked for."""
    filters = filter_class(request.GET, queryset=rows, request=request)
    if not filters.form.is_valid():
        name, errors = next(iter(filters.form.errors.items()))
        raise Invalid(f"The filter {name} cannot be read: {errors[0]}", field=str(name))
    return filters.qs.order_by("-created_at", "-pk"), [chip["label"] for chip in filters.chips()]
